//! The safetensors format, read strictly: u64 length of the header, header in JSON, data.
//!
//! Any safetensors loader can read our files. This one reads only our own: each has a BLAKE3 checksum over every byte
//! in its metadata, and equal contents have equal bytes. Nothing in a file is a path or code.

pub(crate) mod foreign;
mod header;

use std::collections::BTreeMap;

use serde_json::json;

use self::header::{Header, TensorInfo};
use crate::{Error, Result};

/// Maximum header length in bytes.
const LONGEST_HEADER: usize = 100 << 20;
/// Maximum number of tensors.
const MOST_TENSORS: usize = 10_000;
/// How every file begins, after the header's length; the checksum's 64 digits follow.
const OPENING: &str = r#"{"__metadata__":{"checksum":""#;
const CHECKSUM: std::ops::Range<usize> = 8 + OPENING.len()..8 + OPENING.len() + 64;

/// The contents of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Container {
    /// The tensors. Files store those with 8-byte elements first, so that all are aligned.
    pub tensors: Vec<Stored>,
    /// Metadata by name; `checksum` is reserved.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its name, such as `layers.0.weight`.
    pub name: String,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Its elements; as many as the shape says.
    pub numbers: TensorData,
}

/// Elements of one dtype.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// Unsigned 64-bit integers.
    U64(Vec<u64>),
}

impl TensorData {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            TensorData::F32(numbers) => numbers.len(),
            TensorData::F64(numbers) => numbers.len(),
            TensorData::U64(numbers) => numbers.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn dtype(&self) -> &'static str {
        match self {
            TensorData::F32(_) => "F32",
            TensorData::F64(_) => "F64",
            TensorData::U64(_) => "U64",
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            TensorData::F32(numbers) => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            TensorData::F64(numbers) => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            TensorData::U64(numbers) => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
        }
    }

    /// The caller has checked that the length is a multiple of the element size.
    fn read(dtype: &str, bytes: &[u8]) -> Option<TensorData> {
        let (four, eight) = (bytes.as_chunks().0.iter(), bytes.as_chunks().0.iter());
        Some(match dtype {
            "F32" => TensorData::F32(four.map(|x| f32::from_le_bytes(*x)).collect()),
            "F64" => TensorData::F64(eight.map(|x| f64::from_le_bytes(*x)).collect()),
            "U64" => TensorData::U64(eight.map(|x| u64::from_le_bytes(*x)).collect()),
            _ => return None,
        })
    }
}

/// Bytes per element.
fn size_of(dtype: &str) -> Option<usize> {
    match dtype {
        "F32" => Some(4),
        "F64" | "U64" => Some(8),
        _ => None,
    }
}

