//! Training: the loop, what it keeps and what it tells.

mod batches;
pub mod event;
mod fit;
mod state;

pub use batches::Examples;
pub use fit::{End, Settings, Trainer, Watcher, predict};
pub use state::{Best, State};
