//! The `thalweg` command: from a table to a trained network.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod print;
#[cfg(feature = "mpi")]
mod ranks;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "mpi")]
    let code = ranks::run(run);
    #[cfg(not(feature = "mpi"))]
    let code = run();
    ExitCode::from(code.unwrap_or_else(|failed| failed))
}

/// Does what the command line says; returns the exit code, as an error where it failed.
fn run() -> Result<u8, u8> {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !thalweg::data::source::panics_are_errors() {
            tell(panic);
        }
    }));
    let matches = match args::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            if error.use_stderr() {
                usage(&error);
                return Err(2);
            }
            return error.print().map(|()| 0).map_err(|error| failed(error.into()));
        }
    };
    let (verb, matches) = matches.subcommand().expect("clap asks for a verb");
    commands::run(verb, matches).map_err(failed)
}

/// Prints a usage error; long arguments are shortened in the middle.
fn usage(error: &clap::Error) {
    let text = error.render();
    if text.to_string().lines().all(|line| line.len() < 1000) {
        _ = error.print();
    } else {
        text.to_string().lines().for_each(|line| print::note(&thalweg::brief(line, 500)));
    }
}

/// Prints an error; returns the exit code.
fn failed(error: anyhow::Error) -> u8 {
    let error = match error.downcast::<std::io::Error>() {
        // The reader of our output has stopped reading, as `head` does.
        Ok(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return 0,
        Ok(error) => match error.downcast::<thalweg::Error>() {
            Ok(named) => named.into(),
            // Errors on files are reported with their names where they occur: what is left is standard output.
            Err(error) => thalweg::Error::io(thalweg::ErrorKind::Config, "standard output", "write", &error)
                .fix("free space where it goes, or name another file")
                .into(),
        },
        Err(error) => error,
    };
    print::error(&error);
    error.downcast_ref::<thalweg::Error>().map_or(1, |error| error.kind.exit_code()) as u8
}