impl Container {
    /// The bytes of the file; equal containers give equal bytes.
    ///
    /// # Panics
    /// If a tensor's number of elements does not match its shape.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tensors: Vec<&Stored> = self.tensors.iter().collect();
        tensors.sort_by_key(|tensor| tensor.numbers.dtype() == "F32");
        let mut data = Vec::new();
        let mut header = format!("{OPENING}{}\"", "0".repeat(64));
        for (key, text) in self.metadata.iter().filter(|(key, _)| *key != "checksum") {
            header += &format!(",{}:{}", json!(key), json!(text));
        }
        header.push('}');
        for tensor in tensors {
            let count = tensor.shape.iter().product::<usize>();
            assert_eq!(tensor.numbers.len(), count, "numbers of {}, shape {:?}", tensor.name, tensor.shape);
            let start = data.len();
            tensor.numbers.write(&mut data);
            let entry = json!({
                "dtype": tensor.numbers.dtype(), "shape": tensor.shape, "data_offsets": [start, data.len()],
            });
            header += &format!(",{}:{entry}", json!(tensor.name));
        }
        header.push('}');
        // Data starts at a multiple of 8.
        header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.into_bytes());
        bytes.extend(data);
        let digits = checksum(&bytes);
        bytes[CHECKSUM].copy_from_slice(digits.as_bytes());
        bytes
    }

    /// Parses a file's bytes; `place` names it in errors.
    ///
    /// # Errors
    /// If any byte was altered, or the file is not in the canonical form that this module writes.
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Container> {
        let refuse = |message: String| Error::data(message).at(place);
        let remedy = "restore the file from a copy, or train again";

        let (header, data) = divide(bytes).map_err(|message| refuse(message).fix(remedy))?;
        if bytes[CHECKSUM] != *checksum(bytes).as_bytes() {
            return Err(refuse("the file is damaged: its checksum is not that of its bytes".into()).fix(remedy));
        }
        let remedy = "use a file that Thalweg wrote";
        let container = Self::parse(header, data).map_err(|message| refuse(message).fix(remedy))?;
        if container.to_bytes() != bytes {
            return Err(refuse("the header is not in the form that Thalweg writes".into()).fix(remedy));
        }
        Ok(container)
    }

    fn parse(header: &str, data: &[u8]) -> Result<Container, String> {
        let header: Header = serde_json::from_str(header).map_err(|error| format!("in the header: {error}"))?;
        if header.tensors.len() > MOST_TENSORS {
            return Err(format!("{} tensors, at most {MOST_TENSORS} are read", header.tensors.len()));
        }
        let (mut tensors, mut end) = (Vec::new(), 0);
        for (name, entry) in header.tensors {
            let numbers = numbers(&name, &entry, end, data)?;
            end = entry.data_offsets.1;
            tensors.push(Stored { name, shape: entry.shape, numbers });
        }
        if end < data.len() {
            return Err(format!("{} bytes follow the last tensor", data.len() - end));
        }
        let metadata = header.metadata.into_iter().filter(|(key, _)| key != "checksum").collect();
        Ok(Container { tensors, metadata })
    }
}

/// The header and the data.
fn divide(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(format!("the file is cut off: it has {} bytes", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER as u64 {
        return Err(format!("the header claims {length} bytes, at most {LONGEST_HEADER} are read"));
    }
    let Some((header, data)) = rest.split_at_checked(length as usize) else {
        return Err(format!("the header claims {length} bytes, the file has {}", rest.len()));
    };
    let header = std::str::from_utf8(header).map_err(|error| format!("the header is not UTF-8: {error}"))?;
    if !header.starts_with(OPENING) || header.len() < CHECKSUM.end - 8 {
        return Err(format!("the header does not begin with {OPENING}…: the file has no checksum"));
    }
    Ok((header, data))
}

/// The elements of one tensor, which must start where the previous one ended.
fn numbers(name: &str, entry: &TensorInfo, expected: usize, data: &[u8]) -> Result<TensorData, String> {
    let TensorInfo { dtype, shape, data_offsets: (start, end) } = entry;
    let refuse = |message: String| format!("tensor {name:?}: {message}");
    let wrong = name.is_empty() || name.contains(char::is_control) || name.split(['/', '\\']).any(|part| part == "..");
    if wrong {
        return Err(refuse("this is no name of a tensor".into()));
    }
    let unknown = || refuse(format!("numbers of kind {dtype:?}, expected F32, F64 or U64"));
    let size = size_of(dtype).ok_or_else(unknown)?;
    let bytes = shape.iter().try_fold(size, |product, side| product.checked_mul(*side));
    let bytes = bytes.ok_or_else(|| refuse(format!("the shape {shape:?} is too large")))?;
    if *start != expected {
        return Err(refuse(format!("it begins at byte {start}, but the one before ends at {expected}")));
    }
    if end.checked_sub(*start) != Some(bytes) {
        return Err(refuse(format!("bytes {start} to {end}, but the shape {shape:?} of {dtype} has {bytes}")));
    }
    let found = data.get(*start..*end);
    let found = found.ok_or_else(|| refuse(format!("it ends at byte {end}, the file has {}", data.len())))?;
    TensorData::read(dtype, found).ok_or_else(unknown)
}

/// BLAKE3 of all bytes as 64 hexadecimal digits, with the checksum field itself as zeros.
fn checksum(bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..CHECKSUM.start]).update(&[b'0'; 64]).update(&bytes[CHECKSUM.end..]);
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests;
