//! The class of a network: a `ModuleList` indexed by layer number, and `forward` line by line.

use super::{number, tuple};
use crate::export::channels::{self, leaves_first};
use crate::export::lowered::{LoweredOp, lowered};
use crate::layers::{Frame, Node, Op, Pooling, one_frame};
use crate::tensor::sequence::{Cell, Gathering};
use crate::tensor::{Activation, Shape};

/// The class `Net` of a sequence of nodes.
pub(super) fn class(nodes: &[Node], input: Shape) -> String {
    let mut code = Code { channels_first: channels::begin_first(input), ..Code::default() };
    if code.channels_first {
        code.line("x = x.movedim(-1, 1)  # channels first, as PyTorch has them");
    }
    code.chain(nodes, "self.layers", "x");
    code.line("return x");
    let modules: String = code.modules.iter().map(|line| format!("            {line}\n")).collect();
    let forward: String = code.forward.iter().map(|line| format!("        {line}\n")).collect();
    format!(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         self.layers = nn.ModuleList([\n{modules}        ])\n\n    def forward(self, x):\n{forward}"
    )
}

/// The lines of the two methods.
#[derive(Default)]
struct Code {
    modules: Vec<String>,
    forward: Vec<String>,
    /// How many modules the current line is nested in.
    depth: usize,
    /// How many sums the current line is nested in.
    sums: usize,
    /// Whether x has channels first.
    channels_first: bool,
    /// Whether there is a mask of the steps that count.
    masked: bool,
}

impl Code {
    fn line(&mut self, line: impl Into<String>) {
        self.forward.push(line.into());
    }

    fn module_line(&mut self, line: &str) {
        let indent = "    ".repeat(self.depth);
        self.modules.push(format!("{indent}{line}"));
    }

    /// A line with the layer's description, unless an enclosing line has it.
    fn described(&mut self, line: &str, lowered: &LoweredOp) {
        match lowered.place {
            None => self.module_line(&format!("{line}  # {}", lowered.node.description)),
            Some(_) => self.module_line(line),
        }
    }

    fn module(&mut self, module: &str, lowered: &LoweredOp) {
        self.described(&format!("{module},"), lowered);
    }

    /// `x = …`, if the value is not x itself.
    fn assign(&mut self, x: &str, value: &str) {
        if value != x {
            self.line(format!("{x} = {value}"));
        }
    }

    fn chain(&mut self, nodes: &[Node], list: &str, x: &str) {
        for (i, node) in nodes.iter().enumerate() {
            self.node(node, &format!("{list}[{i}]"), x);
        }
    }

    /// A layer, as one module or a list of them.
    fn node(&mut self, node: &Node, own: &str, x: &str) {
        let lowered = lowered(node);
        let several = lowered.iter().any(|lowered| lowered.place.is_some());
        if several {
            self.module_line(&format!("nn.ModuleList([  # {}", node.description));
            self.depth += 1;
        } else if lowered.len() != 1 && lowered.iter().all(|lowered| lowered.activation().is_some()) {
            self.module_line(&format!("nn.Identity(),  # {}", node.description));
        }
        let mut value = x.to_string();
        for lowered in &lowered {
            let own = lowered.place.map_or_else(|| own.to_string(), |place| format!("{own}[{place}]"));
            if lowered.activation().is_none() {
                self.assign(x, &value);
                value = x.into();
            }
            value = self.step(lowered, &own, (&value, x));
            self.channels_first = leaves_first(lowered, self.channels_first);
        }
        self.assign(x, &value);
        if several {
            self.depth -= 1;
            self.module_line("]),");
        }
    }

