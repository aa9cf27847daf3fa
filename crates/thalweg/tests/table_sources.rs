//! Every form of a source gives the same rows, and every kind of damage is reported with its location.

use std::borrow::Cow;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use thalweg::config;
use thalweg::data::arrays::Arrays;
use thalweg::data::source::{self, Source, TableReader};
use thalweg::data::table::Table;

fn reader(bytes: impl Into<Vec<u8>>, options: &config::Data) -> thalweg::Result<TableReader> {
    TableReader::open("t.csv", Box::new(Cursor::new(bytes.into())), options)
}

fn table(bytes: impl Into<Vec<u8>>) -> thalweg::Result<Table> {
    reader(bytes, &config::Data::default())?.read_all()
}

fn rows(table: &Table) -> Vec<Vec<Cow<'_, str>>> {
    (0..table.rows()).map(|row| table.columns.iter().map(|column| column.get(row)).collect()).collect()
}

fn message(bytes: impl Into<Vec<u8>>) -> String {
    table(bytes).expect_err("the text is damaged").to_string()
}

const TEXT: &str = "stadt,größe,preis\nKöln,12,3\n\"Bad, \"\"Süd\"\"; A|B\t.\",7,5\n\n\"zwei\nZeilen\",1,9\nÜlm,4,8\n";

/// The text with another delimiter; a comma in a quoted cell stays.
fn delimited(delimiter: char) -> String {
    let mut quoted = false;
    let swap = |c: char| {
        quoted ^= c == '"';
        if c == ',' && !quoted { delimiter } else { c }
    };
    TEXT.chars().map(swap).collect()
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-8" => text.into(),
        "utf-8 with a mark" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-16le with a mark" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be with a mark" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "latin1" => text.chars().map(|c| u8::try_from(u32::from(c)).expect("a Latin-1 character")).collect(),
        _ => unreachable!(),
    }
}

#[test]
fn every_encoding_line_end_and_delimiter_gives_the_same_table() {
    let expected = [
        vec!["Köln", "12", "3"],
        vec!["Bad, \"Süd\"; A|B\t.", "7", "5"],
        vec!["zwei\nZeilen", "1", "9"],
        vec!["Ülm", "4", "8"],
    ];
    let encodings = [
        "utf-8",
        "utf-8 with a mark",
        "utf-16le",
        "utf-16be",
        "utf-16le with a mark",
        "utf-16be with a mark",
        "latin1",
    ];
    for encoding in encodings {
        for end in ["\n", "\r\n", "\r"] {
            for delimiter in [',', ';', '\t', '|'] {
                let text = delimited(delimiter).replace('\n', end);
                let table = table(encoded(&text, encoding)).unwrap();
                let case = format!("{encoding}, {end:?}, {delimiter:?}");
                assert_eq!(table.names, ["stadt", "größe", "preis"], "{case}");
                assert_eq!(rows(&table), expected, "{case}");
                assert_eq!(table.lines, [2, 3, 5, 7], "{case}");
            }
        }
    }
}

