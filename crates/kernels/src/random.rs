//! Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011).
//!
//! A number depends only on (seed, purpose, epoch, example, element), not on threads, batches or history.

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool;

/// The random numbers of one purpose in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    purpose: u32,
    epoch: u32,
}

impl Stream {
    /// The numbers for a purpose under a seed, in epoch 0.
    pub fn new(seed: u64, purpose: u32) -> Stream {
        Stream { key: [seed as u32, (seed >> 32) as u32], purpose, epoch: 0 }
    }

    /// The numbers for the same purpose in another epoch.
    pub fn epoch(self, epoch: u32) -> Stream {
        Stream { epoch, ..self }
    }

    /// Four random words for an example: elements 4·block to 4·block + 3.
    #[inline]
    pub fn bits(&self, example: u32, block: u32) -> [u32; 4] {
        philox([block, example, self.epoch, self.purpose], self.key)
    }

    /// A uniform number in [0, 1), with 24 bits.
    #[inline]
    pub fn uniform<T: Real>(&self, example: u32, element: u32) -> T {
        unit(self.bits(example, element / 4)[element as usize % 4])
    }

    /// Fills with uniform numbers in [0, 1).
    pub fn fill_uniform<T: Real>(&self, example: u32, out: &mut [T]) {
        for (block, out) in out.chunks_mut(4).enumerate() {
            for (out, bits) in out.iter_mut().zip(self.bits(example, block as u32)) {
                *out = unit(bits);
            }
        }
    }

    /// Fills with standard normal numbers (Box and Muller 1958).
    pub fn fill_normal<T: Real>(&self, example: u32, out: &mut [T]) {
        for (block, out) in out.chunks_mut(2).enumerate() {
            let [a, b, c, d] = self.bits(example, block as u32).map(u64::from);
            // In (0, 1], so that its logarithm is finite.
            let u = (((a << 21) ^ (b >> 11)) + 1) as f64 / (1u64 << 53) as f64;
            let v = ((c << 21) ^ (d >> 11)) as f64 / (1u64 << 53) as f64;
            let radius = (-2.0 * libm::log(u)).sqrt();
            let angle = std::f64::consts::TAU * v;
            for (out, x) in out.iter_mut().zip([libm::cos(angle), libm::sin(angle)]) {
                *out = T::of(radius * x);
            }
        }
    }

    /// Inverted dropout's mask: 1/keep with probability keep, else 0.
    pub fn mask<T: Real>(&self, example: u32, keep: f64, out: &mut [T]) {
        let (limit, kept) = ((keep * 4_294_967_296.0) as u64, T::of(1.0 / keep));
        vectorised(
            #[inline(always)]
            || {
                for (i, out) in out.chunks_mut(4 * SIDE).enumerate() {
                    let words = self.blocks(example, (i * SIDE) as u32);
                    let mut mask = [T::ZERO; 4 * SIDE];
                    for i in 0..SIDE {
                        for (j, words) in words.iter().enumerate() {
                            mask[4 * i + j] = if u64::from(words[i]) < limit { kept } else { T::ZERO };
                        }
                    }
                    out.copy_from_slice(&mask[..out.len()]);
                }
            },
        );
    }

    /// `bits` of SIDE consecutive blocks, word by word.
    #[inline(always)]
    fn blocks(&self, example: u32, first: u32) -> [[u32; SIDE]; 4] {
        let mut a = std::array::from_fn(|i| first + i as u32);
        let (mut b, mut c, mut d) = ([example; SIDE], [self.epoch; SIDE], [self.purpose; SIDE]);
        let mut key = self.key;
        for _ in 0..ROUNDS {
            for i in 0..SIDE {
                [a[i], b[i], c[i], d[i]] = round([a[i], b[i], c[i], d[i]], key);
            }
            key = next(key);
        }
        [a, b, c, d]
    }

