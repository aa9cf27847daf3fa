//! The random streams, by purpose.
//!
//! Randomness is a function of (seed, purpose, epoch, example, element), so it does not depend on threads, on batch
//! boundaries or on earlier draws.

pub use thalweg_kernels::random::Stream;

/// Initial values of parameter number `parameter` of a network.
pub(crate) fn initial(seed: u64) -> Stream {
    Stream::new(seed, 1)
}

/// The order of the examples in an epoch.
pub(crate) fn shuffle(seed: u64, epoch: u32) -> Stream {
    Stream::new(seed, 2).epoch(epoch)
}

/// The order of the rows in window number `window` of an epoch whose rows come from disk.
pub(crate) fn shuffle_window(seed: u64, epoch: u32, window: u32) -> Stream {
    // Multiplication by an odd constant keeps the seeds of different windows distinct.
    Stream::new(seed.wrapping_add(u64::from(window) << 32 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), 4).epoch(epoch)
}

/// The augmentation of the examples of an epoch.
pub(crate) fn augment(seed: u64, epoch: u32) -> Stream {
    Stream::new(seed, 5).epoch(epoch)
}

/// Directions and samples of the gradient check.
pub(crate) fn check(seed: u64) -> Stream {
    Stream::new(seed, 3)
}

/// Rows on which an export is verified.
#[cfg(feature = "onnx")]
pub(crate) fn export(seed: u64) -> Stream {
    Stream::new(seed, 7)
}

/// Shuffle or permutation number `number` of an explanation.
pub(crate) fn explain(seed: u64, number: u32) -> Stream {
    Stream::new(seed, 8).epoch(number)
}

/// The rows drawn for resample number `number`.
pub(crate) fn resample(seed: u64, number: u32) -> Stream {
    Stream::new(seed, 12).epoch(number)
}

/// The noise that layer number `layer` adds in a training epoch.
pub(crate) fn layer(seed: u64, layer: u32, epoch: u32) -> Stream {
    Stream::new(seed, 1024 + layer).epoch(epoch)
}

/// The values that a search proposes, attempt by attempt.
#[cfg(feature = "tune")]
pub(crate) fn search(seed: u64, attempt: u32) -> Stream {
    Stream::new(seed, 6).epoch(attempt)
}

/// Seed number `n` derived from a seed: for retraining to tell noise from merit.
#[cfg(feature = "tune")]
pub(crate) fn other_seed(seed: u64, n: u64) -> u64 {
    seed.wrapping_add(n)
}
