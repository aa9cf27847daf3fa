//! The `thalweg` command: from a table to a trained network.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod print;

use std::process::ExitCode;

fn main() -> ExitCode {
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
                return ExitCode::from(2);
            }
            return error.print().map_or_else(|error| failed(error.into()), |()| ExitCode::SUCCESS);
        }
    };
    let (verb, matches) = matches.subcommand().expect("clap asks for a verb");
    commands::run(verb, matches).map_or_else(failed, ExitCode::from)
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
fn failed(error: anyhow::Error) -> ExitCode {
    let error = match error.downcast::<std::io::Error>() {
        // The reader of our output has stopped reading, as `head` does.
        Ok(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
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
    let code = error.downcast_ref::<thalweg::Error>().map_or(1, |error| error.kind.exit_code());
    ExitCode::from(code as u8)
}
