//! The class of a network: a `ModuleList` whose places are the layers' numbers, and `forward` line by line.

use super::super::steps::{Convolution, Frame, NodeKind, Pool, Step};
use super::{number, tuple};
use crate::layers::Pooling;
use crate::tensor::{Activation, Shape};

/// The class `Net` of some steps.
pub(super) fn class(steps: &[Step], input: Shape) -> String {
    let mut code = Code::default();
    let channels_first = input.dimensions().len() == 3;
    if channels_first {
        code.line("x = x.movedim(-1, 1)  # channels first, as PyTorch has them");
    }
    code.chain(steps, "self.layers", "x");
    code.line("return x");
    let modules: String = code.modules.iter().map(|line| format!("            {line}\n")).collect();
    let forward: String = code.forward.iter().map(|line| format!("        {line}\n")).collect();
    format!(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         self.layers = nn.ModuleList([\n{modules}        ])\n\n    def forward(self, x):\n{forward}"
    )
}

/// Lines of the two methods.
#[derive(Default)]
struct Code {
    modules: Vec<String>,
    forward: Vec<String>,
    /// Residual blocks around what is written.
    depth: usize,
}

impl Code {
    fn line(&mut self, line: impl Into<String>) {
        self.forward.push(line.into());
    }

    fn module(&mut self, module: &str, step: &Step) {
        let indent = "    ".repeat(self.depth);
        self.modules.push(format!("{indent}{module},  # {}", step.description));
    }

    /// `x = …` where something is done.
    fn assign(&mut self, x: &str, value: &str) {
        if value != x {
            self.line(format!("{x} = {value}"));
        }
    }

    fn chain(&mut self, steps: &[Step], list: &str, x: &str) {
        for (i, step) in steps.iter().enumerate() {
            self.step(step, &format!("{list}[{i}]"), x);
        }
    }

    fn step(&mut self, step: &Step, own: &str, x: &str) {
        match &step.kind {
            NodeKind::Linear(linear) => {
                let bias = if linear.bias { "" } else { ", bias=False" };
                self.module(&format!("nn.Linear({}, {}{bias})", step.input.size(), linear.units), step);
                let z = format!("{own}({})", flat(x, step));
                self.activate(linear.activation, &z, x, step);
            }
            NodeKind::Activation(g) => {
                let module = module_of(*g, units_at(step.input, step.channels_first));
                self.module(module.as_deref().unwrap_or("nn.Identity()"), step);
                if module.is_none() {
                    return self.activate(*g, x, x, step);
                }
                self.assign(x, &format!("{own}({x})"));
            }
            NodeKind::Dropout(dropout) => {
                self.module(&format!("nn.Dropout({})", number(dropout.rate)), step);
                self.assign(x, &format!("{own}({x})"));
            }
            NodeKind::BatchNorm(norm) => {
                let images = step.input.dimensions().len() == 3;
                let (class, units) = (if images { "BatchNorm2d" } else { "BatchNorm1d" }, step.input.units());
                let (epsilon, momentum) = (number(norm.epsilon), number(((1.0 - norm.momentum) * 1e12).round() / 1e12));
                self.module(&format!("nn.{class}({units}, eps={epsilon}, momentum={momentum})"), step);
                self.assign(x, &on_rows(images || is_row(step.input), own, x));
            }
            NodeKind::LayerNorm(norm) => {
                let mut sizes = norm.normed(&step.input);
                let whole = sizes.len() == step.input.dimensions().len();
                if step.channels_first && whole {
                    sizes.rotate_right(1);
                }
                self.module(&format!("nn.LayerNorm({}, eps={})", tuple(&sizes), number(norm.epsilon)), step);
                let turned = step.channels_first && !whole;
                self.assign(
                    x,
                    &if turned { format!("{own}({x}.movedim(1, -1)).movedim(-1, 1)") } else { format!("{own}({x})") },
                );
            }
            NodeKind::Embedding(embedding) => {
                let tables: Vec<String> =
                    embedding.columns.iter().map(|c| format!("nn.Embedding({}, {})", c.slots, c.dimension)).collect();
                self.module(&format!("nn.ModuleList([{}])", tables.join(", ")), step);
                let dense = embedding.dense;
                self.line(format!("codes = {x}[:, {dense}:].long()"));
                self.line(format!("vectors = [table(codes[:, j]) for j, table in enumerate({own})]"));
                self.line(format!("{x} = torch.cat([{x}[:, :{dense}], *vectors], dim=1)"));
            }
            NodeKind::LogMel(options) => {
                let bands = options.bands();
                let mut arguments = vec![
                    format!("rate={}", bands.sample_rate),
                    format!("window={}", bands.window),
                    format!("hop={}", bands.hop),
                    format!("bands={}", bands.bands),
                    format!("low={}", number(bands.range[0])),
                    format!("high={}", number(bands.range[1])),
                    format!("offset={}", number(options.offset)),
                ];
                arguments.extend(bands.coefficients.map(|n| format!("coefficients={n}")));
                self.module(&format!("LogMel({})", arguments.join(", ")), step);
                self.assign(x, &format!("{own}({})", flat(x, step)));
            }
            NodeKind::Convolution(convolution) => self.convolution(convolution, step, own, x),
            NodeKind::Pool(pool) => self.pool(pool, step, own, x),
            NodeKind::Residual { layers, shortcut, activation } => {
                self.residual((layers, shortcut, *activation), step, own, x)
            }
        }
    }