#[test]
fn chunks_are_the_table_in_pieces() {
    let mut chunked = reader(TEXT, &config::Data::default()).unwrap();
    let whole = table(TEXT).unwrap();
    let (mut found, mut lines, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(chunk) = chunked.next_chunk(3).unwrap() {
        found.extend(rows(&chunk).into_iter().map(|row| row.into_iter().map(String::from).collect::<Vec<_>>()));
        lines.extend(&chunk.lines);
        sizes.push(chunk.rows());
    }
    assert_eq!(found, rows(&whole));
    assert_eq!((lines, sizes), (whole.lines, vec![3, 1]));
}

#[test]
fn lines_are_true_far_into_a_long_file() {
    let mut text = String::from("name,n\n");
    for i in 0..60_000 {
        text.push_str(&format!("\"ä\r\n{i}\",{i}\r\n"));
    }
    let table = table(text).unwrap();
    assert_eq!(table.rows(), 60_000);
    let row = 59_999;
    assert_eq!((table.lines[row], &*table.columns[0].get(row)), (2 * row as u64 + 2, "ä\n59999"));
}

#[test]
fn names_are_made_up_without_a_header_or_given() {
    let found = table("1,2\n3,4\n").unwrap();
    assert_eq!((found.names.join(" "), found.rows()), ("column_1 column_2".into(), 2));
    let options = config::Data { names: vec!["a".into(), "b".into()], ..Default::default() };
    let named = reader("1,2\n3,4\n", &options).unwrap().read_all().unwrap();
    assert_eq!((named.names.join(" "), named.rows()), ("a b".into(), 2));
    let error = reader("1,2,3\n", &options).err().unwrap().to_string();
    assert!(error.contains("--names: 2 names for 3 columns"), "{error}");

    let renamed = reader("x,y\n1,2\n3,4\n", &options).unwrap();
    assert!(renamed.decisions().iter().any(|decision| decision.what.contains("the names given replace \"x,y\"")));
    assert_eq!(rows(&renamed.read_all().unwrap()), [["1", "2"], ["3", "4"]]);
    let twice = config::Data { names: vec!["a".into(), "a".into()], ..Default::default() };
    let error = reader("1,2\n", &twice).err().unwrap().to_string();
    assert!(error.contains("--names: the column name \"a\" comes twice"), "{error}");
    for delimiter in ['"', '\n', 'ä'] {
        let wrong = config::Data { delimiter: Some(delimiter), ..Default::default() };
        let error = reader("1,2\n", &wrong).err().unwrap().to_string();
        assert!(error.contains("--delimiter") && error.contains("cannot be the delimiter"), "{error}");
    }
}

#[test]
fn a_decimal_comma_is_found_and_told() {
    let found = reader("a;b\n1,5;2\n-3,25;4\n", &config::Data::default()).unwrap();
    assert!(found.decimal_comma());
    assert!(found.decisions().iter().any(|decision| decision.flag() == "--decimal-comma=false"));
    assert!(!reader("a;b\n1.5;2\n", &config::Data::default()).unwrap().decimal_comma());
    assert!(!reader("a,b\n1,5\n", &config::Data::default()).unwrap().decimal_comma());
}

#[test]
fn a_column_of_one_keeps_its_quoted_empty_cells() {
    assert_eq!(rows(&table("a\n1\n\"\"\n\n3\n").unwrap()), [["1"], [""], ["3"]]);
}

#[test]
fn damage_is_named_with_its_place() {
    let cases: [(&[u8], &str); 13] = [
        (b"a,b\n1,2\n\n1,2,3\n", "t.csv, line 4: found 3 fields, expected 2"),
        (b"a,b\n1,2\n3,\"x\n4,5\n", "t.csv, line 3: a quote is opened and never closed"),
        (b"a,b\n1,2\n3,\"x", "t.csv, line 3: a quote is opened and never closed"),
        (b"a,b\n1,2\n\"x,3\n4,5\n", "t.csv, line 3: a quote is opened and never closed"),
        (b"a,b\n1,\"x\n2,y\n3,\"z\"\n4,w\n", "t.csv, line 2: a quote is opened and never closed"),
        (b"\"\"", "t.csv: the file has no rows"),
        (b"a,b\n1, \"x,y\"\n", "remove the blanks before quotes"),
        (b"a,b,a\n1,2,3\n", "t.csv, line 1, column 3: the column name \"a\" comes twice"),
        (b"a,,c\n1,2,3\n", "t.csv, line 1, column 2: the column has no name"),
        (b"a,b\n1,2\n3,\0\n", "t.csv, line 3: a NUL byte"),
        (b"", "t.csv: the file is empty"),
        (b" \n\n", "t.csv: the file is empty"),
        (b"a,b\n", "t.csv: the file has a header and no rows"),
    ];
    for (bytes, expected) in cases {
        let found = message(bytes);
        assert!(found.contains(expected), "{found:?} instead of {expected:?}");
        assert!(found.contains("\n  fix: "), "{found:?} has no remedy");
    }
    let bad = message(b"a,b\n\xc3\xa4,1\n\xff,2\n".to_vec());
    assert!(bad.contains("t.csv, line 3: bytes that are not UTF-8"), "{bad}");
}

#[test]
fn damaged_utf_16_is_named_with_its_line() {
    for damage in [&b"\x00\xd8\x31\x00\n\x00"[..], b"\x31"] {
        let bytes = [&encoded("a,b\n1,2\n3,", "utf-16le with a mark"), damage].concat();
        let found = message(bytes);
        assert!(found.contains("t.csv, line 3: bytes that are not UTF-16LE"), "{found}");
    }
}

/// Endless text that counts what is read.
struct Endless(std::sync::Arc<std::sync::atomic::AtomicUsize>, &'static [u8]);

impl std::io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let taken = self.0.fetch_add(out.len(), std::sync::atomic::Ordering::Relaxed);
        let start = self.1.get(taken..).unwrap_or_default();
        let n = start.len().min(out.len());
        out[..n].copy_from_slice(&start[..n]);
        out[n..].fill(b'x');
        Ok(out.len())
    }
}

