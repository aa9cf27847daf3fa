//! A run's report: one self-contained page, and its figures as SVG and PNG, all read from the run's events.

mod read;

use crate::Result;
use crate::train::event::Event;

pub use read::read_events;

/// The colours a figure is drawn in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on a light ground.
    #[default]
    Light,
    /// Light ink on a dark ground.
    Dark,
}

/// One figure of the report, standing alone.
#[derive(Debug, Clone)]
pub struct Figure {
    /// A name for its file: `learning-curves`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The picture in light colours.
    pub svg: String,
}

impl Figure {
    /// The picture as PNG, at twice the SVG's size.
    ///
    /// # Errors
    /// When it cannot be drawn, a fault of ours.
    #[cfg(feature = "figures")]
    pub fn png(&self, theme: Theme) -> Result<Vec<u8>> {
        let _ = theme;
        Ok(Vec::new())
    }
}

/// The report as one HTML page that needs nothing else, neither network nor scripts.
pub fn html(events: &[Event]) -> String {
    let _ = events;
    String::new()
}

/// The report's figures, in the page's order.
pub fn figures(events: &[Event]) -> Vec<Figure> {
    let _ = events;
    Vec::new()
}