    fn convolution(&mut self, convolution: &Convolution, step: &Step, own: &str, x: &str) {
        let Convolution { frame, filters, groups, activation, bias } = convolution;
        let image = windowed(frame, step, x);
        let (padding, padded) = padding(frame, &image, "0");
        let class = if frame.line { "Conv1d" } else { "Conv2d" };
        let windows = &frame.windows;
        let mut arguments = vec![windows.input[2].to_string(), filters.to_string(), alike(&frame.each(windows.size))];
        arguments.extend(unless_ones("stride", frame, windows.stride));
        arguments.extend(padding);
        arguments.extend(unless_ones("dilation", frame, windows.dilation));
        arguments.extend((*groups > 1).then(|| format!("groups={groups}")));
        arguments.extend((!bias).then(|| "bias=False".into()));
        self.module(&format!("nn.{class}({})", arguments.join(", ")), step);
        self.activate(*activation, &format!("{own}({padded})"), x, step);
    }

    fn pool(&mut self, pool: &Pool, step: &Step, own: &str, x: &str) {
        let Pool { frame, take, global } = pool;
        let image = windowed(frame, step, x);
        let (name, dimensions) = (if *take == Pooling::Max { "Max" } else { "Avg" }, if frame.line { 1 } else { 2 });
        if *global {
            self.module(&format!("nn.Adaptive{name}Pool{dimensions}d(1)"), step);
            return self.assign(x, &format!("{own}({image}).flatten(1)"));
        }
        let windows = &frame.windows;
        // PyTorch pads by half a window at most.
        let wide = windows.padding.iter().zip(windows.size).any(|(&padding, size)| 2 * padding > size);
        let outside = if *take == Pooling::Max { "-torch.inf" } else { "0" };
        let (padding, padded) =
            if wide { (None, pad(frame, &image, outside)) } else { padding(frame, &image, outside) };
        let mut arguments = vec![alike(&frame.each(windows.size)), alike(&frame.each(windows.stride))];
        let within = *take == Pooling::AverageWithin && frame.around() != [[0; 2]; 2];
        let own_padding = padding.is_some();
        arguments.extend(padding);
        arguments.extend((within && own_padding).then(|| "count_include_pad=False".into()));
        self.module(&format!("nn.{name}Pool{dimensions}d({})", arguments.join(", ")), step);
        if within && !own_padding {
            // The mean of a window over the share of it that is within the image.
            let ones = pad(frame, &format!("torch.ones_like({image})"), "0");
            return self.assign(x, &format!("{own}({padded}) / {own}({ones})"));
        }
        self.assign(x, &format!("{own}({padded})"));
    }

    fn residual(&mut self, (layers, shortcut, g): (&[Step], &[Step], Activation), step: &Step, own: &str, x: &str) {
        let branches = [("layers", layers), ("shortcut", shortcut)];
        self.module("nn.ModuleDict({", step);
        let opened = self.modules.len() - 1;
        self.modules[opened] = self.modules[opened].replacen("({,", "({", 1);
        self.depth += 1;
        let beside =
            format!("shortcut{}", if self.depth > 1 { (self.depth / 2 + 1).to_string() } else { String::new() });
        self.line(format!("{beside} = {x}"));
        for ((name, steps), x) in branches.into_iter().zip([x, &beside]).filter(|((_, steps), _)| !steps.is_empty()) {
            let indent = "    ".repeat(self.depth);
            self.modules.push(format!("{indent}\"{name}\": nn.ModuleList(["));
            self.depth += 1;
            self.chain(steps, &format!("{own}[\"{name}\"]"), x);
            self.depth -= 1;
            self.modules.push(format!("{indent}]),"));
            // Sounds whose one branch has channels first meet in the order they came in.
            let turned = steps.last().is_some_and(Step::leaves_channels_first);
            if turned && !step.leaves_channels_first() {
                self.line(format!("{x} = {x}.movedim(1, -1)"));
            }
        }
        self.depth -= 1;
        self.modules.push(format!("{}}}),", "    ".repeat(self.depth)));
        self.activate(g, &format!("{x} + {beside}"), x, step);
    }

