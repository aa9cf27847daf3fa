//! Branch-free elementary functions of f32, so that loops over them vectorise.
//!
//! `exp` and `tanh`, which activations use most, work in f32 with errors of at most 2 ulp. The others work in f64 and
//! round at the end: they give the nearest f32 except for about one value in a million.

use std::f64::consts::{LN_2, LOG2_E, SQRT_2, TAU};

/// e^x = 2^n e^r with n = round(x / ln 2) and |r| ≤ ln 2 / 2, e^r by its Taylor polynomial of degree 7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
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
    // 2^n as two factors, since n may exceed the range of one.
    let n = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    let y = p * power(half) * power(n - half);
    if x.is_nan() { x } else { y }
}

/// tanh x: an odd polynomial (Cephes) for |x| < 0.625, else 1 − 2/(e^2|x| + 1).
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
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

/// c₀ + c₁ x + c₂ x² + …
#[inline(always)]
fn polynomial<const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut sum = c[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// e^x = 2^n e^r with n = round(x / ln 2), for |x| ≤ 700: returns 2^n, and e^r − 1 by its Taylor polynomial of degree
/// 11.
#[inline(always)]
fn exp_parts(x: f64) -> (f64, f64) {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²: adding it rounds to whole numbers
    const TAYLOR: [f64; 11] = [
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
    ];
    let rounded = x * LOG2_E + ROUND;
    let r = x - (rounded - ROUND) * LN_2;
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52));
    (power, r * polynomial(r, TAYLOR))
}

/// e^x − 1.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let wide = f64::from(x);
    let wide = if wide < -110.0 { -110.0 } else { wide };
    let (power, rest) = exp_parts(if wide > 90.0 { 90.0 } else { wide });
    ((power * rest + (power - 1.0)) as f32).copysign(x)
}

/// ln y for 0 < y < ∞, where `less_one` is y − 1 to full precision: with y = 2^e m and √½ < m ≤ √2 it is e ln 2 + 2
/// artanh s, s = (m − 1)/(m + 1), by the series s + s³/3 + …
#[inline(always)]
fn ln_wide(y: f64, less_one: f64) -> f64 {
    const ARTANH: [f64; 9] =
        [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0, 1.0 / 17.0];
    let bits = y.to_bits();
    // The exponent's bits, as the lowest ones of 2⁵² + exponent.
    let exponent = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let halved = mantissa > SQRT_2;
    let exponent = if halved { exponent + 1.0 } else { exponent };
    let mantissa = if halved { 0.5 * mantissa } else { mantissa };
    let less_one = if exponent == 0.0 { less_one } else { mantissa - 1.0 };
    let s = less_one / (less_one + 2.0);
    exponent * LN_2 + 2.0 * s * polynomial(s * s, ARTANH)
}

/// ln y for any y: −∞ at 0, NaN below.
#[inline(always)]
fn ln_any(y: f64, less_one: f64) -> f64 {
    let ln = ln_wide(y, less_one);
    let ln = if y == 0.0 { f64::NEG_INFINITY } else { ln };
    let ln = if y < 0.0 { f64::NAN } else { ln };
    if y < f64::INFINITY { ln } else { y }
}

/// ln x.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let x = f64::from(x);
    ln_any(x, x - 1.0) as f32
}

/// ln(1 + x).
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    let wide = f64::from(x);
    let ln = ln_any(1.0 + wide, wide) as f32;
    if x == 0.0 { x } else { ln }
}

/// 1 − erf x = e^(−x²) t P(t) with t = 1/(1 + 0.3 x) for x ≥ 0, and 2 − erfc(−x) below. P is the Chebyshev interpolant
/// of degree 12 on 0 ≤ x ≤ 10.1, beyond which erfc x underflows f32; its error is below 3·10⁻¹¹.
#[inline(always)]
pub(crate) fn erfc(x: f32) -> f32 {
    /// P in powers of 2.66…·t − 1.66…, which ranges from −1 to 1.
    const P: [f64; 13] = [
        0.4078857317652975,
        0.3014930938647679,
        0.176122691568484,
        0.08037099588071354,
        0.027501591187336832,
        0.006294598120991394,
        0.0005612430854652227,
        -0.00017562841880761063,
        -6.0007408435741774e-5,
        2.025621603130753e-6,
        3.7855643004449395e-6,
        8.360927595403543e-8,
        -2.0444224707571476e-7,
    ];
    let z = f64::from(x).abs();
    let z = if z > 10.1 { 10.1 } else { z };
    let t = 1.0 / (1.0 + 0.3 * z);
    let (power, rest) = exp_parts(-z * z);
    let tail = (power + power * rest) * t * polynomial(2.66006600660066 * t - 1.66006600660066, P);
    (if x < 0.0 { 2.0 - tail } else { tail }) as f32
}

