//! What programs put above, between, beside and below the rows of a table is reported, and the rows are unchanged.

use std::io::Cursor;

use thalweg::config::Data;
use thalweg::data::load;
use thalweg::data::source::TableReader;

/// What was read: names, rows, their lines, and what was reported.
#[derive(Debug, PartialEq)]
struct Read {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    lines: Vec<u64>,
    told: Vec<String>,
}

/// Reads a text, at most `most` rows at a time.
fn read_by(text: &str, options: &Data, most: usize) -> Result<Read, String> {
    let open = TableReader::open("t.csv", Box::new(Cursor::new(text.as_bytes().to_vec())), options);
    let mut reader = open.map_err(|error| error.to_string())?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    while let Some(table) = reader.next_chunk(most).map_err(|error| error.to_string())? {
        rows.extend(
            (0..table.rows()).map(|row| table.columns.iter().map(|column| column.get(row).to_string()).collect()),
        );
        lines.extend(&table.lines);
    }
    let told = reader.decisions().iter().map(|told| format!("{} ({}) {}", told.what, told.why, told.flag())).collect();
    Ok(Read { names: reader.names().to_vec(), rows, lines, told })
}

/// Reads a text as a whole and in chunks, with the same result.
fn read_with(text: &str, options: &Data) -> Result<Read, String> {
    let whole = read_by(text, options, usize::MAX);
    assert_eq!(read_by(text, options, 1), whole, "{text:?}");
    whole
}

