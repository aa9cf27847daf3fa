use super::*;

fn small() -> Container {
    let stored = |name: &str, shape: &[usize], numbers| Stored { name: name.into(), shape: shape.into(), numbers };
    Container {
        tensors: vec![
            stored("count", &[2], TensorData::U64(vec![7, u64::MAX])),
            stored("v", &[1], TensorData::F64(vec![-0.1])),
            stored("layers.0.weight", &[3, 1], TensorData::F32(vec![1.5, -0.0, 3.0e-40])),
            stored("none", &[0, 4], TensorData::F32(vec![])),
        ],
        metadata: BTreeMap::from([("classes".into(), "[\"ä\",\"\\u0000\"]".into())]),
    }
}

/// A file with any header and a valid checksum.
fn sealed(rest_of_header: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{OPENING}{}{rest_of_header}", "0".repeat(64));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.into_bytes());
    bytes.extend(data);
    let digits = checksum(&bytes);
    bytes[CHECKSUM].copy_from_slice(digits.as_bytes());
    bytes
}

fn refused(bytes: &[u8], because: &str) {
    let error = Container::from_bytes(bytes, "model.safetensors").unwrap_err().to_string();
    assert!(error.starts_with("model.safetensors: ") && error.contains("fix: "), "{error}");
    assert!(error.contains(because), "{error:?} does not say {because:?}");
}

#[test]
fn save_load_save_gives_the_same_bytes() {
    let bytes = small().to_bytes();
    let back = Container::from_bytes(&bytes, "").unwrap();
    assert_eq!(back, small());
    assert_eq!(back.to_bytes(), bytes);
    assert_eq!(Container::from_bytes(&Container::default().to_bytes(), "").unwrap(), Container::default());
}

#[test]
fn wide_numbers_come_first_so_that_all_are_aligned() {
    let mut container = small();
    container.tensors.rotate_left(2);
    let names = |container: Container| container.tensors.into_iter().map(|t| t.name).collect::<Vec<_>>();
    let back = Container::from_bytes(&container.to_bytes(), "").unwrap();
    assert_eq!(names(back), ["count", "v", "layers.0.weight", "none"]);
}

#[test]
fn the_reference_loader_reads_our_files() {
    let bytes = small().to_bytes();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let weight = file.tensor("layers.0.weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (safetensors::Dtype::F32, &[3, 1][..]));
    let numbers: Vec<u8> = [1.5_f32, -0.0, 3.0e-40].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(weight.data(), numbers);
    assert_eq!(file.tensor("none").unwrap().shape(), [0, 4]);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["classes"], small().metadata["classes"]);
}

#[test]
fn every_flipped_bit_and_every_truncation_is_an_error() {
    let bytes = small().to_bytes();
    let mut flipped = bytes.clone();
    for bit in 0..bytes.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Container::from_bytes(&flipped, "").is_err(), "bit {bit}");
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
    for length in 0..bytes.len() {
        assert!(Container::from_bytes(&bytes[..length], "").is_err(), "{length} bytes");
    }
    refused(&[&bytes[..], &[0]].concat(), "checksum");
}

#[test]
fn headers_that_lie_are_refused() {
    refused(b"", "cut off");
    refused(&u64::MAX.to_le_bytes(), "at most 104857600");
    refused(&[&[200, 0, 0, 0, 0, 0, 0, 0], &b"{}"[..]].concat(), "the file has 2");
    refused(&[0; 8], "no checksum");
    refused(&[&[2, 0, 0, 0, 0, 0, 0, 0], &b"{}"[..]].concat(), "no checksum");
    refused(&[&[2, 0, 0, 0, 0, 0, 0, 0], &b"\xff\xfe"[..]].concat(), "not UTF-8");
    let mut shifted = sealed("\"}}", &[]);
    shifted.insert(8, b' ');
    shifted[0] += 1;
    refused(&shifted, "no checksum");
    // A valid checksum, but not the canonical form.
    refused(&sealed("\"}}\n", &[]), "not in the form");
    refused(&sealed("\"}  }", &[]), "not in the form");
    refused(&sealed("\"", &[]), "in the header");
}

#[test]
fn tensors_that_lie_are_refused() {
    let entry = |fields: &str| format!("\"}},\"a\":{{{fields}}}}}");
    let one = |dtype: &str, shape: &str, from: &str, to: &str| {
        entry(&format!(r#""dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]"#))
    };
    let plain = |name: &str, from: usize, to: usize| {
        format!(r#","{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[{from},{to}]}}"#, (to - from) / 4)
    };
    let two = |a: String, b: String| format!("\"}}{a}{b}}}");
    let data = [0; 16];
    for (header, because) in [
        (one("F32", "[3]", "0", "16"), "has 12"),
        (one("F64", "[4]", "0", "16"), "has 32"),
        (one("F16", "[8]", "0", "16"), "expected F32, F64 or U64"),
        (one("F32", "[4294967296,4294967296]", "0", "16"), "too large"),
        (one("F32", "[-4]", "0", "16"), "invalid value"),
        (one("F32", "[4]", "16", "0"), "begins at byte 16"),
        (one("F32", "[5]", "0", "20"), "the file has 16"),
        (one("F32", "[3]", "0", "12"), "4 bytes follow"),
        (entry(r#""dtype":"F32","shape":[4],"data_offsets":[0,16],"path":"x""#), "unknown field `path`"),
        (entry(r#""dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]"#), "duplicate field"),
        (entry(r#""dtype":"F32","shape":[4]"#), "missing field"),
        (two(plain("a", 0, 8), plain("a", 8, 16)), "stands twice"),
        (two(plain("a", 0, 8), plain("\\u0061", 8, 16)), "stands twice"),
        (two(plain("a", 0, 8), plain("b", 4, 16)), "begins at byte 4"),
        (two(plain("a", 0, 16), plain("b", 0, 16)), "begins at byte 0"),
        (two(plain("a", 0, 16), plain("b", 0, 0)), "begins at byte 0"),
        (two(plain("a", 0, 4), plain("b", 8, 16)), "begins at byte 8"),
        (two(plain("../a", 0, 16), String::new()), "no name"),
        (two(plain("a\\u0000", 0, 16), String::new()), "no name"),
        (two(plain("", 0, 16), String::new()), "no name"),
        (r#"","checksum":""}}"#.into(), "stands twice"),
        (r#""},"__metadata__":{}}"#.into(), "stands twice"),
        (r#"","deep":{"er":1}}}"#.into(), "expected a string"),
    ] {
        refused(&sealed(&header, &data), because);
    }
    let many: String = (0..=MOST_TENSORS).map(|i| plain(&i.to_string(), 0, 0)).collect();
    refused(&sealed(&two(many, String::new()), &[]), "10001 tensors");
}
