//! The header's JSON, in which duplicate keys are rejected: two readers could take different ones.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// The header, in the file's order.
#[derive(Default)]
pub(super) struct Header {
    pub(super) metadata: Vec<(String, String)>,
    pub(super) tensors: Vec<(String, TensorInfo)>,
}

/// A tensor's dtype, shape and location.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TensorInfo {
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    pub(super) data_offsets: (usize, usize),
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfHeader;
        impl<'de> Visitor<'de> for OfHeader {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of tensors by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let (mut header, mut keys) = (Header::default(), Keys::default());
                while let Some(key) = map.next_key::<String>()? {
                    keys.take(&key)?;
                    match key.as_str() {
                        "__metadata__" => header.metadata = map.next_value::<Texts>()?.0,
                        _ => header.tensors.push((key, map.next_value()?)),
                    }
                }
                Ok(header)
            }
        }
        from.deserialize_map(OfHeader)
    }
}

struct Texts(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfTexts;
        impl<'de> Visitor<'de> for OfTexts {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let (mut texts, mut keys) = (Vec::new(), Keys::default());
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    keys.take(&key)?;
                    texts.push((key, text));
                }
                Ok(Texts(texts))
            }
        }
        from.deserialize_map(OfTexts)
    }
}

/// The keys seen so far.
#[derive(Default)]
struct Keys(std::collections::HashSet<String>);

impl Keys {
    fn take<E: Error>(&mut self, key: &str) -> Result<(), E> {
        if self.0.insert(key.into()) { Ok(()) } else { Err(E::custom(format_args!("the key {key:?} stands twice"))) }
    }
}
