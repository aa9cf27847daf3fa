//! The live page: runs in a browser, as they train and afterwards.
//!
//! One thread serves a folder of runs over HTTP/1.1. Nothing is kept besides what the run folders hold: what the page shows
//! is read from their event logs, and what it changes (labels, a request to stop, a deleted run) it changes there. Only the
//! networks of the playground are held in memory. By default only this machine can connect; for any other address a token
//! is asked for.
//!
//! ```no_run
//! let page = thalweg_ui::open("runs".as_ref(), "127.0.0.1".parse().unwrap(), None)?;
//! println!("{}", page.url());
//! page.wait();
//! # Ok::<(), thalweg::Error>(())
//! ```
#![forbid(unsafe_code)]

mod answer;
mod api;
mod assets;
mod comparison;
mod configuration;
mod curves;
mod event_log;
mod file_version;
mod form;
mod guard;
mod playground;
mod run_list;
mod server;
mod stream;
mod studies;

pub use server::{Page, open};
