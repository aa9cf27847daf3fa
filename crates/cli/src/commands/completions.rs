//! `thalweg completions SHELL` and `thalweg man`: shell completions and the manual page, generated from the command
//! line.

use std::io::Write;

use clap::ArgMatches;
use clap_complete::Shell;

use crate::args::command;

/// Prints a shell's completion script.
pub(super) fn completions(matches: &ArgMatches) -> anyhow::Result<u8> {
    let shell = *matches.get_one::<Shell>("shell").expect("clap has asked for it");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "thalweg", &mut script);
    print(&script)
}

/// Prints the manual page: the command, then each verb.
pub(super) fn man() -> anyhow::Result<u8> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command()).render(&mut page)?;
    for verb in command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("thalweg {}", verb.get_name());
        let verb = clap_mangen::Man::new(verb.clone().bin_name(&name).name(name.clone()));
        writeln!(page, ".SH {}", name.to_uppercase())?;
        verb.render_description_section(&mut page)?;
        verb.render_options_section(&mut page)?;
    }
    print(&page)
}

fn print(text: &[u8]) -> anyhow::Result<u8> {
    std::io::stdout().write_all(text)?;
    Ok(0)
}
