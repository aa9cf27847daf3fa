//! The page of `thalweg ui`: its sources are checked, its built files are those of the sources, and it is tried in a browser.

use std::process::Command;

use anyhow::{Result, bail};

use crate::step::{self, Counts};
use crate::test::root;

/// What Vite writes, and the crate embeds.
const FILES: [&str; 3] = ["index.html", "app.js", "app.css"];
/// Where Debian and others put the browser; CHROMIUM names another.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Checks and tries the page; what has to be skipped is returned with why.
///
/// # Errors
/// If a check fails.
pub(crate) fn run() -> Result<(Counts, Vec<String>)> {
    if !step::is_there("npm") {
        return Ok((
            Counts::default(),
            vec!["the page's tests: npm was not found (it comes with Node 20 or newer)".into()],
        ));
    }
    step::run("page: packages", "see whether npm reaches its registry", npm(&["ci", "--no-audit", "--no-fund"]))?;
    step::run("page: types", "mend what TypeScript names", npm(&["run", "check"]))?;
    let built = root().join("target/web");
    let out = ["run", "build", "--", "--emptyOutDir", "--outDir", &built.to_string_lossy()];
    step::run("page: build", "mend what Vite names", npm(&out))?;
    for name in FILES {
        let embedded = root().join("crates/ui/assets").join(name);
        if std::fs::read(built.join(name))? != std::fs::read(&embedded)? {
            bail!("{} is not built from web/\n  fix: run npm run build in web/, and commit it", embedded.display());
        }
    }
    let mut counts = step::run("page: units", "mend the tests named above", npm(&["test"]))?;
    let browser = std::env::var("CHROMIUM")
        .ok()
        .or_else(|| BROWSERS.iter().find(|path| std::path::Path::new(path).is_file()).map(ToString::to_string));
    let Some(browser) = browser else {
        return Ok((counts, vec!["the page in a browser: Chromium was not found (CHROMIUM names it)".into()]));
    };
    let mut tried = npm(&["run", "e2e"]);
    let program = format!("target/debug/thalweg{}", std::env::consts::EXE_SUFFIX);
    tried.env("CHROMIUM", browser).env("THALWEG", root().join(program));
    counts += step::run("page: in a browser", "mend the tests named above", tried)?;
    Ok((counts, Vec::new()))
}

fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(root().join("web"));
    command
}
