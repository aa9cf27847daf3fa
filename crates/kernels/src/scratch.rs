//! Room for what is computed on the way.

use std::cell::RefCell;

use crate::Real;

/// A line of memory.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Line {
    _words: [u64; 8],
}

/// Runs `f` with room for so many numbers, which holds anything, kept by this thread from call to call.
pub(crate) fn with_scratch<T: Real, R>(numbers: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    thread_local! {
        /// A room for each call within a call.
        static ROOMS: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
    }
    let mut room = ROOMS.with_borrow_mut(Vec::pop).unwrap_or_default();
    room.resize(room.len().max((numbers * size_of::<T>()).div_ceil(size_of::<Line>())), Line::default());
    // SAFETY: the lines are as many bytes, aligned for any number, and any bits are a number.
    let result = f(unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast(), numbers) });
    ROOMS.with_borrow_mut(|rooms| rooms.push(room));
    result
}
