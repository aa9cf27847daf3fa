//! A folder of pictures that is larger than the memory allowed is trained on within it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SIDE: u32 = 96;

/// A bitmap of one colour and a line across or down it.
fn picture(down: bool, at: u32, shade: u8) -> Vec<u8> {
    let bytes = SIDE * SIDE * 3;
    let header = [54 + bytes, 0, 54, 40, SIDE, SIDE, 1 | 24 << 16, 0, bytes, 2835, 2835, 0, 0];
    let pixel = |i: u32| if (if down { i % SIDE } else { i / SIDE }) == at { [255; 3] } else { [shade; 3] };
    let header = header.into_iter().flat_map(u32::to_le_bytes);
    b"BM".iter().copied().chain(header).chain((0..SIDE * SIDE).flat_map(pixel)).collect()
}

/// The most MB that training on a folder has in memory at a time.
fn peak(place: &Path, options: &str) -> u64 {
    let line = format!("train pictures --image-size 96,96 --layers 2 --epochs 2 --quiet --threads 2 {options}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    let mut child = command.args(line.split(' ')).current_dir(place).stdout(Stdio::null()).spawn().unwrap();
    let (status, mut most) = (format!("/proc/{}/status", child.id()), 0);
    let code = loop {
        let told = fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = line.and_then(|line| line.trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0).max(most);
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(code.success(), "{options}: {code}");
    most / 1000
}

#[test]
fn memory_is_bounded_by_the_limit() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    // 96 × 96 × 3 numbers of 500 pictures: 55 MB.
    for i in 0..500 {
        let (class, down) = [("down", true), ("across", false)][i % 2];
        let folder = place.join("pictures").join(class);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{i}.bmp")), picture(down, i as u32 % SIDE, (i / 3) as u8)).unwrap();
    }
    // The process itself, its network and the pictures that are being decoded take the rest.
    let (bounded, unbounded) = (peak(place, "--memory 8MB -o bounded"), peak(place, "-o unbounded"));
    assert!(bounded < 8 + 60, "{bounded} MB, without a limit {unbounded} MB");
    assert!(unbounded > 2 * 55, "{unbounded} MB without a limit");
    for run in ["bounded", "unbounded"] {
        assert!(place.join(run).join("model.safetensors").exists());
    }
}
