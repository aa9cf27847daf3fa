//! Layers in a row within another layer.

use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Result;
use crate::layers::{self, Backward, Layer, Mode, ParameterSpec, Parameters, ParametersMut, read_layer, write_layer};
use crate::tensor::{Shape, Tensor, View, ViewMut, sequence};

/// Makes 0 of the steps of sequences, m × T × C, that do not count: what a layer leaves there reaches none after it.
fn clear_padding(theta: Parameters, y: ViewMut) {
    if let (Some(lengths), &[_, steps, _]) = (theta.lengths, y.shape().dimensions()) {
        sequence::clear_padding(y, lengths, steps);
    }
}

/// Layers in a row; an empty chain passes its input on.
#[derive(Debug, Default)]
pub(crate) struct Sequential(pub(crate) Vec<Box<dyn Layer>>);

/// Where a chain's layer finds its parameters and saved tensors among the outer layer's.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    entries: Range<usize>,
    /// Its output, followed by what it saves.
    kept: Range<usize>,
}

impl Slots {
    fn parameters<'a>(&self, outer: Parameters<'a>) -> Parameters<'a> {
        outer.of(self.entries.clone())
    }

    fn parameters_mut<'a>(&self, outer: &'a mut ParametersMut) -> ParametersMut<'a> {
        outer.of(self.entries.clone())
    }

    /// Its output, among the saved tensors.
    fn y<'a>(&self, kept: &'a [Tensor], m: usize) -> View<'a> {
        kept[self.kept.start].rows(m)
    }

    /// What it saves besides its output.
    fn own(&self) -> Range<usize> {
        self.kept.start + 1..self.kept.end
    }
}

/// Where each layer of a chain that an outer layer consists of finds its parameters and saved tensors; planned once, so
/// that a step allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct ChainPlan(OnceLock<Planned>);

#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) layers: Vec<Slots>,
    /// How many tensors the layers save; two deltas follow them.
    pub(crate) kept: usize,
}

impl ChainPlan {
    /// The plan for batches like x, of which the chain is given examples of the shape `inner`.
    pub(crate) fn of(&self, chain: &Sequential, x: View, inner: impl FnOnce(Shape) -> Result<Shape>) -> &Planned {
        self.0.get_or_init(|| {
            let inner = inner(x.shape().example()).expect("the network has asked for the output's shape");
            let (layers, _, kept) = chain.places(inner, 0, 0);
            Planned { layers, kept }
        })
    }

    /// The plan, if there has been a batch.
    pub(crate) fn get(&self) -> Option<&Planned> {
        self.0.get()
    }
}

impl Serialize for Sequential {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|layer| write_layer(layer.as_ref())))
    }
}

impl<'de> Deserialize<'de> for Sequential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let tables = Vec::<serde_json::Value>::deserialize(deserializer)?;
        let layers: Result<_> = tables.into_iter().map(|table| read_layer(table, &[])).collect();
        layers.map(Sequential).map_err(serde::de::Error::custom)
    }
}

impl Sequential {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each layer with its input and output shapes, up to the first layer that cannot take its input.
    pub(crate) fn with_shapes(&self, input: Shape) -> impl Iterator<Item = (&dyn Layer, Shape, Shape)> {
        self.0.iter().scan(input, |shape, layer| {
            let (input, output) = (*shape, layers::output(layer.as_ref(), *shape).ok()?);
            *shape = output;
            Some((layer.as_ref(), input, output))
        })
    }

    pub(crate) fn output(&self, input: Shape) -> Result<Shape> {
        self.0.iter().try_fold(input, |shape, layer| layers::output(layer.as_ref(), shape))
    }

    /// The most values an example has anywhere in the chain.
    pub(crate) fn widest(&self, input: Shape) -> usize {
        self.with_shapes(input).map(|(.., output)| output.size()).fold(input.size(), usize::max)
    }

    /// Multiply-adds of all layers per example, if a batch may be split.
    pub(crate) fn flops_per_example(&self, input: Shape) -> Option<usize> {
        self.with_shapes(input).map(|(layer, input, _)| layer.flops_per_example(input)).sum()
    }

    pub(crate) fn multiply_adds(&self, input: Shape) -> f64 {
        self.with_shapes(input).map(|(layer, input, _)| layer.multiply_adds(input)).sum()
    }

    /// Checks that all layers' parameters, starting at `entry`, are valid; returns the entry after them.
    pub(crate) fn check_parameters(&self, input: Shape, entry: usize, theta: Parameters) -> Result<usize, String> {
        let (places, entries, _) = self.places(input, entry, 0);
        let mut each = self.with_shapes(input).zip(&places).enumerate();
        each.try_for_each(|(i, ((layer, input, _), place))| {
            let located = |what| format!("{}.{i}: {what}", layer.kind());
            layer.check_parameters(input, place.parameters(theta)).map_err(located)
        })?;
        Ok(entries)
    }