#[test]
fn a_row_without_an_end_is_refused_before_it_fills_the_memory() {
    let cases = [
        (&b"a,b\n1,2\n3,\"x"[..], "line 3: a quote is opened and never closed"),
        (b"a,b\n1,2\n3,x", "line 3: a row of more than"),
    ];
    for (start, expected) in cases {
        let taken = std::sync::Arc::default();
        let input = Box::new(Endless(std::sync::Arc::clone(&taken), start));
        let read = TableReader::open("t.csv", input, &config::Data::default()).and_then(TableReader::read_all);
        let found = read.unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
        assert!(taken.load(std::sync::atomic::Ordering::Relaxed) < 20 << 20);
    }
}

#[test]
fn a_quote_that_closes_within_a_line_is_text() {
    let table = table("a,b\n1,\"x\" y\n2,\"\"\"z\"\"\"\n").unwrap();
    assert_eq!(rows(&table), [["1", "x y"], ["2", "\"z\""]]);
}

#[test]
fn a_closed_quote_at_the_end_is_whole() {
    for end in ["", "\n", "\r\n\r\n"] {
        let table = table(format!("a,b\n1,\"x\ny\"{end}")).unwrap();
        assert_eq!(rows(&table), [["1", "x\ny"]], "{end:?}");
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn arrays(path: &std::path::Path) -> Arrays {
    match source::open(path.to_str().unwrap(), &config::Data::default()).unwrap() {
        Source::Arrays(arrays) => *arrays,
        Source::Table(_) => panic!("{} is read as a table", path.display()),
    }
}

fn open_table(path: &str) -> Table {
    match source::open(path, &config::Data::default()).unwrap() {
        Source::Table(reader) => reader.read_all().unwrap(),
        Source::Arrays(_) => panic!("{path} is read as arrays"),
    }
}

fn answers(arrays: &Arrays) -> Vec<String> {
    arrays.answers.columns[0].iter().map(Cow::into_owned).collect()
}

#[test]
fn a_gzipped_table_is_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.gz");
    std::fs::write(&path, gzipped(TEXT.as_bytes())).unwrap();
    assert_eq!(rows(&open_table(path.to_str().unwrap())), rows(&table(TEXT).unwrap()));
}

#[test]
fn a_folder_of_idx_files_is_images_and_labels() {
    let folder = tempfile::tempdir().unwrap();
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[0, 1, 2, 253, 254, 255]].concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 4];
    std::fs::write(folder.path().join("train-images-idx3-ubyte.gz"), gzipped(&images)).unwrap();
    std::fs::write(folder.path().join("train-labels-idx1-ubyte"), labels).unwrap();
    let found = arrays(folder.path());
    assert_eq!((&found.shape[..], &found.x[..]), (&[1, 3][..], &[0.0, 1.0, 2.0, 253.0, 254.0, 255.0][..]));
    assert_eq!(answers(&found), ["7", "4"]);

    std::fs::write(folder.path().join("train-images-idx3-ubyte.gz"), &images[..20]).unwrap();
    let cut = source::open(folder.path().to_str().unwrap(), &config::Data::default()).err().unwrap().to_string();
    assert!(cut.contains("the header says shape [2, 1, 3], the file has 4 bytes after it"), "{cut}");

    let labels = folder.path().join("train-labels-idx1-ubyte");
    let told = source::open(labels.to_str().unwrap(), &config::Data::default()).err().unwrap().to_string();
    assert!(told.contains("these are labels") && told.contains("train-images-idx3-ubyte"), "{told}");
    for (from, to) in
        [("train-images-idx3-ubyte.gz", "images-idx3-ubyte"), ("train-labels-idx1-ubyte", "labels-idx1-ubyte")]
    {
        std::fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
    }
    std::fs::write(folder.path().join("images-idx3-ubyte"), images).unwrap();
    assert_eq!(answers(&arrays(folder.path())), ["7", "4"]);
}

