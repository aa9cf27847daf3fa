//! SIMD vectors, with the operations that products need.

use crate::Real;
use crate::dispatch::{Instructions, instructions};

/// A SIMD vector.
///
/// # Safety
/// Each function requires the instructions of its vector, and pointers valid for what it reads and writes.
#[expect(clippy::missing_safety_doc, reason = "said once for all")]
pub trait Lanes<T>: Copy {
    /// The number of lanes.
    const N: usize;
    /// The same value in each lane.
    unsafe fn splat(x: T) -> Self;
    /// Loads N values.
    unsafe fn load(from: *const T) -> Self;
    /// Stores N values.
    unsafe fn store(self, to: *mut T);
    /// self + a.
    unsafe fn plus(self, a: Self) -> Self;
    /// self − a.
    unsafe fn minus(self, a: Self) -> Self;
    /// a · b + self, rounded once.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
    /// Transposes N × N values: element j of `row(i)` becomes element i of `to + j · stride`.
    unsafe fn transpose(row: impl Fn(usize) -> *const T, to: *mut T, stride: usize);
}

impl<T: Real> Lanes<T> for T {
    const N: usize = 1;
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        x
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller provides a value.
        unsafe { *from }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller provides space for a value.
        unsafe { *to = self }
    }
    #[inline(always)]
    unsafe fn plus(self, a: Self) -> Self {
        self + a
    }
    #[inline(always)]
    unsafe fn minus(self, a: Self) -> Self {
        self - a
    }
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        a.mul_add(b, self)
    }
    #[inline(always)]
    unsafe fn transpose(row: impl Fn(usize) -> *const T, to: *mut T, _stride: usize) {
        // SAFETY: the caller provides a value and space for it.
        unsafe { *to = *row(0) }
    }
}

/// Work on vectors, compiled for each vector type.
pub trait OnLanes<T> {
    /// Does the work.
    ///
    /// # Safety
    /// The machine must have the vector's instructions, and the work's pointers must be valid.
    unsafe fn run<V: Lanes<T>>(self);
}

