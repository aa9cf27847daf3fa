//! Sequences of a table's rows, with one target each: learned where only the order tells, whatever the order of the rows, and
//! refused where they are none.

use std::fmt::Write;

use thalweg::Result;
use thalweg::config::Config;
use thalweg::data::dataset::Dataset;
use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run::{self, Callback, Trained};

use crate::folder::Folder;

/// Stops after an epoch.
struct StopAt {
    epoch: usize,
    now: bool,
}

impl Callback for StopAt {
    fn event(&mut self, event: &Event) {
        self.now |= matches!(event, Event::EpochEnded { epoch, .. } if *epoch == self.epoch);
    }

    fn stop(&self) -> bool {
        self.now
    }
}

/// A number in [0, 1) that depends on i alone.
fn share(i: usize) -> f64 {
    (i * 7919 % 10_007) as f64 / 10_007.0
}

/// A step of a sequence: its name, its time, what is measured, and the target.
type Step = (String, usize, f64, &'static str);

/// Sequences of 4 to 12 steps that rise or fall, by noise and from anywhere: no step alone tells which.
fn slopes(count: usize) -> Vec<Step> {
    let slope = |i: usize| {
        let (way, class) = [(1.0, "up"), (-1.0, "down")][i % 2];
        let (steps, start) = (4 + i * 5 % 9, 20.0 * share(i));
        let step = move |t: usize| {
            let x = start + way * t as f64 + 0.6 * (share(97 * i + t) - 0.5);
            (format!("r{i}"), t, x, class)
        };
        (0..steps).map(step)
    };
    (0..count).flat_map(slope).collect()
}

fn csv(steps: &[Step]) -> String {
    let mut text = String::from("recording,t,x,way\n");
    steps.iter().for_each(|(name, t, x, class)| writeln!(text, "{name},{t},{x:.3},{class}").unwrap());
    text
}

/// The same steps, those of a sequence far apart and in no order.
fn scattered(mut steps: Vec<Step>) -> Vec<Step> {
    let key = |step: &Step| (step.1 * 31 + step.0.len() * 7 + (step.2 * 1000.0) as usize) * 7919 % 10_007;
    steps.sort_by_key(key);
    steps
}

fn config(folder: &Folder, text: &str, options: &[(&str, &str)]) -> Result<Config> {
    folder.write("motion.csv", text);
    let path = folder.file("motion.csv").display().to_string();
    let usual = [("data.path", path.as_str()), ("target", "way"), ("sequence", "recording")];
    let usual = usual.into_iter().filter(|(name, _)| options.iter().all(|(option, _)| option != name));
    Config::default().with(usual.chain(options.iter().copied()))
}

fn data(text: &str, options: &[(&str, &str)]) -> Result<Dataset> {
    let folder = Folder::new();
    thalweg::data::load(&config(&folder, text, options)?)
}

fn trained(text: &str, options: &[(&str, &str)]) -> Trained {
    let folder = Folder::new();
    let config = config(&folder, text, options).unwrap();
    let data = thalweg::data::load(&config).unwrap();
    run::train_on(&config, &data, None, &mut |_: &Event| ()).unwrap()
}

fn refused(text: &str, options: &[(&str, &str)]) -> String {
    let error = data(text, options).map(|_| ()).unwrap_err();
    assert!(error.remedy.is_some(), "{error}");
    error.to_string()
}

fn told(data: &Dataset) -> String {
    data.decisions.iter().map(|told| format!("{}: {}\n", told.what, told.why)).collect()
}

/// What a model answers of a table in a file: each sequence's name, and its class.
fn answers(model: &Model, text: &str) -> Vec<(String, String)> {
    let folder = Folder::new();
    folder.write("new.csv", text);
    let path = folder.file("new.csv").display().to_string();
    let mut all = Vec::new();
    let mut take = |answers: &thalweg::model::Predictions| {
        assert_eq!(answers.ids.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["recording"]);
        for (row, prediction) in answers.predictions.iter().enumerate() {
            all.push((answers.ids[0].1.get(row).into_owned(), prediction[0].clone()));
        }
        Ok(())
    };
    model.predict(&path, &Default::default(), Default::default(), &mut take).unwrap();
    all
}

#[test]
fn the_order_of_steps_is_learned_and_each_sequence_is_answered_by_its_name() {
    let trained = trained(&csv(&scattered(slopes(120))), &[("time", "t"), ("epochs", "20")]);
    let accuracy = trained.model.provenance.metrics.test["accuracy"].value;
    assert!(accuracy > 0.9, "{accuracy}");
    let mistakes = trained.events.iter().find_map(|event| match event {
        Event::Finished { answers, .. } => Some(answers.unsure.clone()),
        _ => None,
    });
    let place = &mistakes.unwrap()[0].place;
    assert!(place.contains("motion.csv, sequence \"r"), "{place}");

    let model = Model::from_bytes(&trained.model.to_bytes(), "the model").unwrap();
    let new: Vec<Step> = slopes(40).into_iter().map(|(name, t, x, class)| (name, t, x + 1.0, class)).collect();
    let found = answers(&model, &csv(&new));
    assert_eq!(found.len(), 40);
    assert_eq!((found[0].0.as_str(), found[39].0.as_str()), ("r0", "r39"));
    let right = found.iter().enumerate().filter(|(i, (_, class))| class == ["up", "down"][i % 2]).count();
    assert!(right >= 37, "{right} of 40");
    // Neither the order of the rows nor a target or another column matters.
    let unlabelled = csv(&scattered(new)).replace("recording,t,x,way", "recording,t,x,note");
    let mut again = answers(&model, &unlabelled);
    again.sort();
    let mut sorted = found;
    sorted.sort();
    assert_eq!(again, sorted);
    // What rows without a sequence would be answered, nobody can say.
    let folder = Folder::new();
    folder.write("new.csv", "recording,t,x\nr1,0,4\n,1,5\n");
    let path = folder.file("new.csv").display().to_string();
    let error = model.predict(&path, &Default::default(), Default::default(), &mut |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("line 3, column \"recording\": found \"\", expected the name of a sequence"), "{error}");
}

#[test]
fn examples_are_split_by_sequence_and_scaled_by_the_steps_of_training() {
    let found = data(&csv(&scattered(slopes(50))), &[("time", "t")]).unwrap();
    let parts = [&found.parts.train, &found.parts.dev, &found.parts.test];
    assert_eq!(parts.map(|part| part.rows), [30, 10, 10]);
    assert!(parts.iter().all(|part| part.y.iter().sum::<f32>() == part.rows as f32 / 2.0), "stratified");
    let mut names: Vec<&String> = parts.iter().flat_map(|part| &part.sequences).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 50);
    assert_eq!((found.pipeline.shape(), found.pipeline.features()), (vec![12, 2], vec!["x".to_string()]));
    // x and the mask: steps, then zeros; the mean of the steps that are trained on is 0.
    let steps: Vec<&[f32]> = parts[0].x.chunks_exact(2).filter(|step| step[1] == 1.0).collect();
    let mean = steps.iter().map(|step| f64::from(step[0])).sum::<f64>() / steps.len() as f64;
    assert!(mean.abs() < 1e-4, "{mean}");
    assert!(parts[0].x.chunks_exact(2).all(|step| step[1] == 1.0 || step == [0.0, 0.0]));
    let told = told(&found);
    assert!(told.contains("each recording is an example, 50 in all, its steps in the order of t"), "{told}");
    assert!(told.contains("examples have up to 12 steps: as many as the longest of the training part has"), "{told}");
    assert!(!told.contains("not by time"), "{told}");
}