    pub(crate) fn describe(&self, input: Shape) -> String {
        let each: Vec<String> = self.with_shapes(input).map(|(layer, input, _)| layer.describe(input)).collect();
        each.join("; ")
    }

    pub(crate) fn parameters(&self, chain: &str, input: Shape) -> impl Iterator<Item = ParameterSpec> {
        self.with_shapes(input).enumerate().flat_map(move |(i, (layer, input, _))| {
            let named = move |spec: ParameterSpec| {
                let name = format!("{chain}.{i}.{}", spec.name).into();
                ParameterSpec { name, ..spec }
            };
            layer.parameters(input).into_iter().map(named).collect::<Vec<_>>()
        })
    }

    /// Each layer's output, followed by what it saves.
    pub(crate) fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let each = self.with_shapes(input);
        each.flat_map(|(layer, input, output)| [vec![output.batch(m)], layer.saved(input, m)].concat()).collect()
    }

    /// Each layer's slots, starting at an entry and a saved tensor, and the entry and the tensor after the last.
    pub(crate) fn places(&self, input: Shape, entry: usize, kept: usize) -> (Vec<Slots>, usize, usize) {
        let (mut entry, mut kept) = (entry, kept);
        let each = self.with_shapes(input).map(|(layer, input, _)| {
            let (entries, saved) = (layer.parameters(input).len(), 1 + layer.saved(input, 1).len());
            let place = Slots { entries: entry..entry + entries, kept: kept..kept + saved };
            (entry, kept) = (place.entries.end, place.kept.end);
            place
        });
        let places = each.collect();
        (places, entry, kept)
    }

    /// The output of a chain that has run on x.
    pub(crate) fn outcome<'a>(places: &[Slots], x: View<'a>, kept: &'a [Tensor]) -> View<'a> {
        places.last().map_or(x, |place| place.y(kept, x.shape().rows()))
    }

    /// Runs all layers; each leaves its output among the saved tensors.
    pub(crate) fn forward(&self, places: &[Slots], theta: Parameters, x: View, kept: &mut [Tensor], mode: Mode) {
        let m = x.shape().rows();
        for (i, (layer, place)) in self.0.iter().zip(places).enumerate() {
            let (before, from_here) = kept.split_at_mut(place.kept.start);
            let (y, rest) = from_here.split_first_mut().expect("an output is kept");
            let input = Sequential::outcome(&places[..i], x, before);
            let (own, mode) = (&mut rest[..place.own().len()], mode.of_inner_layer(place.kept.start));
            layer.forward(place.parameters(theta), input, y.rows_mut(m), own, mode);
            clear_padding(theta, y.rows_mut(m));
        }
    }

    /// From dy, in the first of two buffers, to dx; returns the buffer that holds it.
    pub(crate) fn backward<'d>(
        &self,
        places: &[Slots],
        (theta, x): (Parameters, View),
        kept: &mut [Tensor],
        [mut dy, mut dx]: [&'d mut Tensor; 2],
        mut gradient: ParametersMut,
        needs_dx: bool,
    ) -> &'d Tensor {
        let m = x.shape().rows();
        for (i, (layer, place)) in self.0.iter().zip(places).enumerate().rev() {
            let (before, from_here) = kept.split_at_mut(place.kept.start);
            let (y, rest) = from_here.split_first_mut().expect("an output is kept");
            let input = Sequential::outcome(&places[..i], x, before);
            clear_padding(theta, dy.view_mut().part(0, y.rows(m).shape()));
            let pass = Backward {
                x: input,
                y: y.rows(m),
                dy: dy.view_mut().part(0, y.rows(m).shape()),
                saved: &mut rest[..place.own().len()],
                dx: (i > 0 || needs_dx).then(|| dx.view_mut().part(0, input.shape())),
            };
            layer.backward(place.parameters(theta), pass, place.parameters_mut(&mut gradient));
            std::mem::swap(&mut dy, &mut dx);
        }
        dy
    }

    pub(crate) fn update_statistics(&self, places: &[Slots], mut theta: ParametersMut, kept: &[Tensor]) {
        for (layer, place) in self.0.iter().zip(places) {
            layer.update_statistics(place.parameters_mut(&mut theta), &kept[place.own()]);
        }
    }

    pub(crate) fn scale_output(&self, places: &[Slots], mut theta: ParametersMut, factor: f64) -> bool {
        let last = self.0.last().zip(places.last());
        last.is_some_and(|(layer, place)| layer.scale_output(place.parameters_mut(&mut theta), factor))
    }

    pub(crate) fn kink_sides(&self, places: &[Slots], x: View, kept: &[Tensor], sides: &mut Vec<bool>) {
        let m = x.shape().rows();
        for (i, (layer, place)) in self.0.iter().zip(places).enumerate() {
            layer.kink_sides(Sequential::outcome(&places[..i], x, kept), place.y(kept, m), &kept[place.own()], sides);
        }
    }
}
