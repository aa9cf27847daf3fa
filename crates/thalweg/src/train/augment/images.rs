//! Augmentation of images. It comes after images are scaled, so strengths are in units of the scaled pixels: standard
//! deviations of the training pixels, as a rule.

use super::mix::rectangle;
use super::{ActiveChange, strong};
use crate::random::Stream;
use crate::tensor::Real;

/// How far images may be changed; 0 and false leave them as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ImageChanges {
    /// Mirrored left to right, with probability ½.
    pub flip: bool,
    /// Mirrored top to bottom, with probability ½.
    pub flip_vertical: bool,
    /// Shifted by up to this share of the height and of the width.
    pub shift: f64,
    /// Rotated by up to this many degrees.
    pub rotate: f64,
    /// Made larger or smaller by up to this share.
    pub zoom: f64,
    /// Made brighter or darker by up to this.
    pub brightness: f64,
    /// Differences from the image's mean made larger or smaller by up to this share.
    pub contrast: f64,
    /// Differences from grey made larger or smaller by up to this share, in colour images.
    pub saturation: f64,
    /// Colours rotated about grey by up to this share of a half turn.
    pub hue: f64,
    /// Blended with its blurred self by up to this share.
    pub blur: f64,
    /// Gaussian noise of up to this standard deviation.
    pub noise: f64,
    /// The probability that a rectangle of 2 to 20 % of the image is replaced by its mean.
    pub erase: f64,
}

impl ImageChanges {
    /// The changes in use.
    pub(super) fn parts(&self) -> Vec<ActiveChange> {
        let switches = [("flip", self.flip), ("flip_vertical", self.flip_vertical)];
        let on = switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| (name, None));
        let strengths = [
            ("shift", self.shift),
            ("rotate", self.rotate),
            ("zoom", self.zoom),
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("saturation", self.saturation),
            ("hue", self.hue),
            ("blur", self.blur),
            ("noise", self.noise),
            ("erase", self.erase),
        ];
        on.chain(strong(&strengths)).collect()
    }

    /// Changes one image of height × width × channels as an epoch does.
    pub fn apply<T: Real>(&self, shape: [usize; 3], stream: Stream, example: u32, image: &mut [T]) {
        let mut draws = [0.0; 20];
        stream.fill_uniform(example, &mut draws);
        let mut draws = draws.into_iter();
        let mut draw = move || -> f64 { draws.next().unwrap_or_default() };
        let around = |reach: f64, draw: f64| reach * (2.0 * draw - 1.0);
        let (flip, flip_vertical) = (draw() < 0.5, draw() < 0.5);
        let place = Placement {
            mirror: [self.flip_vertical && flip_vertical, self.flip && flip],
            shift: [around(self.shift, draw()), around(self.shift, draw())],
            angle: around(self.rotate.to_radians(), draw()),
            zoom: (1.0 + self.zoom).powf(2.0 * draw() - 1.0),
        };
        let [brightness, contrast, saturation] =
            [self.brightness, self.contrast, self.saturation].map(|r| around(r, draw()));
        let hue = around(self.hue * std::f64::consts::PI, draw());
        let (blur, noise, erased) = (self.blur * draw(), self.noise * draw(), draw() < self.erase);
        let erased_part = [draw(), draw(), draw(), draw()];

        place.apply(shape, image);
        if blur > 0.0 {
            blend_with_blurred(shape, image, blur);
        }
        if shape[2] == 3 && (saturation, hue) != (0.0, 0.0) {
            turn_colours(image, 1.0 + saturation, hue);
        }
        if (brightness, contrast) != (0.0, 0.0) {
            let (mean, factor) = (mean(image), 1.0 + contrast);
            image.iter_mut().for_each(|x| *x = T::of(mean + (x.f64() - mean) * factor + brightness));
        }
        if noise > 0.0 {
            let mut normal = vec![0.0; image.len()];
            // Elements of the same stream, far beyond the draws above.
            stream.fill_normal(example ^ (1 << 31), &mut normal);
            image.iter_mut().zip(normal).for_each(|(x, normal)| *x = T::of(x.f64() + noise * normal));
        }
        if erased {
            erase(shape, image, erased_part);
        }
    }
}

/// Where an image's pixels come from.
struct Placement {
    mirror: [bool; 2],
    shift: [f64; 2],
    angle: f64,
    zoom: f64,
}

