//! Where each parameter is in θ.
//!
//! All parameters of a network are one contiguous vector, the course's "reshape into one big vector": first those that
//! are trained, layer by layer, then the statistics that are only stored with them.

use std::ops::Range;

use crate::error::{Error, Result};
pub use crate::layers::Entry;
use crate::layers::ParameterSpec;
use crate::tensor::{View, ViewMut, ops};

/// All parameters of a network, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    entries: Vec<Entry>,
    layers: Vec<Range<usize>>,
    trained: usize,
    len: usize,
}

impl Layout {
    /// Lays out the parameters of each layer.
    pub(crate) fn new(specs: Vec<Vec<ParameterSpec>>) -> Result<Layout> {
        let size = |trained: bool| {
            let sizes = specs.iter().flatten().filter(|spec| spec.trained == trained).map(|spec| spec.shape.size());
            sizes.fold(0usize, usize::saturating_add)
        };
        let (trained, kept) = (size(true), size(false));
        if trained.saturating_add(kept) > isize::MAX as usize / 64 {
            return Err(Error::config(format!("a network of {trained} parameters is larger than any memory"))
                .fix("use fewer units or layers"));
        }
        let (mut next_trained, mut next_kept) = (0, trained);
        let (mut entries, mut layers) = (Vec::new(), Vec::new());
        for (i, specs) in specs.into_iter().enumerate() {
            let first = entries.len();
            for ParameterSpec { name, shape, init, decays, trained } in specs {
                let next = if trained { &mut next_trained } else { &mut next_kept };
                let name = format!("layers.{i}.{name}");
                entries.push(Entry { name, shape, start: *next, init, decays, trained });
                *next += shape.size();
            }
            layers.push(first..entries.len());
        }
        Ok(Layout { entries, layers, trained, len: trained + kept })
    }

    /// Every parameter.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The parameter with a name, such as `layers.0.weight`.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The parameters of a layer.
    pub fn of_layer(&self, layer: usize) -> &[Entry] {
        &self.entries[self.layers[layer].clone()]
    }

    /// The weights that the L2 term and weight decay apply to.
    pub fn decayed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.decays)
    }

    /// Copies what a vector of another layout has for some layers to a vector of this one, to as many layers from `first`
    /// on; vectors may end before the statistics.
    pub(crate) fn copy_layers(
        &self,
        first: usize,
        (other, layers): (&Layout, Range<usize>),
        from: View,
        mut to: ViewMut,
    ) {
        let pairs = other.layers[layers].iter().zip(&self.layers[first..]);
        for (old, new) in pairs.flat_map(|(old, new)| other.entries[old.clone()].iter().zip(&self.entries[new.clone()]))
        {
            if old.start + old.shape.size() <= from.len() {
                ops::copy(from.part(old.start, old.shape), to.reborrow().part(new.start, new.shape));
            }
        }
    }

    /// How many elements of θ are trained: the leading ones.
    pub fn trained(&self) -> usize {
        self.trained
    }

    /// How many elements θ has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
