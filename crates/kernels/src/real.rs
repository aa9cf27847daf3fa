//! The element types of kernels: f32 and f64.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::float32;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// f32 or f64, with the elementary functions networks need.
///
/// No function calls the system's mathematics library, so results do not depend on it. f32's are branch-free, so that
/// loops over them vectorise; `exp` and `tanh` have errors of at most 2 ulp, the others of 1.
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
    /// The smallest positive normal value.
    const SMALLEST: Self;
    /// `f32` or `f64`.
    const NAME: &'static str;

    /// The same slice as f32, if that is the type.
    fn single(_numbers: &[Self]) -> Option<&[f32]> {
        None
    }
    /// As [`Real::single`], mutable.
    fn single_mut(_numbers: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
    /// The nearest value to an f64.
    fn of(x: f64) -> Self;
    /// The value as f64.
    fn f64(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// e^x.
    fn exp(self) -> Self;
    /// e^x − 1, accurate near 0.
    fn exp_m1(self) -> Self;
    /// ln x.
    fn ln(self) -> Self;
    /// ln(1 + x), accurate near 0.
    fn ln_1p(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// 1 − erf x, accurate for large x.
    fn erfc(self) -> Self;
    /// sin 2πx and cos 2πx, for any number of turns.
    fn sin_cos_turns(self) -> (Self, Self);
    /// The larger of two; NaN if either is NaN.
    fn max(self, other: Self) -> Self;
    /// self · a + b, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const SMALLEST: f64 = f64::MIN_POSITIVE;
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
    fn sin_cos_turns(self) -> (f64, f64) {
        libm::sincos(std::f64::consts::TAU * (self - libm::round(self)))
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
    const SMALLEST: f32 = f32::MIN_POSITIVE;
    const NAME: &'static str = "f32";

    #[inline(always)]
    fn single(numbers: &[Self]) -> Option<&[f32]> {
        Some(numbers)
    }
    fn single_mut(numbers: &mut [Self]) -> Option<&mut [f32]> {
        Some(numbers)
    }
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
        float32::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f32 {
        float32::exp_m1(self)
    }
    #[inline(always)]
    fn ln(self) -> f32 {
        float32::ln(self)
    }
    #[inline(always)]
    fn ln_1p(self) -> f32 {
        float32::ln_1p(self)
    }
    #[inline(always)]
    fn tanh(self) -> f32 {
        float32::tanh(self)
    }
    #[inline(always)]
    fn erfc(self) -> f32 {
        float32::erfc(self)
    }
    #[inline(always)]
    fn sin_cos_turns(self) -> (f32, f32) {
        float32::sin_cos_turns(self)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn larger<T: Real>() {
        let nan = T::of(f64::NAN);
        assert!(nan.max(T::ONE).f64().is_nan() && T::ONE.max(nan).f64().is_nan());
        assert_eq!((T::ONE.max(T::ZERO), T::ZERO.max(T::ONE)), (T::ONE, T::ONE));
    }

    #[test]
    fn nan_is_larger_than_any_number() {
        larger::<f32>();
        larger::<f64>();
    }
}