    /// 0, …, n − 1 in a random order (Fisher and Yates).
    pub fn permutation(&self, n: usize) -> Vec<u32> {
        /// Partners drawn before any is swapped with, and as many as are worth a thread.
        const STRETCH: usize = 1 << 16;
        const CHUNK: usize = 1 << 13;
        let mut order: Vec<u32> = (0..n as u32).collect();
        let mut partners = vec![0; n.min(STRETCH)];
        for first in (0..n).step_by(STRETCH).rev() {
            let partners = &mut partners[..STRETCH.min(n - first)];
            pool::for_each_chunk(partners, CHUNK, |i, partners| self.partners(first + i * CHUNK, partners));
            for (i, &partner) in partners.iter().enumerate().rev() {
                order.swap(first + i, partner as usize);
            }
        }
        order
    }

    /// For each position from `first` on, a random position up to and including it.
    fn partners(&self, first: usize, partners: &mut [u32]) {
        vectorised(
            #[inline(always)]
            || {
                for (block, partners) in partners.chunks_mut(SIDE).enumerate() {
                    let first = first + block * SIDE;
                    let [high, low, ..] = self.blocks(0, first as u32);
                    let mut all = [0; SIDE];
                    for i in 0..SIDE {
                        // The high half of random · (bound + 1), biased by less than one part in 2³², 32 bits at a
                        // time.
                        let bound = u64::from((first + i) as u32);
                        let product = |half: u32| u64::from(half) * bound + u64::from(half);
                        all[i] = ((product(high[i]) + (product(low[i]) >> 32)) >> 32) as u32;
                    }
                    partners.copy_from_slice(&all[..partners.len()]);
                }
            },
        );
    }
}

#[inline]
fn unit<T: Real>(bits: u32) -> T {
    T::of(f64::from(bits >> 8) / 16_777_216.0)
}

const ROUNDS: usize = 10;

/// Counters computed side by side where many are needed.
const SIDE: usize = 16;

#[inline]
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        counter = round(counter, key);
        key = next(key);
    }
    counter
}

#[inline(always)]
fn round(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let a = u64::from(counter[0]) * 0xD251_1F53;
    let b = u64::from(counter[2]) * 0xCD9E_8D57;
    [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32]
}

#[inline(always)]
fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let counter = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(philox(counter, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn moments_and_mask_rate() {
        let mut x = vec![0.0f64; 100_000];
        let stream = Stream::new(7, 1);
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        stream.fill_uniform(0, &mut x);
        assert!((mean(&x) - 0.5).abs() < 0.005);
        stream.fill_normal(0, &mut x);
        let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
        assert!(mean(&x).abs() < 0.02 && (mean(&squares) - 1.0).abs() < 0.02);
        stream.mask(0, 0.8, &mut x);
        assert!((mean(&x) - 1.0).abs() < 0.01 && x.iter().all(|&x| x == 0.0 || x == 1.25));
    }

    #[test]
    fn a_mask_is_drawn_from_the_stream_s_bits() {
        let stream = Stream::new(5, 2).epoch(3);
        for n in [0, 1, 63, 64, 65, 1000] {
            let mut mask = vec![9.0f32; n];
            stream.mask(7, 0.3, &mut mask);
            for (i, &x) in mask.iter().enumerate() {
                let bits = stream.bits(7, i as u32 / 4)[i % 4];
                assert_eq!(x > 0.0, f64::from(bits) < 0.3 * 4_294_967_296.0, "{i} of {n}");
            }
        }
    }

    #[test]
    fn a_permutation_is_fisher_s_and_yates_s_by_the_stream_s_bits() {
        let stream = Stream::new(5, 2).epoch(3);
        for n in [0, 1, 2, 15, 16, 17, if cfg!(miri) { 30 } else { 1000 }] {
            let mut expected: Vec<u32> = (0..n).collect();
            for i in (1..n).rev() {
                let [a, b, ..] = stream.bits(0, i);
                let random = u64::from(a) << 32 | u64::from(b);
                let partner = (u128::from(random) * (u128::from(i) + 1)) >> 64;
                expected.swap(i as usize, partner as usize);
            }
            assert_eq!(stream.permutation(n as usize), expected, "{n}");
        }
    }

    #[test]
    fn a_permutation_has_every_number_once_and_is_not_the_identity() {
        let order = Stream::new(1, 2).permutation(1000);
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, (0..1000).collect::<Vec<u32>>());
        assert_ne!(order, sorted);
        assert_ne!(order, Stream::new(1, 2).epoch(1).permutation(1000));
    }
}
