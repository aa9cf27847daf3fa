//! Huge pages for buffers with random access.
//!
//! The TLB holds a few thousand translations. Rows gathered at random from a large table are each on a different page;
//! pages of 2 MiB are few enough to stay in the TLB.

/// Bytes of a huge page.
#[cfg(all(target_os = "linux", not(miri)))]
const HUGE_PAGE: usize = 2 << 20;

/// Advises the system to use huge pages for a buffer that has not been written yet, if it spans at least one.
pub(crate) fn advise_huge_pages<T>(numbers: &mut [T]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        let start = numbers.as_mut_ptr();
        let begin = (start as usize).next_multiple_of(HUGE_PAGE) - start as usize;
        let whole = size_of_val(numbers).saturating_sub(begin) / HUGE_PAGE * HUGE_PAGE;
        if whole > 0 {
            // SAFETY: the range is within the slice, and the advice changes no value; a system that does not support it
            // returns an error and does nothing.
            unsafe { libc::madvise(start.wrapping_byte_add(begin).cast(), whole, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = numbers;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_what_they_are() {
        for n in [0, 1, if cfg!(miri) { 7 } else { 3 << 19 }] {
            let mut numbers: Vec<u32> = (0..n).collect();
            advise_huge_pages(&mut numbers);
            assert!(numbers.iter().copied().eq(0..n), "{n}");
        }
    }
}
