//! MatmulPrecision through bf16 against f64, on every unit that the machine has, over odd shapes and wide ranges.

use thalweg_kernels::aligned_buf::AlignedBuf;
use thalweg_kernels::bf16::{self, Bf16, LARGE_PRODUCT, MatmulPrecision, Unit, unit};
use thalweg_kernels::gemm::{self, Matrix};
use thalweg_kernels::peak;
use thalweg_kernels::pool;
use thalweg_kernels::random::Stream;

fn random(n: usize, purpose: u32) -> Vec<f32> {
    let mut x = vec![0.0; n];
    Stream::new(5, purpose).fill_normal(0, &mut x);
    x
}

fn units() -> Vec<Unit> {
    let units: Vec<Unit> = [Unit::Portable, Unit::Dot, Unit::Tiles].into_iter().filter(|unit| unit.is_here()).collect();
    println!("units here: {units:?}");
    units
}

/// The largest error of a product, each divided by the sum of its terms' sizes.
fn error(unit: Unit, parts: usize, [m, n, k]: [usize; 3], a: &[f32], b: &[f32], turned: [bool; 2]) -> f64 {
    let bias = random(n, 9);
    let a = if turned[0] { Matrix::new(a, k, m).t() } else { Matrix::new(a, m, k) };
    let b = if turned[1] { Matrix::new(b, n, k).t() } else { Matrix::new(b, k, n) };
    let mut c = vec![f32::NAN; m * n];
    assert!(bf16::gemm(unit, parts, a, b, Some(&bias), &mut c));
    let at = |x: &Matrix<f32>, i: usize, j: usize| {
        f64::from(if x.transposed { x.data[j * x.rows + i] } else { x.data[i * x.columns + j] })
    };
    let mut worst = 0.0_f64;
    for i in 0..m {
        for j in 0..n {
            let (mut sum, mut size) = (f64::from(bias[j]), f64::from(bias[j].abs()));
            for k in 0..k {
                let term = at(&a, i, k) * at(&b, k, j);
                (sum, size) = (sum + term, size + term.abs());
            }
            worst = worst.max((f64::from(c[i * n + j]) - sum).abs() / size);
        }
    }
    worst
}

const SHAPES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [2, 3, 5],
    [16, 16, 32],
    [17, 31, 33],
    [33, 1, 64],
    [5, 67, 97],
    [64, 64, 8],
    [40, 50, 700],
    [330, 200, 40],
];

/// Of parts 1, 2 and 3: rounding both factors to bf16; two parts of each; and f32's own rounding of long sums.
const BOUNDS: [f64; 3] = [2.01 / 256.0, 1e-4, 2e-6];

