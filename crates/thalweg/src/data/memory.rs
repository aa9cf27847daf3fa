//! The memory limit for data: what stays on disk because of it, and how much of that is in memory at a time.

use crate::config;
use crate::error::{Advice, Error, Result};
use crate::event::Decision;

/// Copies of an example that are in memory at a time: as read or encoded, and as the network takes it.
const COPIES: usize = 2;

/// The shares of the limit: groups of files, windows of rows, samples and other buffers have one each.
const SHARES: u64 = 8;

/// Maximum bytes of a group, a window or a sample, whatever the limit.
const AT_ONCE: u64 = 32 << 20;

/// Bytes of free memory, if the system reports them.
pub(crate) fn free() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Bytes of this many examples, including all copies.
pub(crate) fn needed(examples: usize, width: usize) -> u64 {
    (examples as u64).saturating_mul((width * size_of::<f32>() * COPIES) as u64)
}

/// Whether training examples stay on disk: as the options say, else if they need more memory than there is.
///
/// # Errors
/// If the options' limit is not a number of bytes.
pub(crate) fn stay_on_disk(options: &config::Data, needed: u64, decisions: &mut Vec<Decision>) -> Result<bool> {
    if let Some(asked) = options.from_disk {
        return Ok(asked);
    }
    let (most, whose) = match options.memory_bytes()? {
        Some(most) => (most, "are allowed"),
        None => (free().unwrap_or(u64::MAX), "are free"),
    };
    if needed > most {
        decisions.push(Decision {
            what: "examples stay on disk".into(),
            why: format!("they would take about {} of memory, and {} {whose}", written(needed), written(most)),
            instead: "[from_disk=false]".into(),
        });
    }
    Ok(needed > most)
}

/// Checks that examples that can only be read all together fit into memory, in one copy each.
///
/// # Errors
/// If they do not fit.
pub(crate) fn check_whole(options: &config::Data, examples: usize, width: usize) -> Result<()> {
    let (needed, most) = (needed(examples, width) / COPIES as u64, options.memory_bytes()?.unwrap_or(u64::MAX));
    if needed <= most {
        return Ok(());
    }
    let message = format!("arrays are read whole: these take {}, and {} are allowed", written(needed), written(most));
    Err(Error::data(message).at("--memory").fix("allow more, or give a folder of pictures or sounds"))
}

/// Checks that an array of this many numbers, which is read in one piece, fits into free memory: as read and as kept.
///
/// # Errors
/// If it does not fit.
pub(crate) fn check_room(place: &str, numbers: usize) -> Result<()> {
    let needed = (numbers as u64).saturating_mul((size_of::<f64>() + size_of::<f32>()) as u64);
    let most = free().unwrap_or(u64::MAX);
    if needed <= most {
        return Ok(());
    }
    let message = format!("an array of {numbers} numbers takes {}, and {} are free", written(needed), written(most));
    Err(Error::data(message).at(place).fix("give fewer examples, or free memory"))
}

/// The memory budget, in bytes, for data on disk that is in memory at a time.
///
/// # Errors
/// If the options' limit is not a number of bytes.
pub(crate) fn at_once(options: &config::Data) -> Result<usize> {
    Ok(options.memory_bytes()?.map_or(AT_ONCE, |most| (most / SHARES).min(AT_ONCE)) as usize)
}

/// How many examples of this many numbers, of data on disk, are in memory at a time.
///
/// # Errors
/// If not even one fits.
pub(crate) fn examples_at_once(options: &config::Data, width: usize) -> Result<usize> {
    let bytes = width * size_of::<f32>();
    if let (Some(most), Some(text)) = (options.memory_bytes()?, &options.memory)
        && most / SHARES < bytes as u64
    {
        let least = written(bytes as u64 * SHARES);
        let error = Error::config(format!("{text} are too few for examples of {width} numbers")).at("--memory");
        return Err(error.fix(format!("allow {least} or more, or use smaller examples")));
    }
    Ok((at_once(options)? / bytes.max(1)).max(1))
}

/// Checks that rows held in memory fit; an error says what they are and how to need less memory.
///
/// # Errors
/// If they do not fit.
pub(crate) fn check_held(options: &config::Data, [what, fix]: [&str; 2], rows: usize, width: usize) -> Result<()> {
    let (needed, most) = (needed(rows, width), options.memory_bytes()?.unwrap_or(u64::MAX));
    if needed <= most {
        return Ok(());
    }
    let message = format!("{rows} {what} take {}, and {} are allowed", written(needed), written(most));
    Err(Error::data(message).at("--memory").fix(Advice::from(fix).and(", or allow more")))
}

/// At most this many of some rows, spread evenly over them.
pub(crate) fn spread(rows: &[usize], most: usize) -> Vec<usize> {
    let count = most.min(rows.len());
    (0..count).map(|i| rows[i * rows.len() / count]).collect()
}

/// Bytes in human-readable units.
pub(crate) fn written(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes if bytes >= 1e6 => format!("{:.0} MB", bytes / 1e6),
        bytes => format!("{:.0} kB", (bytes / 1e3).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(memory: &str) -> config::Data {
        config::Data { memory: Some(memory.into()), ..config::Data::default() }
    }

    #[test]
    fn what_is_allowed_decides_and_what_was_said_goes_before_it() {
        let stays = |options: &config::Data, needed| {
            let mut decisions = Vec::new();
            (stay_on_disk(options, needed, &mut decisions).unwrap(), decisions.len())
        };
        assert_eq!((stays(&options("1MB"), 1_000_000), stays(&options("1MB"), 1_000_001)), ((false, 0), (true, 1)));
        let forced = |from_disk| config::Data { from_disk: Some(from_disk), ..options("1MB") };
        assert_eq!((stays(&forced(true), 1), stays(&forced(false), u64::MAX)), ((true, 0), (false, 0)));
    }

    #[test]
    fn a_share_holds_an_example_at_least() {
        assert_eq!(examples_at_once(&options("8MB"), 1000).unwrap(), 250);
        assert_eq!(examples_at_once(&config::Data::default(), 1 << 40).unwrap(), 1);
        assert_eq!(examples_at_once(&options("8GB"), 10 << 20).unwrap(), 1, "larger than a group usually is");
        let error = examples_at_once(&options("31kB"), 1000).unwrap_err().to_string();
        assert!(error.contains("31kB are too few for examples of 1000 numbers") && error.contains("32 kB"), "{error}");
    }

    #[test]
    fn what_must_be_in_memory_has_room_or_is_refused() {
        let held = |rows| check_held(&options("80kB"), ["rows", "have fewer"], rows, 100);
        assert!(held(100).is_ok() && check_held(&config::Data::default(), [""; 2], usize::MAX / 1024, 100).is_ok());
        assert!(held(101).unwrap_err().to_string().contains("101 rows take 81 kB, and 80 kB are allowed\n"));
        let whole = |examples| check_whole(&options("80kB"), examples, 100);
        assert!(whole(200).is_ok() && whole(201).unwrap_err().to_string().contains("arrays are read whole"));
    }

    #[test]
    fn a_spread_comes_from_all_over() {
        assert_eq!(spread(&[1, 3, 5, 7, 9, 11], 3), [1, 5, 9]);
        assert_eq!((spread(&[1, 3], 5), spread(&[], 5)), (vec![1, 3], vec![]));
    }
}