    /// The result of an operation on z, which is x unless an activation follows another operation.
    fn step(&mut self, lowered: &LoweredOp, own: &str, (z, x): (&str, &str)) -> String {
        let channels_first = self.channels_first;
        match lowered.op {
            Op::Dense { factor, units, bias, .. } => {
                let bias = if bias.is_some() { "" } else { ", bias=False" };
                let n = lowered.input.size();
                let module = match *factor {
                    1.0 => format!("nn.Linear({n}, {units}{bias})"),
                    factor => format!("ScaledLinear({n}, {units}, {}{bias})", number(factor)),
                };
                self.module(&module, lowered);
                format!("{own}({})", flat(x, lowered))
            }
            Op::Dropout { rate } => {
                self.module(&format!("nn.Dropout({})", number(*rate)), lowered);
                format!("{own}({x})")
            }
            Op::BatchNorm { epsilon, momentum, .. } => {
                let images = lowered.input.dimensions().len() == 3;
                let (class, units) = (if images { "BatchNorm2d" } else { "BatchNorm1d" }, lowered.input.units());
                let (epsilon, momentum) = (number(*epsilon), number(((1.0 - momentum) * 1e12).round() / 1e12));
                self.module(&format!("nn.{class}({units}, eps={epsilon}, momentum={momentum})"), lowered);
                on_rows(images || is_row(lowered.input), own, x)
            }
            Op::LayerNorm { axes, epsilon, .. } => {
                let sides = lowered.input.dimensions();
                let mut sizes = sides[sides.len() - axes..].to_vec();
                let whole = sizes.len() == sides.len();
                if channels_first && whole {
                    sizes.rotate_right(1);
                }
                self.module(&format!("nn.LayerNorm({}, eps={})", tuple(&sizes), number(*epsilon)), lowered);
                let turned = channels_first && !whole;
                if turned { format!("{own}({x}.movedim(1, -1)).movedim(-1, 1)") } else { format!("{own}({x})") }
            }
            Op::Scale(gamma) => {
                self.module(
                    &format!("nn.ParameterDict({{\"{gamma}\": torch.ones({})}})", lowered.input.last()),
                    lowered,
                );
                let turned = channels_first && !is_row(lowered.input);
                let gamma = format!("{own}[\"{gamma}\"]");
                if turned { format!("({x}.movedim(1, -1) * {gamma}).movedim(-1, 1)") } else { format!("{x} * {gamma}") }
            }
            Op::Embedding { dense, tables } => {
                let modules: Vec<String> =
                    tables.iter().map(|(_, c)| format!("nn.Embedding({}, {})", c.slots, c.dimension)).collect();
                self.module(&format!("nn.ModuleList([{}])", modules.join(", ")), lowered);
                self.line(format!("codes = {x}[:, {dense}:].long()"));
                self.line(format!("vectors = [table(codes[:, j]) for j, table in enumerate({own})]"));
                format!("torch.cat([{x}[:, :{dense}], *vectors], dim=1)")
            }
            Op::PiecewiseLinear { dimension, columns } => {
                let edges = |edges: &[f64]| edges.iter().map(|edge| number(*edge)).collect::<Vec<_>>().join(", ");
                let each = columns.iter().map(|column| format!("{}: [{}]", column.input, edges(&column.edges)));
                let each = each.collect::<Vec<_>>().join(", ");
                self.module(&format!("PiecewiseLinear({dimension}, {{{each}}})"), lowered);
                format!("{own}({x})")
            }
            Op::Periodic { dimension, frequencies, inputs } => {
                self.module(&format!("Periodic({dimension}, {frequencies}, {inputs:?})"), lowered);
                format!("{own}({x})")
            }
            Op::TextBag { dimension, columns } => {
                let each: Vec<String> =
                    columns.iter().map(|bag| format!("({}, {})", bag.slots, bag.features)).collect();
                self.module(&format!("TextBag({dimension}, [{}])", each.join(", ")), lowered);
                format!("{own}({x})")
            }
            Op::LogMel(options) => {
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
                self.module(&format!("LogMel({})", arguments.join(", ")), lowered);
                format!("{own}({})", flat(x, lowered))
            }
            Op::Convolution { frame, filters, groups, bias, .. } => {
                let image = windowed(frame, lowered, x, channels_first);
                let (padding, padded) = padding(frame, &image, "0");
                let class = if frame.line { "Conv1d" } else { "Conv2d" };
                let windows = &frame.windows;
                let mut arguments =
                    vec![windows.input[2].to_string(), filters.to_string(), alike(&frame.each(windows.size))];
                arguments.extend(unless_ones("stride", frame, windows.stride));
                arguments.extend(padding);
                arguments.extend(unless_ones("dilation", frame, windows.dilation));
                arguments.extend((*groups > 1).then(|| format!("groups={groups}")));
                arguments.extend(bias.is_none().then(|| "bias=False".into()));
                self.module(&format!("nn.{class}({})", arguments.join(", ")), lowered);
                format!("{own}({padded})")
            }
            Op::Pool { frame, take, global } => {
                let image = windowed(frame, lowered, x, channels_first);
                self.pool((frame, *take, *global), lowered, own, &image)
            }
            Op::Resize { height, width } => {
                self.module(&format!("nn.Upsample(size=({height}, {width}), mode=\"bilinear\")"), lowered);
                match (lowered.input.dimensions().len(), channels_first) {
                    (3, _) => format!("{own}({x})"),
                    (_, true) => format!("{own}({x}.movedim(1, -1).unsqueeze(1))"),
                    (_, false) => format!("{own}({x}.unsqueeze(1))"),
                }
            }
            Op::Add { layers, shortcut } => self.add([("layers", layers), ("shortcut", shortcut)], lowered, own, x),
            Op::Branches { members } => self.branches(members, lowered, own, x),
            Op::Average { members, of, weights } => {
                self.module("nn.Identity()", lowered);
                average((*members, weights), *of, lowered, x)
            }
            Op::Sequence { layers } => self.sequence(layers, lowered, own, x),
            Op::Frames { count, layers } => self.frames(*count, layers, lowered, own, x),
            Op::First { inputs, layers } => self.first(*inputs, layers, lowered, own, x),
            Op::ClearPadding => {
                let mask = if channels_first { "mask.unsqueeze(1)" } else { "mask.unsqueeze(-1)" };
                format!("torch.where({mask} > 0, {x}, 0)")
            }
            Op::Tokens { tokens, dimension, .. } => {
                self.module(&format!("Tokens({tokens}, {dimension})"), lowered);
                format!("{own}({x})")
            }
            Op::Positions(_) => {
                let x = steps(x, lowered, channels_first);
                self.module(&format!("Positions({})", channels(lowered)), lowered);
                if is_row(lowered.input) { format!("{own}({x}).squeeze(-1)") } else { format!("{own}({x})") }
            }
            Op::Recurrent { cell, units, bidirectional, every } => {
                let class = match cell {
                    Cell::Tanh => "RNN",
                    Cell::Gru => "GRU",
                    Cell::Lstm => "LSTM",
                };
                let both = if *bidirectional { ", bidirectional=True" } else { "" };
                self.module(&format!("nn.{class}({}, {units}, batch_first=True{both})", channels(lowered)), lowered);
                let every = if *every { "True" } else { "False" };
                format!("recurrent({own}, {}, {}, every={every})", steps(x, lowered, channels_first), self.mask())
            }
            Op::Attention { heads, .. } => {
                self.module(&format!("Attention({}, {heads})", channels(lowered)), lowered);
                let y = format!("{own}({}, {})", steps(x, lowered, channels_first), self.mask());
                if is_row(lowered.input) { format!("{y}.squeeze(-1)") } else { y }
            }
            Op::PoolOverTime { take, .. } => {
                let (x, mask) = (steps(x, lowered, channels_first), self.mask());
                match take {
                    Gathering::Attention => {
                        self.module(&format!("nn.Linear({}, 1, bias=False)", channels(lowered)), lowered);
                        format!("attention_over_time({x}, {own}({x}).squeeze(-1), {mask})")
                    }
                    Gathering::Mean | Gathering::Max => {
                        self.module("nn.Identity()", lowered);
                        let name = if *take == Gathering::Mean { "mean" } else { "maximum" };
                        format!("{name}_over_time({x}, {mask})")
                    }
                }
            }
            Op::Activation(g) => self.activation(*g, lowered, own, (z, x)),
        }
    }

