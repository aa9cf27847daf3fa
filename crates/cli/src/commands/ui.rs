//! `thalweg ui [RUNS]`: the live page.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use clap::ArgMatches;
use thalweg::config::Config;
use thalweg_ui::Page;

use super::argument;
use crate::print::{self, Progress};

/// Runs the verb: serves until the process is ended.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let address = matches.get_one("host").copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let page = thalweg_ui::open(Path::new(argument(matches, "runs")), address, matches.get_one("port").copied())?;
    if !address.is_loopback() {
        print::warning(
            "other machines can connect, and what they send can be read on the way: share the address with care",
        );
    }
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "url": page.url() }))?;
    } else {
        print::line(&format!("page     {}  (Ctrl-C ends)", page.url()))?;
    }
    page.wait();
    Ok(0)
}

/// Serves the page that a training is shown on, if `train --ui` asks for it.
pub(super) fn beside_training(matches: &ArgMatches, config: &Config) -> anyhow::Result<Option<Page>> {
    if !matches.get_flag("ui") {
        return Ok(None);
    }
    let out = config.output.out.as_deref().map(Path::new);
    let runs = out.and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
    let runs = runs.unwrap_or(Path::new(if out.is_some() { "." } else { "runs" }));
    std::fs::create_dir_all(runs).map_err(|error| {
        thalweg::Error::io(thalweg::ErrorKind::Config, runs, "make the folder of runs", &error)
            .fix("choose another folder with --out")
    })?;
    let page = thalweg_ui::open(runs, Ipv4Addr::LOCALHOST.into(), None)?;
    print::note(&format!("page     {}", page.url()));
    Ok(Some(page))
}

/// Keeps the page after training, until a signal comes.
pub(super) fn stay(page: Option<Page>, progress: &Progress) {
    if let Some(page) = page
        && !progress.is_signalled()
    {
        print::note(&format!("the page stays at {} until Ctrl-C", page.url()));
        progress.wait_for_signal();
    }
}
