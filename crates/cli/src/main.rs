//! The `thalweg` command: from a table to a trained network.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod print;

use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = match args::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let usage = error.use_stderr();
            _ = error.print();
            return ExitCode::from(if usage { 2 } else { 0 });
        }
    };
    let (verb, matches) = matches.subcommand().expect("clap asks for a verb");
    match commands::run(verb, matches) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error);
            let code = error.downcast_ref::<thalweg::Error>().map_or(1, |error| error.kind.exit_code());
            ExitCode::from(code as u8)
        }
    }
}

/// Whether whoever read our output has stopped reading, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
