//! Compressed files.

use std::io::Write;

use super::*;

/// `a,b` and thirty rows of `i,7i mod 5`, compressed with xz.
const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a3e0008f00505d00308b0840a66c54e43e77f2a5be709c0d049a\
dd4a4e40115f9d2442d9f272ee441d2faf51364f91054d4691ca107ce5cde59238813b16ef2a66f24eb00b7c7a7bbded9fd368db9b30d3d774c6\
152e0f6200707a1ab547e1f51100016c9001000000895bd9d5b1c467fb020000000004595a";

fn xz() -> Vec<u8> {
    (0..XZ.len() / 2).map(|i| u8::from_str_radix(&XZ[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn plain() -> String {
    format!("a,b\n{}", (0..30).map(|i| format!("{i},{}\n", i * 7 % 5)).collect::<String>())
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn packed_files_are_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let text = plain();
    let expected = table(&write(&folder, "t.csv", &text)).unwrap();
    let (head, tail) = text.as_bytes().split_at(50);
    // zstd and similar formats allow several frames, with skippable ones in between.
    let pieces = [&zstd(head)[..], &[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &zstd(tail)].concat();
    for (name, bytes) in [
        ("t.gz", gzip(text.as_bytes())),
        ("t.xz", xz()),
        ("t.zst", zstd(text.as_bytes())),
        ("pieces.zst", pieces),
        ("t.bz2", bzip2(text.as_bytes())),
        ("t.zip", zip(&[("data/", b""), ("data/t.csv", text.as_bytes()), ("__MACOSX/._t.csv", b"x")])),
        ("twice.gz", gzip(&xz())),
        ("within.zip", zip(&[("t.csv.bz2", &bzip2(text.as_bytes()))])),
    ] {
        let found = table(&write(&folder, name, bytes)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows(&found), rows(&expected), "{name}");
    }
}

#[test]
fn archives_of_several_files_list_them() {
    let told = refused("t.zip", zip(&[("a.csv", b"a\n1\n"), ("b.csv", b"b\n2\n")]));
    assert!(told.contains("2 files: a.csv, b.csv") && told.contains("unpack"), "{told}");
    assert!(refused("t.zip", zip(&[])).contains("empty"), "nothing");
    assert!(refused("t.zip", zip(&[("t.zip", &zip(&[("a.csv", b"a\n1\n")]))])).contains("within"), "two deep");
    assert!(
        refused("m.pt", zip(&[("archive/data.pkl", b"x"), ("archive/data/0", b"y")])).contains("PyTorch"),
        "a model"
    );
    assert!(refused("m.doc", zip(&[("word/document.xml", b"x"), ("a", b"y")])).contains("Word"), "a document");
}

#[test]
fn damaged_packings_are_read_or_refused() {
    let text = plain();
    survives_damage("t.xz", &xz());
    survives_damage("t.zst", &zstd(text.as_bytes()));
    survives_damage("t.bz2", &bzip2(text.as_bytes()));
    survives_damage("t.zip", &zip(&[("t.csv", text.as_bytes())]));
    for (name, bytes) in [("t.xz", xz()), ("t.zst", zstd(text.as_bytes())), ("t.bz2", bzip2(text.as_bytes()))] {
        let told = refused(name, &bytes[..bytes.len() / 2]);
        assert!(told.contains("unpacked") && told.contains("cut off or damaged"), "{told}");
    }
}

/// A compressed NPY header followed by `size` zeros.
fn zeros(shape: &str, size: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    let start = [b"\x93NUMPY\x01\0", &((header.len() + 1) as u16).to_le_bytes()[..], header.as_bytes(), b"\n"].concat();
    [start, vec![0; size]].concat()
}

#[test]
fn an_archive_of_next_to_nothing_is_refused_before_it_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let arrays = |bytes: Vec<u8>| {
        let path = write(&folder, "t.npz", bytes);
        source::open(path.to_str().unwrap(), &config::Data::default()).err().expect("no data").to_string()
    };
    let mut archive = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let packed = ::zip::write::SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Deflated);
    for (name, bytes) in [("x.npy", zeros("10000, 1000", 80_000_000)), ("y.npy", zeros("10000,", 80_000))] {
        archive.start_file(name, packed).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    let told = arrays(archive.finish().unwrap().into_inner());
    assert!(told.contains("unpacks to 80000") && told.contains("\"x\""), "{told}");
    let told = arrays(zip(&[("x.npy", &zeros("3, 2", 48)), ("y.npy", &zeros("2,", 16))]));
    assert!(told.contains("[3, 2]") && told.contains("[2]"), "{told}");
    let told = arrays(zip(&[("x.npy", &zeros("1000000, 1000000", 48)), ("y.npy", &zeros("1000000,", 16))]));
    assert!(told.contains("fix:"), "{told}");
}
