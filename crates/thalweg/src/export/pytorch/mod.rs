//! PyTorch: a readable Python module, and its parameters in a safetensors file alongside it; nothing is pickled.

mod network;
mod table;

use super::channels::{self, ParamMapping};
use super::{ExportOptions, Exported, Format, Regions};
use crate::Result;
use crate::event::Decision;
use crate::io::safetensors::{Container, Stored, TensorData};
use crate::layers::Node;
use crate::model::Model;
use crate::tensor::{Dtype, Values};

pub(super) const FORMAT: Format = Format {
    name: "pytorch",
    extension: "py",
    meaning: "a PyTorch module with its preprocessing, and its parameters as safetensors beside it",
    fewer_bits: false,
    folder: None,
    write,
};

/// The extension that replaces the module's in the name of the parameter file.
const WEIGHTS: &str = "weights.safetensors";

fn write(model: &Model, options: &ExportOptions) -> Result<Exported> {
    let nodes = model.network.lower()?;
    let weights = format!("{}.{WEIGHTS}", options.stem);
    Ok(Exported {
        bytes: module(model, &nodes, options.regions(&model.target)?.as_ref()).into_bytes(),
        sidecars: vec![(WEIGHTS, parameters(model, &nodes))],
        decisions: vec![Decision {
            what: format!("parameters go to {weights}"),
            why: "the module loads them without pickle".into(),
            instead: "-o OTHER.py".into(),
        }],
        ..Exported::default()
    })
}

/// The parameters under the names and in the shapes of the module's `state_dict`.
fn parameters(model: &Model, nodes: &[Node]) -> Vec<u8> {
    let stored = |mapping: ParamMapping| {
        let entry = model.network.layout().named(&mapping.ours).expect("a node's parameters are the network's");
        let numbers = match model.theta.view().part(entry.start, entry.shape).to_values() {
            Values::F32(ours) => TensorData::F32(mapping.to_theirs(&ours)),
            Values::F64(ours) => TensorData::F64(mapping.to_theirs(&ours)),
        };
        Stored { name: mapping.theirs, shape: mapping.shape, numbers }
    };
    let begin_first = channels::begin_first(model.network.input());
    let metadata = [("format", "pt"), ("thalweg", env!("CARGO_PKG_VERSION"))];
    Container {
        tensors: channels::param_mappings(nodes, begin_first).into_iter().map(stored).collect(),
        metadata: metadata.map(|(name, text)| (name.into(), text.into())).into(),
    }
    .to_bytes()
}

/// What the network's class may call, by name.
const HELPERS: [(&str, &str); 11] = [
    ("ScaledLinear", include_str!("python/scaled_linear.py")),
    ("PiecewiseLinear", include_str!("python/piecewise_linear.py")),
    ("Periodic", include_str!("python/periodic.py")),
    ("TextBag", include_str!("python/text_bag.py")),
    ("LogMel", include_str!("python/log_mel.py")),
    ("counted", include_str!("python/counted.py")),
    ("Tokens", include_str!("python/tokens.py")),
    ("Positions", include_str!("python/positions.py")),
    ("recurrent", include_str!("python/recurrent.py")),
    ("Attention", include_str!("python/attention.py")),
    ("over_time", include_str!("python/over_time.py")),
];

/// The whole module.
fn module(model: &Model, nodes: &[Node], regions: Option<&Regions>) -> String {
    let precision = match model.theta.dtype() {
        Dtype::F32 => "float32",
        Dtype::F64 => "float64",
    };
    let mut parts = vec![format!("DTYPE = torch.{precision}\n{}", table::constants(model))];
    let class = network::class(nodes, model.network.input());
    let used = HELPERS.iter().filter(|(name, _)| class.contains(&format!("{name}(")));
    parts.extend(used.map(|(_, text)| text.to_string()));
    parts.push(class);
    parts.push(include_str!("python/load.py").into());
    parts.extend(table::prepare(model));
    parts.push(table::answers(model));
    parts.extend(regions.map(|regions| table::regions(model, regions)));
    let body = parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n\n");
    format!("\"\"\"{}\"\"\"\n\n{}\n\n{body}\n", table::docstring(model, regions), imports(&body))
}

/// The imports that the body needs.
fn imports(body: &str) -> String {
    let lines = [
        ("math.", "import math\n"),
        ("re.", "import re\n"),
        ("isleap(", "from calendar import isleap\n"),
        ("datetime(", "from datetime import datetime, timedelta, timezone\n"),
        ("parsedate_to_datetime(", "from email.utils import parsedate_to_datetime\n"),
        ("Path(", "from pathlib import Path\n\n"),
        ("np.", "import numpy as np\n"),
        ("torch.", "import torch\n"),
        ("F.", "import torch.nn.functional as F\n"),
        ("load_file(", "from safetensors.torch import load_file\n"),
        ("nn.", "from torch import nn"),
    ];
    let calls = |name: &str| body.match_indices(name).any(|(at, _)| !body[..at].ends_with(char::is_alphanumeric));
    lines.iter().filter(|(name, _)| calls(name)).map(|(_, line)| *line).collect()
}

/// A Python literal that reads back to the same bits.
fn number(x: f64) -> String {
    if x == x.trunc() && x.abs() < 1e15 { format!("{x:.0}") } else { format!("{x:?}") }
}

/// A single number as it is, several as a tuple.
fn tuple(numbers: &[usize]) -> String {
    match numbers {
        [one] => one.to_string(),
        _ => format!("({})", numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
