//! Scaling of an array source: images, sounds, plain matrices.

use serde::{Deserialize, Serialize};

use super::{Number, Scale};
use crate::config::{self, Normalise};
use crate::data::media_spec::{Fit, MediaSpec, PictureSpec};

/// The scaling of an array's values, fitted on the training examples.
///
/// The pixels of an image, like the samples of a sound, have one unit: one scale for all positions keeps them
/// comparable and does not blow up a position that hardly varies (an image's border). The columns of a plain matrix
/// each have their own unit and scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrayScale {
    /// The shape of one example, such as `[28, 28]`.
    pub shape: Vec<usize>,
    /// One scale for all positions, or one per column.
    pub scales: Vec<Scale>,
    /// The common form that files are converted to first.
    #[serde(rename = "form", default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaSpec>,
}

impl ArrayScale {
    /// Fits to the training examples, rows of x (examples × positions).
    pub fn fit(x: &[f32], shape: &[usize], train_rows: &[usize], normalise: Normalise) -> Self {
        let width: usize = shape.iter().product();
        let rows = train_rows.iter().map(|row| &x[row * width..(row + 1) * width]);
        let scales = if shape.len() == 1 {
            let column = |position: usize| rows.clone().map(move |row| f64::from(row[position]));
            (0..width).map(|position| Scale::fit(column(position), normalise)).collect()
        } else {
            vec![Scale::fit(rows.flatten().map(|x| f64::from(*x)), normalise)]
        };
        ArrayScale { shape: shape.to_vec(), scales, media: None }
    }

    /// Sets the options that are not set so that files are converted to the form that these scales are for.
    pub(crate) fn adopt(&self, options: &mut config::Data) {
        let picture = |sides: [usize; 3]| {
            let [height, width, channels] = sides;
            MediaSpec::Pictures(PictureSpec { height, width, channels, fit: Fit::default() })
        };
        let own = self.media.or(match self.shape[..] {
            [height, width] => Some(picture([height, width, 1])),
            [height, width, channels @ (1 | 3)] => Some(picture([height, width, channels])),
            _ => None,
        });
        let Some(spec) = own else { return };
        let given = options.clone();
        spec.adopt(options);
        options.image_size = given.image_size.or(options.image_size.take());
        options.channels = given.channels.or(options.channels);
        options.fit = given.fit.or(options.fit);
        options.frames = given.frames.or(options.frames);
        options.sample_rate = given.sample_rate.or(options.sample_rate);
        options.seconds = given.seconds.or(options.seconds);
        options.equal_loudness = given.equal_loudness.or(options.equal_loudness);
    }

    /// Whether these scales are for examples of a shape: for all of them, for each channel or for each position.
    pub(crate) fn is_for(&self, shape: &[usize]) -> bool {
        let count = self.scales.len();
        count == 1 || shape.last() == Some(&count) || self.shape == shape
    }

    /// Whether examples are the rows of a matrix, each column with a unit of its own.
    pub fn is_matrix(&self) -> bool {
        self.shape.len() == 1 && self.media.is_none()
    }

    /// The values of one example, scaled.
    pub fn transform<'a, T: Number>(&'a self, x: &'a [f32]) -> impl Iterator<Item = T> + 'a {
        let values = x.iter().zip(self.scales.iter().cycle());
        values.map(|(x, scale)| T::nearest(scale.apply(f64::from(*x))))
    }

    /// The names of the inputs: their indices, `x[3,4]`.
    pub fn names(&self) -> Vec<String> {
        (0..self.shape.iter().product()).map(|flat| self.name(flat)).collect()
    }

    /// The name of one input.
    pub fn name(&self, flat: usize) -> String {
        let (mut rest, mut place) = (flat, Vec::new());
        for size in self.shape.iter().rev() {
            place.push((rest % size).to_string());
            rest /= size;
        }
        place.reverse();
        format!("x[{}]", place.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_positions_in_the_shape() {
        let array = ArrayScale { shape: vec![2, 3], scales: vec![Scale::None], media: None };
        assert_eq!(array.names(), ["x[0,0]", "x[0,1]", "x[0,2]", "x[1,0]", "x[1,1]", "x[1,2]"]);
    }

    #[test]
    fn images_have_one_scale_and_matrices_one_a_column() {
        // Training rows 0 and 1; the third row is not used.
        let x = [0.0, 10.0, 4.0, 10.0, 99.0, 99.0];
        let image = ArrayScale::fit(&x, &[1, 2], &[0, 1], Normalise::Standard);
        // 0, 10, 4, 10: mean 6, variance (36 + 16 + 4 + 16) / 4 = 18.
        assert_eq!(image.scales, [Scale::Standard { mean: 6.0, deviation: 18.0_f64.sqrt() }]);
        let matrix = ArrayScale::fit(&x, &[2], &[0, 1], Normalise::Standard);
        let transformed: Vec<f64> = x[..4].chunks(2).flat_map(|row| matrix.transform(row)).collect();
        assert_eq!(transformed, [-1.0, 0.0, 1.0, 0.0]);
    }
}
