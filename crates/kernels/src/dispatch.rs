//! The machine's instruction sets, detected once.
//!
//! Loops are compiled three times: for AVX-512, for AVX2 with FMA, and for any processor. All compute the same bits: no
//! loop reorders a sum for wider vectors, and multiply-adds are fused in each.

use std::sync::OnceLock;

/// An instruction set, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Any processor.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

/// The best instruction set of this machine, or a lower one requested by `THALWEG_KERNEL`.
pub fn instructions() -> Instructions {
    static FOUND: OnceLock<Instructions> = OnceLock::new();
    *FOUND.get_or_init(|| wanted().unwrap_or(Instructions::Avx512).min(available()))
}

/// The highest instruction set that `THALWEG_KERNEL` allows: `portable`, `avx2` or `avx512`, the last by default.
///
/// # Errors
/// The text found, if it is none of these; [`instructions`] then ignores it.
pub fn wanted() -> Result<Instructions, String> {
    match std::env::var("THALWEG_KERNEL").as_deref() {
        Ok("portable") => Ok(Instructions::Portable),
        Ok("avx2") => Ok(Instructions::Avx2),
        Ok("avx512") | Err(std::env::VarError::NotPresent) => Ok(Instructions::Avx512),
        Ok(other) => Err(other.into()),
        Err(std::env::VarError::NotUnicode(other)) => Err(other.to_string_lossy().into_owned()),
    }
}

#[cfg(target_arch = "x86_64")]
fn available() -> Instructions {
    let has = |found: &[bool]| found.iter().all(|&found| found);
    let avx2 = has(&[is_x86_feature_detected!("avx2"), is_x86_feature_detected!("fma")]);
    let avx512 = has(&[
        is_x86_feature_detected!("avx512f"),
        is_x86_feature_detected!("avx512bw"),
        is_x86_feature_detected!("avx512dq"),
        is_x86_feature_detected!("avx512vl"),
    ]);
    match (avx2, avx512) {
        (true, true) => Instructions::Avx512,
        (true, false) => Instructions::Avx2,
        _ => Instructions::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn available() -> Instructions {
    Instructions::Portable
}

/// Runs a loop compiled for the machine's instructions; the loop must be inlined for this to take effect.
#[inline(always)]
pub(crate) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    match instructions() {
        // SAFETY: the machine has been checked for these instructions.
        Instructions::Avx512 => return unsafe { avx512(body) },
        // SAFETY: likewise.
        Instructions::Avx2 => return unsafe { avx2(body) },
        Instructions::Portable => {}
    }
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R>(body: impl FnOnce() -> R) -> R {
    body()
}
