//! Elementwise functions.

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool;

/// Minimum elements per thread for waking it to pay off.
pub(crate) const CHUNK: usize = 1 << 15;

/// Elements in a block of a loop. The compiler treats a nested loop as hot, and so inlines larger functions there.
const BLOCK: usize = 256;

/// y = f(x).
///
/// # Panics
/// If the lengths differ.
pub fn map<T: Real>(x: &[T], y: &mut [T], f: impl Fn(T) -> T + Sync) {
    assert_eq!(x.len(), y.len());
    pool::for_each_chunk(y, CHUNK, |i, y| {
        let x = &x[i * CHUNK..][..y.len()];
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_mut(BLOCK).zip(x.chunks(BLOCK)) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = f(x);
                    }
                }
            },
        );
    });
}

/// y = x.
///
/// # Panics
/// If the lengths differ.
pub fn copy<T: Real>(x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len());
    pool::for_each_chunk(y, CHUNK, |i, y| y.copy_from_slice(&x[i * CHUNK..][..y.len()]));
}

/// y = f(y).
pub fn map_in_place<T: Real>(y: &mut [T], f: impl Fn(T) -> T + Sync) {
    pool::for_each_chunk(y, CHUNK, |_, y| {
        vectorised(
            #[inline(always)]
            || {
                for y in y.chunks_mut(BLOCK) {
                    for y in y.iter_mut() {
                        *y = f(*y);
                    }
                }
            },
        );
    });
}

/// y = f(a, b).
///
/// # Panics
/// If the lengths differ.
pub fn zip<T: Real>(a: &[T], b: &[T], y: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    assert!(a.len() == y.len() && b.len() == y.len());
    pool::for_each_chunk(y, CHUNK, |i, y| {
        let (a, b) = (&a[i * CHUNK..][..y.len()], &b[i * CHUNK..][..y.len()]);
        vectorised(
            #[inline(always)]
            || {
                for ((y, a), b) in y.chunks_mut(BLOCK).zip(a.chunks(BLOCK)).zip(b.chunks(BLOCK)) {
                    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                        *y = f(a, b);
                    }
                }
            },
        );
    });
}

/// y = f(y, x).
///
/// # Panics
/// If the lengths differ.
pub fn zip_in_place<T: Real>(y: &mut [T], x: &[T], f: impl Fn(T, T) -> T + Sync) {
    assert_eq!(x.len(), y.len());
    pool::for_each_chunk(y, CHUNK, |i, y| {
        let x = &x[i * CHUNK..][..y.len()];
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_mut(BLOCK).zip(x.chunks(BLOCK)) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = f(*y, x);
                    }
                }
            },
        );
    });
}