    fn pool(
        &mut self,
        (frame, take, global): (&Frame, Pooling, bool),
        lowered: &LoweredOp,
        own: &str,
        image: &str,
    ) -> String {
        let (name, dimensions) = (if take == Pooling::Max { "Max" } else { "Avg" }, if frame.line { 1 } else { 2 });
        if global {
            self.module(&format!("nn.Adaptive{name}Pool{dimensions}d(1)"), lowered);
            return format!("{own}({image}).flatten(1)");
        }
        let windows = &frame.windows;
        // PyTorch supports padding of at most half a window.
        let wide = windows.padding.iter().zip(windows.size).any(|(&padding, size)| 2 * padding > size);
        let outside = if take == Pooling::Max { "-torch.inf" } else { "0" };
        let (padding, padded) = if wide { (None, pad(frame, image, outside)) } else { padding(frame, image, outside) };
        let mut arguments = vec![alike(&frame.each(windows.size)), alike(&frame.each(windows.stride))];
        let within = take == Pooling::AverageWithin && frame.around() != [[0; 2]; 2];
        let own_padding = padding.is_some();
        arguments.extend(padding);
        arguments.extend((within && own_padding).then(|| "count_include_pad=False".into()));
        self.module(&format!("nn.{name}Pool{dimensions}d({})", arguments.join(", ")), lowered);
        if within && !own_padding {
            // The mean of a window divided by the fraction of it within the image.
            let ones = pad(frame, &format!("torch.ones_like({image})"), "0");
            return format!("{own}({padded}) / {own}({ones})");
        }
        format!("{own}({padded})")
    }

