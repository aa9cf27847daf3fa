//! Short-time Fourier transforms and a phase vocoder.

use std::f32::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Short-time Fourier transforms with a Hann window and a hop of a quarter frame.
#[derive(Clone)]
pub struct Fourier {
    size: usize,
    window: Arc<[f32]>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl std::fmt::Debug for Fourier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fourier").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Fourier {
    /// Transforms with an even frame size.
    pub fn new(size: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let hann = |i: usize| 0.5 - 0.5 * (TAU * i as f32 / size as f32).cos();
        Fourier {
            size,
            window: (0..size).map(hann).collect(),
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
        }
    }

    /// Samples per frame.
    pub fn size(&self) -> usize {
        self.size
    }

    fn hop(&self) -> usize {
        self.size / 4
    }

    /// The transforms of frames centred at every multiple of the hop.
    pub fn frames(&self, x: &[f32]) -> Vec<Vec<Complex<f32>>> {
        let before = self.size / 2;
        let mut room = vec![0.0; self.size];
        (0..=x.len().div_ceil(self.hop()))
            .map(|i| {
                for (j, (to, window)) in room.iter_mut().zip(self.window.iter()).enumerate() {
                    let sample = (i * self.hop() + j).checked_sub(before).and_then(|at| x.get(at));
                    *to = window * sample.copied().unwrap_or(0.0);
                }
                let mut frame = self.forward.make_output_vec();
                self.forward.process(&mut room, &mut frame).expect("the lengths are the plan's");
                frame
            })
            .collect()
    }

    /// The inverse transform by overlap-add, cut to a length.
    pub fn sound(&self, frames: &[Vec<Complex<f32>>], length: usize) -> Vec<f32> {
        let before = self.size / 2;
        let (mut sum, mut weight) = (vec![0.0; length], vec![0.0; length]);
        let mut room = self.inverse.make_output_vec();
        for (i, frame) in frames.iter().enumerate() {
            let mut frame = frame.clone();
            // The first and last coefficients of a real signal are real.
            frame[0].im = 0.0;
            frame[self.size / 2].im = 0.0;
            self.inverse.process(&mut frame, &mut room).expect("the lengths are the plan's");
            for (j, (x, window)) in room.iter().zip(self.window.iter()).enumerate() {
                let Some(at) = (i * self.hop() + j).checked_sub(before).filter(|at| *at < length) else { continue };
                sum[at] += window * x / self.size as f32;
                weight[at] += window * window;
            }
        }
        sum.iter().zip(&weight).map(|(x, weight)| if *weight > 1e-3 { x / weight } else { 0.0 }).collect()
    }

    /// A phase vocoder (Flanagan and Golden, 1966): frames `speed` times as fast, whose phases advance at the original
    /// rate.
    pub fn stretched(&self, frames: &[Vec<Complex<f32>>], speed: f64) -> Vec<Vec<Complex<f32>>> {
        let bins = self.size / 2 + 1;
        let advance = |bin: usize| TAU * (self.hop() * bin % self.size) as f32 / self.size as f32;
        let mut phase: Vec<f32> = frames[0].iter().map(|x| x.arg()).collect();
        let mut place = 0.0;
        let mut stretched = Vec::new();
        while place < (frames.len() - 1) as f64 {
            let (now, part) = (place as usize, (place - place.floor()) as f32);
            let (this, next) = (&frames[now], &frames[now + 1]);
            stretched.push(
                (0..bins)
                    .map(|bin| {
                        let size = this[bin].norm() * (1.0 - part) + next[bin].norm() * part;
                        let found = Complex::from_polar(size, phase[bin]);
                        let beyond = next[bin].arg() - this[bin].arg() - advance(bin);
                        phase[bin] = (phase[bin] + advance(bin) + beyond - TAU * (beyond / TAU).round()) % TAU;
                        found
                    })
                    .collect(),
            );
            place += speed;
        }
        stretched
    }
}