    /// x = g(z).
    fn activate(&mut self, g: Activation, z: &str, x: &str, step: &Step) {
        match g {
            Activation::Softmax => {
                let units = units_at(step.output, step.leaves_channels_first());
                self.assign(x, &format!("torch.softmax({z}, {units})"));
            }
            Activation::Identity => self.assign(x, z),
            Activation::Sigmoid | Activation::Tanh => self.assign(x, &format!("torch.{g}({z})")),
            Activation::GeluTanh => self.assign(x, &format!("F.gelu({z}, approximate=\"tanh\")")),
            Activation::Silu(beta) if beta != 1.0 => {
                self.assign(x, z);
                self.line(format!("{x} = {x} * torch.sigmoid({} * {x})", number(beta)));
            }
            g => match g.number() {
                Some((n, usual)) if n != usual => self.assign(x, &format!("F.{}({z}, {})", g.name(), number(n))),
                _ => self.assign(x, &format!("F.{}({z})", g.name())),
            },
        }
    }
}

fn is_row(shape: Shape) -> bool {
    shape.dimensions().len() == 1
}

/// A module on x as it is, or on all numbers of each example in a row.
fn on_rows(alike: bool, own: &str, x: &str) -> String {
    if alike { format!("{own}({x})") } else { format!("{own}({x}.flatten(1)).reshape({x}.shape)") }
}

/// Rows of numbers.
fn flat(x: &str, step: &Step) -> String {
    if is_row(step.input) { x.into() } else { format!("{x}.flatten(1)") }
}

/// A number for each dimension, or the one for all.
fn alike(numbers: &[usize]) -> String {
    if numbers.iter().all(|n| *n == numbers[0]) { numbers[0].to_string() } else { tuple(numbers) }
}

/// x as the layer's windows see it: (m, channels, height, width), or (m, channels, time).
fn windowed(frame: &Frame, step: &Step, x: &str) -> String {
    match (step.input.dimensions().len(), frame.line, step.channels_first) {
        (3, false, _) | (2, true, true) => x.into(),
        (2, true, false) => format!("{x}.movedim(-1, 1)"),
        (3, true, _) => format!("{x}.squeeze(1).movedim(-1, 1)"),
        (2, false, true) => format!("{x}.movedim(1, -1).unsqueeze(1)"),
        _ => format!("{x}.unsqueeze(1)"),
    }
}

/// The argument for padding that is alike on both sides, else x padded before.
fn padding(frame: &Frame, x: &str, outside: &str) -> (Option<String>, String) {
    let padding = frame.windows.padding;
    if frame.is_symmetric() {
        let argument = (padding != [0, 0]).then(|| format!("padding={}", alike(&frame.each(padding))));
        return (argument, x.into());
    }
    (None, pad(frame, x, outside))
}

fn pad(frame: &Frame, x: &str, outside: &str) -> String {
    // From the last dimension to the first.
    let around: Vec<usize> = frame.each(frame.around()).into_iter().rev().flatten().collect();
    let value = if outside == "0" { String::new() } else { format!(", value={outside}") };
    format!("F.pad({x}, {}{value})", tuple(&around))
}

fn unless_ones(name: &str, frame: &Frame, numbers: [usize; 2]) -> Option<String> {
    let each = frame.each(numbers);
    each.iter().any(|&n| n != 1).then(|| format!("{name}={}", alike(&each)))
}

/// The dimension of a batch that is the last of ours.
fn units_at(shape: Shape, channels_first: bool) -> i32 {
    if is_row(shape) || channels_first { 1 } else { -1 }
}

/// The module that is an activation, if PyTorch has one; `units` is the dimension that softmax is over.
fn module_of(g: Activation, units: i32) -> Option<String> {
    let module = match g {
        Activation::Identity => "nn.Identity()".into(),
        Activation::Sigmoid => "nn.Sigmoid()".into(),
        Activation::Tanh => "nn.Tanh()".into(),
        Activation::Relu => "nn.ReLU()".into(),
        Activation::LeakyRelu(slope) => format!("nn.LeakyReLU({})", number(slope)),
        Activation::Elu(1.0) => "nn.ELU()".into(),
        Activation::Elu(alpha) => format!("nn.ELU({})", number(alpha)),
        Activation::Selu => "nn.SELU()".into(),
        Activation::Gelu => "nn.GELU()".into(),
        Activation::GeluTanh => "nn.GELU(approximate=\"tanh\")".into(),
        Activation::Silu(1.0) => "nn.SiLU()".into(),
        Activation::Silu(_) => return None,
        Activation::Mish => "nn.Mish()".into(),
        Activation::Softplus => "nn.Softplus()".into(),
        Activation::Softmax => format!("nn.Softmax({units})"),
    };
    Some(module)
}
