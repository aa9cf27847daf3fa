//! Training by several processes that MPI starts.
//!
//! Built with the feature `mpi`; `THALWEG_TEST_KILLS` is how often a rank is killed (a few times by default).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const THALWEG: &str = env!("CARGO_BIN_EXE_thalweg");
/// A training of a second or two, whose small batches have fewer examples than there are parts in the end.
const TRAIN: &[&str] =
    &["train", "sample:digits", "--reduction", "ordered", "--ensemble", "1", "--epochs", "30", "--batch-size", "100"];

/// A program with this many ranks. Those of more than the machine's cores give way to each other.
fn mpirun(ranks: usize, folder: &Path) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["--oversubscribe", "--bind-to", "none", "-n", &ranks.to_string()]).arg(THALWEG).current_dir(folder);
    for name in ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_mpi_yield_when_idle"] {
        command.env(name, "1");
    }
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs to the end, successfully.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

/// The model and the history of a run, in which seconds are left out.
fn result(run: &Path) -> (Vec<u8>, Vec<String>) {
    let history = fs::read_to_string(run.join("history.csv")).unwrap();
    let seconds = history.lines().next().unwrap().split(',').position(|name| name == "seconds").unwrap();
    let others = |line: &str| {
        line.split(',').enumerate().filter(|(i, _)| *i != seconds).map(|(_, x)| x).collect::<Vec<_>>().join(",")
    };
    (fs::read(run.join("model.safetensors")).unwrap(), history.lines().map(others).collect())
}

/// The processes of a training in a folder.
fn ranks_in(folder: &Path) -> BTreeMap<u32, u32> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let is_ours = fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == Path::new(THALWEG))
            && fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder);
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let rank = environment
            .split(|byte| *byte == 0)
            .find_map(|entry| std::str::from_utf8(entry).ok()?.strip_prefix("OMPI_COMM_WORLD_RANK=")?.parse().ok());
        if let Some(rank) = rank.filter(|_| is_ours) {
            found.insert(rank, id);
        }
    }
    found
}

fn signal(id: u32, name: &str) {
    _ = Command::new("kill").args([name, &id.to_string()]).status();
}

/// Waits until the run in a folder has a file, for so long at most.
fn wait_for(path: &Path, child: &mut Child) {
    let until = Instant::now() + Duration::from_secs(60);
    while !path.exists() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "{} does not come", path.display());
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_to_four_ranks_have_the_same_bits_when_they_add_in_order() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(Command::new(THALWEG).current_dir(&folder).args(TRAIN).args(["--out", "alone"]));
    let alone = result(&folder.path().join("alone"));
    for ranks in 1..=4 {
        let out = format!("ranks-{ranks}");
        let said = succeeds(mpirun(ranks, folder.path()).args(TRAIN).args(["--out", &out]));
        if ranks > 1 {
            let decision = format!("each batch of 100 is shared by {ranks} processes");
            assert!(said.contains(&decision), "{said}");
        }
        assert!(result(&folder.path().join(out)) == alone, "{ranks} ranks");
    }
}

#[test]
fn shares_as_a_whole_train_as_well_and_always_alike() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &str| {
        let fast = TRAIN.iter().map(|word| if *word == "ordered" { "fast" } else { word });
        succeeds(mpirun(3, folder.path()).args(fast).args(["--out", out]));
        result(&folder.path().join(out))
    };
    let first = train("first");
    assert!(first == train("second"));
}

#[test]
fn ranks_start_from_a_model_and_train_on_folds_as_one_process_does() {
    let folder = tempfile::tempdir().unwrap();
    let alone = |words: &[&str]| succeeds(Command::new(THALWEG).current_dir(&folder).args(words));
    alone(&["train", "sample:iris", "--epochs", "2", "--out", "base"]);
    for words in [["--start-from", "base"], ["--folds", "2"]] {
        let train = [&["train", "sample:iris", "--epochs", "3", "--reduction", "ordered"][..], &words].concat();
        alone(&[&train[..], &["--out", "alone"]].concat());
        succeeds(mpirun(2, folder.path()).args(&train).args(["--out", "two"]));
        for model in ["model.safetensors", "folds/0/model.safetensors", "folds/1/model.safetensors"] {
            let [alone, two] = ["alone", "two"].map(|run| fs::read(folder.path().join(run).join(model)).ok());
            assert!(alone == two, "{words:?}: {model}");
        }
        ["alone", "two"].into_iter().for_each(|run| fs::remove_dir_all(folder.path().join(run)).unwrap());
    }
}

#[test]
fn a_run_goes_on_with_other_ranks_after_a_kill() {
    let kills = std::env::var("THALWEG_TEST_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    succeeds(Command::new(THALWEG).current_dir(&folder).args(TRAIN).args(["--out", "alone"]));
    let alone = result(&folder.path().join("alone"));
    for kill in 0..kills {
        let (ranks, out) = (2 + kill % 3, format!("killed-{kill}"));
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut training = quiet(mpirun(ranks, folder.path()).args(TRAIN).args(["--out", &out]));
        wait_for(&folder.path().join(&out).join("config.toml"), &mut training);
        // Any moment until about the end, and any rank.
        sleep(Duration::from_millis(u64::from(kill as u32).wrapping_mul(0x9e37_79b9) % 1_500));
        let victims = ranks_in(&folder.path().canonicalize().unwrap());
        if let Some(id) = victims.get(&(kill as u32 / 3 % ranks as u32)) {
            signal(*id, "-KILL");
        }
        let ended = training.wait().unwrap().success();
        if !ended {
            succeeds(mpirun(1 + kill % 4, folder.path()).args(["resume", &out]));
        }
        assert!(result(&folder.path().join(&out)) == alone, "kill {kill}");
        assert!(ranks_in(&folder.path().canonicalize().unwrap()).is_empty(), "no rank is left behind");
    }
}

#[test]
fn a_scheduler_s_signal_ends_all_with_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(Command::new(THALWEG).current_dir(&folder).args(TRAIN).args(["--out", "alone"]));
    let mut training =
        mpirun(2, folder.path()).args(TRAIN).args(["--out", "run"]).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&folder.path().join("run/checkpoint.safetensors"), &mut training);
    signal(training.id(), "-USR1");
    let code = training.wait().unwrap().code();
    assert!(matches!(code, Some(138 | 0)), "{code:?}");
    if code == Some(138) {
        succeeds(mpirun(3, folder.path()).args(["resume", "run"]));
    }
    assert!(result(&folder.path().join("run")) == result(&folder.path().join("alone")));
}

#[test]
fn an_error_is_told_once_and_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, message) in [
        (["train", "none.csv"], 3, "none.csv"),
        (["train", "--epoch"], 2, "unexpected argument"),
        (["train", "-"], 2, "several processes cannot all read standard input"),
    ] {
        let output = mpirun(3, folder.path()).args(arguments).stdin(Stdio::null()).output().unwrap();
        let said = text(&output);
        assert_eq!((output.status.code(), said.matches(message).count()), (Some(code), 1), "{said}");
    }
}
