//! The scale of each layer's activations and gradients over training: do signals vanish or explode?

use super::chart::{Caption, Drawing, LineChart, Mark, Series, XAxis};
use super::text::{number, percent, plural};
use super::theme::LAYERS;
use crate::event::LayerScale;
use crate::event::Run;

/// Ratio of the strongest to the weakest layer's scale above which it is reported.
const RATIO: f64 = 1e3;
/// Factor of change of a layer's scale during training above which it is reported.
const DRIFT: f64 = 1e2;

/// The activations' scale in each layer.
pub(super) fn activations(run: &Run) -> Option<Drawing> {
    chart(run, "activation-scale", "Activation scale by layer", "standard deviation (log scale)", |s| s.activation)
}

/// The gradients' scale in each layer.
pub(super) fn gradients(run: &Run) -> Option<Drawing> {
    chart(run, "gradient-scale", "Gradient scale by layer", "root mean square (log scale)", |s| s.gradient)
}

fn chart(run: &Run, name: &'static str, title: &str, y: &str, value: impl Fn(&LayerScale) -> f64) -> Option<Drawing> {
    let names = layers(run);
    let series: Vec<Series> = names
        .iter()
        .enumerate()
        .map(|(i, layer)| Series {
            name: run.layer_title(layer),
            class: LAYERS[if names.len() < 2 { 0 } else { i * (LAYERS.len() - 1) / (names.len() - 1) }],
            points: samples(run, layer, &value),
        })
        .collect();
    if !series.iter().flat_map(|s| &s.points).any(|p| p.1.is_finite() && p.1 > 0.0) {
        return None;
    }
    let ends: Vec<String> = series
        .iter()
        .filter_map(|s| Some(format!("{} {}", s.name, number(s.points.iter().rev().find(|p| p.1.is_finite())?.1, 2))))
        .collect();
    let caption =
        Caption { name, title: title.into(), description: format!("At the end of training: {}.", ends.join(", ")) };
    let marks = run
        .best_epoch()
        .filter(|_| run.steps_per_epoch > 0)
        .map(|epoch| Mark { x: epoch as f64 * run.steps_per_epoch as f64, text: "best epoch".into(), bad: false })
        .filter(|mark| run.scales.last().is_some_and(|(step, _)| mark.x <= *step as f64));
    let marks = marks.into_iter().collect();
    Some(
        LineChart {
            caption,
            size: (460.0, 340.0),
            x: "step".into(),
            x_axis: XAxis::Whole,
            y: y.into(),
            log: true,
            series,
            marks,
            behind: Vec::new(),
            rug: Vec::new(),
            band: Vec::new(),
        }
        .draw(),
    )
}

/// The layers' names in the order they were sampled.
fn layers(run: &Run) -> Vec<&str> {
    run.scales.first().map_or(Vec::new(), |(_, layers)| layers.iter().map(|layer| layer.name.as_str()).collect())
}

fn samples(run: &Run, layer: &str, value: impl Fn(&LayerScale) -> f64) -> Vec<(f64, f64)> {
    let of = |layers: &[LayerScale]| layers.iter().find(|l| l.name == layer).map_or(f64::NAN, &value);
    run.scales.iter().map(|(step, layers)| (*step as f64, of(layers))).collect()
}

/// Findings about the scales, one sentence each, with a suggested remedy.
pub(super) fn findings(run: &Run) -> Vec<String> {
    let mut found = Vec::new();
    let Some((_, last)) = run.scales.last() else { return found };
    let (dead, live): (Vec<&LayerScale>, Vec<&LayerScale>) = last.iter().partition(|layer| layer.zeros > 0.95);
    found.extend(spread(&live, "activations", |l| l.activation));
    // Each of many pixels contributes little to the cost: what counts is the norm of the gradient over all pixels.
    let whole = |l: &LayerScale| l.gradient * pixels(run, &l.name).sqrt();
    let early = || spread(&run.scales[0].1.iter().collect::<Vec<_>>(), "first gradients", whole);
    found.extend(spread(&live, "gradients", whole).or_else(early));
    if let Some(most) = dead.iter().max_by(|a, b| a.zeros.total_cmp(&b.zeros)) {
        found.push(format!(
            "{} of the activations of {}{} are exactly 0: most of its units are dead. A lower --learning-rate, \
             --activation leaky_relu or --batch-norm may revive them.",
            percent(most.zeros),
            most.name,
            and_of(dead.len() - 1)
        ));
    }
    // Gradients fade as a network fits; only their growth is a problem. Activations should keep their initial scale.
    let activations = growth(run, |l| l.activation);
    found.extend(drift(&activations, "activations", "grew", "they drift. A lower learning rate or batch norm holds"));
    let shrunk: Vec<_> = activations.into_iter().map(|(name, by)| (name, 1.0 / by)).collect();
    found.extend(drift(&shrunk, "activations", "shrank", "they drift. Less L2 or batch norm holds"));
    // A vanished gradient may recover: it explodes only where it exceeds the initial gradient of the strongest layer.
    let strongest = run.scales[0].1.iter().map(|l| l.gradient).fold(0.0, f64::max);
    let mut gradients = growth(run, |l| l.gradient);
    gradients.retain(|(name, _)| last.iter().any(|l| l.name == *name && l.gradient > DRIFT * strongest));
    found.extend(drift(
        &gradients,
        "gradients",
        "grew",
        "they explode. A lower learning rate or a clip norm of 1 holds",
    ));
    found
}

