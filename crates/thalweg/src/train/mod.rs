//! Training: the loop, what it keeps and what it tells.

mod augment;
mod batches;
mod checkpoint;
pub mod event;
mod fit;
mod from_disk;
pub(crate) mod keep;
mod log;
mod parts;
mod run_folder;
mod state;

pub use augment::{Augmentation, Augmented, Changes, ImageChanges, Mix};
#[cfg(feature = "sounds")]
pub use augment::{SoundChanges, SoundStrengths};
pub use batches::{Batch, Epoch, Examples, TrainingSet};
pub use checkpoint::Checkpoint;
pub use fit::{End, Settings, Trainer, Watcher, predict};
pub use from_disk::FromDisk;
pub use log::EventLog;
pub use run_folder::RunFolder;
pub(crate) use run_folder::taken;
pub use state::{Best, State};
