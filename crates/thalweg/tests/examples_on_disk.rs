//! Images and arrays whose examples stay on disk: the same splits, values and predictions as in memory.

use std::path::Path;

use image::{Rgb, RgbImage};
use thalweg::config::Config;
use thalweg::data::examples::Examples;
use thalweg::data::{self, dataset::Dataset};
use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::run::{self, Outcome};
use thalweg::train::StopReason;

use crate::folder::{Folder, arrays};
use crate::stop::StopAfter;

/// Values per example.
const WIDTH: usize = 10 * 12 * 3;

/// Ninety images of stripes in three classes, one of them duplicated, and a file that is not an image.
fn pictures() -> Folder {
    let folder = Folder::new();
    for i in 0..90_u32 {
        let class = ["across", "down", "plain"][i as usize % 3];
        let shade = (40 + 2 * i) as u8;
        let picture = RgbImage::from_fn(12, 10, |x, y| {
            let place = [y, x, 0][i as usize % 3] + i / 3 % 4;
            Rgb([shade, if place % 4 < 2 { 220 } else { 20 }, 255 - shade])
        });
        picture.save(folder.file(&format!("all/{class}/{i:02}.png"))).unwrap();
        if i == 7 {
            picture.save(folder.file("all/down/twice.png")).unwrap();
        }
    }
    folder.write("all/plain/page.png", "<html>");
    folder
}

fn config(folder: &Folder, settings: &[(&str, &str)]) -> Config {
    let (path, cache) = (format!("{}/all", folder.path()), folder.path());
    let usual = [("data.path", path.as_str()), ("cache", &cache), ("max_bad", "0.1"), ("layers", "8"), ("epochs", "6")];
    // Arrays have no bad files.
    let of_folder = !settings.iter().any(|(key, _)| *key == "data.path");
    let usual = usual.iter().filter(|(key, _)| of_folder || *key != "max_bad");
    let all = usual.chain(settings).map(|(key, text)| (key.to_string(), text.to_string()));
    Config::load(None, &all.collect::<Vec<_>>()).unwrap()
}

fn load(folder: &Folder, settings: &[(&str, &str)]) -> Dataset {
    data::load(&config(folder, settings)).unwrap()
}

fn refused(folder: &Folder, settings: &[(&str, &str)]) -> String {
    data::load(&config(folder, settings)).unwrap_err().to_string()
}

/// All inputs and targets of a split on disk.
fn on_disk(file: &thalweg::data::row_file::RowFile) -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    (0..file.blocks()).for_each(|block| file.read(block, [&mut x, &mut y, &mut Vec::new()]).unwrap());
    (x, y)
}

#[test]
fn parts_and_numbers_are_those_of_memory() {
    let folder = pictures();
    for settings in [&[("seed", "0")][..], &[("seed", "5"), ("split", "0.5,0.3,0.2")], &[("fold", "1,4")]] {
        let memory = load(&folder, settings);
        let disk = load(&folder, &[settings, &[("from_disk", "true")]].concat());
        assert!(memory.on_disk.is_none() && memory.parts.dev.on_disk.is_none());
        assert_eq!(memory.pipeline, disk.pipeline);
        let same = |from: &Examples, file: Option<&_>, part: &str| {
            let (x, y) = on_disk(file.unwrap());
            assert!(x == from.x && y == from.y && x.len() == from.rows * WIDTH, "{part} {settings:?}");
        };
        same(&memory.parts.train, disk.on_disk.as_deref(), "train");
        for (part, from, to) in
            [("dev", &memory.parts.dev, &disk.parts.dev), ("test", &memory.parts.test, &disk.parts.test)]
        {
            same(from, to.on_disk.as_deref(), part);
            assert!(to.x.is_empty());
            assert_eq!((&from.files, &from.y, from.rows), (&to.files, &to.y, to.rows));
        }
        assert_eq!(memory.class_counts().unwrap(), disk.class_counts().unwrap());
        let left_out = |data: &Dataset| data.warnings.iter().any(|told| told.contains("plain/page.png"));
        assert!(left_out(&memory) && left_out(&disk), "{:?}", disk.warnings);
    }
}