#[test]
fn the_order_of_rows_and_the_number_of_threads_change_no_bit() {
    let bits = |steps: &[Step], threads: &str| {
        let options = [("time", "t"), ("any_order", "true"), ("epochs", "2"), ("threads", threads)];
        trained(&csv(steps), &options).model.theta.view().to_f64()
    };
    let expected = bits(&slopes(40), "1");
    assert_eq!(bits(&scattered(slopes(40)), "2"), expected);
}

#[test]
fn mini_batches_by_length_are_told_and_change_no_bit_with_the_threads() {
    let text = csv(&slopes(1_700));
    let grouped = |threads: &str, on: &str| {
        let options = [("time", "t"), ("epochs", "1"), ("threads", threads), ("group_by_length", on)];
        let trained = trained(&text, &options[..if on.is_empty() { 3 } else { 4 }]);
        let told = trained.events.iter().find_map(|event| match event {
            Event::Decision(told) if told.what.contains("like lengths") => Some(told.why.clone()),
            _ => None,
        });
        (trained.model.theta.view().to_f64(), told)
    };
    let (bits, why) = grouped("1", "");
    let why = why.unwrap();
    assert!(why.starts_with("4 to 12 steps; ") && why.ends_with(" % less of them is computed"), "{why}");
    assert_eq!(grouped("2", "true").0, bits);
    let (other, told) = grouped("2", "false");
    assert!(other != bits && told.is_none());
    // There is nothing to go by in rows of a table.
    let asked = [("data.path", "sample:iris"), ("group_by_length", "true")];
    let error = run::preview(&Config::default().with(asked).unwrap()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("mini-batches by length, but all examples have the same length"), "{error}");
}

