//! A folder of sounds from the command line: trained on, listened to, predicted for, judged.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A WAV file of 0.1 s at 8,000 samples a second, gliding up or down.
fn glide(up: bool, low: f64) -> Vec<u8> {
    let samples = 800_u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + 2 * samples).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    bytes.extend((2 * samples).to_le_bytes());
    for i in 0..samples {
        let t = f64::from(if up { i } else { samples - 1 - i }) / 8_000.0;
        let sample = (std::f64::consts::TAU * (low + 8_000.0 * t) * t).sin() * 10_000.0;
        bytes.extend((sample as i16).to_le_bytes());
    }
    bytes
}

fn folder(place: &Path) {
    for i in 0..60 {
        let (class, up) = [("up", true), ("down", false)][i % 2];
        let folder = place.join("glides").join(class);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{i:02}.wav")), glide(up, 300.0 + 10.0 * i as f64)).unwrap();
    }
}

fn thalweg(place: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg")).args(line.split(' ')).current_dir(place).output().unwrap()
}

fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].concat().into_iter().map(char::from).collect()
}

#[test]
fn a_folder_of_sounds_is_learned() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    folder(place);
    fs::write(place.join("glides/up/page.wav"), "<html>").unwrap();
    let line = "train glides --epochs 10 --batch-size 8 --quality fast --json";
    let trained = thalweg(place, &format!("{line} -o run"));
    let result: Value = serde_json::from_slice(&trained.stdout).unwrap_or_else(|_| panic!("{}", told(&trained)));
    assert!(result["metrics"]["train"]["accuracy"]["value"].as_f64().unwrap() > 0.9, "{result}");
    assert!(told(&trained).contains("1 of 61 files are left out: up/page.wav (an HTML page"));
    // Tones that rise and tones that fall have the same mean spectra.
    let baselines = result["baselines"].as_array().unwrap();
    let simple = baselines.iter().find(|baseline| baseline["name"] == "linear model of mean spectra").unwrap();
    assert!(simple["metrics"]["dev"]["accuracy"]["value"].as_f64().unwrap() < 0.9, "{simple}");
    let decided = result["decisions"].to_string();
    assert!(decided.contains("40 bands of the mel scale"), "{decided}");
    assert!(decided.contains("gain 6, shift 0.1, mask-time 0.1, mask-frequency 0.2"), "{decided}");
    let planned = |options: &str| {
        let preview = told(&thalweg(place, format!("train glides --dry-run {options}").trim_end()));
        let line = preview.lines().find(|line| line.contains("at most ")).unwrap_or_default().to_string();
        (line.split_whitespace().nth(2).and_then(|epochs| epochs.parse::<usize>().ok()).unwrap_or_default(), line)
    };
    let (short, long) = (planned(""), planned("--seconds 30"));
    assert!(short.0 == 100 && short.1.contains("million multiply-adds each"), "{short:?}");
    assert!((20..60).contains(&long.0), "long sounds are trained for as long: {long:?}");
    assert_eq!(planned("--seconds 30 --edition 1").0, 100);

    assert!(thalweg(place, &format!("{line} --threads 1 -o again")).status.success());
    let model = |run: &str| fs::read(place.join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"), "the same bits for any threads");

    let answers = told(&thalweg(place, "predict run glides/down --quiet"));
    assert!(answers.contains("file,prediction,probability_down,probability_up\n01.wav,"), "{answers}");
    let mut listed = Command::new(env!("CARGO_BIN_EXE_thalweg"))
        .args(["predict", "run", "-", "--quiet"])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    listed.stdin.take().unwrap().write_all(b"glides/up/02.wav\n\nglides/down/01.wav\n").unwrap();
    let listed = told(&listed.wait_with_output().unwrap());
    let lines: Vec<&str> = listed.lines().skip(1).collect();
    assert!(lines[0].starts_with("glides/up/02.wav,") && lines[1].starts_with("glides/down/01.wav,"), "{listed}");

    let judged = thalweg(place, "evaluate run glides --report judged.html");
    assert!(told(&judged).contains("accuracy"), "{}", told(&judged));
    for page in ["judged.html", "run/report.html"] {
        let page = fs::read_to_string(place.join(page)).unwrap();
        for part in ["Most wrong", "Least sure", "data:audio/wav;base64,", "data:image/png;base64,"] {
            assert!(page.contains(part), "{part}");
        }
    }
    for shown in ["shown.png", "shown.html"] {
        let output = thalweg(place, &format!("augment glides --snr 10 --preview {shown}"));
        assert!(output.status.success() && told(&output).contains("snr 10"), "{}", told(&output));
    }
    assert!(fs::read_to_string(place.join("shown.html")).unwrap().contains("<audio controls"));
    assert!(fs::read(place.join("shown.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn sounds_are_seen_as_one_likes_and_changes_are_judged() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    folder(place);
    for features in ["mfcc", "waveform"] {
        let line = format!("train glides --features {features} --epochs 2 --quality fast -o {features}");
        let trained = thalweg(place, &line);
        assert!(trained.status.success(), "{}", told(&trained));
    }
    assert!(told(&thalweg(place, "inspect mfcc")).contains("20 MFCC, 40 bands, frames of 32 ms every 10 ms"));

    // Hidden layers of one's own see the same.
    for (options, seen) in [
        ("--layers 8 --bands 20", "log-mel"),
        ("--recipe course --features mfcc", "20 MFCC, 40 bands"),
        ("--layers 8 --features waveform", "linear"),
    ] {
        let preview = thalweg(place, &format!("train glides --dry-run --json {options}"));
        let preview: Value = serde_json::from_slice(&preview.stdout).unwrap_or_else(|_| panic!("{}", told(&preview)));
        let first = preview["layers"][0]["description"].as_str().unwrap();
        assert!(first.contains(seen), "{options}: {first}");
    }
    let dense = thalweg(place, "train glides --layers 8 --bands 20 --epochs 10 --json -o dense");
    let result: Value = serde_json::from_slice(&dense.stdout).unwrap_or_else(|_| panic!("{}", told(&dense)));
    assert!(result["metrics"]["train"]["roc_auc"]["value"].as_f64().unwrap() > 0.9, "{result}");

    fs::create_dir(place.join("hum")).unwrap();
    fs::write(place.join("hum/a.wav"), glide(true, 50.0)).unwrap();
    let line = "train glides --epochs 2 --quality fast --ablate-augment --gain 0 --shift 0 --pitch 2 --mask-time 0 \
                --mask-frequency 0 --background hum -o ablated";
    let trained = thalweg(place, line);
    let text = told(&trained);
    assert!(text.contains("without pitch: dev accuracy") && text.contains("without background:"), "{text}");
    let report = fs::read_to_string(place.join("ablated/report.html")).unwrap();
    assert!(report.contains("What augmentation brought"));
}

#[test]
fn what_cannot_be_done_with_sounds_is_told() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    folder(place);
    fs::create_dir(place.join("empty")).unwrap();
    for (line, expected) in [
        ("train glides --flip", "this is for images"),
        ("train sample:digits --pitch 2", "this is for sounds"),
        ("train sample:digits --background-snr 2", "this is for sounds"),
        ("train glides --noise 0.1", "this is for images"),
        ("train sample:iris --features mfcc", "network.features: this is for sounds, and the data has none"),
        ("train sample:iris --bands 20", "network.bands: this is for sounds"),
        ("train glides --bands 20 --set layer=[{kind='linear',units=3}]", "the layers are given one by one"),
        ("train glides --features waveform --bands 20", "a waveform has no bands"),
        ("train glides --background empty", "the folder has no sounds"),
        ("train glides --background none", "none"),
        ("train glides --sample-rate 10", "--sample-rate"),
        ("train glides --seconds 0", "--seconds"),
        ("train glides --features mel", "log_mel"),
        ("train glides/up", "have no answers"),
        ("train glides --ablate-augment --split 1,0,0 --epochs 1", "there is none"),
    ] {
        let output = thalweg(place, line);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{line}: {:?} {}", output.status, told(&output));
        assert!(told(&output).contains(expected), "{line}: {}", told(&output));
    }
}