#[test]
fn a_limit_sends_to_disk_what_exceeds_it() {
    let folder = pictures();
    // 91 images (and one invalid file) of 1,440 bytes, in two copies.
    let told = |data: &Dataset, words: &str| data.decisions.iter().any(|decision| decision.what.contains(words));
    let enough = load(&folder, &[("memory", "265kB")]);
    assert!(enough.on_disk.is_none() && !told(&enough, "stay on disk"));
    let less = load(&folder, &[("memory", "260kB")]);
    assert!(less.on_disk.is_some() && told(&less, "examples stay on disk"), "{:?}", less.decisions);
    assert_eq!(less.parts.train.rows, 22, "an eighth of the limit is shown");
    assert!(told(&less, "scales are those of 22 sampled training examples"), "{:?}", less.decisions);
    assert_eq!(less.parts.dev.files, enough.parts.dev.files);

    let both = refused(&folder, &[("memory", "60kB"), ("from_disk", "false")]);
    assert!(both.contains("91 examples of all parts take 263 kB, and 60 kB are allowed"), "{both}");
    let error = refused(&folder, &[("memory", "11kB")]);
    assert!(error.contains("11kB are too few for examples of 360 numbers") && error.contains("12 kB"), "{error}");
    let full = refused(&folder, &[("from_disk", "true"), ("full_batch_epochs", "1")]);
    assert!(full.contains("--full-batch-epochs: a batch of all rows needs them in memory"), "{full}");
    let nowhere = refused(&folder, &[("from_disk", "true"), ("cache", "/nowhere")]);
    assert!(nowhere.contains("--cache"), "{nowhere}");
}

#[test]
fn parts_of_their_own_and_lists_of_files_stay_on_disk_too() {
    let folder = pictures();
    let list: String =
        (0..60).map(|i| format!("all/{0}/{i:02}.png,{0}\n", ["across", "down", "plain"][i % 3])).collect();
    folder.write("list.csv", format!("file,class\n{list}"));
    folder.write(
        "late.csv",
        format!("file,class\n{}", list.lines().take(9).map(|line| format!("{line}\n")).collect::<String>()),
    );
    let (path, late) = (folder.file("list.csv").display().to_string(), folder.file("late.csv").display().to_string());
    let settings = [("data.path", path.as_str()), ("test", &late)];
    let memory = load(&folder, &settings);
    let disk = [&settings[..], &[("from_disk", "true")]].concat();
    let listed = arrays(&path, &config(&folder, &disk).data).unwrap();
    assert!(listed.on_disk.is_some() && listed.x.is_empty());
    let disk = load(&folder, &disk);
    assert_eq!(on_disk(disk.parts.test.on_disk.as_deref().unwrap()).0, memory.parts.test.x);
    assert_eq!(on_disk(disk.on_disk.as_deref().unwrap()).0, memory.parts.train.x);
    // Only the list fits.
    let error = refused(&folder, &[&settings[..], &[("memory", "180kB")]].concat());
    assert!(error.contains("69 examples of all parts take 199 kB") && error.contains("--from-disk"), "{error}");
}

#[test]
fn arrays_are_read_whole_and_may_stay_on_disk_then() {
    let folder = pictures();
    let (count, labels): (_, Vec<u8>) = (80_u32.to_be_bytes(), (0..80).map(|i| i % 2).collect());
    let pixels: Vec<u8> = (0..80 * 64).map(|i| (i * 7 % 251) as u8).collect();
    folder.write("train-images-idx3-ubyte", [&[0, 0, 8, 3], &count[..], &[0, 0, 0, 8, 0, 0, 0, 8], &pixels].concat());
    folder.write("train-labels-idx1-ubyte", [&[0, 0, 8, 1], &count[..], &labels].concat());
    let path = folder.file("train-images-idx3-ubyte").display().to_string();
    let memory = load(&folder, &[("data.path", &path)]);
    for settings in [("from_disk", "true"), ("memory", "30kB")] {
        let disk = load(&folder, &[("data.path", &path), settings]);
        assert_eq!(on_disk(disk.on_disk.as_deref().unwrap()).0, memory.parts.train.x, "{settings:?}");
    }
    let error = refused(&folder, &[("data.path", &path), ("memory", "20kB")]);
    assert!(error.contains("arrays are read whole: these take 21 kB, and 20 kB are allowed"), "{error}");
}

#[test]
fn tables_obey_the_limit_too() {
    let folder = Folder::new();
    let rows: String = (0..2_000).map(|i| format!("{},{},{}\n", i * 37 % 211, i * 91 % 307, i * 13 % 101)).collect();
    folder.write("all.csv", format!("a,b,y\n{rows}"));
    let path = folder.file("all.csv").display().to_string();
    let settings = |memory| [("data.path", path.as_str()), ("memory", memory)];
    // 20 kB of text, four times.
    assert!(load(&folder, &settings("90kB")).on_disk.is_none());
    let data = load(&folder, &settings("80kB"));
    assert!(data.decisions.iter().any(|decision| decision.what == "examples stay on disk"), "{:?}", data.decisions);
    let held = data.parts.dev.rows + data.parts.test.rows;
    assert_eq!(data.on_disk.unwrap().rows() + held, 2_000);
    let error = refused(&folder, &settings("10kB"));
    assert!(error.contains("rows of dev and test take 1") && error.contains("10 kB are allowed"), "{error}");
}

