//! The numbers that kernels work on: f32 and f64.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// f32 or f64, with the elementary functions networks need.
///
/// No function calls the system's mathematics library, so results do not depend on it. f32's `exp`, `ln` and `tanh` are
/// free of branches, so that loops over them use the machine's vectors; their error is at most 2 units in the last place.
pub trait Real:
    sealed::Sealed
    + Copy
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Debug
    + Display
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// `f32` or `f64`.
    const NAME: &'static str;

    /// The nearest number to an f64.
    fn of(x: f64) -> Self;
    /// The same number as f64.
    fn f64(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// e^x.
    fn exp(self) -> Self;
    /// e^x − 1, exact near 0.
    fn exp_m1(self) -> Self;
    /// ln x.
    fn ln(self) -> Self;
    /// ln(1 + x), exact near 0.
    fn ln_1p(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// 1 − erf x, exact for large x.
    fn erfc(self) -> Self;
    /// The larger of two; NaN if either is NaN.
    fn max(self, other: Self) -> Self;
    /// self · a + b, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NAME: &'static str = "f64";

    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> f64 {
        libm::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f64 {
        libm::expm1(self)
    }
    #[inline(always)]
    fn ln(self) -> f64 {
        libm::log(self)
    }
    #[inline(always)]
    fn ln_1p(self) -> f64 {
        libm::log1p(self)
    }
    #[inline(always)]
    fn tanh(self) -> f64 {
        libm::tanh(self)
    }
    #[inline(always)]
    fn erfc(self) -> f64 {
        libm::erfc(self)
    }
    #[inline(always)]
    fn max(self, other: f64) -> f64 {
        if self > other || self.is_nan() { self } else { other }
    }
    #[inline(always)]
    fn mul_add(self, a: f64, b: f64) -> f64 {
        f64::mul_add(self, a, b)
    }
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NAME: &'static str = "f32";

    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> f32 {
        exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f32 {
        libm::expm1(f64::from(self)) as f32
    }
    #[inline(always)]
    fn ln(self) -> f32 {
        libm::log(f64::from(self)) as f32
    }
    #[inline(always)]
    fn ln_1p(self) -> f32 {
        libm::log1p(f64::from(self)) as f32
    }
    #[inline(always)]
    fn tanh(self) -> f32 {
        tanh(self)
    }
    #[inline(always)]
    fn erfc(self) -> f32 {
        libm::erfc(f64::from(self)) as f32
    }
    #[inline(always)]
    fn max(self, other: f32) -> f32 {
        if self > other || self.is_nan() { self } else { other }
    }
    #[inline(always)]
    fn mul_add(self, a: f32, b: f32) -> f32 {
        f32::mul_add(self, a, b)
    }
}

/// e^x = 2^n e^r with n = round(x / ln 2) and |r| ≤ ln 2 / 2, e^r by its Taylor polynomial of degree 7.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it rounds to whole numbers
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(-104.0, 89.0);
    let rounded = f32::mul_add(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = f32::mul_add(n, -LN2_LOW, f32::mul_add(n, -LN2_HIGH, clamped));
    let mut p = 1.984_127e-4;
    p = f32::mul_add(p, r, 1.388_888_9e-3);
    p = f32::mul_add(p, r, 8.333_334e-3);
    p = f32::mul_add(p, r, 4.166_666_8e-2);
    p = f32::mul_add(p, r, 1.666_666_7e-1);
    p = f32::mul_add(p, r, 0.5);
    p = f32::mul_add(p, r, 1.0);
    p = f32::mul_add(p, r, 1.0);
    // 2^n in two factors, since n may be beyond what one can hold.
    let n = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    let y = p * power(half) * power(n - half);
    if x.is_nan() { x } else { y }
}

/// tanh x: an odd polynomial (Cephes) for |x| < 0.625, else 1 − 2/(e^2|x| + 1).
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let s = x * x;
    let mut p = -5.704_988_7e-3;
    p = f32::mul_add(p, s, 2.063_909e-2);
    p = f32::mul_add(p, s, -5.373_971_5e-2);
    p = f32::mul_add(p, s, 1.333_144_1e-1);
    p = f32::mul_add(p, s, -3.333_328e-1);
    let near = f32::mul_add(p * s, x, x).copysign(x);
    let far = (1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0)).copysign(x);
    if x.abs() < 0.625 { near } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error in units in the last place over a sweep of all magnitudes.
    fn worst(ours: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
        let sweep = (0..=u32::MAX).step_by(9_973).map(f32::from_bits).filter(|x| x.is_finite());
        let ulps = sweep.map(|x| {
            let (ours, exact) = (f64::from(ours(x)), exact(f64::from(x)));
            let rounded = exact as f32;
            if f64::from(rounded) == ours || (rounded.is_infinite() && ours.is_infinite()) {
                return 0.0;
            }
            let unit = f64::from(f32::from_bits(rounded.to_bits() & 0x7f80_0000)) * f64::from(f32::EPSILON);
            (ours - exact).abs() / unit.max(f64::from(f32::from_bits(1)))
        });
        ulps.fold(0.0, f64::max)
    }

    #[test]
    fn exp_and_tanh_are_within_two_units() {
        assert!(worst(exp, libm::exp) <= 2.0, "exp: {}", worst(exp, libm::exp));
        assert!(worst(tanh, libm::tanh) <= 2.0, "tanh: {}", worst(tanh, libm::tanh));
    }

    #[test]
    fn extremes() {
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
        assert_eq!((tanh(f32::INFINITY), tanh(-1e4)), (1.0, -1.0));
        assert_eq!(tanh(-0.0).to_bits(), (-0.0f32).to_bits());
        assert!(Real::max(f32::NAN, 0.0).is_nan() && Real::max(0.0, f32::NAN).is_nan());
    }
}
