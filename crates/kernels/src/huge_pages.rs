//! Large pages for numbers that are read here and there.
//!
//! A processor looks up where each page of memory lies, and remembers a few thousand of them. Rows picked at random from a
//! large table lie on a page of their own each; pages of 2 MiB are few enough to be remembered.

/// Bytes of a large page.
#[cfg(all(target_os = "linux", not(miri)))]
const LARGE: usize = 2 << 20;

/// Asks the system to put numbers that have yet to be written into large pages, where it can and there are many.
pub(crate) fn advise_huge_pages<T>(numbers: &mut [T]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        let start = numbers.as_mut_ptr();
        let begin = (start as usize).next_multiple_of(LARGE) - start as usize;
        let whole = size_of_val(numbers).saturating_sub(begin) / LARGE * LARGE;
        if whole > 0 {
            // SAFETY: the range is within the slice, and the advice changes no value; a system that does not know it
            // says so, and does nothing.
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
