//! A layer under construction, with its parameters by name.

use crate::layers::{Activate, Conv1d, Conv2d, Layer, Linear, Residual};
use crate::tensor::Activation;

/// A layer with its parameter values.
#[derive(Debug)]
pub(super) struct ImportedLayer {
    pub(super) builder: LayerBuilder,
    /// Its parameters: names within the layer, and values in our order.
    pub(super) parameters: Named,
}

/// Values by name.
pub(super) type Named = Vec<(String, Vec<f64>)>;

/// Layers that can still absorb an activation or a bias, and finished ones.
#[derive(Debug)]
pub(super) enum LayerBuilder {
    Linear(Linear),
    Conv1d(Conv1d),
    Conv2d(Conv2d),
    Residual { layers: Vec<ImportedLayer>, shortcut: Vec<ImportedLayer>, activation: Activation },
    Other(Box<dyn Layer>),
}

impl ImportedLayer {
    pub(super) fn new(layer: impl Layer + 'static, parameters: Vec<(&str, Vec<f64>)>) -> Self {
        Self::of(LayerBuilder::Other(Box::new(layer)), parameters)
    }

    pub(super) fn of(builder: LayerBuilder, parameters: Vec<(&str, Vec<f64>)>) -> Self {
        let parameters = parameters.into_iter().map(|(name, numbers)| (name.to_string(), numbers)).collect();
        ImportedLayer { builder, parameters }
    }

    /// Fuses an activation, if it has none and supports this one.
    fn activated(&mut self, g: Activation) -> bool {
        let own = match &mut self.builder {
            LayerBuilder::Linear(layer) => &mut layer.activation,
            LayerBuilder::Conv1d(layer) => &mut layer.activation,
            LayerBuilder::Conv2d(layer) => &mut layer.activation,
            LayerBuilder::Residual { activation, .. } if !g.needs_input() => activation,
            LayerBuilder::Residual { .. } | LayerBuilder::Other(_) => return false,
        };
        let free = *own == Activation::Identity;
        if free {
            *own = g;
        }
        free
    }

    /// Folds a factor and an offset, per unit or scalar, into a linear layer or convolution without an activation.
    pub(super) fn scaled(&mut self, by: &[(f64, f64)]) -> bool {
        let (units, bias, activation) = match &mut self.builder {
            LayerBuilder::Linear(layer) => (layer.units, &mut layer.bias, layer.activation),
            LayerBuilder::Conv1d(layer) => (layer.filters, &mut layer.bias, layer.activation),
            LayerBuilder::Conv2d(layer) => (layer.filters, &mut layer.bias, layer.activation),
            LayerBuilder::Residual { .. } | LayerBuilder::Other(_) => return false,
        };
        if activation != Activation::Identity || units == 0 || ![1, units].contains(&by.len()) {
            return false;
        }
        if !*bias && by.iter().any(|&(_, summand)| summand != 0.0) {
            *bias = true;
            self.parameters.push(("bias".into(), vec![0.0; units]));
        }
        for (name, numbers) in &mut self.parameters {
            let each = (numbers.len() / units).max(1);
            for (unit, &(factor, summand)) in numbers.chunks_mut(each).zip(by.iter().cycle()) {
                let summand = if name == "bias" { summand } else { 0.0 };
                unit.iter_mut().for_each(|x| *x = factor * *x + summand);
            }
        }
        true
    }

    /// The layer and its parameters, including those of nested layers.
    pub(super) fn finish(self) -> (Box<dyn Layer>, Named) {
        let mut parameters = self.parameters;
        let layer: Box<dyn Layer> = match self.builder {
            LayerBuilder::Linear(layer) => Box::new(layer),
            LayerBuilder::Conv1d(layer) => Box::new(layer),
            LayerBuilder::Conv2d(layer) => Box::new(layer),
            LayerBuilder::Other(layer) => layer,
            LayerBuilder::Residual { layers, shortcut, activation } => {
                let mut branch = |name: &str, imported: Vec<ImportedLayer>| {
                    let finished = imported.into_iter().enumerate().map(|(i, layer)| {
                        let (layer, own) = layer.finish();
                        parameters.extend(own.into_iter().map(|(own, x)| (format!("{name}.{i}.{own}"), x)));
                        layer
                    });
                    finished.collect::<Vec<_>>()
                };
                let (layers, shortcut) = (branch("layers", layers), branch("shortcut", shortcut));
                Box::new(Residual::new(layers, shortcut, activation))
            }
        };
        (layer, parameters)
    }
}

/// Appends an activation to some layers: fused with the last, or as a separate layer.
pub(super) fn activate(imported: &mut Vec<ImportedLayer>, g: Activation) {
    if !imported.last_mut().is_some_and(|layer| layer.activated(g)) {
        imported.push(ImportedLayer::new(Activate { activation: g }, Vec::new()));
    }
}