/// Runs work on the machine's vectors: A with AVX-512, B with AVX2.
///
/// # Safety
/// The work's pointers must be valid.
pub(super) unsafe fn on_lanes<T: Real, A: Lanes<T>, B: Lanes<T>>(work: impl OnLanes<T>) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn avx512<T, V: Lanes<T>>(work: impl OnLanes<T>) {
        // SAFETY: as the caller promises.
        unsafe { work.run::<V>() }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<T, V: Lanes<T>>(work: impl OnLanes<T>) {
        // SAFETY: as the caller promises.
        unsafe { work.run::<V>() }
    }
    // SAFETY: the instructions were detected; the rest is as the caller promises.
    unsafe {
        match instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::<T, A>(work),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::<T, B>(work),
            _ => work.run::<T>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::transpose_512 as transpose;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::array::from_fn;

    use super::Lanes;

    macro_rules! lanes {
        ($vector:ty, $number:ty, $n:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $fma:ident, $transpose:ident) => {
            impl Lanes<$number> for $vector {
                const N: usize = $n;
                #[inline(always)]
                unsafe fn splat(x: $number) -> Self {
                    // SAFETY: only called where the instructions were detected.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const $number) -> Self {
                    // SAFETY: the caller provides N values.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $number) {
                    // SAFETY: the caller provides space for N values.
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn plus(self, a: Self) -> Self {
                    // SAFETY: only called where the instructions were detected.
                    unsafe { $add(self, a) }
                }
                #[inline(always)]
                unsafe fn minus(self, a: Self) -> Self {
                    // SAFETY: only called where the instructions were detected.
                    unsafe { $sub(self, a) }
                }
                #[inline(always)]
                unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                    // SAFETY: only called where the instructions were detected.
                    unsafe { $fma(a, b, self) }
                }
                #[inline(always)]
                unsafe fn transpose(row: impl Fn(usize) -> *const $number, to: *mut $number, stride: usize) {
                    // SAFETY: the caller provides N rows of N values and space for as many.
                    unsafe {
                        // A loop: a closure that `from_fn` calls would be compiled without the vector's instructions.
                        let mut rows = [$splat(0.0); $n];
                        for (i, vector) in rows.iter_mut().enumerate() {
                            *vector = $load(row(i));
                        }
                        for (j, column) in $transpose(rows).into_iter().enumerate() {
                            $store(to.add(j * stride), column);
                        }
                    }
                }
            }
        };
    }

    lanes!(
        __m512,
        f32,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_fmadd_ps,
        transpose_512
    );
    lanes!(
        __m512d,
        f64,
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_add_pd,
        _mm512_sub_pd,
        _mm512_fmadd_pd,
        transpose_512d
    );
    lanes!(
        __m256,
        f32,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_fmadd_ps,
        transpose_256
    );
    lanes!(
        __m256d,
        f64,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_fmadd_pd,
        transpose_256d
    );

    // A vector consists of quarters (or halves) of 128 bits. First the elements are transposed within them, then the
    // quarters across the vectors.

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn transpose_512(x: [__m512; 16]) -> [__m512; 16] {
        // pairs[2i + h], quarter q: elements 4q + 2h and 4q + 2h + 1 of rows 2i and 2i + 1, interleaved.
        let pairs: [__m512d; 16] = from_fn(|i| {
            let (a, b) = (x[i & !1], x[i | 1]);
            _mm512_castps_pd(if i & 1 == 0 { _mm512_unpacklo_ps(a, b) } else { _mm512_unpackhi_ps(a, b) })
        });
        // fours[4i + j], quarter q: element 4q + j of rows 4i to 4i + 3.
        let fours: [__m512; 16] = from_fn(|i| {
            let first = (i & !3) + (i & 2) / 2;
            let (a, b) = (pairs[first], pairs[first + 2]);
            _mm512_castpd_ps(if i & 1 == 0 { _mm512_unpacklo_pd(a, b) } else { _mm512_unpackhi_pd(a, b) })
        });
        let quarters: [[__m512; 4]; 4] = from_fn(|j| {
            let [a, b, c, d] = from_fn(|i| fours[4 * i + j]);
            let (ab_even, ab_odd) = (_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
            let (cd_even, cd_odd) = (_mm512_shuffle_f32x4(c, d, 0x88), _mm512_shuffle_f32x4(c, d, 0xdd));
            [
                _mm512_shuffle_f32x4(ab_even, cd_even, 0x88),
                _mm512_shuffle_f32x4(ab_odd, cd_odd, 0x88),
                _mm512_shuffle_f32x4(ab_even, cd_even, 0xdd),
                _mm512_shuffle_f32x4(ab_odd, cd_odd, 0xdd),
            ]
        });
        from_fn(|i| quarters[i % 4][i / 4])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn transpose_512d(x: [__m512d; 8]) -> [__m512d; 8] {
        // pairs[2i + j], quarter q: element 2q + j of rows 2i and 2i + 1.
        let pairs: [__m512d; 8] = from_fn(|i| {
            let (a, b) = (x[i & !1], x[i | 1]);
            if i & 1 == 0 { _mm512_unpacklo_pd(a, b) } else { _mm512_unpackhi_pd(a, b) }
        });
        let quarters: [[__m512d; 4]; 2] = from_fn(|j| {
            let [a, b, c, d] = from_fn(|i| pairs[2 * i + j]);
            let (ab_even, ab_odd) = (_mm512_shuffle_f64x2(a, b, 0x88), _mm512_shuffle_f64x2(a, b, 0xdd));
            let (cd_even, cd_odd) = (_mm512_shuffle_f64x2(c, d, 0x88), _mm512_shuffle_f64x2(c, d, 0xdd));
            [
                _mm512_shuffle_f64x2(ab_even, cd_even, 0x88),
                _mm512_shuffle_f64x2(ab_odd, cd_odd, 0x88),
                _mm512_shuffle_f64x2(ab_even, cd_even, 0xdd),
                _mm512_shuffle_f64x2(ab_odd, cd_odd, 0xdd),
            ]
        });
        from_fn(|i| quarters[i % 2][i / 2])
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn transpose_256(x: [__m256; 8]) -> [__m256; 8] {
        let pairs: [__m256d; 8] = from_fn(|i| {
            let (a, b) = (x[i & !1], x[i | 1]);
            _mm256_castps_pd(if i & 1 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) })
        });
        let fours: [__m256; 8] = from_fn(|i| {
            let first = (i & !3) + (i & 2) / 2;
            let (a, b) = (pairs[first], pairs[first + 2]);
            _mm256_castpd_ps(if i & 1 == 0 { _mm256_unpacklo_pd(a, b) } else { _mm256_unpackhi_pd(a, b) })
        });
        from_fn(|i| {
            let (a, b) = (fours[i % 4], fours[4 + i % 4]);
            if i < 4 { _mm256_permute2f128_ps(a, b, 0x20) } else { _mm256_permute2f128_ps(a, b, 0x31) }
        })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn transpose_256d(x: [__m256d; 4]) -> [__m256d; 4] {
        let pairs: [__m256d; 4] = from_fn(|i| {
            let (a, b) = (x[i & !1], x[i | 1]);
            if i & 1 == 0 { _mm256_unpacklo_pd(a, b) } else { _mm256_unpackhi_pd(a, b) }
        });
        from_fn(|i| {
            let (a, b) = (pairs[i % 2], pairs[2 + i % 2]);
            if i < 2 { _mm256_permute2f128_pd(a, b, 0x20) } else { _mm256_permute2f128_pd(a, b, 0x31) }
        })
    }
}
