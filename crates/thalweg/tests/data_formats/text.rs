//! Text formats: JSON Lines, ARFF, libsvm.

use super::*;

fn json(house: &House) -> String {
    let size = house.size.map(|size| format!("\"size\": {size}, ")).unwrap_or_default();
    let town = house.town.replace('"', "\\\"");
    format!(
        "{{{size}\"town\": \"{town}\", \"built\": \"{}\", \"sold\": {}, \"price\": {}}}",
        house.built(),
        house.sold,
        house.price
    )
}

fn arff() -> String {
    let line = |house: &House| {
        let size = house.size.map_or("?".into(), |size| size.to_string());
        let town = house.town.replace('\'', "\\'");
        format!("{size}, '{town}', {}, {}, {}\n", house.built(), house.sold, house.price)
    };
    let rows: String = houses().iter().map(line).collect();
    format!(
        "% houses\n@RELATION 'some houses'\n\n@ATTRIBUTE size numeric\n@attribute town string\n\
         @attribute 'built' date yyyy-MM-dd\n@attribute sold {{true, false}}\n@attribute price REAL\n@DATA\n{rows}"
    )
}

fn lines() -> String {
    houses().iter().map(|house| json(house) + "\n").collect()
}

#[test]
fn text_formats_give_what_csv_gives() {
    let folder = tempfile::tempdir().unwrap();
    let expected = seen(&write(&folder, "houses.csv", csv()));
    assert_eq!(expected.0.len(), 5);
    let array = format!("[\n  {}\n]\n", houses().iter().map(json).collect::<Vec<_>>().join(",\n  "));
    for (name, text) in [
        ("houses.jsonl", lines()),
        ("houses.dat", format!("\u{feff}\n{}", lines().replace('\n', "\r\n"))),
        ("houses.json", array.clone()),
        ("pretty.json", array.replace(", \"", ",\n    \"")),
        ("houses.arff", arff()),
        ("houses.txt", arff().replace('\n', "\r\n")),
    ] {
        let found = seen(&write(&folder, name, text));
        assert_eq!(found.0, expected.0, "{name}");
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn json_values_are_cells_and_what_is_nested_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"id\": 9007199254740993, \"a\": 1.50, \"note\": \"01\", \"list\": [1]}\n\n\
                {\"b\": true, \"a\": null, \"note\": \"\\u00e4\\n\", \"list\": null, \"id\": 7}\n";
    let path = write(&folder, "t.jsonl", text);
    let found = table(&path).unwrap();
    assert_eq!(found.names, ["id", "a", "note", "b"]);
    assert_eq!(rows(&found), [["9007199254740993", "1.50", "01", ""], ["7", "", "ä\n", "true"]]);
    assert_eq!(found.place(1, 2), format!("{}, row 2, column \"note\"", path.display()));
    let declared: Vec<String> = found.columns.iter().map(|column| format!("{:?}", column.declaration())).collect();
    assert_eq!(declared, ["Texts", "Numbers", "Texts", "Nothing"]);
    let Source::Table(reader) = source::open(path.to_str().unwrap(), &config::Data::default()).unwrap() else {
        panic!()
    };
    assert!(reader.decisions()[0].what.contains("\"list\""), "{:?}", reader.decisions());
}

#[test]
fn json_that_cannot_be_rows_is_told_with_its_line() {
    for (text, words) in [
        ("{\"a\": 1}\n{\"a\": oops}\n", ["line 2", "JSON"]),
        ("{\"a\": 1}\n{\"a\": 2\n", ["line 2", "cut off"]),
        ("[{\"a\": 1},\n{\"a\": 2}", ["line 2", "not closed"]),
        ("{\"a\": 1}\na,b\n", ["line 2", "expected a JSON object"]),
        ("{\"a\": {\"0\": 1, \"1\": 2}}", ["plain values", "object"]),
        ("[[1, 2], [3, 4]]", ["JSON", "an object a row"]),
    ] {
        let told = refused("t.jsonl", text);
        words.iter().for_each(|word| assert!(told.contains(word), "{text:?}: {told}"));
    }
    let late = "{\"a\": 1}\n".repeat(1500) + "{\"b\": 1}\n";
    assert!(refused("t.jsonl", late).contains("line 1501"));
}

#[test]
fn a_delimiter_says_that_braces_are_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "t.csv", "{\"a\": 1};x\n{\"b\": 2};y\n");
    let options = config::Data { delimiter: Some(';'), ..Default::default() };
    let Source::Table(reader) = source::open(path.to_str().unwrap(), &options).unwrap() else { panic!() };
    assert_eq!(reader.names().len(), 2);
}

