//! `thalweg check DATA`: gradient checking of a network on its data.

use clap::ArgMatches;
use thalweg::network::gradient_check::CheckSettings;

use crate::{args, print};

/// Examples in the cost: enough to be representative, few enough to be quick.
const ROWS: usize = 64;

/// Runs the verb; returns the exit code: 4 if a gradient is wrong.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    let steps = *matches.get_one::<usize>("after-steps").expect("it has a default");
    let epsilon = *matches.get_one::<f64>("epsilon-check").expect("it has a default");
    if !(epsilon > 0.0 && epsilon < 0.1) {
        let error = thalweg::Error::config(format!("found {epsilon}, expected a number above 0 and below 0.1"));
        return Err(error.at("--epsilon-check").fix("1e-6 suits most networks").into());
    }
    let reports = thalweg::run::check(&config, steps, epsilon, ROWS)?;
    let passed = reports.iter().all(|(_, report)| report.passed);
    if matches.get_flag("json") {
        let worst = reports.iter().max_by(|a, b| a.1.relative_difference.total_cmp(&b.1.relative_difference));
        let (_, worst) = worst.expect("there is a check at initialisation");
        let mut object = serde_json::to_value(worst)?;
        object["passed"] = passed.into();
        print::json(&object)?;
    } else {
        for (steps, report) in &reports {
            print::gradient_report(*steps, report, CheckSettings::default().tolerance)?;
        }
    }
    Ok(if passed { 0 } else { 4 })
}
