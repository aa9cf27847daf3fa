//! Safetensors files from other writers: any order, no checksum; nothing is read beyond a tensor's shape.

use super::header::{Header, TensorInfo};
use super::{LONGEST_HEADER, MOST_TENSORS};
use crate::{Error, Result};

/// A tensor as stored in the file.
#[derive(Debug)]
pub(crate) struct Foreign<'a> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    dtype: String,
    bytes: &'a [u8],
}

/// The tensors of a file, by name; `place` names it in errors.
pub(crate) fn tensors<'a>(bytes: &'a [u8], place: &str) -> Result<Vec<Foreign<'a>>> {
    parse(bytes).map_err(|message| Error::data(message).at(place).fix("give a whole safetensors file"))
}

fn parse(bytes: &[u8]) -> Result<Vec<Foreign<'_>>, String> {
    let (length, rest) = bytes.split_first_chunk().ok_or("the file is no safetensors file: it is too short")?;
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER as u64 {
        return Err(format!("the file is no safetensors file: its header claims {length} bytes"));
    }
    let Some((header, data)) = rest.split_at_checked(length as usize) else {
        return Err(format!("the file is cut off: its header claims {length} bytes, {} are there", rest.len()));
    };
    let header: Header = serde_json::from_slice(header).map_err(|error| format!("in the header: {error}"))?;
    if header.tensors.len() > MOST_TENSORS {
        return Err(format!("{} tensors, at most {MOST_TENSORS} are read", header.tensors.len()));
    }
    header.tensors.into_iter().map(|(name, entry)| tensor(name, entry, data)).collect()
}

fn tensor(name: String, entry: TensorInfo, data: &[u8]) -> Result<Foreign<'_>, String> {
    let TensorInfo { dtype, shape, data_offsets: (start, end) } = entry;
    let size = size_of(&dtype).ok_or_else(|| format!("tensor {name:?}: numbers of an unknown kind {dtype:?}"))?;
    let expected = shape.iter().try_fold(size, |product, &side| product.checked_mul(side));
    let found = data.get(start..end).ok_or_else(|| {
        format!("tensor {name:?}: bytes {start} to {end} of {}: the file is damaged or cut off", data.len())
    })?;
    if expected != Some(found.len()) {
        return Err(format!("tensor {name:?}: {} bytes, but the shape {shape:?} of {dtype} has others", found.len()));
    }
    Ok(Foreign { name, shape, dtype, bytes: found })
}

/// Bytes per element, for every dtype of the format with whole bytes.
fn size_of(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => 1,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "F32" | "I32" | "U32" => 4,
        "F64" | "I64" | "U64" => 8,
        _ => return None,
    })
}

impl Foreign<'_> {
    /// The elements, if the dtype is floating-point with at least 16 bits.
    pub(crate) fn numbers(&self) -> Option<Vec<f64>> {
        let pairs = || self.bytes.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair));
        Some(match self.dtype.as_str() {
            "F64" => self.bytes.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x)).collect(),
            "F32" => self.bytes.as_chunks().0.iter().map(|x| f64::from(f32::from_le_bytes(*x))).collect(),
            "BF16" => pairs().map(|bits| f64::from(f32::from_bits(u32::from(bits) << 16))).collect(),
            "F16" => pairs().map(half).collect(),
            _ => return None,
        })
    }

    /// The dtype.
    pub(crate) fn dtype(&self) -> &str {
        &self.dtype
    }
}

/// A half-precision float: sign, 5 bits of exponent and 10 of mantissa (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2f64.powi(-24),
        0x1f if mantissa == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn halves_are_those_of_numpy() {
        // numpy: np.array([0x3555, 0xC000, 0x0001, 0x7BFF, 0x8000], np.uint16).view(np.float16).
        let expected = [0.333_251_953_125, -2.0, 5.960_464_477_539_063e-8, 65504.0, -0.0];
        assert_eq!([0x3555, 0xc000, 0x0001, 0x7bff, 0x8000].map(half), expected);
        assert!(half(0x7c01).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
    }

    #[test]
    fn kinds_of_numbers_are_read_and_those_of_others_kept_apart() {
        let header = r#"{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},
            "n":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}"#;
        let bytes = file(header, &[0x80, 0x3f, 0x20, 0xc0, 1, 0, 0, 0, 0, 0, 0, 0]);
        let found = tensors(&bytes, "f").unwrap();
        assert_eq!(found[0].numbers(), Some(vec![1.0, -2.5]));
        assert_eq!((found[1].numbers(), found[1].dtype()), (None, "I64"));
    }

    #[test]
    fn damaged_files_are_refused() {
        let entry = |body: &str| file(&format!(r#"{{"a":{{{body}}}}}"#), &[0; 8]);
        for (bytes, part) in [
            (vec![1, 2, 3], "too short"),
            ([u64::MAX.to_le_bytes(), [0; 8]].concat(), "claims"),
            ([100_u64.to_le_bytes(), [0; 8]].concat(), "cut off"),
            (file("{]", &[]), "in the header"),
            (entry(r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#), "others"),
            (entry(r#""dtype":"F32","shape":[2],"data_offsets":[4,12]"#), "cut off"),
            (entry(r#""dtype":"F32","shape":[2],"data_offsets":[8,0]"#), "cut off"),
            (entry(r#""dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]"#), "others"),
            (entry(r#""dtype":"X4","shape":[2],"data_offsets":[0,8]"#), "unknown kind"),
        ] {
            let error = tensors(&bytes, "f").unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
