//! Arrow's IPC format, as a file (also called Feather) or a stream, a message at a time.
//!
//! A file is a stream between two marks, followed by a list of the batches that is not needed here.

use std::io::Read;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;

use super::arrow::Columns;
use super::packed::{Input, Stream};
use super::reader::Batches;
use crate::config;
use crate::error::{Error, Result};

/// The first bytes of a file; a stream does not have them.
const FILE: &[u8] = b"ARROW1\0\0";

/// The mark before the length of a message.
const MARK: [u8; 4] = [0xff; 4];

/// Maximum ratio of a column's unpacked to its packed size, and the size that is always allowed.
const PACKED: u64 = 1000;
const FREELY: u64 = 256 << 20;

pub(super) fn open(source: &str, stream: Stream, options: &config::Data) -> Result<Box<dyn Batches>> {
    let is_file = stream.start.bytes.starts_with(FILE);
    let mut messages =
        Messages { source: source.into(), input: stream.input, decoder: StreamDecoder::new(), is_file, ended: false };
    if is_file {
        messages.read(FILE.len() as u64)?;
    }
    let first = loop {
        match messages.next()? {
            _ if messages.ended && messages.decoder.schema().is_none() => {
                return Err(messages.damaged(&"it has no schema"));
            }
            None if messages.ended => break None,
            None => {}
            batch => break batch,
        }
    };
    let schema = messages.decoder.schema().ok_or_else(|| messages.damaged(&"it has no schema"))?;
    let columns = Columns::of(source, &schema, options)?;
    let Some(first) = first else {
        return Err(Error::data("the file has no rows").at(source).fix("add rows"));
    };
    let others = std::iter::from_fn(move || {
        loop {
            match messages.next() {
                Ok(None) if messages.ended => return None,
                Ok(None) => {}
                Ok(Some(batch)) => return Some(Ok(batch)),
                Err(error) => {
                    messages.ended = true;
                    return Some(Err(error));
                }
            }
        }
    });
    Ok(columns.read(Box::new(std::iter::once(Ok(first)).chain(others)), None))
}

/// The messages of a stream.
struct Messages {
    source: String,
    input: Input,
    decoder: StreamDecoder,
    is_file: bool,
    ended: bool,
}

impl Messages {
    fn damaged(&self, what: &dyn std::fmt::Display) -> Error {
        Error::data(format!("the Arrow data cannot be read: {what}"))
            .at(&*self.source)
            .fix("it is cut off or damaged: copy it again from where it came from, or write it anew")
    }

    /// This many bytes, or fewer at the end.
    fn read(&mut self, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(most).read_to_end(&mut bytes);
        read.map_err(|error| super::unreadable(&self.source, &error))?;
        Ok(bytes)
    }

    /// Reads the next message; none if it is not a record batch, or at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.ended {
            return Ok(None);
        }
        let mut message = self.read(4)?;
        // Padding that aligns a file's first bytes.
        while self.is_file && self.decoder.schema().is_none() && message == [0; 4] {
            message = self.read(4)?;
        }
        if message == MARK {
            message.extend(self.read(4)?);
        }
        let length = match message.len() {
            0 if !self.is_file => 0,
            4 | 8 => u32::from_le_bytes(message[message.len() - 4..].try_into().expect("four bytes")),
            _ => return Err(self.damaged(&"it ends too early")),
        };
        if length == 0 {
            self.ended = true;
            return Ok(None);
        }
        let metadata = self.read(length.into())?;
        // The metadata of a message is verified before anything in it is trusted.
        let described = arrow_ipc::root_as_message(&metadata).map_err(|error| self.damaged(&error))?;
        let length = u64::try_from(described.bodyLength()).map_err(|error| self.damaged(&error))?;
        let body = self.read(length)?;
        if (body.len() as u64) < length {
            return Err(self.damaged(&"it ends too early"));
        }
        let batch = described
            .header_as_record_batch()
            .or_else(|| described.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
        if let Some(buffers) = batch.filter(|batch| batch.compression().is_some()).and_then(|batch| batch.buffers()) {
            for buffer in buffers {
                let at = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
                let size =
                    body.get(at..).and_then(|body| body.first_chunk()).map_or(0, |size| i64::from_le_bytes(*size));
                let packed = u64::try_from(buffer.length()).unwrap_or_default();
                if u64::try_from(size).is_ok_and(|size| size > packed.saturating_mul(PACKED).max(FREELY)) {
                    return Err(self.damaged(&format!("a column that unpacks to {size} bytes")));
                }
            }
        }
        // The decoder waits for one byte after a message: the next one's mark.
        let mut bytes = Buffer::from([&message[message.len() - 4..], &metadata, &body, &MARK].concat());
        let mut found = None;
        while !bytes.is_empty() {
            found = self.decoder.decode(&mut bytes).map_err(|error| self.damaged(&error))?.or(found);
        }
        Ok(found)
    }
}
