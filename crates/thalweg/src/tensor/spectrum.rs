//! Spectra of sounds: a short-time Fourier transform is a convolution whose filters are windowed waves.
//!
//! Conventions: Hann's window (periodic), frames within the sound only, power |F|², triangular bands on the mel scale
//! 2595 · log₁₀(1 + f/700) (O'Shaughnessy 1987), natural logarithm, orthonormal DCT-II.

use std::f64::consts::PI;
use std::sync::OnceLock;

use thalweg_kernels::conv::{ConvGeometry, Convolution};
use thalweg_kernels::{elementwise, pool};

use super::ops::{self, Element, MatmulPrecision, by_dtype};
use super::{Activation, Dtype, Tensor, View, ViewMut, transposed};

/// The options of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// Samples per second.
    pub sample_rate: usize,
    /// Samples per frame.
    pub window: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// The number of bands.
    pub bands: usize,
    /// The lowest and the highest frequency of the bands, in Hz.
    pub range: [f64; 2],
    /// How many cosine coefficients of the bands' logarithms to give instead of these.
    pub coefficients: Option<usize>,
}

impl Bands {
    /// The number of frames in a sound.
    pub fn frames(&self, samples: usize) -> usize {
        if samples < self.window { 0 } else { (samples - self.window) / self.hop + 1 }
    }

    /// The bins of the Fourier transform that contribute to some band.
    pub fn bins(&self) -> std::ops::Range<usize> {
        let hz = self.sample_rate as f64 / self.window as f64;
        let first = (self.range[0] / hz).floor() as usize + 1;
        let end = ((self.range[1] / hz).ceil() as usize).min(self.window / 2 + 1);
        first.min(end)..end
    }

    fn geometry(&self, samples: usize) -> ConvGeometry {
        ConvGeometry {
            input: [1, samples, 1],
            size: [1, self.window],
            stride: [1, self.hop],
            padding: [0; 2],
            dilation: [1; 2],
            output: [1, self.frames(samples)],
        }
    }

    /// Filters × window: w(t) cos(2πkt/n) of each bin k, then w(t) sin(2πkt/n).
    pub(crate) fn waves(&self) -> Vec<f64> {
        let (n, bins) = (self.window, self.bins());
        let turn = |i: usize| 2.0 * PI * (i % n) as f64 / n as f64;
        let hann = |t: usize| 0.5 - 0.5 * turn(t).cos();
        let wave = |f: fn(f64) -> f64| bins.clone().flat_map(move |k| (0..n).map(move |t| hann(t) * f(turn(k * t))));
        wave(f64::cos).chain(wave(f64::sin)).collect()
    }

    /// Each triangle's weights for the squared real parts, then for the squared imaginary parts.
    pub(crate) fn triangles_of_squares(&self) -> Vec<f64> {
        self.triangles().chunks(self.bins().len()).flat_map(|band| [band, band].concat()).collect()
    }

    /// Bands × bins: the weight of each bin in each band.
    pub(crate) fn triangles(&self) -> Vec<f64> {
        let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
        let hz = |mel: f64| 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0);
        let [low, high] = self.range.map(mel);
        let corner = |i: usize| hz(low + (high - low) * i as f64 / (self.bands + 1) as f64);
        let weight = |band: usize, bin: usize| {
            let f = bin as f64 * self.sample_rate as f64 / self.window as f64;
            let [left, middle, right] = [0, 1, 2].map(|i| corner(band + i));
            f64::min((f - left) / (middle - left), (right - f) / (right - middle)).max(0.0)
        };
        (0..self.bands).flat_map(|band| self.bins().map(move |bin| weight(band, bin))).collect()
    }

    /// Coefficients × bands: √(2/n) cos(π k (i + ½)/n), the first row 1/√n.
    pub(crate) fn cosines(&self) -> Vec<f64> {
        let n = self.bands as f64;
        let cosine = |k: usize, i: usize| (PI * k as f64 * (i as f64 + 0.5) / n).cos() * (2.0 / n).sqrt();
        let row = |k: usize| (0..self.bands).map(move |i| if k == 0 { n.sqrt().recip() } else { cosine(k, i) });
        (0..self.coefficients.unwrap_or(0)).flat_map(row).collect()
    }

    fn tables(&self, dtype: Dtype) -> Tables {
        let bins = self.bins().len();
        let matrix = |rows: usize, columns: usize, values: Vec<f64>| {
            let transpose = transposed(&values, rows);
            let tensor = |shape: [usize; 2], values: Vec<f64>| Tensor::from_f64(shape, values).to(dtype);
            [tensor([rows, columns], values), tensor([columns, rows], transpose)]
        };
        Tables {
            waves: Tensor::from_f64([2 * bins, self.window], self.waves()).to(dtype),
            triangles: matrix(self.bands, bins, self.triangles()),
            cosines: self.coefficients.map(|k| matrix(k, self.bands, self.cosines())),
        }
    }
}

/// The constants of a spectrum, matrices with their transposes.
#[derive(Debug, Clone)]
struct Tables {
    waves: Tensor,
    triangles: [Tensor; 2],
    cosines: Option<[Tensor; 2]>,
}

/// A spectrum with its constants, computed when they are first needed.
#[derive(Debug, Clone)]
pub struct Spectrum {
    bands: Bands,
    offset: f64,
    tables: [OnceLock<Tables>; 2],
}

/// A · Bᵀ in at least f32, whatever the network's layers use: powers span many orders of magnitude.
fn product(a: View, b: &Tensor, y: ViewMut) {
    ops::linear(a, b.view(), None, Activation::Identity, None, y, MatmulPrecision::F32);
}

