//! The command as its users type it, in one program that is linked once.

mod bad_input;
mod cards;
mod command;
mod comparisons;
mod doctor;
mod explanations;
mod folds;
#[cfg(unix)]
mod interrupted;
mod malformed_models;
#[cfg(target_os = "linux")]
mod memory_limit;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg(unix)]
mod output_files;
mod pictures;
mod sequences;
mod sounds;
mod tasks;
mod tune;