#[test]
fn a_stopped_run_is_resumed_with_the_same_bits() {
    let folder = Folder::new();
    let train = |out: &str, stop: usize| {
        let out = folder.file(out).display().to_string();
        let options = [("time", "t"), ("epochs", "4"), ("patience", "0"), ("out", out.as_str())];
        let config = config(&folder, &csv(&slopes(40)), &options).unwrap();
        let ended = run::train(&config, &mut StopAt { epoch: stop, now: false }).unwrap();
        assert_eq!(ended.epochs, stop);
        std::path::PathBuf::from(out)
    };
    let (whole, stopped) = (train("whole", 4), train("stopped", 2));
    let outcome = run::resume(&stopped, &mut |_: &Event| ()).unwrap();
    assert_eq!(outcome.epochs, 4);
    let theta = |run: &std::path::Path| Model::load(run).unwrap().theta.view().to_f64();
    assert_eq!(theta(&stopped), theta(&whole));
}

#[test]
fn one_step_is_a_sequence_and_many_are_thinned_out() {
    let long = |steps: usize| -> Vec<Step> {
        let others = slopes(40).into_iter().filter(|step| step.0 != "r0" && (step.0 != "r1" || step.1 == 0));
        others.chain((0..steps).map(|t| ("r0".to_string(), t, t as f64, "up"))).collect()
    };
    let text = csv(&long(100_000));
    let all = [("split", "1,0,0"), ("time", "t")];
    let found = data(&text, &all).unwrap();
    assert_eq!((found.parts.train.rows, found.pipeline.shape()), (40, vec![500, 2]));
    let told = told(&found);
    let why = "examples have up to 500 steps: the longest of the training part has 100000";
    assert!(told.contains(why) && told.contains("1 of 40 sequences have more than 500 steps"), "{told}");
    // The long one is the last to begin; r1 has one step.
    let steps = |example: usize| found.parts.train.x[example * 1000..][..1000].chunks(2).filter(|step| step[1] == 1.0);
    assert_eq!((steps(39).count(), steps(0).count()), (500, 1));
    let values: Vec<f32> = steps(39).map(|step| step[0]).collect();
    assert!(values.windows(2).all(|pair| pair[1] > pair[0]), "from all over it");
    let shorter = data(&text, &[("split", "1,0,0"), ("time", "t"), ("sequence_length", "3")]).unwrap();
    assert_eq!(shorter.pipeline.shape(), [3, 2]);
    let large = [("sequence_length", "50000"), ("memory", "3MB"), ("split", "1,0,0"), ("time", "t")];
    let error = data(&text, &large).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("40 sequences of 50000 × 2 numbers take 32 MB, and 3 MB are there"), "{error}");
    assert!(error.contains("--sequence-length 25000"), "{error}");
}

#[test]
fn a_target_is_in_every_row_or_in_one() {
    let text = csv(&slopes(40));
    let some = text.lines().map(|line| match line.split(',').nth(1) {
        Some("t" | "2") => format!("{line}\n"),
        _ => format!("{},\n", line.rsplit_once(',').unwrap().0),
    });
    let (full, some) = (data(&text, &[]).unwrap(), data(&some.collect::<String>(), &[]).unwrap());
    assert_eq!((some.parts.train.rows, &some.parts.train.y), (24, &full.parts.train.y));
    // One that none of its rows has is left out.
    let unknown = text.lines().map(|line| match line.starts_with("r5,") {
        true => format!("{},\n", line.rsplit_once(',').unwrap().0),
        false => format!("{line}\n"),
    });
    let found = data(&unknown.collect::<String>(), &[("split", "1,0,0")]).unwrap();
    assert_eq!(found.parts.train.rows, 39);
    assert!(found.warnings[0].contains("1 of 40 rows have no \"way\""), "{:?}", found.warnings);
}

