//! Model files whose parts disagree, each with a checksum that is right: refused with the file's name and what disagrees,
//! or of use.

mod checkpoints;
mod models;
mod named;
mod variants;
