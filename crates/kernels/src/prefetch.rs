//! Software prefetch. The address need not be valid.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// Prefetches a cache line into L2, which can have more misses outstanding than L1.
#[inline(always)]
pub(crate) fn prefetch_l2<T>(number: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch has no architectural effect, wherever it points.
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(number.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}

/// Prefetches a cache line into L1: for lines that are read soon and that conflict for the same sets of L2.
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