#[test]
fn sparse_arff_rows_hold_what_they_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let text = "@relation r\n@attribute a numeric\n@attribute kind {'no one', b}\n@attribute c integer\n@data\n\
                {0 1.5, 2 ?}\n% none\n{1 b}\n{}\n";
    let found = table(&write(&folder, "t.arff", text)).unwrap();
    assert_eq!(rows(&found), [["1.5", "no one", ""], ["0", "b", "0"], ["0", "no one", "0"]]);
    assert_eq!(found.lines, [1, 2, 3]);
    for (change, words) in [
        (("{1 b}", "{7 b}"), ["line 8", "beyond the attributes"]),
        (("{1 b}", "1,b"), ["line 8", "found 2 values, expected 3"]),
        (("integer", "relational"), ["line 4", "relational"]),
        (("@data", "%"), ["line 6", "expected an ARFF attribute or @data"]),
    ] {
        let told = refused("t.arff", text.replacen(change.0, change.1, 1));
        words.iter().for_each(|word| assert!(told.contains(word), "{told}"));
    }
}

/// Rows in libsvm format; without `last`, the last column is absent.
fn svm(rows: std::ops::Range<usize>, last: bool) -> String {
    let line = |i: usize| {
        let third = if last && i % 4 == 1 { format!(" 4:{}", i % 9) } else { String::new() };
        format!("{} 1:{}.5 3:{}{third} # {i}\n", if i.is_multiple_of(2) { "+1" } else { "-1" }, i * 7 % 31, i * 11 % 17)
    };
    rows.map(line).collect()
}

#[test]
fn libsvm_rows_are_filled_with_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "train.txt", format!("# heart\n{}", svm(0..40, true)));
    let found = table(&path).unwrap();
    assert_eq!(found.names, ["target", "1", "2", "3", "4"]);
    assert_eq!(rows(&found)[..2], [["1", "0.5", "0", "0", "0"], ["-1", "7.5", "0", "11", "1"]]);
    // A dev split without the last column gets it all the same.
    let dev = write(&folder, "dev.txt", svm(40..60, false));
    let data = load(&path, |config| {
        config.data.target = Vec::new();
        config.data.dev = Some(dev.to_str().unwrap().into());
    })
    .unwrap();
    assert_eq!(data.target.columns, ["target"]);
    assert_eq!((data.parts.dev.rows, data.target.classes.join(" ")), (20, "-1 1".into()));
    let told = refused("t.txt", "1 1:2\n1 999999999:1\n");
    assert!(told.contains("line 2") && told.contains("999999999"), "{told}");
    let late = svm(0..30, true) + "1 4:1 2:1\n";
    assert!(refused("t.txt", late).contains("must rise"));
}

#[test]
fn damaged_text_is_read_or_refused() {
    survives_damage("t.jsonl", &lines().as_bytes()[..1500]);
    survives_damage("t.arff", &arff().as_bytes()[..1500]);
    survives_damage("t.svm", svm(0..30, true).as_bytes());
}

#[test]
fn rows_of_these_formats_may_stay_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("t.jsonl", lines()), ("t.arff", arff()), ("t.svm", svm(0..60, true))] {
        let path = write(&folder, name, text);
        let data = load(&path, |config| {
            config.data.from_disk = Some(true);
            config.data.cache = Some(folder.path().to_str().unwrap().into());
            if name == "t.svm" {
                config.data.target = Vec::new();
            }
        });
        let data = data.unwrap();
        assert_eq!(data.train_rows() + data.parts.dev.rows + data.parts.test.rows, 60, "{name}");
    }
}
