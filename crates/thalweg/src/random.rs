//! What random numbers are drawn for.
//!
//! Randomness is a function of (seed, purpose, epoch, example, element), so it does not depend on threads, on where
//! batches begin or on what was drawn before.

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
    // Odd multiples of a seed differ for each window.
    Stream::new(seed.wrapping_add(u64::from(window) << 32 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), 4).epoch(epoch)
}

/// How the examples of an epoch are changed.
pub(crate) fn augment(seed: u64, epoch: u32) -> Stream {
    Stream::new(seed, 5).epoch(epoch)
}

/// Directions and samples of the gradient check.
pub(crate) fn check(seed: u64) -> Stream {
    Stream::new(seed, 3)
}

/// Rows on which an export is proved.
#[cfg(feature = "onnx")]
pub(crate) fn export(seed: u64) -> Stream {
    Stream::new(seed, 7)
}

/// The noise that layer number `layer` adds in an epoch of training.
pub(crate) fn layer(seed: u64, layer: u32, epoch: u32) -> Stream {
    Stream::new(seed, 1024 + layer).epoch(epoch)
}

/// The values that a search tries, attempt by attempt.
#[cfg(feature = "tune")]
pub(crate) fn search(seed: u64, attempt: u32) -> Stream {
    Stream::new(seed, 6).epoch(attempt)
}

/// Seed number `n` beside a seed: what is trained again to tell chance from merit.
#[cfg(feature = "tune")]
pub(crate) fn other_seed(seed: u64, n: u64) -> u64 {
    seed.wrapping_add(n)
}
