//! Memory that is asked for before it is read; what is asked for need not be there.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// Has the memory bring a number's line into the second cache, which waits for more lines at a time than the first.
#[inline(always)]
pub(crate) fn prefetch_l2<T>(number: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch reads nothing into the program, wherever it points.
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(number.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}

/// Has the memory bring a number's line into the first cache, where it is read soon, and too many share its places in the
/// second.
#[inline(always)]
pub(crate) fn prefetch_l1<T>(number: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as above.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(number.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}
