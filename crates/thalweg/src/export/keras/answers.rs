//! From logits to answers: probabilities, or values in the data's units, with their intervals or sets.

use serde_json::{Value, json};

use super::Keras;
use super::graph::Symbol;
use crate::data::schema::Task;
use crate::export::Regions;

impl Keras<'_> {
    /// Probabilities from logits, or values in the data's units.
    pub(super) fn answers(&mut self, z: &Symbol) -> Symbol {
        let target = &self.model.target;
        let mut activation =
            |g: &str| self.graph.layer("Activation", "probabilities", json!({ "activation": g }), &[z], &z.shape);
        match target.task {
            Task::Multiclass => activation("softmax"),
            Task::Binary | Task::Multilabel => activation("sigmoid"),
            Task::Regression => {
                let z = if target.quantiles.is_empty() { z.clone() } else { self.graph.sorted("sorted", z) };
                self.in_units(&z)
            }
        }
    }

    /// Values in the data's units; where a target has limits, clipped to its share from 0 to 1 of the way from one to the
    /// other, for the layer that clips has the same bounds for all targets.
    fn in_units(&mut self, z: &Symbol) -> Symbol {
        let target = &self.model.target;
        let rescaling = |keras: &mut Self, name: &str, x: &Symbol, affine: Vec<(f64, f64)>| {
            let (offsets, scales): (Vec<f64>, Vec<f64>) = affine.into_iter().unzip();
            keras.graph.layer("Rescaling", name, json!({ "scale": scales, "offset": offsets }), &[x], &x.shape)
        };
        if target.limits.is_empty() {
            return rescaling(self, "predictions", z, target.scales.clone());
        }
        let share = |(&(mean, deviation), &(low, high)): (&(f64, f64), &(f64, f64))| match high - low {
            0.0 => (0.0, 0.0),
            range => ((mean - low) / range, deviation / range),
        };
        let shares = target.scales.iter().zip(&target.limits).map(share).collect();
        let shares = rescaling(self, "shares", z, shares);
        let clipped = self.graph.layer("ReLU", "clipped", json!({ "max_value": 1.0 }), &[&shares], &z.shape);
        let ranges = target.limits.iter().map(|(low, high)| (*low, high - low)).collect();
        rescaling(self, "predictions", &clipped, ranges)
    }

    /// The ends of intervals by name, or 1 for each class in a row's set and 0 for the others.
    pub(super) fn regions(&mut self, output: &Symbol, regions: &Regions) -> Vec<(&'static str, Symbol)> {
        let target = &self.model.target;
        if target.task != Task::Regression {
            return vec![("set", self.set(output, regions.least()))];
        }
        let targets = regions.margins.len();
        let mut end = |name: &str, cropping: [usize; 2], sign: f64| {
            let mut from = output.clone();
            if !target.quantiles.is_empty() {
                let count = target.quantiles.len();
                let mut step = |class: &'static str, own: &str, config: Value, shape: &[usize]| {
                    from = self.graph.layer(class, &format!("{name}.{own}"), config, &[&from], shape);
                };
                step("Reshape", "quantiles", json!({ "target_shape": [count, 1] }), &[count, 1]);
                step("Cropping1D", "cropped", json!({ "cropping": cropping }), &[1, 1]);
                step("Reshape", "quantile", json!({ "target_shape": [1] }), &[1]);
            }
            let offsets: Vec<f64> = regions.margins.iter().map(|margin| sign * margin).collect();
            let config = json!({ "scale": 1.0, "offset": offsets });
            self.graph.layer("Rescaling", name, config, &[&from], &[targets])
        };
        let others = target.quantiles.len().saturating_sub(1);
        if target.quantiles.is_empty() {
            return vec![("low", end("low", [0, 0], -1.0)), ("high", end("high", [0, 0], 1.0))];
        }
        let (low, high) = (end("lower", [0, others], -1.0), end("higher", [others, 0], 1.0));
        // Where a negative margin turns the ends around, both are their middle.
        let mut merge = |class: &'static str, name: &str, a: &Symbol, b: &Symbol| {
            self.graph.layer(class, name, json!({}), &[a, b], &[targets])
        };
        let middle = merge("Average", "middle", &low, &high);
        vec![("low", merge("Minimum", "low", &low, &middle)), ("high", merge("Maximum", "high", &high, &middle))]
    }

    /// 1 for each class whose probability is this or more, 0 for the others.
    fn set(&mut self, probabilities: &Symbol, least: f32) -> Symbol {
        let count = [self.model.target.classes.len()];
        let mut p = probabilities.clone();
        if self.model.target.task == Task::Binary {
            let config = json!({ "scale": -1.0, "offset": 1.0 });
            let other = self.graph.layer("Rescaling", "set.other", config, &[&p], &[1]);
            p = self.graph.layer("Concatenate", "set.probabilities", json!({ "axis": -1 }), &[&other, &p], &count);
        }
        if least <= 0.0 {
            return self.graph.layer("Rescaling", "set", json!({ "scale": 0.0, "offset": 1.0 }), &[&p], &count);
        }
        // Its threshold is the largest number that becomes 0.
        let enough = self.graph.layer("ReLU", "set.enough", json!({ "threshold": least.next_down() }), &[&p], &count);
        let config = json!({ "scale": 2.0 / f64::from(least), "offset": 0.0 });
        let beyond = self.graph.layer("Rescaling", "set.beyond", config, &[&enough], &count);
        self.graph.layer("ReLU", "set", json!({ "max_value": 1.0 }), &[&beyond], &count)
    }
}
