//! A small chart module: SVG drawings with colours named in style sheets, so that the page can theme them.

mod axis;
mod bars;
#[cfg(feature = "tune")]
mod contour;
mod heat_map;
mod line;
#[cfg(feature = "tune")]
mod parallel;
mod points;
mod ranges;
mod reliability;
mod scatter;
mod ticks;

pub(crate) use bars::{Bar, Bars};
#[cfg(feature = "tune")]
pub(crate) use contour::Contour;
pub(crate) use heat_map::{Cell, HeatMap};
pub(crate) use line::{LineChart, Mark, Series, XAxis};
#[cfg(feature = "tune")]
pub(crate) use parallel::{Parallel, Thread, Upright};
pub(crate) use points::{Along, Panel, Point, Points};
pub(crate) use ranges::{Range, Ranges};
pub(crate) use reliability::{Reliability, ReliabilityBin};
pub(crate) use scatter::Scatter;

use super::Theme;
use super::text::escape;
use super::theme;

/// The part common to all charts.
#[derive(Debug, Clone)]
pub(crate) struct Caption {
    /// A name for files and ids: `learning-curves`.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) title: String,
    /// A description for screen readers.
    pub(crate) description: String,
}

/// A finished chart.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    /// Its name, title and description.
    pub(crate) caption: Caption,
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    fn new(caption: Caption, (width, height): (f64, f64), body: String) -> Drawing {
        Drawing { caption, width, height, body }
    }

    /// The chart for the page, coloured by the page's style sheet.
    pub(crate) fn inline(&self) -> String {
        let Drawing { width, height, body, caption } = self;
        format!(
            r#"<svg class="chart" viewBox="0 0 {width} {height}" style="max-width:{width}px;min-width:{:.0}px" {}{body}</svg>"#,
            // Narrower, its text would be illegible; the page then scrolls it sideways.
            0.7 * width,
            labels(caption)
        )
    }

    /// The chart as a standalone figure: with background, title and its own colours.
    pub(crate) fn alone(&self, theme: Theme) -> String {
        let (width, height) = ((self.width + 48.0).ceil(), (self.height + 84.0).ceil());
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{w}" height="{h}" viewBox="0 0 {w} {h}" "#,
                r#"{labels}<style>{css}</style><rect class="ground" width="{w}" height="{h}"/>"#,
                r#"<text class="title" x="24" y="38">{title}</text><g transform="translate(24 60)">{body}</g></svg>"#
            ),
            w = width,
            h = height,
            labels = labels(&self.caption),
            css = theme::figure_css(theme),
            title = escape(&self.caption.title),
            body = self.body
        )
    }
}

fn labels(Caption { name, title, description }: &Caption) -> String {
    format!(
        r#"role="img" aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{}</title><desc id="{name}-desc">{}</desc>"#,
        escape(title),
        escape(description)
    )
}
