//! What a learner has set: from the page to a configuration, and to the command that does the same in a terminal.

use serde::Deserialize;
use thalweg::config::Config;
use thalweg::{Error, Result, did_you_mean};

/// A set of points that the library generates.
#[derive(Debug)]
pub(super) struct Set {
    /// Its name, as in `sample:circles`.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) title: &'static str,
    /// The noise at which it looks as it is meant to.
    pub(super) noise: f64,
}

/// The sets of points.
pub(super) const SETS: [Set; 9] = [
    Set { name: "blobs", title: "Two Gaussians", noise: 0.6 },
    Set { name: "circles", title: "Circle in a ring", noise: 0.1 },
    Set { name: "xor", title: "Exclusive or", noise: 0.1 },
    Set { name: "moons", title: "Two moons", noise: 0.15 },
    Set { name: "spirals", title: "Spirals", noise: 0.1 },
    Set { name: "flower", title: "Flower", noise: 0.1 },
    Set { name: "three-blobs", title: "Three classes", noise: 0.5 },
    Set { name: "plane", title: "Regression: a plane", noise: 0.1 },
    Set { name: "bumps", title: "Regression: a hill and a hollow", noise: 0.05 },
];

pub(super) const MOST_ROWS: usize = 1_000;
pub(super) const MOST_LAYERS: usize = 6;
pub(super) const MOST_UNITS: usize = 12;
const MOST_EPOCHS: usize = 10_000;
/// Rows of a learner's own file.
const MOST_FILE_ROWS: usize = 5_000;

/// The settings of an experiment, by default those of a small network on the circles.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// The name of a set, or `csv`.
    pub(super) data: String,
    pub(super) rows: usize,
    pub(super) noise: f64,
    /// The share of rows that is trained on; the others are test rows.
    pub(super) train: f64,
    pub(super) layers: Vec<usize>,
    pub(super) activation: String,
    /// Without one, the library's choice for the activation.
    pub(super) init: Option<String>,
    pub(super) init_scale: Option<f64>,
    pub(super) optimizer: String,
    pub(super) learning_rate: f64,
    /// Of momentum, and β₁ of Adam.
    pub(super) momentum: Option<f64>,
    pub(super) beta2: Option<f64>,
    pub(super) epsilon: Option<f64>,
    /// 0: all rows.
    pub(super) batch_size: usize,
    pub(super) epochs: usize,
    pub(super) l2: f64,
    pub(super) dropout: f64,
    pub(super) batch_norm: bool,
    pub(super) schedule: String,
    pub(super) decay: Option<f64>,
    pub(super) seed: u64,
    pub(super) csv: Option<File>,
}

/// Two columns of numbers of a learner's own file, and a target.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) inputs: [String; 2],
    pub(super) target: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            data: "circles".into(),
            rows: 300,
            noise: 0.1,
            train: 0.7,
            layers: vec![4, 2],
            activation: "tanh".into(),
            init: None,
            init_scale: None,
            optimizer: "gradient_descent".into(),
            learning_rate: 0.1,
            momentum: None,
            beta2: None,
            epsilon: None,
            batch_size: 10,
            epochs: 300,
            l2: 0.0,
            dropout: 0.0,
            batch_norm: false,
            schedule: "constant".into(),
            decay: None,
            seed: 0,
            csv: None,
        }
    }
}

impl Settings {
    /// Refuses what would take too long, or is no set of points.
    pub(super) fn check(&self) -> Result<()> {
        let within = |what: &str, found: usize, low: usize, most: usize| match found {
            _ if (low..=most).contains(&found) => Ok(()),
            _ => Err(Error::config(format!("found {found} {what}, expected {low} to {most}"))
                .fix("use thalweg train for larger networks and data")),
        };
        within("rows", self.rows, 20, MOST_ROWS)?;
        within("hidden layers", self.layers.len(), 0, MOST_LAYERS)?;
        within("epochs", self.epochs, 1, MOST_EPOCHS)?;
        self.layers.iter().try_for_each(|&units| within("units in a layer", units, 1, MOST_UNITS))?;
        if !(0.1..=0.9).contains(&self.train) {
            return Err(Error::config(format!("found a share of {} for training, expected 0.1 to 0.9", self.train)));
        }
        match &self.csv {
            _ if self.data == "csv" => self.file().map(|_| ()),
            Some(_) => Err(Error::config("found a file with a generated set").fix("set the data to csv")),
            None => self.set().map(|_| ()),
        }
    }

