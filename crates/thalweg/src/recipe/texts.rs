//! Texts: what a network makes of their bags.

use super::decide;
use super::facts::{Facts, Others};
use crate::event::Decision;
use crate::layers::{Bag, TextBag};

/// The values that each text becomes, in each member of an ensemble.
const DIMENSION: usize = 16;

/// The layer that sums up the bags of texts, where there are any.
pub(super) fn bags(facts: &Facts) -> Option<TextBag> {
    let columns: Vec<Bag> =
        facts.data.pipeline.texts().iter().map(|text| Bag { slots: text.slots, features: text.features }).collect();
    (!columns.is_empty()).then_some(TextBag { dimension: DIMENSION, columns })
}

/// What stands between the bags and the answers.
pub(super) enum Head {
    /// Hidden layers, and the output layer after them.
    Deep,
    /// The output layer alone.
    Wide,
    /// The sum of both ("Wide & Deep Learning for Recommender Systems", Cheng et al. 2016).
    WideAndDeep,
}

/// Texts are learned best without hidden layers, which learn rows by heart; other inputs need them.
pub(super) fn head(facts: &Facts, decisions: &mut Vec<Decision>) -> Head {
    let free = facts.config.network.layers.is_none() && facts.config.network.layer.is_empty() && !facts.course;
    match facts.texts.filter(|_| free) {
        None => Head::Deep,
        Some(Others(false)) => {
            decide(decisions, "no hidden layers".into(), "all inputs are texts".into(), "[layers=64]");
            Head::Wide
        }
        Some(Others(true)) => {
            let what = "hidden layers, and beside them a linear model, whose outputs are added".into();
            decide(decisions, what, "some inputs are texts".into(), "[layers=256,128]");
            Head::WideAndDeep
        }
    }
}

/// Passes over rows in all, and the range of epochs: texts are soon learned by heart.
pub(super) const PASSES: usize = 100_000;
pub(super) const EPOCHS: std::ops::RangeInclusive<usize> = 4..=12;
