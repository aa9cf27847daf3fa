//! `thalweg card`: what a model's file and its run's events say, in Markdown.

use crate::command::{ok, run};

/// A folder with a table of three kinds of columns, a third of one's cells missing, and a class with few rows.
fn place(answer: impl Fn(usize) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        let age = if i.is_multiple_of(3) { String::new() } else { format!("{}.5", i * 37 % 101) };
        format!("r{i},{age},{},{},{}\n", ["a|b", "south"][i % 2], i * 53 % 89, answer(i))
    };
    let text = String::from("id,age,town,size,answer\n") + &(0..300).map(row).collect::<String>();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    folder
}

#[test]
fn a_card_says_what_the_run_says() {
    let class = |i: usize| if i % 30 == 7 { "seldom" } else { ["no", "yes"][usize::from(i * 53 % 89 > 40)] };
    let folder = place(|i| class(i).into());
    ok(folder.path(), "train t.csv --target answer --id id -q -o run --layers 4 --epochs 5");
    let card = ok(folder.path(), "card run");
    let told = |text: &str| assert!(card.contains(text), "{text}\n{card}");
    told("# Model card: `answer`\n");
    told("one of `no`, `seldom`, `yes`");
    told("| `town` | category | `a\\|b`, `south` | 0 |");
    told("identify rows: `id`");
    told("Rows: 181 train, 60 dev, 59 test.");
    let model: serde_json::Value = serde_json::from_str(&ok(folder.path(), "inspect run --json")).unwrap();
    told(&format!("BLAKE3 of `t.csv`: `{}`.", model["provenance"]["hashes"]["t.csv"].as_str().unwrap()));
    told("| `seldom` | 6 | 3.31");
    told("Classes rare in training: `seldom` (6 rows).");
    told("Columns that lack 20.0\u{a0}% of their cells or more in the training rows: `age`.");
    told("A missing cell was never seen in training in these columns: `town`, `size`.");
    told("Test has only 59 rows");
    told("| metric | train | dev | test |");
    told("On test, by true class:");
    told("thalweg train --config run/config.toml");
    told("thalweg predict run NEW.csv");
    // Every class's rows are those of the test part.
    let rows = |class: &str| {
        let line = card.rsplit("On test, by true class").next().unwrap();
        let line = line.lines().find(|line| line.starts_with(&format!("| `{class}`"))).unwrap();
        line.split('|').nth(2).unwrap().trim().parse::<usize>().unwrap()
    };
    assert_eq!(["no", "seldom", "yes"].map(rows).iter().sum::<usize>(), 59);

    ok(folder.path(), "card run -o card.md");
    assert_eq!(std::fs::read_to_string(folder.path().join("card.md")).unwrap(), card);
    let json: serde_json::Value = serde_json::from_str(&ok(folder.path(), "card run --json")).unwrap();
    assert_eq!(json["card"], card.as_str());
}

#[test]
fn a_model_alone_has_a_shorter_card() {
    let folder = place(|i| format!("{}", 3 * (i * 53 % 89) + 7));
    ok(folder.path(), "train t.csv --target answer --id id --task regression -q -o run --layers 4 --epochs 5");
    let whole = ok(folder.path(), "card run");
    assert!(whole.contains("by size of the true `answer`") && whole.contains("| `size` | number | 0 to 88.00 | 0 |"));
    std::fs::copy(folder.path().join("run/model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    let card = ok(folder.path(), "card model.safetensors");
    assert!(card.contains("Predicts numbers: `answer`.") && card.contains("| RMSE |"), "{card}");
    for of_events in ["by size", "Decided by default", "To train it again", "lack"] {
        assert!(!card.contains(of_events), "{of_events}\n{card}");
    }
    assert!(run(folder.path(), "card model.safetensors -o model.safetensors").status.code() == Some(2));
    let missing = run(folder.path(), "card nothing");
    assert_eq!(missing.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("name a model file or a run's folder"));
}
