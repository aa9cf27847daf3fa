//! Unsupported files are reported as what they are.

use super::*;

#[test]
fn what_is_no_data_is_named_with_a_way_out() {
    let tar = [&[b'a'; 257][..], b"ustar\0", &[0; 300]].concat();
    for (bytes, words) in [
        (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"[..], ["Git LFS", "git lfs pull"]),
        (b"\n  <!DOCTYPE HTML><html><body>Sign in</body></html>", ["HTML", "login"]),
        (b"<html>\n<head>", ["HTML", "download"]),
        (b"<?xml version=\"1.0\"?><a/>", ["XML", "CSV"]),
        (b"%PDF-1.7\n", ["PDF", "CSV"]),
        (b"7z\xbc\xaf\x27\x1c\0\x04", ["7z", "unpack"]),
        (b"Rar!\x1a\x07\x01\0", ["RAR", "unpack"]),
        (&tar, ["tar", "unpack"]),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.", ["pickle", "to_csv"]),
        (b"RDX3\nX\n\0\0\0\x03", ["R data", "write.csv"]),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60\xb3\x14", ["SAS", "read_sas"]),
        (b"<stata_dta><header>", ["Stata", "read_stata"]),
        (b"$FL2@(#) IBM SPSS", ["SPSS", "read_spss"]),
        (b"MATLAB 5.0 MAT-file, Platform", ["MATLAB", "savez"]),
        (b"Salted__abcdefgh", ["encrypted", "decrypt"]),
        (b"-----BEGIN PGP MESSAGE-----\n", ["encrypted", "gpg"]),
        (b"\x10\0\0\0\0\0\0\0{\"__metadata__\":{}}", ["model", "data"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["picture", "ending"]),
        (b"RIFF\x24\0\0\0WAVEfmt ", ["sound", "ending"]),
        (b"Obj\x01\x04", ["Avro", "CSV"]),
        (b"FEA1\0\0\0\0", ["Feather", "version=2"]),
    ] {
        for name in ["data.csv", "data.bin"] {
            let told = refused(name, bytes);
            words.iter().for_each(|word| assert!(told.contains(word), "{word}: {told}"));
        }
    }
}

#[test]
#[cfg(not(any(feature = "parquet", feature = "excel")))]
fn what_this_build_does_not_read_has_a_feature() {
    for (bytes, words) in [
        (&b"PAR1\x15\x04"[..], ["Parquet", "--features parquet"]),
        (b"ARROW1\0\0\xff\xff\xff\xff", ["Arrow", "--features parquet"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", ["Excel", "--features excel"]),
    ] {
        let told = refused("data.bin", bytes);
        words.iter().for_each(|word| assert!(told.contains(word), "{told}"));
    }
}

#[test]
fn urls_are_told_from_files() {
    for (url, word) in [
        ("https://example.org/data.csv", "curl -LO https://example.org/data.csv"),
        ("http://localhost:1/x", "download"),
        ("s3://bucket/key.parquet", "download"),
        ("gs://bucket/key", "URL"),
        ("file:///tmp/t.csv", "/tmp/t.csv"),
    ] {
        for error in
            [source::open(url, &config::Data::default()).err().unwrap(), load(Path::new(url), |_| {}).err().unwrap()]
        {
            assert_eq!(error.kind, ErrorKind::Data);
            let told = error.to_string();
            assert!(told.contains("URL") && told.contains(word), "{told}");
        }
    }
}

#[test]
#[cfg(unix)]
fn pipes_are_read_once_and_devices_are_not() {
    for device in ["/dev/zero", "/dev/null", "/dev/urandom"] {
        let told = load(Path::new(device), |_| {}).err().unwrap().to_string();
        assert!(told.contains("device") && told.contains(device), "{told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, csv()).unwrap()
    });
    let expected = seen(&write(&folder, "t.csv", csv()));
    assert_eq!(seen(&pipe), expected);
    writer.join().unwrap();
    // Data that is read twice must come from a file.
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, csv())
    });
    let told = load(&pipe, |config| config.data.from_disk = Some(true)).err().unwrap().to_string();
    assert!(told.contains("read twice"), "{told}");
    let _ = writer.join();
}
