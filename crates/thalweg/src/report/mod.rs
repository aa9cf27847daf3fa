//! A run's report: one self-contained page, and its figures as SVG and PNG, all read from the run's events.
//!
//! ```
//! # use thalweg::event::Event;
//! let events = [Event::Warning("the dev part has only 12 rows".to_string().into())];
//! let page = thalweg::report::html(&events);
//! assert!(page.contains("the dev part has only 12 rows"));
//! ```

mod answers;
mod card;
pub(crate) mod chart;
mod curves;
mod explanation;
#[cfg(test)]
mod extremes;
mod forecast;
mod operating;
#[cfg(feature = "figures")]
mod outlines;
pub(crate) mod page;
#[cfg(feature = "figures")]
mod png;
#[cfg(test)]
pub(crate) mod samples;
mod scales;
pub(crate) mod tables;
pub(crate) mod text;
pub(crate) mod theme;

use crate::event::Event;
use crate::event::Run;
use chart::Drawing;

pub use crate::event::read_events;
pub use card::card;
pub use page::Section;
pub use text::{duration, metric_name, metric_value};

/// The colours a figure is drawn in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on a light ground.
    #[default]
    Light,
    /// Light ink on a dark ground.
    Dark,
}

/// One standalone figure of the report.
#[derive(Debug, Clone)]
pub struct Figure {
    /// A name for its file: `learning-curves`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The figure in light colours.
    pub svg: String,
    #[cfg_attr(not(feature = "figures"), expect(dead_code, reason = "only PNGs need another theme"))]
    drawing: Drawing,
}

impl Figure {
    pub(crate) fn new(drawing: Drawing) -> Figure {
        Figure {
            name: drawing.caption.name.into(),
            title: drawing.caption.title.clone(),
            svg: drawing.alone(Theme::Light),
            drawing,
        }
    }

    /// The figure as PNG, at twice the SVG's size.
    ///
    /// # Errors
    /// If it cannot be rendered, which is a bug.
    #[cfg(feature = "figures")]
    pub fn png(&self, theme: Theme) -> crate::Result<Vec<u8>> {
        png::draw(&self.drawing.alone(theme))
    }
}

/// Writes every figure of a run to a folder, as SVG and, with the feature `figures`, as PNG.
///
/// # Errors
/// If the folder cannot be written.
pub fn write_figures(events: &[Event], folder: &std::path::Path) -> crate::Result<()> {
    save_figures(&figures(events), folder)
}

/// Writes figures to a folder, as SVG and, with the feature `figures`, as PNG.
pub(crate) fn save_figures(figures: &[Figure], folder: &std::path::Path) -> crate::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        crate::Error::io(crate::ErrorKind::Config, folder, "make the folder", &error)
            .fix("name another folder with [figures]")
    })?;
    for figure in figures {
        crate::io::atomic::write(&folder.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
        #[cfg(feature = "figures")]
        crate::io::atomic::write(&folder.join(format!("{}.png", figure.name)), &figure.png(Theme::Light)?)?;
    }
    Ok(())
}

/// The report as one self-contained HTML page, without network access or scripts.
///
/// Sections whose events are missing are left out: a run without a dev split, one that diverged, or one that was killed
/// has a page too.
pub fn html(events: &[Event]) -> String {
    page(&Run::new(events))
}

/// The same page of a run that is aggregated already.
pub fn page(run: &Run) -> String {
    page::page(run)
}

/// The report's sections with something to show, in the page's order.
pub fn sections(run: &Run) -> Vec<Section> {
    page::sections(run)
}

/// The style sheet for sections in an element of class `report`. Its colours are CSS variables of the whole page, dark if
/// the page's root says so (`data-theme`), else if the reader prefers it.
pub fn css() -> String {
    theme::embedded_css()
}

