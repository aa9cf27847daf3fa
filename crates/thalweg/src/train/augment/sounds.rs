//! Augmentation of sounds: of their samples, whatever the network then makes of them.

use std::sync::Arc;

use thalweg_media::sounds::{Complex, Fourier};

use super::{ActiveChange, strong};
use crate::random::Stream;
use crate::tensor::Real;

/// How far sounds may be changed; 0 leaves them as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoundStrengths {
    /// Louder or softer by up to this many decibels.
    pub gain: f64,
    /// Shifted by up to this share of the length; silence fills the gap.
    pub shift: f64,
    /// Faster or slower by up to this share, at the same pitch.
    pub stretch: f64,
    /// Higher or lower by up to this many semitones, at the same speed.
    pub pitch: f64,
    /// Gaussian noise is added at a signal-to-noise ratio of this many decibels, or up to 30 more.
    pub snr: Option<f64>,
    /// The probability that steady noise is suppressed (spectral gating).
    pub suppress: f64,
    /// Up to this share of the length is silenced (SpecAugment's time mask).
    pub mask_time: f64,
    /// Up to this share of the frequencies is removed (SpecAugment's frequency mask).
    pub mask_frequency: f64,
    /// The lowest signal-to-noise ratio, in decibels, at which backgrounds are mixed in; it is up to 30 more.
    pub background_snr: f64,
}

/// How sounds are changed.
#[derive(Debug, Clone)]
pub struct SoundChanges {
    strengths: SoundStrengths,
    /// Sounds, one of which is mixed into each example with probability ½.
    backgrounds: Arc<[Vec<f32>]>,
    fourier: Fourier,
}

impl PartialEq for SoundChanges {
    fn eq(&self, other: &Self) -> bool {
        self.strengths == other.strengths
            && self.backgrounds == other.backgrounds
            && self.fourier.size() == other.fourier.size()
    }
}

impl SoundChanges {
    /// The changes in use.
    pub(super) fn parts(&self) -> Vec<ActiveChange> {
        let own = &self.strengths;
        let strengths = [
            ("gain", own.gain),
            ("shift", own.shift),
            ("stretch", own.stretch),
            ("pitch", own.pitch),
            ("suppress", own.suppress),
            ("mask_time", own.mask_time),
            ("mask_frequency", own.mask_frequency),
        ];
        let noise = own.snr.map(|snr| ("snr", Some(snr)));
        let background = (!self.backgrounds.is_empty()).then_some(("background", None));
        strong(&strengths).into_iter().chain(noise).chain(background).collect()
    }

    /// Changes for sounds of a sample rate, with backgrounds to mix in.
    pub fn new(strengths: SoundStrengths, sample_rate: usize, backgrounds: Vec<Vec<f32>>) -> Self {
        // Frames of 32 to 64 ms.
        let fourier = Fourier::new((sample_rate / 16).next_power_of_two().max(16));
        let backgrounds = backgrounds.into_iter().filter(|sound| !sound.is_empty()).collect();
        SoundChanges { strengths, backgrounds, fourier }
    }

