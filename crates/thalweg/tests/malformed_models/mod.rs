//! Model files with inconsistent parts and a valid checksum: rejected with the file's name and the inconsistency, or
//! usable.

mod checkpoints;
mod models;
mod named;
mod variants;
