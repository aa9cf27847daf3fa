//! A folder of pictures from the command line: trained on, looked at, predicted for, judged.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A picture of 12 × 10 pixels as a Windows bitmap, whose stripes run down or across.
fn striped(down: bool, width: usize, shade: u8) -> Vec<u8> {
    let (columns, rows) = (12_u32, 10_u32);
    let mut bytes = b"BM".to_vec();
    let field = |bytes: &mut Vec<u8>, x: u32| bytes.extend(x.to_le_bytes());
    [54 + columns * rows * 3, 0, 54, 40, columns, rows, 1 | 24 << 16, 0, columns * rows * 3, 2835, 2835, 0, 0]
        .into_iter()
        .for_each(|x| field(&mut bytes, x));
    for row in 0..rows as usize {
        for column in 0..columns as usize {
            let light = ((if down { column } else { row }) / width).is_multiple_of(2);
            bytes.extend(if light { [shade, 255, shade] } else { [0, shade, 0] });
        }
    }
    bytes
}

fn folder(place: &Path) {
    for i in 0..60 {
        let (class, down) = [("down", true), ("across", false)][i % 2];
        let folder = place.join("stripes").join(class);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{i:02}.bmp")), striped(down, 1 + i / 2 % 3, (40 + 3 * i) as u8)).unwrap();
    }
}

fn thalweg(place: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg")).args(line.split(' ')).current_dir(place).output().unwrap()
}

fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].concat().into_iter().map(char::from).collect()
}

#[test]
fn few_photos_are_mixed() {
    let place = tempfile::tempdir().unwrap();
    folder(place.path());
    for (flags, mixed) in [("", true), (" --cutmix 0", false), (" --augment=false", false), (" --quality fast", false)]
    {
        let told = told(&thalweg(place.path(), &format!("train stripes --dry-run{flags}")));
        assert!(told.contains("cutmix 0.5") == mixed && told.contains("decided for you"), "{flags}: {told}");
    }
}

#[test]
fn a_folder_of_pictures_is_learned() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    folder(place);
    fs::write(place.join("stripes/down/page.png"), "<html>").unwrap();
    let trained = thalweg(place, "train stripes --epochs 12 --batch-size 8 --json -o run");
    let result: Value = serde_json::from_slice(&trained.stdout).unwrap_or_else(|_| panic!("{}", told(&trained)));
    assert!(result["metrics"]["train"]["accuracy"]["value"].as_f64().unwrap() > 0.9, "{result}");
    assert!(told(&trained).contains("1 of 61 files are left out: down/page.png (an HTML page"));
    let decided = result["decisions"].to_string();
    assert!(decided.contains("residual blocks of 32, 64 filters") && decided.contains("flip"), "{decided}");

    let again = thalweg(place, "train stripes --epochs 12 --batch-size 8 --threads 1 --json -o again");
    assert!(again.status.success());
    let model = |run: &str| fs::read(place.join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"), "the same bits for any threads");

    let answers = told(&thalweg(place, "predict run stripes/across --quiet"));
    assert!(answers.contains("file,prediction,probability_across,probability_down\n01.bmp,"), "{answers}");
    let alone = told(&thalweg(place, "predict run stripes/down/00.bmp"));
    assert!(alone.contains("00.bmp,down,"), "{alone}");
    let judged = told(&thalweg(place, "evaluate run stripes"));
    assert!(judged.contains("accuracy") && judged.contains("left out"), "{judged}");
    let report = fs::read_to_string(place.join("run/report.html")).unwrap();
    assert!(report.contains("data:image/png;base64,"));

    let mixed = thalweg(place, "train stripes --epochs 12 --batch-size 8 --mixup 0.3 --cutmix 0.5 --json -o mixed");
    let result: Value = serde_json::from_slice(&mixed.stdout).unwrap_or_else(|_| panic!("{}", told(&mixed)));
    assert!(result["metrics"]["train"]["accuracy"]["value"].as_f64().unwrap() > 0.8, "{result}");
    assert!(result["decisions"].to_string().contains("mixup 0.3, cutmix 0.5"), "{result}");

    let shown = thalweg(place, "augment stripes --preview shown.png");
    assert!(shown.status.success(), "{}", told(&shown));
    assert!(fs::read(place.join("shown.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn what_cannot_be_done_with_pictures_is_told() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    folder(place);
    for (line, expected) in [
        ("train stripes --channels 2", "found 2, expected 1 or 3"),
        ("train stripes --image-size 8", "--image-size"),
        ("train stripes --fit crpo", "crop"),
        ("train stripes --rotate 500", "--rotate"),
        ("train stripes --mixup 0.7", "--mixup"),
        ("train sample:digits --mixup 0.2 --label-smoothing 0.1", "leave --label-smoothing out"),
        ("augment stripes --augment=false", "nothing to show"),
        ("train stripes/down", "have no answers"),
        ("train stripes --test none", "none"),
    ] {
        let output = thalweg(place, line);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{line}: {:?}", output.status);
        assert!(told(&output).contains(expected), "{line}: {}", told(&output));
    }
}

#[test]
fn a_network_for_some_pictures_learns_others() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    folder(place);
    for i in 0..60 {
        let (class, down, width) = [("fine", true, 1), ("wide", true, 4), ("flat", false, 2)][i % 3];
        let folder = place.join("kinds").join(class);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{i:02}.bmp")), striped(down, width, (40 + 3 * i) as u8)).unwrap();
    }
    let succeeds = |line: &str| {
        let output = thalweg(place, line);
        assert!(output.status.success(), "{line}: {}", told(&output));
        told(&output)
    };
    succeeds("train stripes --quality fast --epochs 6 --image-size 16,16 --out first");
    let told = succeeds("train kinds --start-from first --epochs 12 --learning-rate 0.01 --out second");
    for expected in ["a new last layer of 3 units", "layers are frozen for 6 epochs", "scaled as in the model"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let told = succeeds("train kinds --start-from first --image-size 24,20 --dry-run");
    assert!(told.contains("layers.0  resize to 16") && told.contains("the network brings images to 16"), "{told}");
    let answered = succeeds("predict second kinds/wide");
    assert!(answered.lines().filter(|line| line.contains(",wide,")).count() > 15, "{answered}");

    let csv = succeeds("embed second kinds");
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("file,f0,f1,"), "{csv}");
    assert_eq!(lines.clone().count(), 60);
    assert!(lines.next().unwrap().starts_with("fine/00.bmp,"), "{csv}");
    succeeds("embed second kinds -o kinds.npy");
    let npy = fs::read(place.join("kinds.npy")).unwrap();
    let header = String::from_utf8_lossy(&npy[10..128]).to_string();
    let width: usize = csv.lines().next().unwrap().split(',').count() - 1;
    assert!(header.contains(&format!("'shape': (60, {width})")) && npy.len() == 128 + 60 * width * 4, "{header}");
    let refused = thalweg(place, "embed second kinds -o second/model.safetensors");
    assert!(!refused.status.success());
}
