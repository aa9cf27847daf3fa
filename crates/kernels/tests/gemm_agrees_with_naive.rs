//! Every product against its naive twin, bit for bit, whatever the shape, the threads and the batching.

use thalweg_kernels::bf16::MatmulPrecision::F32;
use thalweg_kernels::gemm::{self, Gemm, Matrix, Packed};
use thalweg_kernels::pool;
use thalweg_kernels::random::Stream;

fn random<T: Gemm>(n: usize, purpose: u32) -> Vec<T> {
    let mut x = vec![T::ZERO; n];
    Stream::new(3, purpose).fill_normal(0, &mut x);
    x
}

fn bits<T: Gemm>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.f64().to_bits()).collect()
}

const SIZES: &[usize] = if cfg!(miri) { &[0, 1, 5] } else { &[0, 1, 2, 5, 13, 16, 33, 50, 67] };
const DEPTHS: &[usize] = if cfg!(miri) { &[0, 3] } else { &[0, 1, 2, 7, 31, 64] };

fn every_shape<T: Gemm>() {
    for &m in SIZES {
        for &n in SIZES {
            for &k in DEPTHS {
                agrees::<T>(m, n, k);
            }
        }
    }
    // Longer than a panel holds, so that C keeps unfinished chains.
    let long = [(3, 2, 8200), (5, 33, 2100), (13, 40, 1030)];
    for (m, n, k) in long.into_iter().take(if cfg!(miri) { 0 } else { 3 }) {
        agrees::<T>(m, n, k);
    }
    // Rows of A that are in each other's way in the first cache.
    if !cfg!(miri) {
        agrees::<T>(20, 260, 1024);
        // An A beyond L2, which is read in blocks.
        agrees::<T>(400, 40, 1030);
    }
}

#[test]
fn an_a_of_far_columns_whose_rows_are_in_each_other_s_way_has_the_naive_bits() {
    if !cfg!(miri) {
        agrees::<f64>(515, 257, 512);
    }
}

#[test]
fn a_row_alone_meets_several_panels_with_the_naive_bits() {
    // Miri takes long for each number.
    let shapes: &[(usize, usize)] = if cfg!(miri) { &[(20, 3)] } else { &[(128, 40), (300, 17), (513, 3)] };
    for &(n, k) in shapes {
        agrees::<f32>(1, n, k);
        agrees::<f64>(1, n, k);
    }
}

fn agrees<T: Gemm>(m: usize, n: usize, k: usize) {
    let (a, b, bias) = (random::<T>(m * k, 1), random::<T>(k * n, 2), random::<T>(n, 3));
    for (a_t, b_t, with_bias) in [(false, false, false), (false, true, true), (true, false, true)] {
        let a = if a_t { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
        let b = if b_t { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
        let bias = with_bias.then_some(&bias[..]);
        let (mut fast, mut naive) = (vec![T::ONE; m * n], vec![T::ZERO; m * n]);
        gemm::gemm(a, b, bias, &mut fast, F32);
        gemm::naive(a, b, bias, &mut naive);
        assert_eq!(bits(&fast), bits(&naive), "{m}×{n}×{k}, transposed {a_t} {b_t}");
        fast.fill(T::ONE);
        gemm::gemm_packed(a, b, &Packed::new(b, F32), bias, &mut fast);
        assert_eq!(bits(&fast), bits(&naive), "{m}×{n}×{k}, transposed {a_t} {b_t}, packed");
    }
}

#[test]
fn products_have_the_naive_bits() {
    every_shape::<f32>();
    every_shape::<f64>();
}

#[test]
fn threads_and_batching_do_not_change_bits() {
    let (m, n, k) = if cfg!(miri) { (61, 7, 5) } else { (131, 77, 190) };
    let (a, b) = (random::<f32>(m * k, 1), random::<f32>(k * n, 2));
    let product = |rows: std::ops::Range<usize>| {
        let mut c = vec![0.0; rows.len() * n];
        let a = Matrix::new(&a[rows.start * k..rows.end * k], rows.len(), k);
        gemm::gemm(a, Matrix::new(&b, n, k).t(), None, &mut c, F32);
        c
    };
    let whole = product(0..m);
    for threads in [1, 2, 3, 7] {
        pool::set_threads(threads);
        assert_eq!(bits(&product(0..m)), bits(&whole), "{threads} threads");
    }
    let apart: Vec<f32> = [product(0..1), product(1..60), product(60..m)].concat();
    assert_eq!(bits(&apart), bits(&whole));
}

#[test]
fn infinities_and_nan_go_through() {
    let a = [f32::INFINITY, 1.0, f32::NAN, 0.0];
    let mut c = [0.0f32; 4];
    gemm::gemm(Matrix::new(&a, 2, 2), Matrix::new(&[1.0, 2.0, 3.0, 4.0], 2, 2), None, &mut c, F32);
    assert!(c[0] == f32::INFINITY && c[1] == f32::INFINITY && c[2].is_nan() && c[3].is_nan());
}

#[test]
#[cfg_attr(miri, ignore = "processes")]
fn forced_instructions_have_the_same_bits() {
    for kernel in ["portable", "avx2"] {
        let tests = ["products_have_the_naive_bits", "threads_and_batching_do_not_change_bits"];
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(tests)
            .env("THALWEG_KERNEL", kernel)
            .output()
            .unwrap();
        assert!(run.status.success(), "{kernel}: {}", String::from_utf8_lossy(&run.stdout));
    }
}
