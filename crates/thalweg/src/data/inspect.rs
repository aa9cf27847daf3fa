//! A profile of a data file.