    /// Changes one sound as an epoch does.
    pub fn apply<T: Real>(&self, stream: Stream, example: u32, sound: &mut [T]) {
        let mut draws = [0.0; 20];
        stream.fill_uniform(example, &mut draws);
        let mut draws = draws.into_iter();
        let mut draw = move || -> f64 { draws.next().unwrap_or_default() };
        let around = |reach: f64, draw: f64| reach * (2.0 * draw - 1.0);
        let own = &self.strengths;
        let n = sound.len();
        let gain = 10.0_f64.powf(around(own.gain, draw()) / 20.0);
        let shift = (around(own.shift, draw()) * n as f64).round() as isize;
        let (stretch, pitch) = ((1.0 + own.stretch).powf(around(1.0, draw())), around(own.pitch, draw()) / 12.0);
        let pitch = 2.0_f64.powf(pitch);
        let (noise, suppressed) = (30.0 * draw(), draw() < own.suppress);
        let [time, from, frequency, low] = [draw(), draw(), draw(), draw()];
        let (mixed, which, start, background) = (draw() < 0.5, draw(), draw(), 30.0 * draw());

        let mut x: Vec<f32> = sound.iter().map(|x| x.f64() as f32).collect();
        let band = own.mask_frequency * frequency;
        if stretch != 1.0 || pitch != 1.0 || suppressed || band > 0.0 {
            let mut frames = self.fourier.frames(&x);
            if suppressed {
                suppress(&mut frames);
            }
            if band > 0.0 {
                let bins = self.fourier.size() / 2 + 1;
                let (count, first) = (band * bins as f64, low * (1.0 - band) * bins as f64);
                let (first, end) = (first as usize, (first + count) as usize);
                frames.iter_mut().for_each(|frame| frame[first..end.min(bins)].fill(Complex::ZERO));
            }
            // The vocoder slows down what resampling then speeds up.
            let speed = stretch / pitch;
            if speed != 1.0 {
                frames = self.fourier.stretched(&frames, speed);
            }
            x = resampled(&self.fourier.sound(&frames, (n as f64 / speed).round() as usize), pitch, n);
        }
        moved(&mut x, shift);
        let rms = root_mean_square(&x);
        if let Some(snr) = own.snr {
            let mut normal = vec![0.0; n];
            // Elements of the same stream, far beyond the draws above.
            stream.fill_normal(example ^ (1 << 31), &mut normal);
            let deviation = rms * decibels(-(snr + noise));
            x.iter_mut().zip(normal).for_each(|(x, normal)| *x += deviation * normal as f32);
        }
        if mixed && !self.backgrounds.is_empty() {
            let other = &self.backgrounds[(which * self.backgrounds.len() as f64) as usize];
            let factor =
                rms * decibels(-(own.background_snr + background)) / root_mean_square(other).max(f32::MIN_POSITIVE);
            let other = other.iter().cycle().skip((start * other.len() as f64) as usize);
            x.iter_mut().zip(other).for_each(|(x, other)| *x += factor * other);
        }
        let silent = (own.mask_time * time * n as f64) as usize;
        x[(from * (n - silent) as f64) as usize..][..silent].fill(0.0);
        sound.iter_mut().zip(&x).for_each(|(to, &x)| *to = T::of(gain * f64::from(x)));
    }
}

fn decibels(by: f64) -> f32 {
    10.0_f64.powf(by / 20.0) as f32
}

fn root_mean_square(x: &[f32]) -> f32 {
    (x.iter().map(|x| x * x).sum::<f32>() / x.len().max(1) as f32).sqrt()
}

/// Moves a sound some samples later (or earlier); silence fills the gap.
fn moved(x: &mut [f32], by: isize) {
    let n = x.len();
    let offset = by.unsigned_abs().min(n);
    if by >= 0 {
        x.copy_within(..n - offset, offset);
        x[..offset].fill(0.0);
    } else {
        x.copy_within(offset.., 0);
        x[n - offset..].fill(0.0);
    }
}

/// A sound resampled to play `speed` times as fast, cropped to its middle or padded with silence around it.
fn resampled(x: &[f32], speed: f64, length: usize) -> Vec<f32> {
    let at = |i: isize| usize::try_from(i).ok().and_then(|i| x.get(i)).copied().unwrap_or(0.0);
    let middle = |n: usize| (n as f64 - 1.0) / 2.0;
    let sample = |i: usize| {
        let position = middle(x.len()) + (i as f64 - middle(length)) * speed;
        let (whole, part) = (position.floor(), (position - position.floor()) as f32);
        at(whole as isize) * (1.0 - part) + at(whole as isize + 1) * part
    };
    (0..length).map(sample).collect()
}