#[test]
fn numbers_are_predicted_of_steps_of_every_kind() {
    // The target is the sum of the steps' numbers in colour b; cells are missing here and there.
    let mut text = String::from("who,at,colour,on,x,sum\n");
    for i in 0..60 {
        let steps: Vec<(&str, f64)> = (0..5).map(|t| (["a", "b"][(i * 3 + t * t) % 2], share(i * 5 + t))).collect();
        let sum: f64 = steps.iter().filter(|(colour, _)| *colour == "b").map(|(_, x)| x).sum();
        for (t, (colour, x)) in steps.iter().enumerate() {
            let x = if (i + t) % 11 == 0 { String::new() } else { x.to_string() };
            // In any order, and at times of a zone each.
            let (t, hour, zone) = (4 - t, 12 + t % 2, ["+00:00", "+01:00"][t % 2]);
            let on = ["yes", "no"][t % 2];
            writeln!(text, "p{i},2024-05-0{}T{hour}:00:00{zone},{colour},{on},{x},{sum}", t + 1).unwrap();
        }
    }
    let options = [("target", "sum"), ("sequence", "who"), ("time", "at"), ("epochs", "3")];
    let trained = trained(&text, &options);
    let model = trained.model;
    assert_eq!(model.provenance.metrics.test.keys().find(|name| *name == "rmse").map(String::as_str), Some("rmse"));
    assert_eq!(model.pipeline.shape(), [5, 6], "colours a and b, yes, x and where it is missing, and the mask");
}

#[test]
fn what_is_no_sequence_is_refused_by_name() {
    let text = csv(&slopes(40));
    let two = refused(&text.replacen("r3,1,", "r3,0.5,1,down\nr3,1,", 1).replacen(",up\nr4,1", ",down\nr4,1", 1), &[]);
    assert!(two.contains("sequence \"r4\" has two values of \"way\": \"down\" in line "), "{two}");
    assert!(two.contains("\"up\" in line ") && two.contains("--forecast"), "{two}");
    let near = refused(&text, &[("sequence", "recordin")]);
    assert!(near.contains("--sequence: no column is called \"recordin\" (did you mean \"recording\"?)"), "{near}");
    assert!(refused(&text, &[("sequence", "way")]).contains("\"way\" is named by --target as well"));
    assert!(refused(&text, &[("time", "recording")]).contains("names the sequences as well"));
    assert!(refused("recording,t,x,way\n", &[]).contains("a header and no rows"));
    let one: Vec<Step> = slopes(4).into_iter().map(|(_, t, x, class)| ("r".to_string(), t, x, class)).collect();
    assert!(refused(&csv(&one), &[]).contains("two values of \"way\""));
    let alone = "recording,t,x,way\na,0,1,5.5\na,1,2,5.5\n";
    let alone = refused(alone, &[("task", "regression")]);
    assert!(alone.contains("all rows are of one sequence, \"a\""), "{alone}");
    let time = refused(&text.replacen("r3,1,", "r3,soon,", 1), &[("time", "t"), ("kinds", "t=numeric")]);
    assert!(time.contains("found \"soon\", expected a date or a number"), "{time}");
    let few = refused(&csv(&slopes(2)), &[]);
    assert!(few.contains("found 2 rows with a known answer, expected 10 or more"), "{few}");
    // A class with one sequence is trained on.
    let rare = text.replacen("way\n", "way\nodd,0,5,sideways\nodd,1,5,sideways\n", 1);
    let rare = data(&rare, &[]).unwrap();
    assert_eq!(rare.target.classes, ["down", "sideways", "up"]);
    assert!(rare.parts.train.sequences.contains(&"odd".to_string()));
    let options = [
        ("sequence_length", "0", "sequence-length"),
        ("from_disk", "true", "sequences are made of rows in memory"),
        ("text", "words", "texts are no steps"),
        ("text", "tokens", "texts are no steps"),
        ("embeddings", "vectors.txt", "texts are no steps"),
        ("any_order", "true", "in the order of its rows"),
        ("gap", "3", "split by time"),
    ];
    for (name, value, expected) in options {
        let told = refused(&text, &[(name, value)]);
        assert!(told.contains(expected), "{told}");
    }
    let text = csv(&slopes(120));
    let categories: String = text.lines().enumerate().map(|(i, line)| format!("{line},c{i}\n")).collect();
    let many = refused(&categories.replacen(",c0", ",code", 1), &[("kinds", "code=categorical"), ("rare_below", "1")]);
    assert!(many.contains("categories, expected 256 or fewer at each step"), "{many}");
}
