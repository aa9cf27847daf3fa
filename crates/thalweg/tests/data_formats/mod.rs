//! The same table in every format gives the same inputs; unsupported files are named; damage is reported.

#[cfg(feature = "parquet")]
mod arrow;
#[cfg(feature = "excel")]
mod excel;
mod packed;
#[cfg(feature = "sqlite")]
mod sqlite;
mod text;
mod unread;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use thalweg::ErrorKind;
use thalweg::config::{self, Config};
use thalweg::data::source::{self, Source};
use thalweg::data::table::Table;
use thalweg::data::{self, dataset::Dataset};

/// A row of the table that every format holds.
struct House {
    size: Option<f64>,
    town: &'static str,
    built: [u16; 3],
    sold: bool,
    price: f64,
}

impl House {
    fn built(&self) -> String {
        let [year, month, day] = self.built;
        format!("{year:04}-{month:02}-{day:02}")
    }
}

fn houses() -> Vec<House> {
    let house = |i: u16| House {
        size: (i % 7 != 3).then(|| f64::from(i * 37 % 101) * 1.25 + 0.1),
        town: ["Köln", "Bad Süd, West", "Ulm's \"Höhe\""][usize::from(i % 3)],
        built: [1950 + i, 1 + i % 12, 1 + i % 28],
        sold: i % 5 < 2,
        price: f64::from(i * 53 % 97) / 8.0 + 1e-3,
    };
    (0..60).map(house).collect()
}

fn csv() -> String {
    let line = |house: &House| {
        let size = house.size.map(|size| size.to_string()).unwrap_or_default();
        let town = house.town.replace('"', "\"\"");
        format!("{size},\"{town}\",{},{},{}\n", house.built(), house.sold, house.price)
    };
    format!("size,town,built,sold,price\n{}", houses().iter().map(line).collect::<String>())
}

/// What the network would see: names and kinds of the columns, and all splits' inputs and targets.
type Seen = (Vec<String>, Vec<Vec<f32>>);

fn load(path: &Path, change: impl Fn(&mut Config)) -> thalweg::Result<Dataset> {
    let mut config = Config::default();
    config.data.path = path.to_str().unwrap().into();
    config.data.target = vec!["price".into()];
    change(&mut config);
    data::load(&config)
}

fn seen(path: &Path) -> Seen {
    let data = load(path, |_| {}).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let columns = data.schema.columns.iter().map(|column| format!("{} {:?}", column.name, column.kind)).collect();
    let parts = [&data.parts.train, &data.parts.dev, &data.parts.test];
    (columns, parts.iter().flat_map(|part| [part.x.clone(), part.y.clone()]).collect())
}

/// Writes a file and returns its path.
fn write(folder: &tempfile::TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn table(path: &Path) -> thalweg::Result<Table> {
    match source::open(path.to_str().unwrap(), &config::Data::default())? {
        Source::Table(reader) => reader.read_all(),
        Source::Arrays(_) => panic!("{}: arrays", path.display()),
    }
}

fn rows(table: &Table) -> Vec<Vec<Cow<'_, str>>> {
    (0..table.rows()).map(|row| table.columns.iter().map(|column| column.get(row)).collect()).collect()
}

/// The error for a file of these bytes.
fn refused(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = table(&write(&folder, name, bytes)).expect_err(name);
    assert_eq!(error.kind, ErrorKind::Data, "{error}");
    assert!(error.remedy.is_some(), "{error}");
    error.to_string()
}

/// However a file is truncated or altered, it is read or rejected: it never panics.
fn survives_damage(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let step = (bytes.len() / 150).max(1);
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(step) {
        let flipped = |mask: u8| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= mask;
            bytes
        };
        for damaged in [bytes[..at].to_vec(), flipped(1), flipped(0x80), flipped(0xff)] {
            if let Err(error) = table(&write(&folder, name, damaged)) {
                assert_eq!(error.kind, ErrorKind::Data, "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "{name}");
}
