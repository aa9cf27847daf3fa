//! Steps: other programs, run in sequence with their output shown live.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Test counts parsed from the output of test runners.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed.
    pub(crate) failed: usize,
    /// Tests that were skipped.
    pub(crate) ignored: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl Counts {
    /// The counts in a runner's line: `test result: ok. 3 passed; 0 failed; 1 ignored; …` (cargo test),
    /// `Summary [ 0.1s] 4 tests run: 3 passed, 1 failed, 1 skipped` (nextest),
    /// `3 passed, 1 failed, 1 skipped in 0.1s` (pytest), or one of `# pass 3`, `# fail 1`, `# skipped 1` (node).
    fn of_line(line: &str) -> Option<Counts> {
        let line = line.trim_start();
        if let Some(of_node) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))
            && let Some((what, count)) = of_node.split_once(' ')
            && let Ok(count) = count.parse()
        {
            let none = Counts::default();
            return match what {
                "pass" => Some(Counts { passed: count, ..none }),
                "fail" => Some(Counts { failed: count, ..none }),
                "skipped" => Some(Counts { ignored: count, ..none }),
                _ => None,
            };
        }
        let is_summary = line.starts_with("test result:") || (line.starts_with("Summary [") && line.contains("run:"));
        let is_pytest = line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(" in ");
        let of_pytest = is_pytest && (line.contains(" passed") || line.contains(" failed"));
        if !is_summary && !of_pytest {
            return None;
        }
        let words: Vec<&str> = line.split([' ', ';', ',', ':']).filter(|word| !word.is_empty()).collect();
        let before = |name: &str| {
            words.windows(2).find(|pair| pair[1] == name).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
        };
        Some(Counts {
            passed: before("passed"),
            failed: before("failed"),
            ignored: before("ignored") + before("skipped"),
        })
    }
}

/// Announces and runs a step: shows its program's output live and counts the tests in it.
///
/// # Errors
/// If the program cannot be started or fails; `remedy` says what to do then.
pub(crate) fn run(name: &str, remedy: &str, command: Command) -> Result<Counts> {
    side_by_side(name, remedy, [command])
}

/// The same for programs that run concurrently, with interleaved lines of output.
///
/// # Errors
/// If one cannot be started or fails.
pub(crate) fn side_by_side<const N: usize>(name: &str, remedy: &str, commands: [Command; N]) -> Result<Counts> {
    let start = Instant::now();
    let (mut counts, mut failed) = (Counts::default(), None);
    for command in &commands {
        println!("\n== {name}: {}", typed(command));
    }
    let ended = std::thread::scope(|scope| {
        let running = commands.map(|command| scope.spawn(move || watched(name, command)));
        running.map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    for one in ended {
        let (more, status) = one?;
        counts += more;
        failed = failed.or((!status.success()).then_some(status));
    }
    if let Some(status) = failed {
        bail!("{name} ({status})\n  fix: {remedy}");
    }
    println!("== {name}: ok, {:.0} s", start.elapsed().as_secs_f64());
    Ok(counts)
}

/// A command as typed in a shell.
fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a program to completion, showing its output.
fn watched(name: &str, mut command: Command) -> Result<(Counts, ExitStatus)> {
    // One pipe for both streams keeps their order, and counts nextest's summary, which goes to standard error.
    let (output, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("{name}: cannot start {:?}", typed(&command)))?;
    // Its ends of the pipe would keep `show` blocked.
    drop(command);
    let counts = show(output)?;
    Ok((counts, child.wait()?))
}

fn show(output: impl Read) -> Result<Counts> {
    let mut counts = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some(more) = Counts::of_line(&line) {
            counts += more;
        }
        println!("{line}");
    }
    Ok(counts)
}

/// Whether a cargo subcommand is installed.
pub(crate) fn has(subcommand: &str) -> bool {
    tells_its_version(Command::new("cargo").arg(subcommand))
}

/// Whether a program is installed.
pub(crate) fn is_there(program: &str) -> bool {
    tells_its_version(&mut Command::new(program))
}

fn tells_its_version(command: &mut Command) -> bool {
    let told = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    told.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_both_runners() {
        let cargo = "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.01s";
        assert_eq!(Counts::of_line(cargo), Some(Counts { passed: 12, failed: 1, ignored: 2 }));
        let nextest = "     Summary [   0.123s] 15 tests run: 12 passed, 3 failed, 2 skipped";
        assert_eq!(Counts::of_line(nextest), Some(Counts { passed: 12, failed: 3, ignored: 2 }));
        let pytest = "1 failed, 12 passed, 2 skipped, 3 warnings in 4.56s";
        assert_eq!(Counts::of_line(pytest), Some(Counts { passed: 12, failed: 1, ignored: 2 }));
        assert_eq!(Counts::of_line("# pass 12"), Some(Counts { passed: 12, failed: 0, ignored: 0 }));
        assert_eq!(Counts::of_line("ℹ skipped 2"), Some(Counts { passed: 0, failed: 0, ignored: 2 }));
        assert_eq!(Counts::of_line("# tests 14"), None);
        assert_eq!(Counts::of_line("test nothing ... ok"), None);
    }
}
