//! Texts: what a network makes of their bags or tokens.

use super::decide;
use super::facts::{Facts, Others};
use crate::data::preprocess::TextColumn;
use crate::event::Decision;
use crate::layers::{Bag, Conv1d, First, Gathering, Layer, Linear, PoolOverTime, Residual, Sequence, TextBag, Tokens};
use crate::tensor::Activation;

/// The values that each bag becomes, in each member of an ensemble.
const DIMENSION: usize = 16;

/// The values of a token's vector, unless vectors are given to start from.
const TOKEN_DIMENSION: usize = 32;
/// The values that a text of tokens becomes, and the tokens that a filter sees at a time.
const FEATURES: usize = 16;
const KERNEL: usize = 3;

/// The vectors of tokens, by their name within the network of a text.
pub(super) const TOKEN_VECTORS: &str = ".layers.0.layers.0.weight";

/// The layers that make vectors of texts, where there are any: they take these from the first inputs, in their order.
pub(super) fn layers(facts: &Facts) -> Vec<Box<dyn Layer>> {
    let (ordered, bags): (Vec<_>, Vec<_>) = facts.data.pipeline.texts().into_iter().partition(|text| text.ordered);
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    if !bags.is_empty() {
        let columns = bags.iter().map(|text| Bag { slots: text.slots, features: text.features }).collect();
        layers.push(Box::new(TextBag { dimension: DIMENSION, columns }));
    }
    let dimension = facts.vectors.unwrap_or(TOKEN_DIMENSION);
    layers.extend(ordered.iter().map(|text| Box::new(of_tokens(text, dimension)) as _));
    layers
}

/// The sum of what is in a text, the mean of its tokens' vectors weighted by attention ("Hierarchical Attention Networks",
/// Yang et al. 2016), and of what is said in a few tokens, the maxima of a convolution ("Convolutional Neural Networks for
/// Sentence Classification", Kim 2014).
fn of_tokens(text: &TextColumn, dimension: usize) -> First {
    let take = |take| Box::new(PoolOverTime { take });
    let few = Conv1d::new(FEATURES, KERNEL, Activation::Relu);
    let all = Linear::new(FEATURES, Activation::Identity);
    let few: Vec<Box<dyn Layer>> = vec![Box::new(few), take(Gathering::Max)];
    let all: Vec<Box<dyn Layer>> = vec![take(Gathering::Attention), Box::new(all)];
    let tokens = Tokens { tokens: text.features, dimension };
    let sum = Residual::new(few, all, Activation::Identity);
    First::new(text.slots, vec![Box::new(Sequence::new(vec![Box::new(tokens), Box::new(sum)]))])
}

/// What stands between the texts' vectors and the answers.
pub(super) enum TextHead {
    /// Hidden layers, and the output layer after them.
    Deep,
    /// The output layer alone.
    Wide,
    /// The sum of both ("Wide & Deep Learning for Recommender Systems", Cheng et al. 2016).
    WideAndDeep,
}

/// Texts are learned best without hidden layers, which learn rows by heart; other inputs need them.
pub(super) fn head(facts: &Facts, decisions: &mut Vec<Decision>) -> TextHead {
    let free = facts.config.network.layers.is_none() && facts.config.network.layer.is_empty() && !facts.course;
    match facts.texts.filter(|_| free) {
        None => TextHead::Deep,
        Some(Others(false)) => {
            decide(decisions, "no hidden layers".into(), "all inputs are texts".into(), "[layers=64]");
            TextHead::Wide
        }
        Some(Others(true)) => {
            let what = "hidden layers, and beside them a linear model, whose outputs are added".into();
            decide(decisions, what, "some inputs are texts".into(), "[layers=256,128]");
            TextHead::WideAndDeep
        }
    }
}

/// Passes over rows in all, and the range of epochs: texts are soon learned by heart, tokens sooner than bags.
pub(super) fn passes(facts: &Facts) -> usize {
    if facts.data.pipeline.texts().iter().any(|text| text.ordered) { 50_000 } else { 100_000 }
}
pub(super) const EPOCHS: std::ops::RangeInclusive<usize> = 4..=12;