impl Placement {
    /// Moves the pixels: each comes from where the inverse transform puts it, interpolated bilinearly; beyond the image
    /// its border is repeated.
    fn apply<T: Real>(&self, [height, width, channels]: [usize; 3], image: &mut [T]) {
        let still = self.shift == [0.0; 2] && self.angle == 0.0 && self.zoom == 1.0;
        if still && self.mirror == [false; 2] {
            return;
        }
        let from = image.to_vec();
        let centre = [(height - 1) as f64 / 2.0, (width - 1) as f64 / 2.0];
        let shift = [self.shift[0] * height as f64, self.shift[1] * width as f64];
        let (sin, cos) = (self.angle.sin() / self.zoom, self.angle.cos() / self.zoom);
        for (i, to) in image.chunks_exact_mut(channels).enumerate() {
            let (row, column) = (i / width, i % width);
            let (dy, dx) = (row as f64 - centre[0] - shift[0], column as f64 - centre[1] - shift[1]);
            let mut y = centre[0] + cos * dy - sin * dx;
            let mut x = centre[1] + sin * dy + cos * dx;
            if self.mirror[0] {
                y = (height - 1) as f64 - y;
            }
            if self.mirror[1] {
                x = (width - 1) as f64 - x;
            }
            let (y, x) = (y.clamp(0.0, (height - 1) as f64), x.clamp(0.0, (width - 1) as f64));
            let (top, left) = (y as usize, x as usize);
            let (down, right) = ((top + 1).min(height - 1), (left + 1).min(width - 1));
            let (v, u) = (y - top as f64, x - left as f64);
            let at =
                |row: usize, column: usize, channel: usize| from[(row * width + column) * channels + channel].f64();
            for (channel, to) in to.iter_mut().enumerate() {
                let above = at(top, left, channel) * (1.0 - u) + at(top, right, channel) * u;
                let below = at(down, left, channel) * (1.0 - u) + at(down, right, channel) * u;
                *to = T::of(above * (1.0 - v) + below * v);
            }
        }
    }
}

fn mean<T: Real>(image: &[T]) -> f64 {
    image.iter().map(|x| x.f64()).sum::<f64>() / image.len().max(1) as f64
}

/// x + share · (blurred x − x), blurred by (1 2 1)ᵀ(1 2 1)/16.
fn blend_with_blurred<T: Real>([height, width, channels]: [usize; 3], image: &mut [T], share: f64) {
    let from: Vec<f64> = image.iter().map(|x| x.f64()).collect();
    let near = |i: usize, most: usize| [(i.saturating_sub(1), 0.25), (i, 0.5), ((i + 1).min(most - 1), 0.25)];
    for (i, to) in image.iter_mut().enumerate() {
        let (row, column, channel) = (i / channels / width, i / channels % width, i % channels);
        let mut blurred = 0.0;
        for (y, weight_y) in near(row, height) {
            for (x, weight_x) in near(column, width) {
                blurred += weight_y * weight_x * from[(y * width + x) * channels + channel];
            }
        }
        *to = T::of(from[i] + share * (blurred - from[i]));
    }
}

/// Scales differences from grey, the mean of the three channels, and rotates them about it (Rodrigues' formula).
fn turn_colours<T: Real>(image: &mut [T], stretch: f64, angle: f64) {
    let (sin, cos) = (angle.sin() / 3.0_f64.sqrt(), angle.cos());
    for pixel in image.chunks_exact_mut(3) {
        let grey = mean(pixel);
        let [r, g, b] = [0, 1, 2].map(|i| pixel[i].f64() - grey);
        let turned = [cos * r + sin * (b - g), cos * g + sin * (r - b), cos * b + sin * (g - r)];
        pixel.iter_mut().zip(turned).for_each(|(to, x)| *to = T::of(grey + stretch * x));
    }
}