/// The number of pixels of a layer's output; 1 if it is not an image.
fn pixels(run: &Run, layer: &str) -> f64 {
    let output = run.layers.iter().find(|row| row.name == layer).map_or(&[][..], |row| &row.output);
    match output.split_last() {
        Some((_, pixels)) => pixels.iter().map(|n| *n as f64).product(),
        None => 1.0,
    }
}

/// The factor by which each layer's scale has grown over training.
fn growth(run: &Run, value: impl Fn(&LayerScale) -> f64) -> Vec<(&str, f64)> {
    let of = |layer| {
        let points = samples(run, layer, &value);
        let mut scales = points.iter().map(|p| p.1).filter(|v| v.is_finite() && *v > 0.0);
        let first = scales.next()?;
        Some((layer, scales.next_back()? / first))
    };
    layers(run).into_iter().filter_map(of).collect()
}

/// One sentence on all layers whose scale changed too much.
fn drift(by: &[(&str, f64)], what: &str, verb: &str, help: &str) -> Option<String> {
    let far: Vec<_> = by.iter().filter(|(_, by)| *by > DRIFT).collect();
    let (most, by) = far.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let others =
        if far.len() > 1 { format!(" (and of {})", plural(far.len() - 1, "other layer")) } else { String::new() };
    let by = number(*by, 2);
    Some(format!("The {what} of {most}{others} {verb} {by} times over training: {help} them."))
}

/// ` (and of 3 other layers)`.
fn and_of(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and of {})", plural(others, "other layer")) }
}

fn spread(layers: &[&LayerScale], what: &str, value: impl Fn(&LayerScale) -> f64) -> Option<String> {
    let mut scales: Vec<(&str, f64)> =
        layers.iter().map(|l| (l.name.as_str(), value(l))).filter(|(_, v)| v.is_finite()).collect();
    scales.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (&(weak, low), &(strong, high)) = (scales.first()?, scales.last()?);
    let help = "What helps: ReLU with He initialisation, or batch norm.";
    if low == 0.0 && high > 0.0 {
        return Some(format!("The {what} of {weak} are all 0: nothing gets through. {help}"));
    }
    (high > RATIO * low).then(|| {
        format!(
            "The {what} of {weak} are {} times smaller than those of {strong}: they vanish or explode on the way. {help}",
            number(high / low, 2)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn healthy_scales_are_not_flagged() {
        assert_eq!(findings(&Run::new(&samples::classes(10, 20))), Vec::<String>::new());
    }

    #[test]
    fn a_pixel_s_small_part_in_the_cost_is_no_vanishing() {
        let mut run = Run::new(&samples::classes(10, 20));
        let first = run.layers[0].name.clone();
        for (_, layers) in &mut run.scales {
            layers.iter_mut().filter(|layer| layer.name == first).for_each(|layer| layer.gradient /= 4096.0);
        }
        assert!(findings(&run).iter().any(|found| found.contains("vanish")));
        run.layers[0].output = vec![4096, 4096, 8];
        assert_eq!(findings(&run), Vec::<String>::new());
    }

    #[test]
    fn vanishing_gradients_are_flagged_with_both_layers() {
        let found = findings(&Run::new(&samples::diverged()));
        assert!(found.iter().any(|f| f.contains("gradients of layers.0 are") && f.contains("vanish")), "{found:?}");
        assert!(found.iter().any(|f| f.contains("drift")), "{found:?}");
        assert!(found.iter().any(|f| f.contains("dead")), "{found:?}");
    }

    #[test]
    fn a_gradient_that_recovers_had_vanished_and_does_not_explode() {
        let layer =
            |name: &str, gradient| LayerScale { name: name.into(), activation: 0.2, gradient, ..Default::default() };
        let at = |first, second| vec![layer("layers.0", first), layer("layers.9", second)];
        let run = Run { scales: vec![(1, at(6e-7, 3e-3)), (9, at(4e-4, 3e-3))], ..Run::default() };
        let found = findings(&run);
        assert!(found.len() == 1 && found[0].starts_with("The first gradients of layers.0 are"), "{found:?}");
    }

    #[test]
    fn no_samples_make_no_chart() {
        let run = Run::default();
        assert!(activations(&run).is_none() && findings(&run).is_empty());
    }
}
