//! `thalweg lr-find DATA`: the learning rate at which the cost falls fastest.

use std::path::Path;

use clap::ArgMatches;
use thalweg::report::Theme;
use thalweg::tune::learning_rate::{self, RangeTest};

use super::output;
use crate::args;
use crate::print;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    let number = |name: &str| *matches.get_one::<f64>(name).expect("it has a default");
    let count = |name: &str| *matches.get_one::<usize>(name).expect("it has a default");
    let test =
        RangeTest { low: number("lowest"), high: number("highest"), steps: count("steps"), seeds: count("seeds") };
    let picture = matches.get_one::<String>("picture").map(Path::new);
    let kind = picture.map(|path| path.extension().and_then(|extension| extension.to_str()).unwrap_or_default());
    if let Some(other) = kind.filter(|kind| !["svg", "png"].contains(kind)) {
        let error = thalweg::Error::config(format!("found a picture of kind {other:?}, expected svg or png"));
        return Err(error.at("--picture").fix("name a file such as rates.svg").into());
    }
    if let Some(path) = picture {
        output::refuse_inputs(matches, Some(&config), ("--picture", path))?;
    }
    let rates = learning_rate::find(&config, test)?;
    if let Some(path) = picture {
        let figure = thalweg::tune::rates_figure(&rates);
        let bytes = if kind == Some("png") { figure.png(Theme::Light)? } else { figure.svg.into_bytes() };
        thalweg::io::atomic::write(path, &bytes)?;
    }
    if matches.get_flag("json") {
        print::json(&serde_json::to_value(&rates)?)?;
    } else {
        print::rates(&rates, picture)?;
    }
    Ok(0)
}
