//! Labels that answers contradict, against cleanlab, and folds by time, against scikit-learn; `make_confident.py` wrote the
//! numbers.

use thalweg::config::Config;
use thalweg::data::dataset::Dataset;
use thalweg::metrics;

use super::numbers::{golden, list, number, numbers, size};

#[test]
fn labels_are_contradicted_as_by_cleanlab() {
    for case in list(&golden("confident")["cases"]) {
        let labels: Vec<usize> = list(&case["labels"]).iter().map(size).collect();
        let p = numbers(&case["probabilities"]);
        let found = metrics::contradicting_classes(&labels, &p, 3);
        let rows: Vec<usize> = (0..labels.len()).filter(|row| found[*row].is_some()).collect();
        assert_eq!(rows, list(&case["issues"]).iter().map(size).collect::<Vec<_>>());
        for (row, margin) in numbers(&case["margins"]).into_iter().enumerate() {
            let found = metrics::normalised_margin(labels[row], &p[3 * row..][..3]);
            assert!((found - margin).abs() < 1e-12, "row {row}: {found}, not {margin}");
        }
    }
}

/// A gap of scikit-learn's counts rows: one of two leaves out rows one and two before the fold, which are less than three
/// before it.
#[test]
fn folds_by_time_are_those_of_scikit_learn() {
    for case in list(&golden("confident")["time_series_splits"]) {
        let (gap, folds) = (number(&case["gap"]), list(&case["folds"]));
        let rows = list(&folds[folds.len() - 1][1]).last().map_or(0, size) + 1;
        // The rows' order in the data is another than that of time.
        let time = |row: usize| row * 37 % rows;
        let csv = (0..rows).map(|row| format!("{},{},{row}.5\n", time(row), row * 7 % 5)).collect::<String>();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, format!("time,x,y\n{csv}")).unwrap();
        for (fold, expected) in folds.iter().enumerate() {
            let mut config = Config::default();
            config.data.path = path.display().to_string();
            config.split.time = Some("time".into());
            config.split.gap = (gap > 0.0).then_some(gap + 1.0);
            config.split.test_fold = Some(vec![fold, folds.len()]);
            config.split.split = Some(vec![1.0, 0.0, 0.0]);
            let data: Dataset = thalweg::data::load(&config).unwrap();
            let times = |lines: &[u64]| {
                let mut times: Vec<usize> = lines.iter().map(|line| time(*line as usize - 2)).collect();
                times.sort_unstable();
                times
            };
            let theirs = |part: usize| list(&expected[part]).iter().map(size).collect::<Vec<_>>();
            assert_eq!(times(&data.parts.train.source_lines), theirs(0), "fold {fold}, gap {gap}");
            assert_eq!(times(&data.parts.test.source_lines), theirs(1), "fold {fold}, gap {gap}");
        }
    }
}
