//! The memory limit for data.

use super::Data;
use crate::error::{Error, Result};

impl Data {
    /// The memory limit for data in bytes, if given.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub(crate) fn memory_bytes(&self) -> Result<Option<u64>> {
        let Some(text) = &self.memory else { return Ok(None) };
        let wrong = || {
            let error = Error::config(format!("found {text:?}, expected bytes such as 512MB, 4GB or 1.5GiB"));
            error.at("--memory").fix("correct it, or leave it out for what is free")
        };
        parse(text).map(Some).ok_or_else(wrong)
    }
}

/// Parses bytes from a number, with or without a unit.
fn parse(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let power = match unit.chars().next() {
        Some(prefix @ ('k' | 'm' | 'g' | 't')) => "kmgt".find(prefix)? as i32 + 1,
        _ => 0,
    };
    let factor = match unit.trim_start_matches(['k', 'm', 'g', 't']) {
        "b" if unit.len() == 2 => 1000_f64.powi(power),
        "ib" if unit.len() == 3 => 1024_f64.powi(power),
        "" | "b" if power == 0 => 1.0,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    (number > 0.0 && number.is_finite()).then_some((number * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(memory: &str) -> Data {
        Data { memory: Some(memory.into()), ..Data::default() }
    }

    #[test]
    fn units_are_those_of_the_standards() {
        for (text, bytes) in [
            ("4GB", 4_000_000_000),
            ("512 MiB", 512 << 20),
            ("1.5kb", 1500),
            ("2TiB", 2 << 40),
            ("1000", 1000),
            ("7b", 7),
        ] {
            assert_eq!(options(text).memory_bytes().unwrap(), Some(bytes), "{text}");
        }
        for text in ["", "GB", "4G", "4MMB", "4iB", "-1GB", "0", "nanGB", "4GBs", "four", "4kib b"] {
            let error = options(text).memory_bytes().unwrap_err().to_string();
            assert!(error.starts_with("--memory: found") && error.contains("512MB"), "{text}: {error}");
        }
    }
}
