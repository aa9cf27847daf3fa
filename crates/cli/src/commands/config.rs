//! `thalweg config`: every option with its default and meaning.

use std::io::Write;

use clap::ArgMatches;

use crate::args;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let text = match (matches.get_flag("schema"), matches.get_flag("json")) {
        (true, _) => format!("{}\n", serde_json::to_string_pretty(&thalweg::config::json_schema())?),
        (false, true) => format!("{}\n", serde_json::to_string(&config)?),
        (false, false) => config.to_toml(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(0)
}