    fn add(&mut self, branches: [(&str, &Vec<Node>); 2], lowered: &LoweredOp, own: &str, x: &str) -> String {
        self.described("nn.ModuleDict({", lowered);
        self.depth += 1;
        self.sums += 1;
        let beside = format!("shortcut{}", if self.sums > 1 { self.sums.to_string() } else { String::new() });
        self.line(format!("{beside} = {x}"));
        let enters_first = self.channels_first;
        for ((name, nodes), x) in branches.into_iter().zip([x, &beside]).filter(|((_, nodes), _)| !nodes.is_empty()) {
            self.module_line(&format!("\"{name}\": nn.ModuleList(["));
            self.depth += 1;
            self.channels_first = enters_first;
            self.chain(nodes, &format!("{own}[\"{name}\"]"), x);
            self.depth -= 1;
            self.module_line("]),");
            // If only one branch of a sound has channels first, both are added in our order.
            if self.channels_first && !leaves_first(lowered, enters_first) {
                self.line(format!("{x} = {x}.movedim(1, -1)"));
            }
        }
        self.channels_first = enters_first;
        self.sums -= 1;
        self.depth -= 1;
        self.module_line("}),");
        format!("{x} + {beside}")
    }

    /// The variable that says which steps count.
    fn mask(&self) -> &'static str {
        if self.masked { "mask" } else { "None" }
    }

    fn sequence(&mut self, nodes: &[Node], lowered: &LoweredOp, own: &str, x: &str) -> String {
        self.described("nn.ModuleDict({\"layers\": nn.ModuleList([", lowered);
        self.depth += 1;
        if is_row(lowered.input) {
            self.line(format!("mask = counted({x})"));
            self.line(format!("{x} = torch.where(mask > 0, {x}, 0)"));
        } else {
            self.assign(x, &steps(x, lowered, self.channels_first));
            self.line(format!("mask = counted({x}[..., -1])"));
            self.line(format!("{x} = torch.where(mask.unsqueeze(-1) > 0, {x}[..., :-1], 0)"));
        }
        let outer = std::mem::replace(&mut self.masked, true);
        self.channels_first = false;
        self.chain(nodes, &format!("{own}[\"layers\"]"), x);
        self.masked = outer;
        self.depth -= 1;
        self.module_line("])}),");
        let turned = self.channels_first && !is_row(lowered.output());
        if turned { format!("{x}.movedim(1, -1)") } else { x.into() }
    }

    /// The layers on a batch of all frames.
    fn frames(&mut self, count: usize, nodes: &[Node], lowered: &LoweredOp, own: &str, x: &str) -> String {
        self.described("nn.ModuleDict({\"layers\": nn.ModuleList([", lowered);
        self.depth += 1;
        let frame = one_frame(lowered.input, count);
        let parts = format!("({count}, {})", frame.rows());
        self.line(match (channels::begin_first(frame), self.channels_first) {
            (true, _) => format!("{x} = {x}.unflatten(2, {parts}).movedim(2, 1).flatten(0, 1)"),
            (_, true) => format!("{x} = {x}.movedim(1, -1).unflatten(1, {parts}).flatten(0, 1)"),
            _ => format!("{x} = {x}.unflatten(1, {parts}).flatten(0, 1)"),
        });
        let outer = std::mem::take(&mut self.masked);
        self.channels_first = channels::begin_first(frame);
        self.chain(nodes, &format!("{own}[\"layers\"]"), x);
        self.masked = outer;
        self.depth -= 1;
        self.module_line("])}),");
        let row = self.row(x, nodes.last().map_or(frame, Node::output));
        format!("{row}.unflatten(0, (-1, {count}))")
    }

    /// x, whose examples have this shape, as rows in our order.
    fn row(&self, x: &str, shape: Shape) -> String {
        let turned = if self.channels_first && !is_row(shape) { ".movedim(1, -1)" } else { "" };
        let flat = if is_row(shape) { "" } else { ".flatten(1)" };
        format!("{x}{turned}{flat}")
    }

    /// The values after the first ones, and what the layers make of these.
    fn first(&mut self, inputs: usize, nodes: &[Node], lowered: &LoweredOp, own: &str, x: &str) -> String {
        self.described("nn.ModuleDict({\"layers\": nn.ModuleList([", lowered);
        self.depth += 1;
        self.sums += 1;
        let rest = format!("rest{}", if self.sums > 1 { self.sums.to_string() } else { String::new() });
        self.line(format!("{x}, {rest} = {x}[:, :{inputs}], {x}[:, {inputs}:]"));
        let outer = std::mem::take(&mut self.masked);
        self.chain(nodes, &format!("{own}[\"layers\"]"), x);
        self.masked = outer;
        self.sums -= 1;
        self.depth -= 1;
        self.module_line("])}),");
        let row = self.row(x, nodes.last().map_or([inputs].into(), Node::output));
        format!("torch.cat([{rest}, {row}], dim=1)")
    }

    /// The outputs of several chains on x, one after the other.
    fn branches(&mut self, members: &[Vec<Node>], lowered: &LoweredOp, own: &str, x: &str) -> String {
        self.described("nn.ModuleDict({\"members\": nn.ModuleList([", lowered);
        self.depth += 1;
        self.sums += 1;
        let nested = if self.sums > 1 { self.sums.to_string() } else { String::new() };
        let (input, outputs) = (format!("inputs{nested}"), format!("members{nested}"));
        self.line(format!("{input}, {outputs} = {x}, []"));
        let enters_first = self.channels_first;
        for (k, nodes) in members.iter().enumerate() {
            self.module_line("nn.ModuleList([");
            self.depth += 1;
            self.channels_first = enters_first;
            if k > 0 {
                self.line(format!("{x} = {input}"));
            }
            self.chain(nodes, &format!("{own}[\"members\"][{k}]"), x);
            self.line(format!("{outputs}.append({x})"));
            self.depth -= 1;
            self.module_line("]),");
        }
        self.channels_first = enters_first;
        self.sums -= 1;
        self.depth -= 1;
        self.module_line("])}),");
        format!("torch.cat({outputs}, dim=1)")
    }

    /// g(z): a module if the layer does nothing else, otherwise a function.
    fn activation(&mut self, g: Activation, lowered: &LoweredOp, own: &str, (z, x): (&str, &str)) -> String {
        let units = units_at(lowered.input, self.channels_first);
        if lowered.is_alone() {
            let module = module_of(g, units);
            self.module(module.as_deref().unwrap_or("nn.Identity()"), lowered);
            if module.is_some() {
                return format!("{own}({z})");
            }
        }
        match g {
            Activation::Softmax => format!("torch.softmax({z}, {units})"),
            Activation::Identity => z.into(),
            Activation::Sigmoid | Activation::Tanh => format!("torch.{g}({z})"),
            Activation::GeluTanh => format!("F.gelu({z}, approximate=\"tanh\")"),
            Activation::Silu(beta) if beta != 1.0 => {
                self.assign(x, z);
                format!("{x} * torch.sigmoid({} * {x})", number(beta))
            }
            g => match g.number() {
                Some((n, usual)) if n != usual => format!("F.{}({z}, {})", g.name(), number(n)),
                _ => format!("F.{}({z})", g.name()),
            },
        }
    }
}