#[test]
fn classes_of_a_table_on_disk_are_in_the_order_that_was_asked_for() {
    let folder = Folder::new();
    let rows: String = (0..300).map(|i| format!("{},{}\n", i * 37 % 211, ["low", "high"][i % 2])).collect();
    folder.write("all.csv", format!("a,y\n{rows}"));
    let path = folder.file("all.csv").display().to_string();
    let data = load(&folder, &[("data.path", &path), ("from_disk", "true"), ("classes", "middle,low,high")]);
    assert_eq!(data.target.classes, ["middle", "low", "high"]);
    assert_eq!(data.class_counts().unwrap()[0], 0);
}

fn train(folder: &Folder, out: &str, settings: &[(&str, &str)]) -> Outcome {
    let out = folder.file(out).display().to_string();
    let config = config(folder, &[settings, &[("out", &out)]].concat());
    run::train(&config, &mut |_: &Event| {}).unwrap()
}

fn bytes(folder: &Folder, run: &str) -> Vec<u8> {
    std::fs::read(folder.file(&format!("{run}/model.safetensors"))).unwrap()
}

/// Small windows and batches, so that an epoch has several of both; every kind of augmentation.
const TRAINED: [(&str, &str); 6] = [
    ("memory", "60kB"),
    ("batch_size", "8"),
    ("mixup", "0.3"),
    ("cutmix", "0.4"),
    ("flip", "true"),
    ("class_weights", "balanced"),
];

#[test]
fn a_run_from_disk_is_the_same_each_time_and_when_it_is_gone_on_with() {
    let folder = pictures();
    let whole = train(&folder, "whole", &TRAINED);
    assert_eq!(whole.examples.train, 54);
    assert!(whole.decisions.iter().any(|decision| decision.what.contains("mixup 0.3, cutmix 0.4")));
    let single = [&TRAINED[..], &[("threads", "1")]].concat();
    train(&folder, "single", &single);
    assert!(bytes(&folder, "whole") == bytes(&folder, "single"), "threads change the model");
    // Seven batches per epoch: in the middle of the third epoch.
    let out = folder.file("stopped").display().to_string();
    let config = config(&folder, &[&TRAINED[..], &[("out", &out)]].concat());
    let stopped = run::train(&config, &mut StopAfter(17.into())).unwrap();
    assert_eq!((stopped.end, stopped.epochs), (StopReason::Interrupted, 2));
    let resumed = run::resume(Path::new(&out), &mut |_: &Event| {}).unwrap();
    assert_eq!(resumed.epochs, 6);
    assert!(bytes(&folder, "whole") == bytes(&folder, "stopped"), "other bits after going on");
    // Whether data stays on disk is part of a run's identity.
    let stopped = folder.file("changed").display().to_string();
    let config = self::config(&folder, &[&TRAINED[..], &[("out", &stopped)]].concat());
    run::train(&config, &mut StopAfter(10.into())).unwrap();
    RgbImage::from_pixel(12, 10, Rgb([1, 2, 3])).save(folder.file("all/down/04.png")).unwrap();
    assert!(run::resume(Path::new(&stopped), &mut |_: &Event| {}).is_err(), "a picture is another");
}

#[test]
fn what_was_trained_from_disk_is_judged_and_shown() {
    let folder = pictures();
    let outcome = train(&folder, "run", &[("from_disk", "true"), ("ablate_augment", "true"), ("epochs", "2")]);
    let events = std::fs::read_to_string(folder.file("run/events.jsonl")).unwrap();
    // Images of the dev and test splits are there, in base64.
    assert!(events.contains("\"ablation\"") && events.contains("\"iVBOR"));
    let model = Model::load(&outcome.model).unwrap();
    let path = format!("{}/all", folder.path());
    let evaluate = |memory: Option<&str>| {
        let mut options = config(&folder, &[]).data;
        options.memory = memory.map(String::from);
        let (rows, metrics, decisions) = model.evaluate(&path, &options, Default::default()).unwrap();
        let told = decisions.iter().any(|decision| decision.what.contains("stay on disk"));
        (rows, format!("{metrics:?}"), told)
    };
    let (rows, metrics, _) = evaluate(None);
    assert_eq!(evaluate(Some("60kB")), (rows, metrics, true));
    let png = folder.file("shown.png");
    let settings = [("from_disk", "true"), ("augment", "true")];
    run::preview_augmentation(&config(&folder, &settings), &png).unwrap();
    assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
}
