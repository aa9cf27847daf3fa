//! Memory that is asked for before it is read.

/// Has the memory bring the line of a number, which need not be there, into the second cache: that waits for more lines at
/// a time than the first.
#[inline(always)]
pub(crate) fn ask_for<T>(number: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch reads nothing into the program, wherever it points.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(number.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}
