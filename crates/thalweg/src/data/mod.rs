//! From files to batches: source → schema → split → pipeline → batches.

pub mod dataset;
mod dates;
pub mod inspect;
pub mod notation;
pub mod preprocess;
pub mod schema;
pub mod split;
pub mod table;
pub mod target;