#[test]
#[cfg_attr(miri, ignore = "long")]
fn errors_are_those_of_the_parts() {
    for unit in units() {
        for shape @ [m, n, k] in SHAPES {
            let (a, b) = (random(m * k, 1), random(k * n, 2));
            for parts in 1..=3 {
                for turned in [[false, false], [true, false], [false, true], [true, true]] {
                    let error = error(unit, parts, shape, &a, &b, turned);
                    assert!(error <= BOUNDS[parts - 1], "{unit:?}, {parts} parts, {shape:?}, {turned:?}: {error:e}");
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn wide_ranges_keep_their_errors() {
    let shape @ [m, n, k] = [20, 24, 130];
    // Magnitudes from 2⁻⁴⁰ to 2⁴⁰, mixed within rows.
    let widened = |mut x: Vec<f32>, purpose: u32| {
        x.iter_mut().zip(random(m.max(n) * k, purpose)).for_each(|(x, z)| *x *= (z * 10.0).clamp(-40.0, 40.0).exp2());
        x
    };
    let (a, b) = (widened(random(m * k, 1), 3), widened(random(k * n, 2), 4));
    for unit in units() {
        for parts in 1..=3 {
            let error = error(unit, parts, shape, &a, &b, [false, false]);
            assert!(error <= BOUNDS[parts - 1], "{unit:?}, {parts} parts: {error:e}");
        }
    }
    // The largest numbers overflow only where f32 does; numbers below the smallest normal one may count as zero.
    let tiny = f32::MIN_POSITIVE / 4.0;
    for unit in units() {
        for parts in 1..=3 {
            let mut c = [0.0; 1];
            assert!(bf16::gemm(unit, parts, Matrix::new(&[2e38], 1, 1), Matrix::new(&[1.5], 1, 1), None, &mut c));
            assert!((c[0] - 3e38).abs() < 3e36, "{unit:?}, {parts} parts: {}", c[0]);
            assert!(bf16::gemm(unit, parts, Matrix::new(&[tiny], 1, 1), Matrix::new(&[1.0], 1, 1), None, &mut c));
            assert!(c[0] == 0.0 || (c[0] / tiny - 1.0).abs() < 0.01, "{unit:?}, {parts} parts: {:e}", c[0]);
        }
    }
}

/// Where the machine has tiles: over odd shapes, with results from subnormal numbers to infinity.
#[test]
fn tiles_have_the_bits_of_their_portable_twin() {
    if !Unit::Tiles.is_here() {
        println!("skipped: this machine has no tiles");
        return;
    }
    let bits = |c: Vec<f32>| c.into_iter().map(|c| if c.is_nan() { u32::MAX } else { c.to_bits() }).collect::<Vec<_>>();
    // The powers of two that values are multiplied with: a middle, and how far from it.
    let ranges = [(0.0, 0.0), (0.0, 40.0), (-63.0, 4.0), (-40.0, 70.0), (-120.0, 20.0), (63.0, 3.0)];
    for (range, (middle, spread)) in ranges.into_iter().enumerate() {
        for [m, n, k] in [[1, 1, 1], [17, 31, 33], [40, 50, 700], [5, 67, 97]] {
            let scaled = |numbers: usize, purpose| {
                let mut x = random(numbers, purpose);
                let powers = random(numbers, purpose + 10);
                let power = |z: f32| (middle + (z * spread / 3.0).clamp(-spread, spread)).exp2();
                x.iter_mut().zip(powers).for_each(|(x, z)| *x = (*x * power(z)).clamp(-f32::MAX, f32::MAX));
                x
            };
            let (a, b, bias) = (scaled(m * k, 1), scaled(k * n, 2), scaled(n, 3));
            for parts in 1..=3 {
                let product = |unit| {
                    let mut c = vec![0.0; m * n];
                    let [a, b] = [Matrix::new(&a, m, k), Matrix::new(&b, k, n)];
                    assert!(bf16::gemm(unit, parts, a, b, Some(&bias), &mut c));
                    bits(c)
                };
                assert!(product(Unit::Tiles) == product(Unit::Portable), "{m}×{n}×{k}, {parts} parts, range {range}");
            }
        }
    }
}

#[test]
fn infinities_and_nan_go_through_or_back() {
    let (a, b) = ([f32::INFINITY, 1.0, f32::NAN, 1.0], [1.0, 2.0, 3.0, 4.0]);
    for unit in units() {
        let mut c = [7.0; 4];
        assert!(bf16::gemm(unit, 1, Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 2), None, &mut c));
        assert!(c[0] == f32::INFINITY && c[1] == f32::INFINITY && c[2].is_nan() && c[3].is_nan(), "{unit:?}: {c:?}");
        // What is split must be finite: the caller computes in f32.
        for parts in [2, 3] {
            for [a, b] in [[a, b], [b, a]] {
                assert!(!bf16::gemm(unit, parts, Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 2), None, &mut [0.0; 4]));
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn bits_do_not_depend_on_threads_or_on_other_rows() {
    let [m, n, k] = [131, 77, 190];
    let (a, b) = (random(m * k, 1), random(k * n, 2));
    for unit in units() {
        let product = |rows: std::ops::Range<usize>| {
            let mut c = vec![0.0_f32; rows.len() * n];
            let a = Matrix::new(&a[rows.start * k..rows.end * k], rows.len(), k);
            assert!(bf16::gemm(unit, 2, a, Matrix::new(&b, n, k).t(), None, &mut c));
            c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let whole = product(0..m);
        for threads in [1, 2, 3] {
            pool::set_threads(threads);
            assert_eq!(product(0..m), whole, "{unit:?}, {threads} threads");
        }
        assert_eq!([product(0..1), product(1..60), product(60..m)].concat(), whole, "{unit:?}");
    }
}

/// With few threads, panels of B are packed while those before are multiplied; with many, before any is.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn panels_packed_between_products_have_the_bits_of_those_packed_before() {
    let [m, n, k] = [40, 390, 97];
    let (a, mut b, bias) = (random(m * k, 1), random(k * n, 2), random(n, 3));
    for unit in units() {
        for (parts, value) in [(1, 1.0), (2, 1.0), (3, 1.0), (3, f32::INFINITY)] {
            b[k * n - 2] = value;
            for b in [Matrix::new(&b, k, n), Matrix::new(&b, n, k).t()] {
                let [first, others @ ..] = [1, 2, 3, 8].map(|threads| {
                    pool::set_threads(threads);
                    let mut c = vec![0.0_f32; m * n];
                    let fits = bf16::gemm(unit, parts, Matrix::new(&a, m, k), b, Some(&bias), &mut c);
                    assert_eq!(fits, value.is_finite());
                    if fits { c.into_iter().map(f32::to_bits).collect::<Vec<_>>() } else { Vec::new() }
                });
                assert!(others.iter().all(|other| *other == first), "{unit:?}, {parts} parts");
            }
        }
    }
}

/// Elements that no cache holds are written past them.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn the_rows_of_a_large_product_are_those_of_smaller_ones() {
    const M: usize = 2050;
    const N: usize = 4096;
    const K: usize = 33;
    let (a, b) = (random(M * K, 1), random(K * N, 2));
    let b = Matrix::new(&b, K, N);
    for unit in units().into_iter().filter(|&unit| unit != Unit::Portable) {
        let mut whole = AlignedBuf::zeros(M * N);
        assert!(bf16::gemm(unit, 1, Matrix::new(&a, M, K), b, None, &mut whole));
        for (a, whole) in a.chunks(M / 2 * K).zip(whole.chunks(M / 2 * N)) {
            let mut rows = AlignedBuf::zeros(whole.len());
            assert!(bf16::gemm(unit, 1, Matrix::new(a, M / 2, K), b, None, &mut rows));
            assert!(*rows == *whole, "{unit:?}");
        }
    }
}

/// Whichever operand is packed first, and where products are in f32 for their few rows or an infinity.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn a_matrix_packed_once_gives_the_same_bits() {
    for (m, n, k) in [(20, 300, 40), (200, 17, 33), (64, 64, 700), (15, 48, 64), (32, 15, 64), (33, 47, 1)] {
        let (a, mut b, bias) = (random(m * k, 1), random(k * n, 2), random(n, 3));
        for parts in 1..=3 {
            for value in [1.0, f32::INFINITY] {
                b[k * n / 2] = value;
                let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, n, k).t());
                let precision = MatmulPrecision::fastest(parts);
                let [mut c, mut packed] = [(); 2].map(|()| vec![0.0; m * n]);
                gemm::gemm(a, b, Some(&bias), &mut c, precision);
                gemm::gemm_packed(a, b, &gemm::Packed::new(b, precision), Some(&bias), &mut packed);
                let bits = |c: &[f32]| c.iter().map(|c| c.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&packed), bits(&c), "{m}×{n}×{k}, {parts} parts, {value}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn products_are_in_bf16_just_where_asked_for_and_faster() {
    let (a, b) = (random(32 * 64, 1), random(64 * 48, 2));
    let product = |precision| {
        let (a, b) = (Matrix::new(&a, 32, 64), Matrix::new(&b, 64, 48));
        let [mut c, mut packed] = [(); 2].map(|()| vec![0.0; 32 * 48]);
        gemm::gemm(a, b, None, &mut c, precision);
        gemm::gemm_packed(a, b, &gemm::Packed::new(b, precision), None, &mut packed);
        assert_eq!(packed, c);
        c
    };
    let single = product(MatmulPrecision::F32);
    for parts in 1..=3 {
        let found = product(MatmulPrecision::fastest(parts));
        let faster = unit().filter(|unit| unit.is_faster(parts));
        match faster {
            Some(unit) => {
                let mut c = vec![0.0; 32 * 48];
                assert!(bf16::gemm(unit, parts, Matrix::new(&a, 32, 64), Matrix::new(&b, 64, 48), None, &mut c));
                assert_eq!(found, c);
            }
            None => assert_eq!(found, single),
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn only_large_products_are_in_bf16_where_others_are_not_to_be() {
    let [n, k] = [128, 512];
    let smallest = LARGE_PRODUCT / n / k;
    let (a, b) = (random(smallest * k, 1), random(k * n, 2));
    for unit in units() {
        let all = Bf16::on(unit, 3).expect("it is here");
        for (m, is_large) in [(smallest, true), (smallest - 1, false)] {
            let (a, b) = (Matrix::new(&a[..m * k], m, k), Matrix::new(&b, k, n));
            let product = |precision| {
                let [mut c, mut packed] = [(); 2].map(|()| vec![0.0; m * n]);
                gemm::gemm(a, b, None, &mut c, precision);
                gemm::gemm_packed(a, b, &gemm::Packed::new(b, precision), None, &mut packed);
                (c, packed)
            };
            let (found, packed) = product(MatmulPrecision::Bf16(all.large_only()));
            let single = product(MatmulPrecision::F32).0;
            assert_eq!(
                found,
                if is_large { product(MatmulPrecision::Bf16(all)).0 } else { single.clone() },
                "{unit:?}"
            );
            assert_ne!(product(MatmulPrecision::Bf16(all)).0, single, "{unit:?}");
            // Matrices packed once are for predictions, which are in f32.
            assert_eq!(packed, single, "{unit:?}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn the_rate_in_registers_counts_the_products_that_each_part_takes() {
    for unit in units().into_iter().filter(|&unit| unit != Unit::Portable) {
        let [one, _, six] = [1, 2, 3].map(|parts| {
            let precision = MatmulPrecision::Bf16(Bf16::on(unit, parts).expect("it is here"));
            peak::multiply_adds(precision, 3 << 10)
        });
        assert!(one > 0 && one == 6 * six, "{unit:?}: {one}, {six}");
    }
    assert!(peak::multiply_adds(MatmulPrecision::F32, 8) > 0);
}
