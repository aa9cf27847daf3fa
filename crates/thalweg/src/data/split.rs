//! Which rows are train, dev and test.