/// The logits of the weighted mean of the members' answers g(z).
fn average((members, weights): (usize, &[f64]), of: Activation, lowered: &LoweredOp, x: &str) -> String {
    let each = format!("{x}.unflatten(1, ({members}, {}))", lowered.output().size());
    let column: Vec<String> = weights.iter().map(|weight| format!("[{weight}]")).collect();
    let column = format!("{x}.new_tensor([{}])", column.join(", "));
    let equal = weights.is_empty();
    let log = if equal { String::new() } else { format!(" + {column}.log()") };
    match of {
        Activation::Softmax => {
            let count = if equal { format!(" - math.log({members})") } else { String::new() };
            format!("torch.logsumexp(torch.log_softmax({each}, -1){log}, 1){count}")
        }
        Activation::Sigmoid => {
            let sum = |sign: &str| format!("torch.logsumexp(F.logsigmoid({sign}{each}){log}, 1)");
            format!("{} - {}", sum(""), sum("-"))
        }
        _ if equal => format!("{each}.mean(1)"),
        _ => format!("({each} * {column}).sum(1)"),
    }
}

fn is_row(shape: Shape) -> bool {
    shape.dimensions().len() == 1
}

/// x as steps × channels.
fn steps(x: &str, lowered: &LoweredOp, channels_first: bool) -> String {
    match (is_row(lowered.input), channels_first) {
        (true, _) => format!("{x}.unsqueeze(-1)"),
        (_, true) => format!("{x}.movedim(1, -1)"),
        _ => x.into(),
    }
}

