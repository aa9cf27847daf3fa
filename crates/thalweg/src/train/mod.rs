//! Training: the loop, its state and its callbacks.

mod augment;
mod batches;
mod callback;
mod data_parallel;
mod fit;
mod folds;
mod freeze;
mod from_disk;
mod reduction;
mod state;
mod team;

pub use augment::{Augmentation, Augmented, Changes, ImageChanges, Mix};
#[cfg(feature = "sounds")]
pub use augment::{SoundChanges, SoundStrengths};
pub(crate) use batches::epoch_order;
pub use batches::{Batch, Epoch, EpochBatches, TensorDataset, TrainingSet};
pub use callback::Callback;
pub(crate) use fit::predict_held_out;
pub use fit::{StopReason, TrainSettings, Trainer, predict};
pub use folds::Folds;
pub use freeze::Freeze;
pub use from_disk::FromDisk;
pub use reduction::Share;
pub use state::{Best, State};