#[test]
fn a_cut_gzip_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.gz");
    let packed = gzipped(TEXT.repeat(50).as_bytes());
    std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let open = source::open(path.to_str().unwrap(), &config::Data::default());
    let told = open.err().unwrap().to_string();
    assert!(told.contains("t.csv.gz") && told.contains("cut off or damaged"), "{told}");
}

/// A row-major NPY file of version 1.
fn npy(kind: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    npy_in_order(kind, "False", shape, numbers)
}

fn npy_in_order(kind: &str, by_columns: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': {by_columns}, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), numbers].concat()
}

fn f32s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn npy_files_are_examples_with_answers() {
    let folder = tempfile::tempdir().unwrap();
    let x = folder.path().join("x.npy");
    std::fs::write(&x, npy("<f4", "2, 3", &f32s(&[1.5, -2.0, 0.0, 4.0, 5.0, 1.0]))).unwrap();
    let alone = arrays(&x);
    assert_eq!((&alone.shape[..], &alone.x[..]), (&[2][..], &[1.5, -2.0, 4.0, 5.0][..]));
    assert_eq!(answers(&alone), ["0", "1"]);

    std::fs::write(folder.path().join("y.npy"), npy("<i8", "2,", &[3i64, 9].map(i64::to_le_bytes).concat())).unwrap();
    let beside = arrays(&x);
    assert_eq!((&beside.shape[..], beside.x.len(), answers(&beside)), (&[3][..], 6, vec!["3".into(), "9".into()]));

    std::fs::write(&x, npy("<f4", "2, 3", &f32s(&[1.0]))).unwrap();
    assert!(source::open(x.to_str().unwrap(), &config::Data::default()).is_err());
    for shape in ["4294967296, 4294967296", "2, 18446744073709551615"] {
        std::fs::write(&x, npy("<f4", shape, &f32s(&[1.0]))).unwrap();
        let told = source::open(x.to_str().unwrap(), &config::Data::default()).err().unwrap().to_string();
        assert!(told.contains("x.npy") && told.contains("fix:"), "{told}");
    }

    std::fs::write(&x, npy_in_order("<f4", "True", "2, 3, 1", &f32s(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]))).unwrap();
    assert_eq!(arrays(&x).x, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    std::fs::write(&x, npy("|b1", "2, 2", &[1, 0, 0, 1])).unwrap();
    assert_eq!(arrays(&x).x, [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn an_npz_archive_is_its_two_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, shape, numbers) in [("X", "2, 2", &[1.0, 2.0, 3.0, 4.0][..]), ("y", "2,", &[0.0, 1.0])] {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&npy("<f4", shape, &f32s(numbers))).unwrap();
    }
    archive.finish().unwrap();
    let found = arrays(&path);
    assert_eq!((&found.shape[..], &found.x[..]), (&[2][..], &[1.0, 2.0, 3.0, 4.0][..]));
    assert_eq!(answers(&found), ["0", "1"]);
}