/// sin 2πx and cos 2πx: by Taylor's polynomials of the angle from the nearest quarter of a turn, which is at most π/4.
#[inline(always)]
pub(crate) fn sin_cos_turns(x: f32) -> (f32, f32) {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²: adding it rounds to whole numbers
    const SIN: [f64; 6] = [1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5_040.0, 1.0 / 362_880.0, -1.0 / 39_916_800.0];
    const COS: [f64; 7] =
        [1.0, -1.0 / 2.0, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0, 1.0 / 479_001_600.0];
    let wide = f64::from(x);
    // From 2²⁴ on all are whole; infinity becomes NaN.
    let wide = if wide.abs() < 16_777_216.0 { wide } else { wide * 0.0 };
    let rounded = 4.0 * wide + ROUND;
    let quarter = rounded.to_bits();
    let angle = TAU * (wide - 0.25 * (rounded - ROUND));
    let sin = angle * polynomial(angle * angle, SIN);
    let cos = polynomial(angle * angle, COS);
    let (sin, cos) = if quarter & 1 == 0 { (sin, cos) } else { (cos, sin) };
    let sin = if quarter & 2 == 0 { sin } else { -sin };
    let cos = if (quarter + 1) & 2 == 0 { cos } else { -cos };
    (sin as f32, cos as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: usize = if cfg!(miri) { 400_000_009 } else { 1_997 };

    /// The number of f32 values between two; 0 for two NaNs.
    fn distance(ours: f32, exact: f32) -> u64 {
        if ours.is_nan() || exact.is_nan() {
            return if ours.is_nan() && exact.is_nan() { 0 } else { u64::MAX };
        }
        let ordered = |x: f32| {
            let bits = x.to_bits() as i32;
            i64::from(if bits < 0 { i32::MIN - bits } else { bits })
        };
        ordered(ours).abs_diff(ordered(exact))
    }

    /// Values of every magnitude, both signs, denormals, infinities and NaN; returns the share that is not the nearest
    /// f32.
    fn sweep(name: &str, limit: u64, ours: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
        let special = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 88.72, 88.73, -104.0, 10.06];
        let (mut off, mut all) = (0, 0);
        for x in (0..=u32::MAX).step_by(STEP).map(f32::from_bits).chain(special) {
            let (ours, exact) = (ours(x), exact(f64::from(x)) as f32);
            let distance = distance(ours, exact);
            assert!(distance <= limit, "{name}({x:e}) = {ours:e}, not {exact:e}");
            off += u32::from(distance > 0);
            all += 1;
        }
        f64::from(off) / f64::from(all)
    }

    #[test]
    fn exp_and_tanh_are_within_two_units() {
        sweep("exp", 2, exp, libm::exp);
        sweep("tanh", 2, tanh, libm::tanh);
    }

    /// A sine or cosine of a number of turns; it is exactly 0 where their fraction is `zero`.
    fn exact_turn(x: f64, zero: f64, of: fn(f64) -> f64) -> f64 {
        let turn = x - x.round();
        if turn.abs() == zero { 0.0 } else { of(TAU * turn) }
    }

    #[test]
    fn the_others_are_nearly_always_the_nearest() {
        for (name, ours, exact) in [
            ("exp_m1", exp_m1 as fn(f32) -> f32, libm::expm1 as fn(f64) -> f64),
            ("ln", ln, libm::log),
            ("ln_1p", ln_1p, libm::log1p),
            ("erfc", erfc, libm::erfc),
            ("sin 2πx", |x| sin_cos_turns(x).0, |x| exact_turn(x, 0.5, libm::sin)),
            ("cos 2πx", |x| sin_cos_turns(x).1, |x| exact_turn(x, 0.25, libm::cos)),
        ] {
            let off = sweep(name, 1, ours, exact);
            assert!(off < 1e-5, "{name}: {off}");
        }
    }

    #[test]
    fn zeros_and_extremes() {
        for f in [exp_m1, ln_1p, tanh] {
            assert!(f(-0.0).to_bits() == (-0.0f32).to_bits() && f(0.0).to_bits() == 0);
        }
        assert_eq!((exp(f32::NEG_INFINITY), exp(0.0), exp(89.0)), (0.0, 1.0, f32::INFINITY));
        assert_eq!((tanh(f32::INFINITY), tanh(-1e4)), (1.0, -1.0));
        assert_eq!((erfc(f32::NEG_INFINITY), erfc(0.0), erfc(f32::INFINITY)), (2.0, 1.0, 0.0));
    }
}
