//! Convolution and pooling against their definitions, over odd windows, and for any number of threads.

use std::process::Command;

use thalweg_kernels::bf16::{Bf16, MatmulPrecision, Unit};
use thalweg_kernels::conv::{self, Conv, ConvGeometry, Convolution, Count};
use thalweg_kernels::pool;
use thalweg_kernels::random::Stream;

fn normal<T: Conv>(n: usize, purpose: u32) -> Vec<T> {
    let mut x = vec![T::ZERO; n];
    Stream::new(13, purpose).fill_normal(0, &mut x);
    x
}

/// Windows with as many outputs as the padding, the same on each side, allows.
fn windows(
    input: [usize; 3],
    size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> ConvGeometry {
    let output = [0, 1].map(|i| (input[i] + 2 * padding[i] - (size[i] - 1) * dilation[i] - 1) / stride[i] + 1);
    ConvGeometry { input, size, stride, padding, dilation, output }
}

/// Windows, groups and filters.
fn cases() -> Vec<(ConvGeometry, usize, usize)> {
    let large = (windows([20, 20, 16], [3, 3], [1, 1], [1, 1], [1, 1]), 1, 32);
    let small = vec![
        (windows([5, 6, 3], [3, 3], [1, 1], [1, 1], [1, 1]), 1, 4),
        (windows([9, 4, 2], [2, 3], [2, 1], [0, 2], [1, 1]), 1, 17),
        (windows([8, 8, 4], [3, 2], [1, 3], [2, 1], [2, 2]), 2, 6),
        (windows([7, 5, 3], [3, 3], [1, 2], [1, 1], [1, 1]), 3, 3),
        (windows([1, 1, 1], [1, 1], [1, 1], [0, 0], [1, 1]), 1, 1),
        (windows([4, 5, 3], [1, 1], [1, 1], [0, 0], [1, 1]), 1, 5),
        (windows([3, 4, 2], [2, 2], [1, 1], [2, 2], [1, 1]), 1, 3),
        (windows([6, 6, 2], [3, 3], [1, 1], [0, 0], [2, 1]), 2, 6),
    ];
    // Channels and filters enough for products in bf16.
    let many = [
        (windows([7, 9, 17], [3, 2], [1, 1], [1, 0], [1, 2]), 1, 33),
        (windows([6, 5, 40], [2, 2], [1, 1], [2, 1], [1, 1]), 1, 20),
        (windows([9, 8, 32], [3, 3], [2, 1], [1, 1], [1, 1]), 1, 16),
        (windows([3, 3, 64], [3, 3], [1, 1], [0, 0], [1, 1]), 1, 64),
        large,
        // Patches with outputs that are not there, with padding of any width, and many to an image.
        (windows([7, 7, 17], [3, 3], [1, 1], [1, 1], [1, 1]), 1, 33),
        (windows([6, 9, 64], [3, 3], [1, 1], [0, 2], [1, 1]), 1, 16),
        (windows([27, 26, 16], [3, 3], [1, 1], [0, 0], [1, 1]), 1, 40),
    ];
    // Miri takes long for each number.
    small.into_iter().step_by(if cfg!(miri) { 2 } else { 1 }).chain(many.into_iter().filter(|_| !cfg!(miri))).collect()
}

/// Calls f(number of x, number of the filters, number of y) for each product in the definition of a convolution.
fn each_product(
    w: &ConvGeometry,
    groups: usize,
    filters: usize,
    images: usize,
    mut f: impl FnMut(usize, usize, usize),
) {
    let ([height, width, channels], [down, across]) = (w.input, w.output);
    let (part, each) = (channels / groups, filters / groups);
    for image in 0..images {
        for (oy, ox) in (0..down).flat_map(|oy| (0..across).map(move |ox| (oy, ox))) {
            for filter in 0..filters {
                for (ky, kx) in (0..w.size[0]).flat_map(|ky| (0..w.size[1]).map(move |kx| (ky, kx))) {
                    let y = (oy * w.stride[0] + ky * w.dilation[0]) as isize - w.padding[0] as isize;
                    let x = (ox * w.stride[1] + kx * w.dilation[1]) as isize - w.padding[1] as isize;
                    if y < 0 || x < 0 || y as usize >= height || x as usize >= width {
                        continue;
                    }
                    for channel in 0..part {
                        let from = ((image * height + y as usize) * width + x as usize) * channels;
                        f(
                            from + filter / each * part + channel,
                            (filter * w.size[0] * w.size[1] + ky * w.size[1] + kx) * part + channel,
                            ((image * down + oy) * across + ox) * filters + filter,
                        );
                    }
                }
            }
        }
    }
}

/// The root of the mean square.
fn usual(numbers: &[f64]) -> f64 {
    (numbers.iter().map(|x| x * x).sum::<f64>() / numbers.len() as f64).sqrt()
}

/// Each number is as near as `tolerance` of `size` and of itself, and all together as near as a tenth of that.
fn near<T: Conv>(found: &[T], expected: &[f64], tolerance: f64, size: f64, what: &str) {
    let errors: Vec<f64> = found.iter().zip(expected).map(|(found, expected)| found.f64() - expected).collect();
    let (error, all) = (usual(&errors), usual(expected));
    assert!(error <= 0.1 * tolerance * all, "{what}: an error of {error} in {all}");
    for (i, (error, expected)) in errors.iter().zip(expected).enumerate() {
        assert!(error.abs() <= tolerance * (size + expected.abs()), "{what}, {i}: {:?}, {expected}", found[i]);
    }
}

fn is_its_definition<T: Conv>(tolerance: f64, precision: MatmulPrecision) {
    let images = if cfg!(miri) { 1 } else { 3 };
    for (w, groups, filters) in cases() {
        let numbers = filters * w.size[0] * w.size[1] * w.input[2] / groups;
        let (n_in, n_out) = (images * w.input.iter().product::<usize>(), images * w.count() * filters);
        let (x, f, b, dy) =
            (normal::<T>(n_in, 1), normal::<T>(numbers, 2), normal::<T>(filters, 3), normal::<T>(n_out, 4));
        let [mut y, mut df, mut db, mut dx] = [n_out, numbers, filters, n_in].map(|n| vec![T::ONE; n]);
        let conv = Convolution { geometry: w, groups, filters: &f, precision };
        T::forward(&conv, &x, Some(&b), &mut y, &|_| ());
        T::backward(&conv, [&x, &dy], &mut df, Some(&mut db), Some(&mut dx));
        let mut without = vec![T::ONE; df.len()];
        T::backward(&conv, [&x, &dy], &mut without, None, None);
        assert!(without == df, "alone, {w:?}");
        let sum = |filter: usize| dy.iter().skip(filter).step_by(filters).map(|dy| dy.f64()).sum();
        near(&db, &(0..filters).map(sum).collect::<Vec<f64>>(), tolerance, 1.0, &format!("db, {w:?}"));
        let mut expected_y: Vec<f64> = (0..n_out).map(|i| b[i % filters].f64()).collect();
        let [mut expected_df, mut expected_dx] = [numbers, n_in].map(|n| vec![0.0; n]);
        each_product(&w, groups, filters, images, |i, j, k| {
            expected_y[k] += x[i].f64() * f[j].f64();
            expected_df[j] += x[i].f64() * dy[k].f64();
            expected_dx[i] += f[j].f64() * dy[k].f64();
        });
        // Gradients of large patches are as exact as usual numbers let them be, not as each alone.
        let patches = groups == 1 && w.size == [3; 2] && w.stride == [1; 2] && w.dilation == [1; 2] && w.input[2] >= 16;
        let size = if patches { usual(&expected_dx) } else { 1.0 };
        near(&y, &expected_y, tolerance, 1.0, &format!("y, {w:?}"));
        near(&df, &expected_df, tolerance, usual(&expected_df).min(30.0), &format!("df, {w:?}"));
        near(&dx, &expected_dx, tolerance, size, &format!("dx, {w:?}"));
    }
}

#[test]
fn convolutions_are_their_definition() {
    is_its_definition::<f64>(1e-13, MatmulPrecision::F32);
    if !cfg!(miri) {
        is_its_definition::<f32>(2e-5, MatmulPrecision::F32);
        for (parts, tolerance) in [(1, 0.3), (2, 2e-3), (3, 2e-5)] {
            is_its_definition::<f32>(tolerance, MatmulPrecision::fastest(parts));
        }
    }
}

#[test]
fn pools_are_their_definition() {
    for (w, _, _) in cases() {
        let (channels, images) = (w.input[2], 2);
        let n_out = images * w.count() * channels;
        let x = normal::<f64>(images * w.input.iter().product::<usize>(), 1);
        let (mut largest, mut sums, mut seen) = (vec![f64::NEG_INFINITY; n_out], vec![0.0; n_out], vec![0.0; n_out]);
        // A pool's window sees a channel as a depthwise filter does.
        each_product(&w, channels, channels, images, |i, _, k| {
            largest[k] = f64::max(largest[k], x[i]);
            sums[k] += x[i];
            seen[k] += 1.0;
        });
        let (mut y, dy) = (vec![1.0; n_out], normal::<f64>(n_out, 2));
        conv::max_pool(&w, &x, &mut y);
        assert_eq!(y, largest);
        let (mut dx, mut expected) = (vec![1.0; x.len()], vec![0.0; x.len()]);
        conv::max_pool_gradient(&w, &x, &y, &dy, &mut dx);
        each_product(&w, channels, channels, images, |i, _, k| expected[i] += if x[i] == y[k] { dy[k] } else { 0.0 });
        near(&dx, &expected, 1e-14, 1.0, "max");
        // The mean of nothing is 0.
        let seen = seen.into_iter().map(|seen| f64::max(seen, 1.0)).collect();
        for (count, places) in [(Count::Window, vec![(w.size[0] * w.size[1]) as f64; n_out]), (Count::Image, seen)] {
            let means: Vec<f64> = sums.iter().zip(&places).map(|(sum, places)| sum / places).collect();
            conv::average_pool(&w, count, &x, &mut y);
            near(&y, &means, 1e-14, 1.0, &format!("{count:?}"));
            conv::average_pool_gradient(&w, count, &dy, &mut dx);
            expected.fill(0.0);
            each_product(&w, channels, channels, images, |i, _, k| expected[i] += dy[k] / places[k]);
            near(&dx, &expected, 1e-14, 1.0, &format!("{count:?}"));
        }
    }
}

/// The bits of a convolution and of its gradients.
fn bits(precision: MatmulPrecision, stride: usize) -> Vec<u32> {
    let (w, images, filters) = (windows([20, 20, 16], [3, 3], [stride, stride], [1, 1], [1, 1]), 9, 32);
    let (x, f) = (normal::<f32>(images * 6400, 1), normal::<f32>(filters * 144, 2));
    let dy = normal::<f32>(images * w.count() * filters, 3);
    let [mut y, mut df, mut dx] = [dy.len(), f.len(), x.len()].map(|n| vec![0.0_f32; n]);
    let conv = Convolution { geometry: w, groups: 1, filters: &f, precision };
    Conv::forward(&conv, &x, None, &mut y, &|_| ());
    Conv::backward(&conv, [&x, &dy], &mut df, None, Some(&mut dx));
    [y, df, dx].concat().into_iter().map(f32::to_bits).collect()
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn tiles_have_the_bits_of_their_portable_twin() {
    for stride in [1, 2] {
        for parts in 1..=3 {
            let [tiles, twin] = [Unit::Tiles, Unit::Portable].map(|unit| Bf16::on(unit, parts));
            match tiles {
                Some(tiles) => assert!(
                    bits(MatmulPrecision::Bf16(tiles), stride) == bits(MatmulPrecision::Bf16(twin.unwrap()), stride),
                    "{parts} parts, stride {stride}"
                ),
                None => println!("skipped: this machine has no tiles"),
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn threads_do_not_change_bits() {
    for precision in [MatmulPrecision::F32, MatmulPrecision::fastest(1)] {
        let run = |threads: usize| {
            pool::set_threads(threads);
            bits(precision, 1)
        };
        let one = run(1);
        for threads in [2, 3] {
            assert!(run(threads) == one, "{precision:?}, {threads} threads");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn an_image_alone_has_the_bits_it_has_among_others() {
    for (w, groups, filters) in cases() {
        let (image, out) = (w.input.iter().product::<usize>(), w.count() * filters);
        let (x, dy) = (normal::<f32>(5 * image, 1), normal::<f32>(5 * out, 2));
        let f = normal::<f32>(filters * w.size[0] * w.size[1] * w.input[2] / groups, 3);
        let run = |images: std::ops::Range<usize>| {
            let (x, dy) = (&x[images.start * image..images.end * image], &dy[images.start * out..images.end * out]);
            let [mut y, mut df, mut dx] = [dy.len(), f.len(), x.len()].map(|n| vec![0.0_f32; n]);
            let conv = Convolution { geometry: w, groups, filters: &f, precision: MatmulPrecision::F32 };
            Conv::forward(&conv, x, None, &mut y, &|_| ());
            Conv::backward(&conv, [x, dy], &mut df, None, Some(&mut dx));
            (y, dx)
        };
        let (y, dx) = run(0..5);
        let alone = run(3..4);
        assert!(alone == (y[3 * out..4 * out].to_vec(), dx[3 * image..4 * image].to_vec()), "{w:?}");
    }
}

/// The bits of all that is computed in some cases.
fn digest() -> u64 {
    let mut digest = 0_u64;
    for (w, groups, filters) in cases() {
        let [n_in, n_out] = [w.input.iter().product::<usize>(), w.count() * filters].map(|n| 2 * n);
        let (x, dy) = (normal::<f32>(n_in, 1), normal::<f32>(n_out, 2));
        let f = normal::<f32>(filters * w.size[0] * w.size[1] * w.input[2] / groups, 3);
        let [mut y, mut df, mut dx] = [n_out, f.len(), n_in].map(|n| vec![0.0_f32; n]);
        let conv = Convolution { geometry: w, groups, filters: &f, precision: MatmulPrecision::F32 };
        Conv::forward(&conv, &x, None, &mut y, &|_| ());
        Conv::backward(&conv, [&x, &dy], &mut df, None, Some(&mut dx));
        for x in [y, df, dx].concat() {
            digest = (digest ^ u64::from(x.to_bits())).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(7);
        }
    }
    digest
}

#[test]
#[cfg_attr(miri, ignore = "for the next test")]
fn bits_are_told() {
    println!("digest {:x}", digest());
}

#[test]
#[cfg_attr(miri, ignore = "processes")]
fn forced_instructions_have_the_same_bits() {
    let told = |kernel: &str| {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["bits_are_told", "--exact", "--nocapture"])
            .env("THALWEG_KERNEL", kernel)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let at = text.find("digest ").unwrap_or_else(|| panic!("{kernel}: {text}"));
        text[at..].split_whitespace().nth(1).unwrap().to_owned()
    };
    let best = told("avx512");
    for kernel in ["portable", "avx2"] {
        assert_eq!(told(kernel), best, "{kernel}");
    }
}
