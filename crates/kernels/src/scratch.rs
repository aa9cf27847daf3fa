//! Per-thread scratch buffers, reused from call to call.

use std::cell::RefCell;

use crate::Real;

/// A cache line.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Line {
    _words: [u64; 8],
}

/// Runs `f` with a scratch buffer of `len` elements, whose contents are unspecified.
pub(crate) fn with_scratch<T: Real, R>(len: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    thread_local! {
        /// One buffer for each level of nested calls.
        static BUFFERS: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.resize(buffer.len().max((len * size_of::<T>()).div_ceil(size_of::<Line>())), Line::default());
    // SAFETY: the lines have as many bytes, are aligned for any element type, and any bits are a valid value.
    let result = f(unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), len) });
    BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
    result
}
