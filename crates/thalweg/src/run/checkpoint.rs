//! Checkpoints: the complete state of training, and the previous one.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::folder::RunFolder;
use crate::io::atomic;
use crate::io::safetensors::{Container, Stored};
use crate::{Error, ErrorKind, Result};

/// The metadata key of the state's values other than tensors.
const STATE: &str = "state";

/// Everything needed to resume training.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// θ, the optimiser's state, the best θ.
    pub tensors: Vec<Stored>,
    /// Everything else: counts, the best result, the plateau.
    pub state: Value,
}

impl Checkpoint {
    /// Saves it in the run's folder; the existing one becomes the previous one.
    ///
    /// A crash at any moment leaves this one or the previous one intact.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &RunFolder) -> Result<()> {
        let metadata = [("kind".into(), "checkpoint".into()), (STATE.into(), self.state.to_string())].into();
        let bytes = Container { tensors: self.tensors.clone(), metadata }.to_bytes();
        atomic::write_and_keep(&folder.checkpoint(), &folder.previous_checkpoint(), &bytes)
    }

    /// Loads the newest intact checkpoint, with a notice if that is not the newest one.
    ///
    /// A damaged one is renamed, so that the next save does not replace the good previous one with it.
    ///
    /// # Errors
    /// If there is none, or none that is intact.
    pub fn load(folder: &RunFolder) -> Result<(Checkpoint, Option<String>)> {
        let current = match read(&folder.checkpoint())? {
            Some(Ok(checkpoint)) => return Ok((checkpoint, None)),
            Some(Err(damage)) => Some(damage),
            None => None,
        };
        let previous = read(&folder.previous_checkpoint())?;
        let (checkpoint, damage) = match (previous, current) {
            (Some(Ok(checkpoint)), damage) => (checkpoint, damage),
            (_, Some(damage)) | (Some(Err(damage)), None) => return Err(damage),
            (None, None) => {
                return Err(Error::config("there is no checkpoint in this folder")
                    .at(folder.path().display().to_string())
                    .fix("train again: the run ended before its first epoch did"));
            }
        };
        let notice = match damage {
            Some(damage) => {
                let aside = folder.path().join("checkpoint.damaged.safetensors");
                fs::rename(folder.checkpoint(), &aside).map_err(|error| {
                    Error::io(ErrorKind::Config, folder.checkpoint(), "put the damaged checkpoint aside", &error)
                        .fix("see that the run's folder can be written")
                })?;
                format!(
                    "the newest checkpoint is damaged ({}) and was kept as {}: going on from the one before it",
                    damage.message,
                    aside.display()
                )
            }
            None => "the newest checkpoint was not written to the end: going on from the one before it".into(),
        };
        Ok((checkpoint, Some(notice)))
    }
}

/// The checkpoint of a file, if present, or what is wrong with it.
fn read(path: &Path) -> Result<Option<Result<Checkpoint>>> {
    match atomic::read(path) {
        Ok(bytes) => Ok(Some(parse(&bytes, &path.display().to_string()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(ErrorKind::Data, path, "read the checkpoint", &error)
            .fix("see that the run's folder can be read")),
    }
}

fn parse(bytes: &[u8], place: &str) -> Result<Checkpoint> {
    let Container { tensors, metadata } = Container::from_bytes(bytes, place)?;
    let refuse = |message: String| Error::data(message).at(place).fix("restore the file from a copy, or train again");
    let state = metadata.get(STATE).ok_or_else(|| refuse("this is no checkpoint: it has no state".into()))?;
    let state = serde_json::from_str(state).map_err(|error| refuse(format!("the state is no JSON: {error}")))?;
    Ok(Checkpoint { tensors, state })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::io::safetensors::TensorData;

    /// A checkpoint with the same number in every part.
    fn number(n: u64) -> Checkpoint {
        let theta =
            Stored { name: "theta".into(), shape: vec![20_000], numbers: TensorData::F64(vec![n as f64; 20_000]) };
        let t = Stored { name: "t".into(), shape: vec![1], numbers: TensorData::U64(vec![n]) };
        Checkpoint { tensors: vec![theta, t], state: serde_json::json!({ "epoch": n, "loss": f64::MAX }) }
    }

    fn new_folder() -> (tempfile::TempDir, RunFolder) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path().to_str(), "").unwrap();
        (folder, run)
    }

    fn damage(path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn the_newest_comes_back() {
        let (_kept, run) = new_folder();
        assert!(Checkpoint::load(&run).unwrap_err().to_string().contains("no checkpoint"));
        for n in 1..4 {
            number(n).save(&run).unwrap();
            assert_eq!(Checkpoint::load(&run).unwrap(), (number(n), None));
        }
    }

    #[test]
    fn a_damaged_one_gives_way_to_the_previous_for_good() {
        let (_kept, run) = new_folder();
        (1..4).for_each(|n| number(n).save(&run).unwrap());
        damage(&run.checkpoint());
        let (checkpoint, notice) = Checkpoint::load(&run).unwrap();
        assert_eq!(checkpoint, number(2));
        assert!(notice.unwrap().contains("checksum"));
        // The damaged one never becomes the previous one.
        number(3).save(&run).unwrap();
        fs::remove_file(run.checkpoint()).unwrap();
        let (checkpoint, notice) = Checkpoint::load(&run).unwrap();
        assert_eq!(checkpoint, number(2));
        assert!(notice.unwrap().contains("not written to the end"));

        damage(&run.previous_checkpoint());
        assert!(Checkpoint::load(&run).unwrap_err().to_string().contains("checkpoint.previous.safetensors"));
    }

    const FOLDER: &str = "THALWEG_TEST_SAVES_IN";

    /// The process that the next test kills; does nothing when run on its own.
    #[test]
    fn saves_until_killed() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let run = RunFolder::open(folder).unwrap();
        let from = Checkpoint::load(&run).unwrap().0.state["epoch"].as_u64().unwrap();
        (from + 1..u64::MAX).for_each(|n| number(n).save(&run).unwrap());
    }

    #[test]
    fn a_kill_at_any_moment_leaves_a_whole_checkpoint() {
        let (folder, run) = new_folder();
        number(0).save(&run).unwrap();
        drop(run);
        let (mut newest, mut saves) = (0, 0);
        for round in 0..40 {
            let mut saver = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "run::checkpoint::tests::saves_until_killed"])
                .env(FOLDER, folder.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(20_000 + round * 1_237));
            saver.kill().unwrap();
            saver.wait().unwrap();
            let run = RunFolder::open(folder.path()).unwrap();
            let (checkpoint, notice) = Checkpoint::load(&run).unwrap();
            assert!(notice.is_none_or(|notice| notice.contains("not written to the end")));
            let n = checkpoint.state["epoch"].as_u64().unwrap();
            assert_eq!(checkpoint, number(n), "old or new, nothing between");
            assert!(n >= newest, "{n} after {newest}");
            saves += n - newest;
            newest = n;
        }
        assert!(saves >= 20, "too few saves to have been hit in one: {saves}");
    }
}
