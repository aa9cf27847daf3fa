//! Thalweg trains neural networks: from a table to a checked, exported network.
#![forbid(unsafe_code)]

pub mod data;
mod error;
pub mod metrics;
pub mod report;
pub mod spec;
pub mod train;

pub use error::{Error, Kind, Result, did_you_mean, nearest};