fn erase<T: Real>(shape: [usize; 3], image: &mut [T], draws: [f64; 4]) {
    let ([_, width, channels], mean) = (shape, T::of(mean(image)));
    let [rows, columns] = rectangle(shape, [0.02, 0.2], draws);
    for row in rows {
        image[(row * width + columns.start) * channels..][..columns.len() * channels].fill(mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    fn picture() -> Vec<f64> {
        (0..3 * 4 * 3).map(|i| f64::from(i * 7 % 31)).collect()
    }

    fn changed(changes: ImageChanges, example: u32) -> Vec<f64> {
        let mut image = picture();
        changes.apply([3, 4, 3], random::augment(1, 1), example, &mut image);
        image
    }

    /// The different images that the picture becomes over many examples.
    fn outcomes(changes: ImageChanges) -> Vec<Vec<f64>> {
        let mut found: Vec<Vec<f64>> = (0..64).map(|example| changed(changes, example)).collect();
        found.sort_by(|a, b| a.partial_cmp(b).unwrap());
        found.dedup();
        found
    }

    #[test]
    fn strengths_of_zero_change_nothing() {
        assert_eq!(outcomes(ImageChanges::default()), [picture()]);
    }

    #[test]
    fn flips_mirror_every_other_time() {
        let pixel = |row: usize, column: usize| picture()[(row * 4 + column) * 3..][..3].to_vec();
        let flipped: Vec<f64> = (0..12).flat_map(|i| pixel(i / 4, 3 - i % 4)).collect();
        let found = outcomes(ImageChanges { flip: true, ..ImageChanges::default() });
        assert!(found.len() == 2 && found.contains(&flipped) && found.contains(&picture()));
        let upside_down: Vec<f64> = (0..12).flat_map(|i| pixel(2 - i / 4, i % 4)).collect();
        let found = outcomes(ImageChanges { flip_vertical: true, ..ImageChanges::default() });
        assert!(found.len() == 2 && found.contains(&upside_down) && found.contains(&picture()));
    }

    #[test]
    fn pixels_come_from_where_the_change_puts_them() {
        let moved = |place: Placement| {
            let mut image: Vec<f64> = (0..9).map(f64::from).collect();
            place.apply([3, 3, 1], &mut image);
            image
        };
        let still = || Placement { mirror: [false; 2], shift: [0.0; 2], angle: 0.0, zoom: 1.0 };
        let down = moved(Placement { shift: [1.0 / 3.0, 0.0], ..still() });
        assert_eq!(down, [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let turned = moved(Placement { angle: std::f64::consts::FRAC_PI_2, ..still() });
        let expected = [6.0, 3.0, 0.0, 7.0, 4.0, 1.0, 8.0, 5.0, 2.0];
        let clockwise = turned.iter().zip(expected).all(|(a, b): (&f64, f64)| (a - b).abs() < 1e-12);
        let other = turned.iter().rev().zip(expected).all(|(a, b): (&f64, f64)| (a - b).abs() < 1e-12);
        assert!(clockwise || other, "{turned:?}");
        // Twice as large: a pixel next to the centre comes from half a pixel away from it.
        assert_eq!(moved(Placement { zoom: 2.0, ..still() })[..3], [2.0, 2.5, 3.0]);
    }

    #[test]
    fn colours_keep_their_grey_and_contrast_its_mean() {
        let grey = |image: &[f64]| image.chunks(3).map(mean).collect::<Vec<_>>();
        let coloured = changed(ImageChanges { saturation: 0.9, hue: 0.5, ..ImageChanges::default() }, 3);
        assert_ne!(coloured, picture());
        assert!(grey(&coloured).iter().zip(grey(&picture())).all(|(a, b)| (a - b).abs() < 1e-9));
        let contrasted = changed(ImageChanges { contrast: 0.5, ..ImageChanges::default() }, 3);
        assert!((mean(&contrasted) - mean(&picture())).abs() < 1e-9 && contrasted != picture());
        let bright = changed(ImageChanges { brightness: 0.5, ..ImageChanges::default() }, 3);
        let difference = bright[0] - picture()[0];
        assert!(
            difference.abs() <= 0.5 && bright.iter().zip(picture()).all(|(a, b)| (a - b - difference).abs() < 1e-9)
        );
    }

    #[test]
    fn blur_noise_and_erasing_stay_within_their_strength() {
        let blurred = changed(ImageChanges { blur: 1.0, ..ImageChanges::default() }, 5);
        let spread = |image: &[f64]| image.iter().map(|x| (x - mean(image)).powi(2)).sum::<f64>();
        assert!(spread(&blurred) < spread(&picture()));
        let noisy = changed(ImageChanges { noise: 0.1, ..ImageChanges::default() }, 5);
        let differences: Vec<f64> = noisy.iter().zip(picture()).map(|(a, b)| (a - b).abs()).collect();
        assert!(differences.iter().all(|d| *d > 0.0 && *d < 1.0));
        let erased = outcomes(ImageChanges { erase: 1.0, ..ImageChanges::default() });
        let kept = |image: &Vec<f64>| image.iter().zip(picture()).filter(|(a, b)| *a == b).count();
        assert!(erased.len() > 5 && erased.iter().all(|image| kept(image) >= 36 - 9));
    }
}
