//! Validation of a configuration beyond single values.

use super::load::checked;
use super::value::inline;
use super::{ColumnKind, Config, NumberEmbedding, Split, TextEncoding, option_specs};
use crate::error::{Advice, Error, Result};
use crate::layers::Parametrization;
use crate::task::Task;
use crate::tensor::Activation;

impl Split {
    /// The fractions of train, dev and test, if given.
    ///
    /// # Errors
    /// Unless they are three that add up to 1, the first above 0.
    pub(crate) fn fractions(&self) -> Result<Option<[f64; 3]>> {
        let Some(given) = &self.split else { return Ok(None) };
        let wrong = |message: &str| {
            Err(Error::config(format!("found {given:?}, {message}"))
                .at("--split")
                .fix("write fractions such as 0.8,0.1,0.1"))
        };
        let [train, dev, test] = given[..] else { return wrong("expected three fractions: train, dev and test") };
        if given.iter().any(|fraction| !(0.0..=1.0).contains(fraction)) || (train + dev + test - 1.0).abs() > 1e-6 {
            return wrong("expected fractions that add up to 1");
        }
        if train <= 0.0 {
            return wrong("expected a train part above 0");
        }
        Ok(Some([train, dev, test]))
    }

    /// Checks that folds are among as many as there are, and that a gap is in time.
    fn check_folds(&self) -> Result<()> {
        for (flag, name, fold) in [("--fold", "fold", &self.fold), ("--test-fold", "test_fold", &self.test_fold)] {
            if let Some(&[fold, folds]) = fold.as_deref()
                && (folds < 2 || fold >= folds)
            {
                let error = Error::config(format!("found fold {fold} of {folds}")).at(flag);
                let example = Advice::option(name, "0,5");
                return Err(error.fix(Advice::from("count folds from 0, of 2 or more: ").and(example)));
            }
        }
        if self.gap.is_some() && self.time.is_none() {
            let error = Error::config("a gap is left between rows that are split by time").at("--gap");
            return Err(error.fix("name the column of times with [time], or leave [gap] out"));
        }
        Ok(())
    }
}

impl Config {
    /// Checks that every value is what its option takes and that no two contradict each other. What depends on the data
    /// is checked when the data is read.
    ///
    /// # Errors
    /// For the first invalid value.
    pub fn validate(&self) -> Result<()> {
        let table = self.to_table()?;
        for option in option_specs() {
            if let Some(value) = table.get(&option.section).and_then(|section| section.get(&option.name)) {
                checked(option, value, &inline(value), &format!("--{}", option.flag()))?;
            }
        }
        self.split.fractions()?;
        self.data.memory_bytes()?;
        if self.data.channels == Some(2) {
            let error = Error::config("found 2, expected 1 or 3").at("--channels");
            return Err(error.fix("1 reads pictures as grey, 3 in colour"));
        }
        self.split.check_folds()?;
        if self.split.test_fold.is_some() && self.data.test.is_some() {
            let error = Error::config("the test part is a fold and a file of its own as well").at("--test-fold");
            return Err(error.fix("leave out [test_fold] or [test]"));
        }
        self.check_columns()?;
        self.check_texts()?;
        self.check_forecast()?;
        self.check_sequences()?;
        self.check_network()?;
        self.check_training()
    }

    /// A column has only one role.
    fn check_columns(&self) -> Result<()> {
        let (data, split) = (&self.data, &self.split);
        let lists = [("target", &data.target), ("id", &data.id), ("ignore", &data.ignore), ("keep", &data.keep)];
        let single = [("weight", &data.weight), ("group", &split.group), ("sequence", &data.sequence)];
        let mut uses: Vec<(&str, &String)> = Vec::new();
        uses.extend(lists.into_iter().flat_map(|(flag, columns)| columns.iter().map(move |column| (flag, column))));
        uses.extend(single.into_iter().filter_map(|(flag, column)| Some((flag, column.as_ref()?))));
        for (i, &(flag, column)) in uses.iter().enumerate() {
            // An id column that is also the group column is common.
            let both = |other: &str| other != flag && (other, flag) != ("id", "group");
            if let Some((other, _)) = uses[..i].iter().find(|(other, named)| *named == column && both(other)) {
                let error = Error::config(format!("the column {column:?} is named by --{other} as well"));
                return Err(error.at(format!("--{flag}")).fix("name it by one of the two"));
            }
        }
        for (column, order) in &data.order {
            order.check().map_err(|error| error.at(format!("--order, column {column:?}")))?;
            if data.kinds.get(column).is_some_and(|kind| *kind != ColumnKind::Ordered) {
                let error = Error::config(format!("the column {column:?} has an order, and another kind as well"));
                return Err(error.at("--order").fix("leave out [order] or [kinds]"));
            }
        }
        if split.group.is_some() && self.splits_by_time() {
            let error = Error::config("rows cannot be split both by group and by time");
            return Err(error.at("--group").fix("leave out [group] or [time]"));
        }
        Ok(())
    }

