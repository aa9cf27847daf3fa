//! SQLite databases.

use rusqlite::Connection;

use super::*;

/// A database that these statements make.
fn database(folder: &tempfile::TempDir, name: &str, statements: &str) -> PathBuf {
    let path = folder.path().join(name);
    Connection::open(&path).unwrap().execute_batch(statements).unwrap();
    path
}

fn house_statements() -> String {
    let row = |house: House| {
        let size = house.size.map_or("NULL".into(), |size| format!("{size}"));
        let town = house.town.replace('\'', "''");
        format!("INSERT INTO houses VALUES ({size}, '{town}', '{}', '{}', {});", house.built(), house.sold, house.price)
    };
    let rows: String = houses().into_iter().map(row).collect();
    format!("CREATE TABLE houses (size REAL, town TEXT, built TEXT, sold TEXT, price);{rows}")
}

fn query(path: &Path, query: &str) -> thalweg::Result<Table> {
    let options = config::Data { query: Some(query.into()), ..Default::default() };
    match source::open(path.to_str().unwrap(), &options)? {
        Source::Table(reader) => reader.read_all(),
        Source::Arrays(_) => panic!("arrays"),
    }
}

#[test]
fn a_table_is_what_it_is_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder, "houses.db", &house_statements());
    let expected = write(&folder, "houses.csv", csv());
    assert_eq!(seen(&path), seen(&expected));
    let data = load(&path, |_| {}).unwrap();
    assert!(data.decisions.iter().any(|decision| decision.what == "the table \"houses\" is read"));
    // A query that says the same is the same data, a chunk at a time or not.
    let from_disk = |path: &Path, query: Option<&str>| {
        let data = load(path, |config| {
            config.data.query = query.map(String::from);
            config.data.from_disk = Some(true);
        });
        data.unwrap().parts.dev.x
    };
    assert_eq!(from_disk(&path, Some("SELECT * FROM houses")), from_disk(&expected, None));
}

#[test]
fn a_query_chooses_computes_and_joins() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(
        &folder,
        "shop.db",
        "CREATE TABLE a (id INTEGER, x REAL); CREATE TABLE \"b c\" (id INTEGER, name TEXT);
         INSERT INTO a VALUES (1, 0.5), (2, NULL), (3, 1e300), (4, 9007199254740993);
         INSERT INTO \"b c\" VALUES (1, 'one'), (2, 'two''s'), (3, '');",
    );
    let joined = "SELECT a.id, x * 2 AS twice, name FROM a JOIN \"b c\" AS b ON a.id = b.id ORDER BY a.id DESC";
    let found = query(&path, joined).unwrap();
    assert_eq!(found.names, ["id", "twice", "name"]);
    assert_eq!(rows(&found), [["3", "2e300", ""], ["2", "", "two's"], ["1", "1", "one"]]);
    assert_eq!(found.lines, [1, 2, 3]);
    let told = table(&path).unwrap_err().to_string();
    assert!(told.contains("has 2 tables: \"a\", \"b c\"") && told.contains("--query 'SELECT * FROM a'"), "{told}");
    for (wrong, expected) in [
        ("SELECT * FROM c", "no such table: c"),
        ("SELEC * FROM a", "syntax error"),
        ("DELETE FROM a", "would change the database"),
        ("CREATE TABLE d (x)", "would change the database"),
        ("SELECT 1; SELECT 2", "--query"),
        ("", "--query"),
        ("SELECT x, x FROM a", "comes twice"),
        ("SELECT id, x'00ff' AS photo FROM a", "row 1, column \"photo\""),
        ("SELECT id FROM a WHERE id > 9", "no rows"),
    ] {
        let error = query(&path, wrong).expect_err(wrong);
        assert!(error.to_string().contains(expected) && error.remedy.is_some(), "{wrong}: {error}");
    }
    assert_eq!(rows(&query(&path, "SELECT count(*) AS n FROM a").unwrap()), [["4"]], "nothing was changed");
}

#[test]
fn many_rows_come_in_order_and_a_reader_that_stops_ends_the_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder, "n.db", "CREATE TABLE t (x)");
    let counting = |most: &str| {
        format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) SELECT i FROM n")
    };
    let found = query(&path, &counting("30000")).unwrap();
    assert_eq!(found.rows(), 30_001);
    assert!((0..30_001).all(|i| found.columns[0].get(i) == i.to_string()));
    let opened = |most: &str| {
        let options = config::Data { query: Some(counting(most)), ..Default::default() };
        let Ok(Source::Table(reader)) = source::open(path.to_str().unwrap(), &options) else { panic!() };
        reader
    };
    let mut reader = opened("1");
    let chunks: Vec<_> = (0..4).map(|_| reader.next_chunk(1).unwrap().map(|chunk| chunk.rows())).collect();
    assert_eq!(chunks, [Some(1), Some(1), None, None]);
    let mut reader = opened("1000000000000");
    assert_eq!(reader.next_chunk(10).unwrap().unwrap().lines, (1..=10).collect::<Vec<u64>>());
    assert_eq!(reader.next_chunk(5).unwrap().unwrap().columns[0].get(0), "10");
}

#[test]
fn a_query_is_for_databases_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "houses.csv", csv());
    let error = query(&path, "SELECT 1").unwrap_err();
    assert_eq!((error.kind, error.place.as_deref()), (ErrorKind::Config, Some("--query")), "{error}");
    assert!(query(Path::new("sample:iris"), "SELECT 1").is_err());
    let path = database(&folder, "houses.db", &house_statements());
    let packed = super::packed::gzip(&std::fs::read(&path).unwrap());
    assert!(refused("houses.db.gz", packed).contains("unpack it"));
}

#[test]
fn damaged_databases_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder, "houses.db", &house_statements());
    survives_damage("t.db", &std::fs::read(path).unwrap());
}