/// The values of a step; a row has one.
fn channels(lowered: &LoweredOp) -> usize {
    lowered.input.dimensions().get(1).copied().unwrap_or(1)
}

/// A module applied to x as it is, or to each example flattened.
fn on_rows(alike: bool, own: &str, x: &str) -> String {
    if alike { format!("{own}({x})") } else { format!("{own}({x}.flatten(1)).reshape({x}.shape)") }
}

/// x flattened to one row per example.
fn flat(x: &str, lowered: &LoweredOp) -> String {
    if is_row(lowered.input) { x.into() } else { format!("{x}.flatten(1)") }
}

/// One number if it is the same for all dimensions, otherwise a tuple.
fn alike(numbers: &[usize]) -> String {
    if numbers.iter().all(|n| *n == numbers[0]) { numbers[0].to_string() } else { tuple(numbers) }
}

/// x as the layer's windows see it: (m, channels, height, width), or (m, channels, time).
fn windowed(frame: &Frame, lowered: &LoweredOp, x: &str, channels_first: bool) -> String {
    match (lowered.input.dimensions().len(), frame.line, channels_first) {
        (3, false, _) | (2, true, true) => x.into(),
        (2, true, false) => format!("{x}.movedim(-1, 1)"),
        (3, true, _) => format!("{x}.squeeze(1).movedim(-1, 1)"),
        (2, false, true) => format!("{x}.movedim(1, -1).unsqueeze(1)"),
        _ => format!("{x}.unsqueeze(1)"),
    }
}

/// The argument for padding that is the same on both sides; otherwise x is padded beforehand.
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

/// The dimension of a batch that is our last one.
fn units_at(shape: Shape, channels_first: bool) -> i32 {
    if is_row(shape) || channels_first { 1 } else { -1 }
}

/// The module of an activation, if PyTorch has one; `units` is the dimension of softmax.
fn module_of(g: Activation, units: i32) -> Option<String> {
    let module = match g {
        Activation::Identity => "nn.Identity()".into(),
        Activation::Sigmoid => "nn.Sigmoid()".into(),
        Activation::Tanh => "nn.Tanh()".into(),
        Activation::Relu => "nn.ReLU()".into(),
        Activation::Relu6 => "nn.ReLU6()".into(),
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
