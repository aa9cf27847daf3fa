//! Thalweg trains neural networks: from a table to a checked, exported network.
#![forbid(unsafe_code)]

pub mod average;
mod cholesky;
pub mod config;
pub mod data;
pub mod doctor;
mod error;
pub mod event;
pub mod explain;
pub mod export;
pub mod findings;
pub mod import;
pub mod init;
pub mod io;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod network;
pub mod optimizers;
pub mod random;
pub mod ranks;
pub mod recipe;
pub mod report;
pub mod run;
pub mod schedule;
mod sequential;
pub mod task;
pub mod tensor;
pub mod train;
#[cfg(feature = "tune")]
pub mod tune;
mod windows;

/// The README's code, so that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub mod readme {}

pub use error::{Advice, AdvicePart, Error, ErrorKind, Result, brief, did_you_mean, nearest};
pub use run::Training;
pub use sequential::{Sequential, TrainedNetwork};
pub use task::Task;