/// The report's figures, in the page's order.
pub fn figures(events: &[Event]) -> Vec<Figure> {
    let run = Run::new(events);
    let end = run.end.as_ref();
    [
        curves::losses(&run),
        curves::metric(&run),
        end.and_then(|end| answers::matrix(&run, end)),
        end.and_then(|end| answers::hardest(&run, end)),
        end.and_then(|end| answers::calibration(&run, end)),
        end.and_then(|end| operating::precision_recall(&run, end)),
        end.and_then(|end| operating::by_threshold(&run, end)),
        end.and_then(|end| answers::predicted(&run, end)),
        end.and_then(|end| answers::residuals(&run, end)),
        explanation::importance(&run),
    ]
    .into_iter()
    .chain(run.forecast.iter().flat_map(forecast::pictures).map(Some))
    .chain(explanation::dependences(&run).into_iter().map(Some))
    .chain([scales::activations(&run), scales::gradients(&run), curves::learning_rate(&run)])
    .flatten()
    .map(Figure::new)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_sample() -> Vec<(&'static str, Vec<Event>)> {
        vec![
            ("classes", samples::classes(10, 61)),
            ("binary", samples::binary()),
            ("regression", samples::regression()),
            ("many-classes", samples::classes(60, 40)),
            ("thirty-classes", samples::classes(30, 40)),
            ("one-epoch", samples::classes(3, 1)),
            ("long", samples::classes(4, 10_000)),
            ("diverged", samples::diverged()),
            ("interrupted", samples::interrupted()),
            ("resumed", samples::resumed()),
            ("train-only", samples::train_only()),
            ("hostile", samples::hostile()),
            ("empty", Vec::new()),
        ]
    }

    /// With `THALWEG_LOOK` set to a folder, saves the pages and figures there for inspection.
    fn leave(name: &str, bytes: &[u8]) {
        if let Some(folder) = std::env::var_os("THALWEG_LOOK") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
        }
    }

    #[test]
    fn pages_load_nothing_and_run_nothing() {
        for (name, events) in every_sample() {
            let page = html(&events);
            leave(&format!("{name}.html"), page.as_bytes());
            // The SVG namespace is not needed inside HTML, so no URL at all remains.
            for loads in ["http:", "https:", "//", "url(", "@import", "<script", "<link", "<img", " src="] {
                assert!(!page.contains(loads), "{name} contains {loads}");
            }
            assert!(!page.contains("NaN") && !page.contains("inf\""), "{name}");
            assert!(page.len() < 1_500_000, "{name}: {}", page.len());
        }
    }

    #[test]
    fn figures_are_well_formed_and_within_their_frames() {
        for (sample, events) in every_sample() {
            for figure in figures(&events) {
                let document = roxmltree(&figure.svg);
                assert!(document.is_ok(), "{sample} {}: {document:?}", figure.name);
                #[cfg(feature = "figures")]
                if std::env::var_os("THALWEG_LOOK").is_some() {
                    leave(&format!("{sample}-{}.png", figure.name), &figure.png(Theme::Light).unwrap());
                }
            }
        }
    }

    #[cfg(feature = "figures")]
    fn roxmltree(svg: &str) -> Result<(), String> {
        use resvg::usvg::roxmltree::Document;
        Document::parse(svg).map(|_| ()).map_err(|error| error.to_string())
    }

    #[cfg(not(feature = "figures"))]
    fn roxmltree(_: &str) -> Result<(), String> {
        Ok(())
    }

    #[test]
    fn names_from_the_data_are_escaped_everywhere() {
        let page = html(&samples::hostile());
        assert!(!page.contains("<script") && !page.contains("onload=\"alert"), "markup got through");
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_first_sentence_answers() {
        let page = html(&samples::classes(10, 61));
        assert!(
            page.contains("<h1>Test accuracy 95.8\u{a0}% on 360 rows</h1>"),
            "{}",
            &page[page.find("<h1").unwrap()..][..80]
        );
        assert!(page.contains("Best epoch 46 of 61 · 9,226 parameters · 2.1\u{a0}s"));
    }

    #[test]
    fn missing_parts_leave_their_sections_out() {
        let page = html(&samples::train_only());
        assert!(page.contains("<h1>Train accuracy"));
        assert!(!page.contains("dev loss") && !page.contains("Signals in the network"));
        assert!(page.contains("There is no dev part"));
        let unfinished = html(&samples::interrupted());
        assert!(unfinished.contains("thalweg resume") && !unfinished.contains("Most wrong"));
    }
}
