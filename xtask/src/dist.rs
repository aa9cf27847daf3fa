//! `cargo xtask dist`: the release files, in `dist/`: an archive of the program with its completions and manual, the
//! Python wheel, and the checksums of both.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::python;
use crate::step;
use crate::test::{cargo, root};

/// Each shell, and the file name of its completions.
const SHELLS: [(&str, &str); 3] = [("bash", "thalweg.bash"), ("zsh", "_thalweg"), ("fish", "thalweg.fish")];

/// Rebuilds everything into `dist/`.
///
/// # Errors
/// If a step fails, or no Python is available to build the wheel.
pub(crate) fn run() -> Result<()> {
    let Some(python) = python::interpreter() else { bail!("no Python 3.11 or newer\n  fix: install it, with pip") };
    let dist = root().join("dist");
    fs::remove_dir_all(&dist)
        .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    let build = cargo(&["build", "--release", "--package", "thalweg-cli", "--features", "parquet"]);
    step::run("program", "mend what the compiler names", build)?;

    let name = format!("thalweg-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    let folder = dist.join(&name);
    fs::create_dir_all(folder.join("completions"))?;
    let file = format!("thalweg{}", std::env::consts::EXE_SUFFIX);
    let program = folder.join(&file);
    fs::copy(root().join("target/release").join(file), &program)?;
    if cfg!(unix) {
        let mut strip = Command::new("strip");
        strip.arg(&program);
        step::run("strip", "install binutils", strip)?;
    }
    for (shell, file) in SHELLS {
        fs::write(folder.join("completions").join(file), printed(&program, &["completions", shell])?)?;
    }
    fs::write(folder.join("thalweg.1"), printed(&program, &["man"])?)?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let mut archive = Command::new("tar");
    archive.arg("-czf").arg(dist.join(format!("{name}.tar.gz"))).arg("-C").arg(&dist).arg(&name);
    step::run("archive", "install tar", archive)?;

    let mut wheel = Command::new(&python);
    wheel.args(["-m", "pip", "wheel", "--no-deps", "--quiet", "--disable-pip-version-check", "--wheel-dir"]);
    wheel.arg(&dist).arg(root());
    step::run("wheel", "see what pip says above", wheel)?;

    fs::write(dist.join("SHA256SUMS"), checksums(&python, &dist)?)?;
    println!("\n{}:", dist.display());
    for entry in fs::read_dir(&dist)?.collect::<Result<Vec<_>, _>>()? {
        println!("  {:>9.1} MB  {}", entry.metadata()?.len() as f64 / 1e6, entry.file_name().to_string_lossy());
    }
    Ok(())
}

/// The output of the program.
fn printed(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        bail!("{} {}: {}", program.display(), arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// The SHA-256 of each file in a folder, in the format of `sha256sum --check`.
fn checksums(python: &Path, folder: &Path) -> Result<Vec<u8>> {
    let script = "import hashlib, pathlib, sys\n\
                  for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n    \
                      if path.is_file(): print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name, sep='  ')";
    printed(python, &["-c", script, &folder.display().to_string()])
}
