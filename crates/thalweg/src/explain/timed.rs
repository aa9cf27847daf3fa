//! Contributions within a time: as many orders of columns as there is time for.

use std::time::{Duration, Instant};

use super::{Background, Contributions, Explainer, ShapleySettings};
use crate::error::{Error, Result};
use crate::model::Model;

/// The fewest orders: two background rows, so that there is a standard error.
const FEWEST: usize = 4;
/// The most orders: more would hardly change an answer.
const MOST: usize = 10_000;
/// Rows that are explained before time is taken again.
const AT_ONCE: usize = 16;

/// Explains rows within a time; how many orders are sampled for a row depends on the machine.
#[derive(Debug)]
pub struct TimedExplainer<'a> {
    model: &'a Model,
    background: Background,
    settings: ShapleySettings,
    until: Instant,
    rows_left: usize,
    /// Seconds for one order of one row, once that is known.
    pace: Option<f64>,
}

impl<'a> TimedExplainer<'a> {
    /// An explainer for a number of rows that are to take so many seconds from now on; `settings.permutations` is not
    /// looked at.
    ///
    /// # Errors
    /// If the model takes images or sounds, or the time is not a number of seconds above 0.
    pub fn new(
        model: &'a Model,
        background: Background,
        settings: ShapleySettings,
        (seconds, rows): (f64, usize),
    ) -> Result<Self> {
        super::columns(model)?;
        let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
        let until = time.and_then(|time| Instant::now().checked_add(time)).ok_or_else(|| {
            let error = Error::config(format!("found {seconds}, expected a number of seconds above 0"));
            error.at("--explain-time").fix("60 explains in a minute")
        })?;
        Ok(TimedExplainer { model, background, settings, until, rows_left: rows, pace: None })
    }

    /// The contributions to each encoded row's answers, and how many orders they are from.
    ///
    /// # Errors
    /// If the inputs are not whole rows, or an answer is not finite.
    pub fn explain(&mut self, x: &[f32]) -> Result<Vec<(Vec<Contributions>, usize)>> {
        let width = self.model.network.input().size().max(1);
        if self.pace.is_none() {
            // Once only to see how long it takes.
            self.explain_some(&x[..x.len().min(width)])?;
        }
        let mut explained = Vec::new();
        for rows in x.chunks(AT_ONCE * width) {
            let (found, done) = self.explain_some(rows)?;
            self.rows_left = self.rows_left.saturating_sub(found.len());
            explained.extend(found.into_iter().map(|contributions| (contributions, done)));
        }
        Ok(explained)
    }

    /// The contributions to the answers to some rows, from as many orders as there is time for.
    fn explain_some(&mut self, x: &[f32]) -> Result<(Vec<Vec<Contributions>>, usize)> {
        let settings = ShapleySettings { permutations: self.permutations(), ..self.settings };
        let began = Instant::now();
        let explainer = Explainer::new(self.model, &self.background, settings)?;
        let (found, done) = (explainer.explain(x)?, explainer.permutations());
        self.pace = Some(began.elapsed().as_secs_f64() / (done * found.len().max(1)) as f64);
        Ok((found, done))
    }

    /// The names of what is found: [`Explainer::names`].
    ///
    /// # Errors
    /// None that [`TimedExplainer::new`] has not found.
    pub fn names(&self) -> Result<Vec<String>> {
        let settings = ShapleySettings { permutations: FEWEST, ..self.settings };
        Ok(Explainer::new(self.model, &self.background, settings)?.names())
    }

    /// The orders for each of the next rows.
    fn permutations(&self) -> usize {
        let Some(pace) = self.pace else { return FEWEST };
        let left = self.until.saturating_duration_since(Instant::now()).as_secs_f64();
        let each = left / self.rows_left.max(1) as f64 / pace.max(f64::MIN_POSITIVE);
        (each as usize).clamp(FEWEST, MOST)
    }
}