    /// Texts are tokens where something is asked of these.
    fn check_texts(&self) -> Result<()> {
        let options = &self.preprocess;
        let of_tokens = [
            ("text-length", options.text_length.is_some()),
            ("tokenizer", options.tokenizer.is_some()),
            ("embeddings", options.embeddings.is_some()),
        ];
        if options.embeddings.is_some() && self.train.start_from.is_some() {
            let error = Error::config("vectors of tokens start from a file, and from a model as well");
            return Err(error.at("--embeddings").fix("leave out [embeddings] or [start_from]"));
        }
        match of_tokens.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) if self.text_encoding() != TextEncoding::Tokens => {
                Err(Error::config("this is for texts as tokens, which are taken apart otherwise")
                    .at(format!("--{flag}"))
                    .fix("ask for tokens with [text=tokens], or leave it out"))
            }
            _ => Ok(()),
        }
    }

    /// A forecast is of one numeric target over time, and its parts follow each other in time.
    fn check_forecast(&self) -> Result<()> {
        let (data, split, train) = (&self.data, &self.split, &self.train);
        let of_forecasts = [
            ("window", data.window.is_some()),
            ("series", data.series.is_some()),
            ("known", !data.known.is_empty()),
            ("season", data.season.is_some()),
        ];
        if data.forecast.is_none() {
            return match of_forecasts.into_iter().find(|(_, given)| *given) {
                Some((name, _)) => Err(Error::config("this is for a forecast, which is not asked for")
                    .at(format!("--{name}"))
                    .fix("say how many steps to forecast with [forecast=14], or leave it out")),
                None => Ok(()),
            };
        }
        if split.time.is_none() {
            let error = Error::config("a forecast needs to know which column orders the rows in time");
            return Err(error.at("--forecast").fix("name it with [time]"));
        }
        if data.target.len() > 1 || data.task.is_some_and(|task| task != Task::Regression) {
            let error = Error::config("a forecast is of one column of numbers").at("--forecast");
            return Err(error.fix("name it with [target], and leave [task] out"));
        }
        let others = [
            ("dev", data.dev.is_some()),
            ("test", data.test.is_some()),
            ("group", split.group.is_some()),
            ("fold", split.fold.is_some()),
            ("test-fold", split.test_fold.is_some()),
            ("gap", split.gap.is_some()),
            ("weight", data.weight.is_some()),
            ("any-order", data.any_order),
            ("from-disk", data.from_disk == Some(true)),
            ("quantiles", train.quantiles.is_some()),
            ("train-on-dev", train.train_on_dev == Some(true)),
        ];
        match others.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Error::config(
                "a forecast is trained on the earliest steps of its series, and judged by the latest",
            )
            .at(format!("--{flag}"))
            .fix("leave it out; [split] says how many steps are train, dev and test")),
            None => Ok(()),
        }
    }

    /// Sequences are rows in memory, whose times order the steps of one.
    fn check_sequences(&self) -> Result<()> {
        let (data, split) = (&self.data, &self.split);
        let Some(sequence) = &data.sequence else {
            return match data.sequence_length {
                Some(_) => Err(Error::config("this is for sequences, and none are asked for")
                    .at("--sequence-length")
                    .fix("name the column that tells them apart with [sequence=NAME], or leave it out")),
                None => Ok(()),
            };
        };
        if split.time.as_ref() == Some(sequence) {
            let error = Error::config(format!("the column {sequence:?} names the sequences as well"));
            return Err(error.at("--time").fix("name the column that orders the rows of a sequence, or none"));
        }
        if data.any_order && split.time.is_none() {
            let error = Error::config("the steps of a sequence are in the order of its rows, which matters then");
            return Err(error.at("--any-order").fix("name the column that orders them with [time]"));
        }
        let asked = self.text_encoding();
        let texts = asked != TextEncoding::Off && (self.preprocess.text.is_some() || asked == TextEncoding::Tokens);
        let others = [
            ("forecast", data.forecast.is_some(), "series are carried on, and sequences have one target each"),
            ("from-disk", data.from_disk == Some(true), "sequences are made of rows in memory"),
            ("gap", split.gap.is_some(), "sequences are not split by time, which orders the rows of each"),
            ("text", texts, "texts are no steps of a sequence"),
        ];
        match others.into_iter().find(|(_, given, _)| *given) {
            Some((flag, _, why)) => {
                Err(Error::config(why).at(format!("--{flag}")).fix("leave it out, or leave [sequence] out"))
            }
            None => Ok(()),
        }
    }

    fn check_network(&self) -> Result<()> {
        let network = &self.network;
        for name in &network.activation {
            name.parse::<Activation>().map_err(|error| error.at("--activation"))?;
        }
        if !network.layer.is_empty() && (network.layers.is_some() || network.dropout.is_some() || network.batch_norm) {
            let error = Error::config("the layers are given one by one and by layers, dropout or batch norm as well");
            return Err(error.at("--layer").fix("say everything about the layers in [[network.layer]], or nothing"));
        }
        if !network.layer.is_empty() && network.number_embedding.is_some() {
            let error = Error::config("the layers are given one by one, and an embedding of numbers as well");
            let fix = "add it to [[network.layer]] as a layer of kind \"periodic\" or \"piecewise_linear\"";
            return Err(error.at("--number-embedding").fix(fix));
        }
        let no_bins = network.number_embedding.is_some_and(|embedding| embedding != NumberEmbedding::PiecewiseLinear);
        match self.preprocess.bins {
            Some(1..) if no_bins => {
                let error =
                    Error::config("bins are for piecewise-linear functions of numbers, which are not asked for");
                return Err(error.at("--bins").fix("leave out [bins], or set [number_embedding=piecewise_linear]"));
            }
            Some(0) if network.number_embedding == Some(NumberEmbedding::PiecewiseLinear) => {
                let error = Error::config("piecewise-linear functions of no bins");
                return Err(error.at("--bins").fix("set [bins=48], or leave it out"));
            }
            _ => {}
        }
        if network.parametrization == Parametrization::Ntk && network.init.is_some() {
            let error = Error::config("the NTK parametrisation draws its weights from N(0, 1)");
            return Err(error.at("--init").fix("leave out [init], or [parametrization]"));
        }
        let Some(hidden) = network.layers.as_ref().map(Vec::len) else { return Ok(()) };
        let several =
            [("--activation", network.activation.len()), ("--dropout", network.dropout.as_ref().map_or(1, Vec::len))];
        for (flag, values) in several {
            if values > 1 && values != hidden {
                let error = Error::config(format!("found {values} values for {hidden} hidden layers"));
                return Err(error.at(flag).fix("give one value for all hidden layers, or one a layer"));
            }
        }
        Ok(())
    }

    fn check_training(&self) -> Result<()> {
        let train = &self.train;
        match (train.schedule.as_deref(), train.rates.is_empty()) {
            (Some("manual"), true) => {
                let error = Error::config("the manual schedule has no rates").at("--rates");
                return Err(error.fix("give them by epoch: [rates=1=0.1,50=0.01]"));
            }
            (schedule, false) if schedule != Some("manual") => {
                let error = Error::config("rates are given, but the schedule is not manual").at("--rates");
                return Err(error.fix("add [schedule=manual], or leave [rates] out"));
            }
            _ => {}
        }
        if let Some(epoch) = train.rates.keys().find(|epoch| !epoch.parse().is_ok_and(|epoch: usize| epoch > 0)) {
            let error = Error::config(format!("found {epoch:?}, expected an epoch from 1")).at("--rates");
            return Err(error.fix("give a rate by epoch: [rates=1=0.1,50=0.01]"));
        }
        if let Some(quantiles) = &train.quantiles {
            let within = quantiles.iter().all(|tau| *tau > 0.0 && *tau < 1.0);
            if !within || quantiles.is_empty() || !quantiles.is_sorted_by(|a, b| a < b) {
                let error = Error::config(format!("found {quantiles:?}, expected shares between 0 and 1 that rise"));
                return Err(error.at("--quantiles").fix("[quantiles=0.1,0.5,0.9]"));
            }
        }
        if let Some(threshold) = &train.threshold {
            threshold.rule().map_err(|error| error.at("--threshold"))?;
        }
        match train.epochs {
            Some(epochs) if train.full_batch_epochs > epochs => {
                let message = format!("{} full-batch epochs of {epochs} epochs in all", train.full_batch_epochs);
                Err(Error::config(message).at("--full-batch-epochs").fix(format!("use at most {epochs}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_found() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("target", "a,b"), ("ignore", "b")], "--ignore: the column \"b\" is named by --target as well"),
            (&[("weight", "w"), ("id", "w")], "--weight: the column \"w\" is named by --id as well"),
            (&[("group", "g"), ("time", "t")], "--group: rows cannot be split both"),
            (&[("order", "size=small")], "--order, column \"size\": found \"small\", expected two or more"),
            (
                &[("order", "size=small<large"), ("kinds", "size=categorical")],
                "--order: the column \"size\" has an order, and another kind",
            ),
            (&[("split", "0.5,0.4,0.4")], "--split: found"),
            (
                &[("layers", "3,4"), ("activation", "relu,relu,tanh")],
                "--activation: found 3 values for 2 hidden layers",
            ),
            (&[("layers", "3"), ("dropout", "0.1,0.2")], "--dropout: found 2 values for 1 hidden layers"),
            (&[("activation", "leaky_relu(x)")], "--activation: "),
            (&[("layer", "[{ kind = \"linear\" }]"), ("layers", "3")], "--layer: the layers are given one by one and"),
            (
                &[("layer", "[{ kind = \"linear\" }]"), ("number_embedding", "none")],
                "--number-embedding: the layers are",
            ),
            (&[("number_embedding", "periodic"), ("bins", "8")], "--bins: bins are for piecewise-linear functions"),
            (
                &[("number_embedding", "piecewise_linear"), ("bins", "0")],
                "--bins: piecewise-linear functions of no bins",
            ),
            (&[("parametrization", "ntk"), ("init", "he_normal")], "--init: the NTK parametrisation draws"),
            (&[("rates", "1=0.1")], "--rates: rates are given, but the schedule is not manual"),
            (&[("schedule", "manual")], "--rates: the manual schedule has no rates"),
            (&[("schedule", "manual"), ("rates", "0=0.1")], "--rates: found \"0\", expected an epoch from 1"),
            (&[("test_fold", "5,5")], "--test-fold: found fold 5 of 5"),
            (&[("fold", "0,1")], "--fold: found fold 0 of 1"),
            (&[("test_fold", "0,5"), ("test", "t.csv")], "--test-fold: the test part is a fold and a file of its own"),
            (&[("gap", "7")], "--gap: a gap is left between rows that are split by time"),
            (&[("quantiles", "0.9,0.1")], "--quantiles: found [0.9, 0.1], expected shares between 0 and 1 that rise"),
            (&[("quantiles", "0,0.5")], "--quantiles: found [0.0, 0.5]"),
            (&[("threshold", "f2")], "--threshold: found \"f2\", expected a number from 0 to 1 or a rule"),
            (&[("threshold", "1.5")], "--threshold: found \"1.5\", expected a number from 0 to 1"),
            (&[("window", "7")], "--window: this is for a forecast"),
            (&[("forecast", "7")], "--forecast: a forecast needs to know which column"),
            (&[("forecast", "7"), ("time", "t"), ("target", "a,b")], "--forecast: a forecast is of one column"),
            (&[("forecast", "7"), ("time", "t"), ("dev", "d.csv")], "--dev: a forecast is trained on the earliest"),
            (&[("epochs", "5"), ("full_batch_epochs", "6")], "--full-batch-epochs: 6 full-batch epochs of 5"),
        ];
        for (settings, expected) in cases {
            let settings: Vec<_> = settings.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
            let error = Config::load(None, &settings).unwrap_err();
            assert!(error.to_string().starts_with(expected) && error.remedy.is_some(), "{error}");
        }
    }

    #[test]
    fn values_set_in_rust_are_checked_too() {
        let mut config = Config::default();
        config.train.learning_rate = Some(f64::NAN);
        assert!(config.validate().unwrap_err().to_string().starts_with("--learning-rate: found nan"));
        let mut config = Config::default();
        config.train.seed = u64::MAX;
        assert!(config.validate().is_err());
        let mut config = Config::default();
        config.data.id = vec!["patient".into()];
        config.split.group = Some("patient".into());
        config.validate().unwrap();
    }
}