#[test]
fn the_samples_have_their_rows_and_the_generators_repeat() {
    let counts = [("iris", 150), ("digits", 1797), ("breast-cancer", 569), ("diabetes", 442), ("wine-quality", 6497)];
    for (name, rows) in counts {
        assert_eq!(open_table(&format!("sample:{name}")).rows(), rows, "{name}");
    }
    for name in source::sample_names().into_iter().filter(|name| !counts.iter().any(|(known, _)| known == name)) {
        let table = open_table(&format!("sample:{name},rows=50,seed=3"));
        let target = if ["plane", "bumps"].contains(&name) { "target" } else { "class" };
        assert_eq!((table.rows(), table.names.join(" ")), (50, format!("x y {target}")), "{name}");
        assert_eq!(table, open_table(&format!("sample:{name},rows=50,seed=3")), "{name}");
        assert_ne!(table.columns, open_table(&format!("sample:{name},rows=50,seed=4")).columns, "{name}");
    }
}

/// A file of the shared data; none, with a loud message, if the machine lacks it.
fn shared(name: &str) -> Option<String> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("THALWEG_DATA").map_or_else(beside, PathBuf::from).join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there (set THALWEG_DATA)", path.display());
    }
    path.exists().then(|| path.display().to_string())
}

#[test]
fn shared_tables_are_read_whole() {
    if let Some(path) = shared("adult/adult-train.csv") {
        let adult = open_table(&path);
        assert_eq!((adult.rows(), adult.names[14].as_str()), (32_561, "column_15"));
        assert_eq!((&*adult.columns[1].get(0), adult.lines[0]), ("State-gov", 1));
    }
    if let Some(path) = shared("titanic/train.csv") {
        let titanic = open_table(&path);
        assert_eq!((titanic.rows(), &*titanic.columns[3].get(0)), (891, "Braund, Mr. Owen Harris"));
    }
    if let Some(path) = shared("california-housing/housing.csv") {
        let housing = open_table(&path);
        assert_eq!((housing.rows(), housing.names.len(), &*housing.columns[9].get(0)), (20_640, 10, "NEAR BAY"));
    }
    if let Some(path) = shared("mnist") {
        let mnist = arrays(&PathBuf::from(&path));
        assert_eq!((mnist.rows(), &mnist.shape[..], &*answers(&mnist)[0]), (60_000, &[28, 28][..], "5"));
        let test = arrays(&PathBuf::from(source::test_part(&path).unwrap()));
        assert_eq!((test.rows(), &*answers(&test)[0]), (10_000, "7"));
    }
}

#[cfg(feature = "hdf5")]
#[test]
fn an_hdf5_file_is_its_two_arrays() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/arrays.h5");
    let found = arrays(&path);
    assert_eq!((found.shape.as_slice(), found.rows()), ([4, 5, 3].as_slice(), 6));
    assert!(found.x.iter().enumerate().all(|(i, &x)| x == (i % 251) as f32));
    assert_eq!(answers(&found), ["non-cat", "cat", "cat", "non-cat", "cat", "non-cat"]);

    let named = |names: [&str; 2]| {
        let options = config::Data { arrays: Some(names.map(String::from).to_vec()), ..config::Data::default() };
        source::open(&path.display().to_string(), &options).map(|_| ())
    };
    assert!(named(["train_set_x", "weights"]).is_ok());
    let error = named(["train_set_x", "weigths"]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"weights\"?"), "{error}");
    let error = named(["weights", "train_set_x"]).unwrap_err().to_string();
    assert!(error.contains("an answer each"), "{error}");

    let bytes = std::fs::read(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.h5");
    for cut in (8..bytes.len()).step_by(61) {
        std::fs::write(&file, &bytes[..cut]).unwrap();
        let opened = source::open(&file.display().to_string(), &config::Data::default());
        assert!(opened.is_err() || cut > bytes.len() / 2, "cut at {cut}");
        let mut flipped = bytes.clone();
        flipped[cut] ^= 0x55;
        std::fs::write(&file, flipped).unwrap();
        let _ = source::open(&file.display().to_string(), &config::Data::default());
    }
}