/// Spectral gating: attenuates, frequency by frequency, what is hardly louder than the quiet frames.
fn suppress(frames: &mut [Vec<Complex<f32>>]) {
    let bins = frames.first().map_or(0, Vec::len);
    for bin in 0..bins {
        let mut power: Vec<f32> = frames.iter().map(|frame| frame[bin].norm_sqr()).collect();
        power.sort_unstable_by(f32::total_cmp);
        let floor = 16.0 * power[power.len() / 5];
        for frame in frames.iter_mut().filter(|frame| frame[bin].norm_sqr() <= floor) {
            frame[bin] *= 0.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;
    use crate::random;

    const RATE: usize = 8_000;

    fn tone(hz: f32, n: usize) -> Vec<f32> {
        (0..n).map(|i| (TAU * hz * i as f32 / RATE as f32).sin()).collect()
    }

    fn changed(strengths: SoundStrengths, sound: &[f32], example: u32) -> Vec<f32> {
        let mut sound = sound.to_vec();
        SoundChanges::new(strengths, RATE, Vec::new()).apply(random::augment(1, 1), example, &mut sound);
        sound
    }

    /// The frequency of a tone, from its zero crossings.
    fn frequency(sound: &[f32]) -> f32 {
        let crossings = sound.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        crossings as f32 * RATE as f32 / sound.len() as f32
    }

    /// The largest difference between two sounds.
    fn difference(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn strengths_of_zero_change_nothing() {
        let sound = tone(440.0, 3_000);
        assert_eq!(changed(SoundStrengths::default(), &sound, 3), sound);
    }

    #[test]
    fn frames_give_back_their_sound() {
        let (fourier, sound) = (Fourier::new(512), tone(440.0, 3_001));
        assert!(difference(&fourier.sound(&fourier.frames(&sound), 3_001), &sound) < 1e-5);
    }

    #[test]
    fn gain_and_shift_are_within_their_strengths() {
        let sound = tone(300.0, 2_000);
        for example in 0..20 {
            let louder = changed(SoundStrengths { gain: 6.0, ..Default::default() }, &sound, example);
            let factor = root_mean_square(&louder) / root_mean_square(&sound);
            assert!((0.5..2.0).contains(&factor) && factor != 1.0, "{factor}");
            let moved = changed(SoundStrengths { shift: 0.1, ..Default::default() }, &sound, example);
            let agrees = |by: isize| (200..1_800).all(|i| moved[i] == sound[(i as isize - by) as usize]);
            assert!((-200..=200).any(agrees));
        }
        let mut sound = [1.0, 2.0, 3.0];
        moved(&mut sound, -1);
        assert_eq!(sound, [2.0, 3.0, 0.0]);
        moved(&mut sound, 7);
        assert_eq!(sound, [0.0; 3]);
    }

    #[test]
    fn stretching_keeps_the_pitch_and_pitching_keeps_the_speed() {
        // A tone in the middle third: its length gives the speed.
        let silence = vec![0.0; 4_000];
        let sound = [silence.clone(), tone(500.0, 4_000), silence].concat();
        let sounding = |sound: &[f32]| {
            let loud = |x: &f32| x.abs() > 0.3;
            (sound.iter().position(loud).unwrap(), sound.iter().rposition(loud).unwrap())
        };
        let (mut lengths, mut pitches) = (Vec::new(), Vec::new());
        for example in 0..12 {
            let stretched = changed(SoundStrengths { stretch: 0.3, ..Default::default() }, &sound, example);
            let (first, last) = sounding(&stretched);
            assert!((frequency(&stretched[first..last]) - 500.0).abs() < 10.0);
            lengths.push(last - first);
            let pitched = changed(SoundStrengths { pitch: 4.0, ..Default::default() }, &sound, example);
            let (first, last) = sounding(&pitched);
            assert!((last - first).abs_diff(4_000) < 400, "{}", last - first);
            pitches.push(frequency(&pitched[first..last]));
        }
        let within = |low: f32, high: f32, found: f32| low * 0.97 < found && found < high * 1.03;
        assert!(lengths.iter().all(|n| within(4_000.0 / 1.3, 4_000.0 * 1.3, *n as f32)), "{lengths:?}");
        assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() > 800);
        let third = 2.0_f32.powf(4.0 / 12.0);
        assert!(pitches.iter().all(|hz| within(500.0 / third, 500.0 * third, *hz)), "{pitches:?}");
        assert!(pitches.iter().any(|hz| *hz > 540.0) && pitches.iter().any(|hz| *hz < 460.0));
    }

    #[test]
    fn noise_comes_at_its_ratio_and_is_suppressed_again() {
        let sound = tone(440.0, 8_000);
        for example in 0..10 {
            let noisy = changed(SoundStrengths { snr: Some(10.0), ..Default::default() }, &sound, example);
            let noise: Vec<f32> = noisy.iter().zip(&sound).map(|(a, b)| a - b).collect();
            let ratio = 20.0 * (root_mean_square(&sound) / root_mean_square(&noise)).log10();
            assert!((9.5..40.5).contains(&ratio), "{ratio}");
        }
        // A tone in the middle third of noise: the noise before it is turned down, the tone is not.
        let mut noise = vec![0.0; 9_000];
        random::augment(5, 5).fill_normal(0, &mut noise);
        let noisy: Vec<f32> = (0..9_000)
            .map(|i| 0.05 * noise[i] as f32 + if (3_000..6_000).contains(&i) { sound[i] } else { 0.0 })
            .collect();
        let gated = changed(SoundStrengths { suppress: 1.0, ..Default::default() }, &noisy, 0);
        assert!(root_mean_square(&gated[..2_000]) < 0.8 * root_mean_square(&noisy[..2_000]));
        assert!((root_mean_square(&gated[3_500..5_500]) / root_mean_square(&noisy[3_500..5_500]) - 1.0).abs() < 0.02);
    }

    #[test]
    fn masks_silence_a_stretch_and_take_out_frequencies() {
        let sound = tone(440.0, 4_000).iter().map(|x| x + 2.0).collect::<Vec<f32>>();
        let silent = |example: u32| {
            let masked = changed(SoundStrengths { mask_time: 0.2, ..Default::default() }, &sound, example);
            let first = masked.iter().position(|x| *x == 0.0).unwrap_or(0);
            let count = masked.iter().filter(|x| **x == 0.0).count();
            assert!(masked[first..first + count].iter().all(|x| *x == 0.0) && count <= 800);
            count
        };
        assert!((0..10).map(silent).max().unwrap() > 400);
        let power = |example: u32| {
            let masked =
                changed(SoundStrengths { mask_frequency: 0.5, ..Default::default() }, &tone(440.0, 4_000), example);
            root_mean_square(&masked)
        };
        let powers: Vec<f32> = (0..20).map(power).collect();
        assert!(powers.iter().any(|p| *p < 0.1) && powers.iter().any(|p| *p > 0.69), "{powers:?}");
    }

    #[test]
    fn backgrounds_are_mixed_into_every_other_sound() {
        let (sound, hum) = (tone(1_000.0, 4_000), tone(50.0, 700));
        let strengths = SoundStrengths { background_snr: 5.0, ..Default::default() };
        let changes = SoundChanges::new(strengths, RATE, vec![Vec::new(), hum]);
        let mixed = (0..40).filter(|example| {
            let mut mixed = sound.clone();
            changes.apply(random::augment(1, 1), *example, &mut mixed);
            let added: Vec<f32> = mixed.iter().zip(&sound).map(|(a, b)| a - b).collect();
            let ratio = 20.0 * (root_mean_square(&sound) / root_mean_square(&added)).log10();
            assert!(added.iter().all(|x| *x == 0.0) || (4.0..36.0).contains(&ratio), "{ratio}");
            mixed != sound
        });
        assert!((10..30).contains(&mixed.count()));
    }
}