    /// The generated set.
    fn set(&self) -> Result<&'static Set> {
        let names = || SETS.iter().map(|set| set.name);
        SETS.iter().find(|set| set.name == self.data).ok_or_else(|| {
            Error::config(format!("unknown set of points {:?}{}", self.data, did_you_mean(&self.data, names())))
                .fix(format!("use one of {}, or csv", names().collect::<Vec<_>>().join(", ")))
        })
    }

    /// The learner's own file.
    pub(super) fn file(&self) -> Result<&File> {
        let file = self.csv.as_ref().ok_or_else(|| Error::config("there is no file").fix("choose a CSV file"))?;
        let rows = file.text.lines().count();
        if rows > MOST_FILE_ROWS + 1 {
            let error = Error::data(format!("found {rows} lines, expected at most {MOST_FILE_ROWS} rows"));
            return Err(error.at(file.name.clone()).fix("use fewer rows here, and thalweg train for all of them"));
        }
        let [x, y] = &file.inputs;
        if x == y || *x == file.target || *y == file.target {
            return Err(Error::config("found a column twice").fix("choose two columns and another as the target"));
        }
        Ok(file)
    }

    /// The source, as `thalweg train` takes it; `-` for a learner's own file, whose rows are not read from a path.
    fn source(&self) -> Result<String> {
        if self.data == "csv" {
            return Ok("-".into());
        }
        let Settings { rows, noise, seed, .. } = self;
        Ok(format!("sample:{},rows={rows},noise={noise},seed={seed}", self.set()?.name))
    }

    /// The options of the command, as names and values; what they leave open the course's recipe decides. `others` are the
    /// columns of a learner's own file that are left out.
    fn options(&self, others: &[String]) -> Result<Vec<(&'static str, String)>> {
        let mut options = vec![("recipe", "course".to_string())];
        if self.data == "csv" {
            options.push(("target", self.file()?.target.clone()));
            if !others.is_empty() {
                options.push(("ignore", others.join(",")));
            }
            // From 1,000 rows on, numbers would be embedded.
            options.push(("bins", "0".into()));
        }
        let layers = self.layers.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        options.push(("layers", if layers.is_empty() { "none".into() } else { layers }));
        if !self.layers.is_empty() {
            options.push(("activation", self.activation.clone()));
        }
        options.extend(self.init.clone().map(|init| ("init", init)));
        options.extend(self.init_scale.map(|scale| ("init-scale", scale.to_string())));
        if self.batch_norm && !self.layers.is_empty() {
            options.push(("batch-norm", "true".into()));
        }
        if self.dropout > 0.0 && !self.layers.is_empty() {
            options.push(("dropout", self.dropout.to_string()));
        }
        options.push(("optimizer", self.optimizer.clone()));
        options.extend(self.momentum.map(|beta| ("momentum", beta.to_string())));
        options.extend(self.beta2.map(|beta| ("beta2", beta.to_string())));
        options.extend(self.epsilon.map(|epsilon| ("epsilon", epsilon.to_string())));
        options.push(("learning-rate", self.learning_rate.to_string()));
        if self.schedule != "constant" {
            options.push(("schedule", self.schedule.clone()));
            options.extend(self.decay.map(|decay| ("decay", decay.to_string())));
        }
        if self.l2 > 0.0 {
            options.push(("l2", self.l2.to_string()));
        }
        options.push(("batch-size", self.batch_size.to_string()));
        options.push(("epochs", self.epochs.to_string()));
        let hundredths = (self.train * 100.0).round();
        options.push(("split", format!("{},0,{}", hundredths / 100.0, (100.0 - hundredths) / 100.0)));
        options.push(("seed", self.seed.to_string()));
        Ok(options)
    }

    /// The configuration of a training.
    pub(super) fn config(&self, others: &[String]) -> Result<Config> {
        self.check()?;
        let options = self.options(others)?;
        let settings = options.into_iter().map(|(name, value)| (name.replace('-', "_"), value));
        let path = ("data.path".to_string(), self.source()?);
        Config::load(None, &std::iter::once(path).chain(settings).collect::<Vec<_>>())
    }

    /// The command that trains the same network on the same rows.
    pub(super) fn command(&self, others: &[String]) -> Result<String> {
        let source = match self.data.as_str() {
            "csv" => self.file()?.name.clone(),
            _ => self.source()?,
        };
        let mut command = format!("thalweg train {}", quoted(&source));
        for (name, value) in self.options(others)? {
            match value.as_str() {
                "true" => command.push_str(&format!(" --{name}")),
                value => command.push_str(&format!(" --{name} {}", quoted(value))),
            }
        }
        Ok(command)
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/=+@%".contains(c);
    match word {
        "" => "''".into(),
        _ if word.starts_with('-') => quoted(&format!("./{word}")),
        _ if word.chars().all(plain) => word.into(),
        _ => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_what_the_configuration_does() {
        let settings = Settings { l2: 0.1, batch_norm: true, ..Settings::default() };
        assert_eq!(
            settings.command(&[]).unwrap(),
            "thalweg train sample:circles,rows=300,noise=0.1,seed=0 --recipe course --layers 4,2 --activation tanh \
             --batch-norm --optimizer gradient_descent --learning-rate 0.1 --l2 0.1 --batch-size 10 --epochs 300 \
             --split 0.7,0,0.3 --seed 0"
        );
        let config = settings.config(&[]).unwrap();
        assert_eq!((config.train.l2, config.network.batch_norm), (0.1, true));
        assert_eq!(config.split.split, Some(vec![0.7, 0.0, 0.3]));
    }

    #[test]
    fn words_of_files_are_quoted_for_the_shell() {
        assert_eq!(quoted("points.csv"), "points.csv");
        assert_eq!(quoted("my points.csv"), "'my points.csv'");
        assert_eq!(quoted("a'b; rm -rf"), r"'a'\''b; rm -rf'");
        assert_eq!(quoted("--help"), "./--help");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }

    #[test]
    fn what_is_too_large_or_unknown_is_refused() {
        let told = |settings: Settings| settings.config(&[]).unwrap_err().to_string();
        let usual = Settings::default;
        assert!(told(Settings { data: "circle".into(), ..usual() }).contains("did you mean \"circles\""));
        assert!(told(Settings { data: "../../etc/passwd".into(), ..usual() }).contains("unknown set"));
        assert!(told(Settings { rows: 1_000_000, ..usual() }).contains("found 1000000 rows, expected 20 to 1000"));
        assert!(told(Settings { layers: vec![1_000], ..usual() }).contains("1000 units in a layer"));
        assert!(told(Settings { layers: vec![2; 9], ..usual() }).contains("9 hidden layers"));
        assert!(told(Settings { optimizer: "adm".into(), ..usual() }).contains("adam"));
        assert!(told(Settings { learning_rate: f64::NAN, ..usual() }).contains("NaN"));
    }
}
