//! Sounds as the mean and the deviation of each band of their spectra over time: what a linear model can tell of them.

use thalweg_kernels::pool;

use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::data::preprocess::{ArrayScale, Pipeline, Scale, mean_deviation};
use crate::error::Result;
use crate::event::Splits;
use crate::layers::LogMel;
use crate::network::{Network, Predictor};
use crate::recipe::Plan;
use crate::tensor::ops::MatmulPrecision;
use crate::tensor::{Dtype, Tensor, View};

/// The data with such inputs, standardised on the training rows; none where the network does not see spectra, or rows are
/// on disk.
///
/// # Errors
/// If the spectra's layer does not fit the sounds.
pub(super) fn spectra(data: &Dataset, plan: &Plan) -> Result<Option<Dataset>> {
    let Splits { train, dev, test } = &data.parts;
    let Some(layer) = plan.network.layers().first().filter(|layer| layer.kind() == "log_mel") else { return Ok(None) };
    if data.on_disk.is_some() || [train, dev, test].into_iter().any(|rows| rows.on_disk.is_some()) {
        return Ok(None);
    }
    let Ok(layer) = serde_json::from_value::<LogMel>(layer.config()) else { return Ok(None) };
    let network = Network::new(plan.network.input(), vec![Box::new(layer)])?;
    let mut parts =
        Splits { train: described(&network, train)?, dev: described(&network, dev)?, test: described(&network, test)? };
    let columns = parts.train.columns;
    standardise(&mut parts);
    let array = ArrayScale { shape: vec![columns], scales: vec![Scale::None], media: None };
    Ok(Some(Dataset {
        name: data.name.clone(),
        schema: data.schema.clone(),
        pipeline: Pipeline { inputs: Vec::new(), array: Some(array), ..data.pipeline.clone() },
        target: data.target.clone(),
        task: data.task,
        parts,
        own_dev: data.own_dev,
        trains_on_dev: data.trains_on_dev,
        on_disk: None,
        decisions: Vec::new(),
        warnings: Vec::new(),
        rejects: Vec::new(),
        hashes: Default::default(),
        forecast: None,
    }))
}

/// The examples with the mean and the deviation of each band as inputs.
fn described(network: &Network, rows: &Examples) -> Result<Examples> {
    let (frames, bands) = (network.output().dimensions()[0], network.output().dimensions()[1]);
    let theta = Tensor::zeros([0], Dtype::F32);
    let each = pool::map(rows.rows, |row| -> Result<Vec<f32>> {
        let sound = &rows.x[row * rows.columns..][..rows.columns];
        let mut predictor = Predictor::new(network, &theta, 1, MatmulPrecision::F32)?;
        let spectrum = predictor.forward(View::from_f32(network.input().batch(1), sound))?.to_f64();
        let band = |band: usize| spectrum.iter().skip(band).step_by(bands);
        let means: Vec<f64> = (0..bands).map(|b| band(b).sum::<f64>() / frames as f64).collect();
        let variance = |b: usize| band(b).map(|x| (x - means[b]).powi(2)).sum::<f64>() / frames as f64;
        let deviations = (0..bands).map(|b| variance(b).sqrt());
        Ok(means.iter().copied().chain(deviations).map(|x| x as f32).collect())
    });
    let x = each.into_iter().collect::<Result<Vec<_>>>()?.concat();
    Ok(Examples {
        rows: rows.rows,
        columns: 2 * bands,
        x,
        targets: rows.targets,
        y: rows.y.clone(),
        weights: rows.weights.clone(),
        source: rows.source.clone(),
        source_lines: rows.source_lines.clone(),
        ..Examples::default()
    })
}

/// Standardises each input by its mean and deviation in the training rows.
fn standardise(parts: &mut Splits<Examples>) {
    let columns = parts.train.columns;
    let column = |at: usize| parts.train.x.iter().skip(at).step_by(columns).map(|x| f64::from(*x));
    let scales: Vec<(f64, f64)> = (0..columns).map(|at| mean_deviation(column(at))).collect();
    for rows in [&mut parts.train, &mut parts.dev, &mut parts.test] {
        for (i, x) in rows.x.iter_mut().enumerate() {
            let (mean, deviation) = scales[i % columns];
            *x = ((f64::from(*x) - mean) / deviation) as f32;
        }
    }
}
