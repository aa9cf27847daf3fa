//! Random inputs with targets from a fixed teacher, so that there is something to learn.

use thalweg::tensor::{Tensor, View};
use thalweg::train::TensorDataset;
use thalweg_kernels::random::Stream;

/// How the teacher's outputs become targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Answers {
    /// The index of the largest.
    Classes,
    /// A sine of the only one.
    Number,
    /// Whether the only one is positive.
    YesOrNo,
}

/// Examples with random inputs and targets from the teacher.
pub(crate) fn examples(rows: usize, inputs: usize, outputs: usize, answers: Answers) -> thalweg::Result<TensorDataset> {
    let numbers = normal(0, rows * inputs);
    let teacher = normal(1, inputs * outputs);
    let scale = (inputs as f32).sqrt().recip();
    let noise = normal(2, rows);
    let answer = |(row, noise): (&[f32], &f32)| {
        let z: Vec<f32> = (0..outputs)
            .map(|j| scale * row.iter().enumerate().map(|(i, x)| x * teacher[i * outputs + j]).sum::<f32>())
            .collect();
        match answers {
            Answers::Classes => (0..outputs).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap_or(0) as f32,
            Answers::Number => (2.0 * z[0]).sin() + 0.05 * noise,
            Answers::YesOrNo => f32::from(u8::from(z[0] + 0.3 * noise > 0.0)),
        }
    };
    let y = numbers.chunks_exact(inputs).zip(&noise).map(answer).collect();
    // Copied to memory in huge pages, as data that is read is.
    let x = View::from_f32([rows, inputs], &numbers).to_tensor();
    drop(numbers);
    TensorDataset::new(x, Tensor::from_f32([rows, 1], y), None)
}

/// The same examples as images of one channel.
pub(crate) fn as_images(examples: TensorDataset, [height, width]: [usize; 2]) -> thalweg::Result<TensorDataset> {
    let x = examples.x.view().part(0, [examples.rows(), height, width]).to_tensor();
    TensorDataset::new(x, examples.y, examples.weights)
}

/// Standard normal values.
pub(crate) fn normal(purpose: u32, n: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; n];
    Stream::new(7, purpose).fill_normal(0, &mut numbers);
    numbers
}
