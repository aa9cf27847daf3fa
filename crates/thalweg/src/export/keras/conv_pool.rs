//! Convolutions and pooling, for which Keras has padding and strides of its own.

use serde_json::json;

use super::Keras;
use super::graph::{Symbol, Variable};
use crate::export::lowered::LoweredOp;
use crate::layers::{Frame, Padding, Pooling};
use crate::tensor::Activation;
use crate::{Error, Result};

impl Keras<'_> {
    /// x in the shape that windows see.
    fn windowed(&mut self, lowered: &LoweredOp, frame: &Frame, x: Symbol) -> Symbol {
        self.reshaped(lowered, "windows", x, frame.seen().dimensions())
    }

    /// x with its padding, and the `padding` argument that remains.
    fn padded(&mut self, lowered: &LoweredOp, frame: &Frame, x: Symbol, same: bool) -> (Symbol, &'static str) {
        let around = frame.each(frame.around());
        if around.iter().flatten().all(|&n| n == 0) {
            return (x, "valid");
        }
        if same {
            return (x, "same");
        }
        let mut shape = x.shape.clone();
        shape.iter_mut().zip(&around).for_each(|(side, around)| *side += around[0] + around[1]);
        let (class, padding) =
            if frame.line { ("ZeroPadding1D", json!(around[0])) } else { ("ZeroPadding2D", json!(around)) };
        (self.named(class, lowered, "padding", json!({ "padding": padding }), &x, &shape), "valid")
    }

    pub(super) fn convolution(
        &mut self,
        lowered: &LoweredOp,
        (frame, filters, groups): (&Frame, usize, usize),
        variables: Vec<Variable>,
        g: Activation,
        x: Symbol,
    ) -> Symbol {
        let x = self.windowed(lowered, frame, x);
        let windows = &frame.windows;
        let dilated = windows.dilation != [1, 1] && windows.stride != [1, 1];
        let (x, padding) = self.padded(lowered, frame, x, frame.padding == Padding::Same && !dilated);
        let mut config = json!({
            "filters": filters, "kernel_size": frame.each(windows.size), "padding": padding, "groups": groups,
            "dilation_rate": frame.each(windows.dilation), "use_bias": variables.len() == 2,
        });
        let class = if frame.line { "Conv1D" } else { "Conv2D" };
        if !dilated {
            config["strides"] = json!(frame.each(windows.stride));
            return self.activated(class, lowered, (config, variables), &x, g);
        }
        // Keras does not combine strides and dilation: all windows are computed, then those a stride apart kept.
        let mut shape = x.shape.clone();
        let reach = [0, 1].map(|axis| (windows.size[axis] - 1) * windows.dilation[axis]);
        shape.iter_mut().zip(frame.each(reach)).for_each(|(side, reach)| *side -= reach);
        *shape.last_mut().expect("an image has channels") = filters;
        let every = self.graph.push(class, &lowered.name, config, &[&x], &shape, variables);
        let some = self.strided(lowered, frame, &every);
        self.activation(lowered, g, some)
    }

    /// The positions of x that are a stride apart.
    fn strided(&mut self, lowered: &LoweredOp, frame: &Frame, x: &Symbol) -> Symbol {
        let class = if frame.line { "MaxPooling1D" } else { "MaxPooling2D" };
        let config = json!({ "pool_size": frame.each([1, 1]), "strides": frame.each(frame.windows.stride) });
        let channels = x.shape.last().copied();
        let shape: Vec<usize> = frame.each(frame.windows.output).into_iter().chain(channels).collect();
        self.named(class, lowered, "strides", config, x, &shape)
    }

    pub(super) fn pool(
        &mut self,
        lowered: &LoweredOp,
        (frame, take, global): (&Frame, Pooling, bool),
        x: Symbol,
    ) -> Result<Symbol> {
        let x = self.windowed(lowered, frame, x);
        let (output, same) = (lowered.output(), frame.padding == Padding::Same);
        let output = output.dimensions();
        let class = match (take, frame.line, global) {
            (Pooling::Max, true, false) => "MaxPooling1D",
            (Pooling::Max, false, false) => "MaxPooling2D",
            (Pooling::Average | Pooling::AverageWithin, true, false) => "AveragePooling1D",
            (Pooling::Average | Pooling::AverageWithin, false, false) => "AveragePooling2D",
            (Pooling::Max, true, true) => "GlobalMaxPooling1D",
            (Pooling::Max, false, true) => "GlobalMaxPooling2D",
            (Pooling::Average | Pooling::AverageWithin, true, true) => "GlobalAveragePooling1D",
            (Pooling::Average | Pooling::AverageWithin, false, true) => "GlobalAveragePooling2D",
        };
        if global {
            return Ok(self.graph.layer(class, &lowered.name, json!({}), &[&x], output));
        }
        let windows = &frame.windows;
        let around = frame.around() != [[0; 2]; 2];
        if take == Pooling::Max && around && !same {
            return self.padded_maximum(lowered, frame, class, x);
        }
        // Whether average pooling with "same" counts the padding depends on Keras's backend.
        let (x, padding) = self.padded(lowered, frame, x, same && take == Pooling::Max);
        let config = json!({
            "pool_size": frame.each(windows.size), "strides": frame.each(windows.stride), "padding": padding,
        });
        let y = self.graph.layer(class, &lowered.name, config, &[&x], output);
        if take == Pooling::AverageWithin && around {
            return Ok(self.within(lowered, frame, &y));
        }
        Ok(y)
    }

    /// Means that counted padding, times the ratio of a window's size to the number of its positions within the image.
    fn within(&mut self, lowered: &LoweredOp, frame: &Frame, means: &Symbol) -> Symbol {
        let windows = &frame.windows;
        let shares = |axis: usize| {
            let share = move |window| windows.size[axis] as f64 / windows.seen(axis, window) as f64;
            (0..windows.output[axis]).map(share)
        };
        let rows: Vec<Vec<[f64; 1]>> =
            shares(0).map(|down| shares(1).map(|across| [down * across]).collect()).collect();
        let scale = if frame.line { json!(rows[0]) } else { json!(rows) };
        self.named("Rescaling", lowered, "within", json!({ "scale": scale, "offset": 0.0 }), means, &means.shape)
    }

    /// Maxima without the padding: of windows centred on every pixel, those that are our windows are kept.
    fn padded_maximum(&mut self, lowered: &LoweredOp, frame: &Frame, class: &'static str, x: Symbol) -> Result<Symbol> {
        let windows = &frame.windows;
        let crop = |axis: usize| {
            let first = ((windows.size[axis] - 1) / 2).checked_sub(windows.padding[axis])?;
            let last = first + (windows.output[axis] - 1) * windows.stride[axis];
            Some([first, (windows.input[axis] - 1).checked_sub(last)?])
        };
        let (Some(down), Some(across)) = (crop(0), crop(1)) else {
            let message = format!("{}: Keras has no maximum of windows within so much padding", lowered.name);
            return Err(Error::config(message).fix("use less padding than half a window, or export to onnx or pytorch"));
        };
        let config = json!({ "pool_size": frame.each(windows.size), "strides": frame.each([1, 1]), "padding": "same" });
        let every = self.graph.layer(class, &lowered.name, config, &[&x], &x.shape.clone());
        let around = frame.each([down, across]);
        let mut shape = every.shape.clone();
        shape.iter_mut().zip(&around).for_each(|(side, around)| *side -= around[0] + around[1]);
        let (class, cropping) =
            if frame.line { ("Cropping1D", json!(around[0])) } else { ("Cropping2D", json!(around)) };
        let some = self.named(class, lowered, "cropped", json!({ "cropping": cropping }), &every, &shape);
        Ok(self.strided(lowered, frame, &some))
    }
}
