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

/// Prints what is wrong with the command line; of a long argument its beginning and end.
fn usage(error: &clap::Error) {
    let text = error.render();
    if text.to_string().lines().all(|line| line.len() < 1000) {
        _ = error.print();
    } else {
        text.to_string().lines().for_each(|line| print::note(&thalweg::brief(line, 500)));
    }
}

/// Tells what went wrong; gives the exit code.
fn failed(error: anyhow::Error) -> ExitCode {
    let error = match error.downcast::<std::io::Error>() {
        // Whoever read our output has stopped reading, as `head` does.
        Ok(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Ok(error) => match error.downcast::<thalweg::Error>() {
            Ok(named) => named.into(),
            // Files are named by those who write them: what is left is our output.
            Err(error) => thalweg::Error::io(thalweg::Kind::Config, "standard output", "write", &error)
                .fix("free space where it goes, or name another file")
                .into(),
        },
        Err(error) => error,
    };
    print::error(&error);
    let code = error.downcast_ref::<thalweg::Error>().map_or(1, |error| error.kind.exit_code());
    ExitCode::from(code as u8)
}
