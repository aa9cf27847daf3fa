//! The project's own commands: `cargo xtask test` runs all checks required before merging a change.

mod bench;
mod dist;
mod python;
mod quality;
mod step;
mod test;
mod web;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  test             Formatting, lints, documentation, tests, doctests, the live page, the Python package and licences, in
                   this order
  python           The tests of the Python package alone
  web              The checks and tests of the live page alone
  options          The keywords of the Python package, written from the options
  dist             What a release page holds, in dist/: the program, completions, manual, wheel, checksums
  quality [DATA]   Whether default settings reach the accuracy promised; DATA are names of data sets
  quality --peers  Default settings on tables beside other libraries, on the same splits
                   [--sets a,b] [--systems a,b] [--seeds 0,1,2] [--markdown FILE] [-- FLAGS OF thalweg train]
  quality --doctor Whether the doctor names planted faults first, and what it prescribes helps; [PART OF A NAME]
  bench            Thalweg beside the peers that python3 (or THALWEG_BENCH_PYTHON) has installed
                   [--only w1,w2] [--ours-only] [--threads 2] [--rounds 3] [--json FILE] [--picture FILE.svg]
                   [--scaling FILE.svg] [--wide FILE.svg]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::run(),
        ["python"] => test::python(),
        ["web"] => test::web(),
        ["options"] => python::options(),
        ["dist"] => dist::run(),
        ["bench", ref flags @ ..] => bench::run(flags),
        ["quality", ref names @ ..] => quality::run(names),
        [] | ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("error: unknown command {:?}\n\n{USAGE}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nFAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}