/// Waves as filters over frames, in the same precision.
fn convolution<'a, T: Element>(geometry: &ConvGeometry, waves: View<'a>) -> Convolution<'a, T> {
    let (geometry, filters) = (*geometry, T::read(waves));
    Convolution { geometry, groups: 1, filters, precision: MatmulPrecision::F32 }
}

impl Spectrum {
    /// y = ln(offset + bands of |F x|²).
    pub fn new(bands: Bands, offset: f64) -> Self {
        Spectrum { bands, offset, tables: [OnceLock::new(), OnceLock::new()] }
    }

    fn tables(&self, dtype: Dtype) -> &Tables {
        let cell = &self.tables[usize::from(dtype == Dtype::F64)];
        cell.get_or_init(|| self.bands.tables(dtype))
    }

    /// Turns sounds x, m × samples, into y, (m · frames) × bands (or coefficients). Leaves the transform, the powers
    /// and, for coefficients, the logarithms in `saved`.
    pub fn forward(&self, x: View, y: ViewMut, saved: &mut [Tensor]) {
        let (m, samples) = (x.shape().rows(), x.shape().columns());
        let frames = m * self.bands.frames(samples);
        let tables = self.tables(x.dtype());
        let bins = self.bands.bins().len();
        let [transform, power, rest @ ..] = saved else { unreachable!("at least two tensors are saved") };
        by_dtype!(x, waves(&self.bands.geometry(samples), x, tables.waves.view(), transform.rows_mut(m)));
        by_dtype!(x, powers(bins, transform.rows(m), power.rows_mut(m)));
        let power = power.view().part(0, [frames, bins]);
        let logarithms = |mut bands: ViewMut| {
            product(power, &tables.triangles[0], bands.reborrow());
            by_dtype!(bands.view(), logarithm(self.offset, bands));
        };
        match &tables.cosines {
            None => logarithms(y),
            Some(cosines) => {
                let shape = [frames, self.bands.bands];
                logarithms(rest[0].view_mut().part(0, shape));
                product(rest[0].view().part(0, shape), &cosines[0], y);
            }
        }

        fn waves<T: Element>(geometry: &ConvGeometry, x: View, waves: View, y: ViewMut) {
            T::forward(&convolution(geometry, waves), T::read(x), None, T::write(y), &|_| ());
        }
        fn powers<T: Element>(bins: usize, transform: View, power: ViewMut) {
            let transform = T::read(transform);
            pool::for_each_chunk(T::write(power), FRAMES * bins, |i, power| {
                let transform = transform[2 * i * FRAMES * bins..].chunks_exact(2 * bins);
                for (power, transform) in power.chunks_exact_mut(bins).zip(transform) {
                    let (real, imaginary) = transform.split_at(bins);
                    let parts = real.iter().zip(imaginary);
                    power.iter_mut().zip(parts).for_each(|(p, (&re, &im))| *p = re * re + im * im);
                }
            });
        }
        fn logarithm<T: Element>(offset: f64, y: ViewMut) {
            elementwise::map_in_place(T::write(y), |power| (T::of(offset) + power).ln());
        }
    }

    /// dx from y, from dy, which is overwritten, and from what the forward pass saved.
    pub fn backward(&self, y: View, dy: ViewMut, saved: &mut [Tensor], samples: usize, dx: ViewMut) {
        let m = dx.shape().rows();
        let frames = m * self.bands.frames(samples);
        let (tables, bins) = (self.tables(y.dtype()), self.bands.bins().len());
        let [transform, power, rest @ ..] = saved else { unreachable!("at least two tensors are saved") };
        let mut own = tables.cosines.as_ref().map(|_| Tensor::zeros([frames, self.bands.bands], y.dtype()));
        let (logarithms, mut delta) = match (&tables.cosines, &mut own) {
            (Some(cosines), Some(own)) => {
                let shape = [frames, cosines[0].shape().rows()];
                product(dy.view().part(0, shape), &cosines[1], own.view_mut());
                (rest[0].view().part(0, own.shape()), own.view_mut())
            }
            _ => (y, dy),
        };
        // d ln(offset + p) = dp / (offset + p), and the logarithm is known.
        by_dtype!(y, through_logarithm(logarithms, delta.reborrow()));
        let delta = delta.view().part(0, [frames, self.bands.bands]);
        product(delta, &tables.triangles[1], power.view_mut().part(0, [frames, bins]));
        by_dtype!(y, through_powers(bins, power.rows(m), transform.rows_mut(m)));
        let geometry = self.bands.geometry(samples);
        by_dtype!(y, through_waves(&geometry, transform.rows(m), tables.waves.view(), dx));

        fn through_logarithm<T: Element>(y: View, delta: ViewMut) {
            elementwise::zip_in_place(T::write(delta), T::read(y), |d, y| d * (-y).exp());
        }
        fn through_powers<T: Element>(bins: usize, power: View, transform: ViewMut) {
            let power = T::read(power);
            pool::for_each_chunk(T::write(transform), 2 * FRAMES * bins, |i, transform| {
                let power = power[i * FRAMES * bins..].chunks_exact(bins);
                for (transform, power) in transform.chunks_exact_mut(2 * bins).zip(power) {
                    let twice = power.iter().chain(power).map(|&p| p + p);
                    transform.iter_mut().zip(twice).for_each(|(x, d)| *x *= d);
                }
            });
        }
        fn through_waves<T: Element>(geometry: &ConvGeometry, dz: View, waves: View, dx: ViewMut) {
            T::image_gradient(&convolution(geometry, waves), T::read(dz), T::write(dx));
        }
    }
}

/// How many frames make it worth waking a thread.
const FRAMES: usize = 64;
