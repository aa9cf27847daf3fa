//! A builder for training runs.

use super::{Outcome, Trained, train, train_on};
use crate::config::Config;
use crate::data::arrays::Arrays;
use crate::data::dataset::Dataset;
use crate::data::table::Table;
use crate::error::Result;
use crate::event::Event;
use crate::task::Task;

/// A training of a network on a source, with every unset option at its default.
///
/// A builder over [`Config`]; [`Training::configure`] reaches the options that have no method here.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// use thalweg::Training;
///
/// let training = Training::on("sample:iris").layers([16]).learning_rate(0.02).epochs(100);
/// let outcome = training.out(folder.path().join("iris")).run()?;
/// assert!(outcome.metrics.test["accuracy"].value > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Training<'a> {
    config: Config,
    listen: Box<dyn FnMut(&Event) + 'a>,
}

impl Default for Training<'_> {
    fn default() -> Self {
        Training { config: Config::default(), listen: Box::new(|_| {}) }
    }
}

impl<'a> Training<'a> {
    /// A training with all defaults, for data in memory ([`Training::fit`]).
    pub fn new() -> Self {
        Training::default()
    }

    /// A training on a file, a folder or `sample:NAME`.
    pub fn on(source: impl Into<String>) -> Self {
        Training::new().configure(|config| config.data.path = source.into())
    }

    /// Sets any option.
    ///
    /// ```
    /// # use thalweg::Training;
    /// let training = Training::on("houses.csv").configure(|config| {
    ///     config.network.batch_norm = true;
    ///     config.data.ignore.push("id".into());
    /// });
    /// ```
    pub fn configure(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(&mut self.config);
        self
    }

    /// The column to predict; call repeatedly for several targets.
    pub fn target(self, column: impl Into<String>) -> Self {
        self.configure(|config| config.data.target.push(column.into()))
    }

    /// The task, instead of inferring it from the target.
    pub fn task(self, task: Task) -> Self {
        self.configure(|config| config.data.task = Some(task))
    }

    /// A file of dev rows; none are then split off from the source.
    pub fn dev(self, path: impl Into<String>) -> Self {
        self.configure(|config| config.data.dev = Some(path.into()))
    }

    /// A file of test rows; none are then split off from the source.
    pub fn test(self, path: impl Into<String>) -> Self {
        self.configure(|config| config.data.test = Some(path.into()))
    }

    /// Units of each hidden layer; an empty list for no hidden layers.
    pub fn layers(self, units: impl IntoIterator<Item = usize>) -> Self {
        self.configure(|config| config.network.layers = Some(units.into_iter().collect()))
    }

    /// The dropout probability of hidden activations.
    pub fn dropout(self, share: f64) -> Self {
        self.configure(|config| config.network.dropout = Some(vec![share]))
    }

    /// The maximum number of epochs.
    pub fn epochs(self, epochs: usize) -> Self {
        self.configure(|config| config.train.epochs = Some(epochs))
    }

    /// Examples per batch; 0 for all.
    pub fn batch_size(self, examples: usize) -> Self {
        self.configure(|config| config.train.batch_size = Some(examples))
    }

    /// The learning rate α.
    pub fn learning_rate(self, rate: f64) -> Self {
        self.configure(|config| config.train.learning_rate = Some(rate))
    }

    /// The optimiser, by its name in [`optimizers::ALL`](crate::optimizers::ALL).
    pub fn optimizer(self, name: impl Into<String>) -> Self {
        self.configure(|config| config.train.optimizer = Some(name.into()))
    }

    /// The factor λ of the L2 term.
    pub fn l2(self, factor: f64) -> Self {
        self.configure(|config| config.train.l2 = factor)
    }

    /// The seed of all randomness.
    pub fn seed(self, seed: u64) -> Self {
        self.configure(|config| config.train.seed = seed)
    }

    /// Number of threads, 0 for all cores; does not affect the result.
    pub fn threads(self, threads: usize) -> Self {
        self.configure(|config| config.train.threads = threads)
    }

    /// The run folder, instead of a new one in `runs/`.
    pub fn out(self, folder: impl AsRef<std::path::Path>) -> Self {
        self.configure(|config| config.output.out = Some(folder.as_ref().display().to_string()))
    }

    /// A callback for every event; replaces an earlier one.
    pub fn listen(self, listen: impl FnMut(&Event) + 'a) -> Self {
        Training { listen: Box::new(listen), ..self }
    }

    /// The configuration built so far.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Trains, and writes a run folder with the model and its report.
    ///
    /// # Errors
    /// If an option is invalid, the source cannot be read or trained on, or the folder cannot be written.
    pub fn run(mut self) -> Result<Outcome> {
        let listen = &mut self.listen;
        train(&self.config, &mut |event: &Event| listen(event))
    }
}

impl Training<'_> {
    /// Trains on examples in memory, without a run folder.
    ///
    /// ```
    /// use thalweg::{Training, data::arrays::Arrays};
    ///
    /// // Which of two numbers is larger?
    /// let x: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32).collect();
    /// let larger = x.chunks(2).map(|pair| if pair[0] > pair[1] { "first" } else { "second" }.to_string());
    /// let pairs = Arrays::new("pairs", &[2], x.clone())?.with_answers("larger", larger)?;
    ///
    /// let model = Training::new().layers([8]).learning_rate(0.05).fit(&pairs)?.model;
    /// assert_eq!(model.answer_arrays(&pairs, Default::default())?.predictions.len(), 200);
    /// # Ok::<(), thalweg::Error>(())
    /// ```
    ///
    /// # Errors
    /// If an option is invalid, or the examples cannot be trained on.
    pub fn fit(self, examples: &Arrays) -> Result<Trained> {
        let data = Dataset::from_arrays(examples, None, None, &self.config)?;
        self.fit_dataset(&data)
    }

    /// The same on a table.
    ///
    /// # Errors
    /// As for [`Training::fit`].
    pub fn fit_table(self, table: &Table) -> Result<Trained> {
        let data = Dataset::from_tables(table, None, None, &self.config)?;
        self.fit_dataset(&data)
    }

    fn fit_dataset(mut self, data: &Dataset) -> Result<Trained> {
        let listen = &mut self.listen;
        train_on(&self.config, data, None, &mut |event: &Event| listen(event))
    }
}

impl std::fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_the_options_of_their_names() {
        let training = Training::on("t.csv")
            .target("a")
            .target("b")
            .task(Task::Regression)
            .dev("d.csv")
            .test("e.csv")
            .layers([64, 32])
            .dropout(0.1)
            .epochs(7)
            .batch_size(9)
            .learning_rate(0.5)
            .optimizer("adam")
            .l2(0.25)
            .seed(3)
            .threads(2)
            .out("runs/x");
        let settings = [
            ("data.path", "t.csv"),
            ("target", "a,b"),
            ("task", "regression"),
            ("dev", "d.csv"),
            ("test", "e.csv"),
            ("layers", "64,32"),
            ("dropout", "0.1"),
            ("epochs", "7"),
            ("batch-size", "9"),
            ("learning-rate", "0.5"),
            ("optimizer", "adam"),
            ("l2", "0.25"),
            ("seed", "3"),
            ("threads", "2"),
            ("out", "runs/x"),
        ]
        .map(|(key, value)| (key.replace('-', "_"), value.to_string()));
        assert_eq!(*training.config(), Config::load(None, &settings).unwrap());
    }
}