fn read(text: &str) -> Read {
    read_with(text, &Data::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn error(text: &str) -> String {
    read_with(text, &Data::default()).expect_err("a wrong table")
}

const ROWS: [[&str; 3]; 3] = [["0.5", "-1", "q"], ["1.5", "2", "p"], ["3", "4", "q"]];

/// Checks that each text gives the three rows under a, b and y, the first on a given line, and that something is
/// reported.
fn is_the_table(cases: &[(&str, u64, &str)]) {
    for (text, line, told) in cases {
        for text in [text.to_string(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            let found = read(&text);
            assert_eq!((&found.names[..], found.lines[0]), (&["a", "b", "y"].map(String::from)[..], *line), "{text:?}");
            assert_eq!(found.rows, ROWS, "{text:?}");
            assert!(found.told.iter().any(|line| line.contains(told)), "{text:?}: {:?}", found.told);
        }
    }
}

#[test]
fn comments_above_the_header_are_left_out_and_told() {
    is_the_table(&[
        ("# logger 7\n# unit mm\na,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\n", 4, "left out: 2 (they begin with \"#\")"),
        ("% one, with, commas\n%\n\n% \"quo,\"te\na,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q", 6, "left out: 4"),
        ("// x\na;b;y\n0.5;-1;q\n1.5;2;p\n3;4;q\n", 3, "they begin with \"//\""),
        ("#!x\n\na\tb\ty\n0.5\t-1\tq\n1.5\t2\tp\n3\t4\tq\n", 4, "--skip-lines 0"),
    ]);
}

#[test]
fn a_comment_may_be_the_header() {
    let numbers = read("# written by a program\n# a, b\n1,2\n3,4\n");
    assert_eq!((numbers.names, numbers.rows.len(), numbers.lines), (vec!["a".into(), "b".into()], 2, vec![3, 4]));
    let genes = read("##format=4\n##more, of it\n#CHROM\tPOS\nx\t5\ny\t6\n");
    assert_eq!((genes.names, genes.lines), (vec!["CHROM".to_string(), "POS".into()], vec![4, 5]));
    for (text, first) in [("# of rooms,price\n3,100\n4,200\n", "# of rooms"), ("#,Name\n1,a\n2,b\n", "#")] {
        let found = read(text);
        assert_eq!((found.names[0].as_str(), found.rows.len()), (first, 2), "{text:?}");
        assert!(found.told.is_empty(), "{:?}", found.told);
    }
}

#[test]
fn comments_among_the_rows_are_left_out_and_told() {
    let found = read("# one\na,b\n1,2\n# paused, at, noon\n# on\n3,4\n");
    assert_eq!((found.rows.len(), found.lines), (2, vec![3, 6]));
    assert!(found.told[1].contains("left out: 2") && found.told[1].contains("line 4"), "{:?}", found.told);
    assert_eq!(read("a,b\n# units\n1,2\n").lines, [3]);
    // What fits is a row, unless the option says otherwise.
    assert_eq!(read("# one\na,b\n1,2\n#3,4\n5,6\n").rows[1], ["#3", "4"]);
    let marked = Data { comment: Some("!".into()), ..Data::default() };
    let found = read_with("! x\na,b\n1,2\n!3,4\n5,6\n", &marked).unwrap();
    assert_eq!((found.rows.len(), found.lines), (2, vec![3, 5]));
    let none = Data { comment: Some(String::new()), ..Data::default() };
    assert!(read_with("a,b\n1,2\n# paused\n3,4\n", &none).unwrap_err().contains("line 3: found 1 fields"));
    let some = Data { skip_lines: Some(1), ..Data::default() };
    assert_eq!(read_with("a,b\nc,d\n1,2\n", &some).unwrap().names, ["c", "d"]);
}

#[test]
fn a_line_for_spreadsheets_names_the_separator() {
    is_the_table(&[
        ("sep=;\na;b;y\n0.5;-1;q\n1.5;2;p\n3;4;q\n", 3, "';' (the first line says so)"),
        ("SEP=|\na|b|y\n0.5|-1|q\n1.5|2|p\n3|4|q\n", 3, "'|'"),
        ("\"sep=\t\"\na\tb\ty\n0.5\t-1\tq\n1.5\t2\tp\n3\t4\tq\n", 3, "'\\t'"),
        ("sep=!\na!b!y\n0.5!-1!q\n1.5!2!p\n3!4!q\n", 3, "'!'"),
    ]);
}

#[test]
fn titles_above_the_header_are_left_out_and_told() {
    is_the_table(&[
        ("Sales 2021;;\n;;\na;b;y\n0.5;-1;q\n1.5;2;p\n3;4;q\n", 4, "left out: 2"),
        ("Sales 2021\n\na,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\n", 4, "such as \"Sales 2021\""),
        ("Station,Berlin\nHeight,34\n\na,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\n", 5, "--skip-lines 0"),
        ("\"two\nlines\"\na,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\n", 4, "left out: 2"),
        (",,\na,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\n,,\n", 3, "empty cells are left out: 1"),
    ]);
    // A name without a neighbouring column name is not a title.
    assert!(error("id,\n1,x\n2,y\n").contains("line 1, column 2: the column has no name"));
    assert!(error("text\nhello, world\nso, long\n").contains("found 2 fields, expected 1"));
}

#[test]
fn empty_cells_at_the_end_of_all_lines_are_no_column() {
    is_the_table(&[
        ("a,b,y,\n0.5,-1,q,\n1.5,2,p,\n3,4,q,\n", 2, "at the end that are left out: 1"),
        ("a,b,y\n0.5,-1,q,\n1.5,2,p,\n3,4,q,\n", 2, "left out: 1"),
        ("a;b;y;;;\n0.5;-1;q;;;\n;;;;;\n1.5;2;p;;;\n3;4;q;;;\n;;;;;\n", 2, "left out: 3"),
        ("a;b;y;;\n0.5;-1;q\n1.5;2;p\n3;4;q;\n", 2, "left out: 2"),
        ("\"a\",\"b\",\"y\",\"\"\n0.5,-1,q,\" \"\n1.5,2,p,\n3,4,q,\"\"\n", 2, "--names"),
    ]);
    assert_eq!(read("1,2,\n3,4,\n").rows, [["1", "2"], ["3", "4"]]);
    let named = Data { names: ["x", "y", "z"].map(String::from).to_vec(), ..Data::default() };
    assert_eq!(read_with("1,2,\n3,4,\n", &named).unwrap().rows[0], ["1", "2", ""]);
    // An empty column with a name is kept.
    assert_eq!(read("a,b\n1,\n2,\n").names, ["a", "b"]);
    let spacer = read("a,,b\n1,,2\n3,,4\n");
    assert_eq!(spacer.names, ["a", "Unnamed: 1", "b"]);
    assert!(spacer.told[0].contains("it has no name and is empty"), "{:?}", spacer.told);
}

#[test]
fn a_cell_far_below_in_a_column_without_a_name_is_an_error() {
    let text = format!("a,b,\n{}3,4,5\n", "1,2,\n".repeat(100_000));
    let told = error(&text);
    assert!(told.contains("line 100002: found 3 fields, expected 2") && told.contains("--names"), "{told}");
    // Without a header, a column that may be filled further below is kept.
    let text = format!("{}3,4,5\n", "1,2,\n".repeat(100_000));
    assert_eq!(read(&text).names.len(), 3);
}

#[test]
fn a_first_column_without_a_name_gets_one() {
    for (text, names) in [
        (",a,y\n0,0.5,q\n1,1.5,p\n", ["Unnamed: 0", "a", "y"]),
        ("\"\",\"a\",\"y\"\n\"1\",0.5,\"q\"\n\"2\",1.5,\"p\"\n", ["Unnamed: 0", "a", "y"]),
        ("a\ty\n1\t0.5\tq\n2\t1.5\tp\n", ["Unnamed: 0", "a", "y"]),
        ("\"a\",\"y\"\n\"Mazda\",0.5,\"q\"\n\"Fiat\",1.5,\"p\"\n", ["Unnamed: 0", "a", "y"]),
        (",Unnamed: 0,y\n0,0,q\n1,1,p\n", ["Unnamed: 0.1", "Unnamed: 0", "y"]),
    ] {
        let found = read(text);
        assert_eq!((&found.names[..], found.rows.len()), (&names.map(String::from)[..], 2), "{text:?}");
        assert!(found.told.iter().any(|told| told.contains("column 1 is called")), "{:?}", found.told);
    }
    assert!(error("a,,c\n1,2,3\n").contains("column 2: the column has no name"));
    assert!(error("a,b\n1,2,3\n").contains("found 3 fields, expected 2"));
}

#[test]
fn notes_and_totals_below_the_last_row_are_left_out_and_told() {
    is_the_table(&[
        ("a,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\nSource: somewhere\n", 2, "\"Source: somewhere\") --skip-footer=false"),
        ("a,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\nSource: here, and there\nNote: x\n", 2, "left out: 2"),
        ("a;b;y\n0.5;-1;q\n1.5;2;p\n3;4;q\n;;\nData from database: x;;\nLast Updated: 2023;;\n", 2, "left out: 2"),
        ("a,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\nTotal,5,\n\n\"(c) me, you\"\n", 2, "left out: 2"),
        ("a,b,y\n0.5,-1,q\n1.5,2,p\n3,4,q\n* without the islands,,\n", 2, "left out: 1"),
    ]);
    let told = error("a,b,y\n1,2,q\nSource: somewhere\n3,4,p\n");
    assert!(told.contains("line 3: found 1 fields, expected 3") && told.contains("--comment"), "{told}");
    // Repeated words, missing cells and one-column tables are examples.
    for (text, rows) in [("a,b\ntotal,1\npart,2\ntotal,3\n", 3), ("a,b,c\nx,1,2\ny,,\n", 2), ("a\nx\nTotal\n", 2)] {
        assert_eq!(read(text).rows.len(), rows, "{text:?}");
    }
    let kept = Data { skip_footer: Some(false), ..Data::default() };
    assert_eq!(read_with("a,b\nx,1\nTotal,2\n", &kept).unwrap().rows.len(), 2);
    assert!(read_with("a,b\nx,1\nSource: y\n", &kept).unwrap_err().contains("line 3: found 1 fields"));
}

#[test]
fn headers_that_come_again_are_left_out_and_told() {
    is_the_table(&[
        ("a,b,y\n0.5,-1,q\na,b,y\n1.5,2,p\n3,4,q\n", 2, "repeat the header are left out: 1"),
        ("a,b,y\n0.5,-1,q\n\u{feff}a,b,y\n1.5,2,p\n3,4,q\na,b,y\n", 2, "left out: 2"),
        ("\"a\",\"b\",\"y\"\n0.5,-1,q\n\"a\",\"b\",\"y\"\n1.5,2,p\n3,4,q\n", 2, "the first is line 3: \"a\""),
    ]);
    let headed = Data { header: Some(true), ..Data::default() };
    let single = read_with("a\nb\na\n", &headed).unwrap();
    assert_eq!(single.rows, [["b"], ["a"]], "in a table of one column it may be a value");
}

#[test]
fn marks_and_blanks_around_names_are_no_part_of_them() {
    let found = read("\u{feff}\u{feff}\" a\u{a0}\",\"price\n(EUR)\", y \n1,2,3\n");
    assert_eq!((found.names, found.lines), (vec!["a".to_string(), "price\n(EUR)".into(), "y".into()], vec![3]));
    assert!(error("a,b,a\n1,2,3\n").contains("the column name \"a\" comes twice"));
}

#[test]
fn what_is_left_out_is_counted_through_a_long_file() {
    let part = format!("{}# stop\n,\n", "1,\"x\ny\"\n".repeat(1000));
    let text = format!("# top\na,b\n{}Source: z\n", part.repeat(200));
    let found = read_by(&text, &Data::default(), usize::MAX).unwrap();
    assert_eq!((found.rows.len(), found.lines[199_999]), (200_000, 2 + 199 * 2002 + 1999));
    let told = found.told.join("; ");
    assert!(told.contains("empty cells are left out: 200 (") && told.contains("rows are left out: 200 ("), "{told}");
    assert!(told.contains("last row are left out: 1 ("), "{told}");
    assert_eq!(read_by(&text, &Data::default(), 777).unwrap(), found);
}

#[test]
fn what_stands_around_the_rows_of_a_part_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, text).unwrap();
        path
    };
    let rows: String = (0..40).map(|i| format!("{}.5;{}\n", i % 7, i % 2)).collect();
    let main = write("main.csv", &format!("a;y\n{rows}"));
    let dev = write("dev.csv", &format!("# measured later\na;y\n{rows}"));
    for from_disk in [false, true] {
        let data = Data {
            path: main.clone(),
            dev: Some(dev.clone()),
            test: Some(main.clone()),
            from_disk: Some(from_disk),
            ..Data::default()
        };
        let config = thalweg::config::Config { data, ..Default::default() };
        let told: Vec<String> = load(&config).unwrap().decisions.into_iter().map(|decision| decision.what).collect();
        let of = |name: &str| told.iter().filter(|what| what.starts_with(name)).count();
        assert!(told.iter().any(|what| what.starts_with(&dev) && what.contains("left out: 1")), "{told:?}");
        assert_eq!((of(&dev), of(&main)), (1, 0), "the delimiter is the main table's: {told:?}");
    }
}

#[test]
fn tables_with_too_little_say_what_is_missing() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("# a\n# b\n", "the file has nothing but comments"),
        ("sep=;\n", "the file has no rows"),
        ("a,b\n", "the file has a header and no rows"),
        ("a,b\n,\n", "the file has a header and no rows"),
    ] {
        let told = error(text);
        assert!(told.contains(expected) && told.contains("fix:"), "{text:?}: {told}");
    }
}
