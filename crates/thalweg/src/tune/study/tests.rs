//! A study shared, reclaimed, rejected and locked.

use super::*;
use crate::tune::record::TrialState;

fn new() -> (tempfile::TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let study = Study::create(&folder.path().join("s.sqlite"), &Config::default(), "", "accuracy", true).unwrap();
    (folder, study)
}

fn next(trials: usize) -> impl Fn(&[Trial]) -> Next {
    move |past| match past.len() {
        n if n < trials => Next::Trial(TrialKind::Search, [("a".into(), n.to_string())].into(), 7),
        _ => Next::Over,
    }
}

fn claimed(claim: Claim) -> Trial {
    let Claim::Trial(trial) = claim else { panic!("found {claim:?}") };
    trial
}

fn done(value: f64) -> Ending {
    Ending { value: Some(value), ..Ending::new(TrialState::Done) }
}

#[test]
fn a_trial_is_claimed_by_one_and_ended_once() {
    let (_kept, mut study) = new();
    let mut other = study.again().unwrap();
    let first = claimed(study.claim("a", next(2)).unwrap());
    let second = claimed(other.claim("b", next(2)).unwrap());
    assert_eq!((first.number, second.number), (0, 1));
    assert!(matches!(study.claim("c", next(2)).unwrap(), Claim::Wait), "both may come back");
    assert!(!other.end("b", 0, &done(0.1)).unwrap(), "it is another's");
    assert!(study.end("a", 0, &done(0.5)).unwrap() && !study.end("a", 0, &done(0.6)).unwrap());
    assert!(other.end("b", 1, &done(0.4)).unwrap());
    assert!(matches!(study.claim("a", next(2)).unwrap(), Claim::Over));
    let trials = study.trials().unwrap();
    assert!(trials.iter().all(|trial| trial.ends == 1 && trial.state == TrialState::Done));
    assert_eq!((trials[0].value, trials[0].cost), (Some(0.5), Some(-0.5)));
}

#[test]
fn a_silent_worker_loses_its_trial() {
    let (_kept, mut study) = new();
    let trial = claimed(study.claim("dead", next(1)).unwrap());
    study.connection.execute("UPDATE trial SET heartbeat = heartbeat - 60", []).unwrap();
    assert_eq!(claimed(study.claim("b", next(1)).unwrap()), trial);
    assert!(!study.beat("dead", 0).unwrap() && study.beat("b", 0).unwrap());
    assert!(!study.end("dead", 0, &done(0.1)).unwrap(), "what the dead one did does not count");
    study.release("b", 0).unwrap();
    assert_eq!(claimed(study.claim("c", next(1)).unwrap()).number, 0);
}

#[test]
fn a_trial_that_kills_its_workers_ends() {
    let (_kept, mut study) = new();
    for _ in 0..=MOST_DEATHS {
        claimed(study.claim("a", next(1)).unwrap());
        study.connection.execute("UPDATE trial SET heartbeat = heartbeat - 60", []).unwrap();
    }
    assert!(matches!(study.claim("a", next(1)).unwrap(), Claim::Over));
    let trial = study.trials().unwrap().remove(0);
    assert_eq!((trial.state, trial.ends), (TrialState::Failed, 1));
    assert!(trial.why.unwrap().contains("died"));
}

#[test]
fn other_files_are_refused() {
    let (folder, study) = new();
    let path = folder.path().join("x.sqlite");
    let refused = |expected: &str| {
        let error = Study::open(&path).unwrap_err();
        assert!(error.to_string().contains(expected) && error.remedy.is_some(), "{error}");
    };
    refused("there is no study here");
    std::fs::write(&path, "a,b,c\n1,2,3\n".repeat(200)).unwrap();
    refused("this is no study");
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    refused("this is no study");
    study.connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Study::open(study.path()).unwrap_err().to_string();
    assert!(error.contains("a study of version 99; this Thalweg knows version 1"), "{error}");
    let error = Study::create(study.path(), &Config::default(), "", "loss", false).unwrap_err().to_string();
    assert!(error.contains("there is a file already"), "{error}");
}

#[test]
fn a_locked_study_is_told() {
    let (_kept, mut study) = new();
    let holder = study.again().unwrap();
    holder.connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    study.connection.busy_timeout(Duration::from_millis(10)).unwrap();
    let error = study.claim("a", next(1)).unwrap_err().to_string();
    assert!(error.contains("another program holds the study"), "{error}");
}
