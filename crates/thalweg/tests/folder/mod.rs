//! Folders with one example per file, for tests.

use std::fs;
use std::path::PathBuf;

use thalweg::Error;
use thalweg::config;
use thalweg::data::arrays::Arrays;
use thalweg::data::source::{self, Source};

/// A temporary folder, deleted afterwards.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    /// The path of a file in it, with its parent folder created.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(name), bytes).unwrap();
    }

    pub(crate) fn path(&self) -> String {
        self.0.path().display().to_string()
    }
}

/// The examples of a non-tabular source.
pub(crate) fn arrays(path: &str, options: &config::Data) -> Result<Arrays, Error> {
    match source::open(path, options)? {
        Source::Arrays(arrays) => Ok(*arrays),
        Source::Table(_) => panic!("files of examples are no table"),
    }
}
