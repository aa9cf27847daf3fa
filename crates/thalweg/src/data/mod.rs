//! From files to batches: source → schema → split → pipeline → batches.

pub mod schema;
pub mod table;
