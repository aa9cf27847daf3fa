//! The part of TensorBoard's messages that is written here; field numbers are those of TensorFlow's `event.proto`,
//! `summary.proto` and `tensor.proto`, and of TensorBoard's `plugin_data.proto` for hyperparameters.

use std::collections::BTreeMap;

use prost::{Message, Oneof};

/// A record of a file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub(super) what: Option<What>,
}

/// What a record says.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    /// Of a file's first record.
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    /// That training begins at the record's step: what is known of it and of later steps is forgotten.
    #[prost(message, tag = "7")]
    Session(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionLog {
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
}

/// The status of a [`SessionLog`] where training begins.
pub(super) const START: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
    #[prost(oneof = "Kind", tags = "2, 4, 5, 8")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// 4: red, green, blue and opacity.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) png: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) count: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_squares: f64,
    /// The upper end of each bucket.
    #[prost(double, repeated, tag = "6")]
    pub(super) limits: Vec<f64>,
    /// How many numbers each holds.
    #[prost(double, repeated, tag = "7")]
    pub(super) counts: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<TensorShape>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dimensions: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin: Option<Plugin>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Plugin {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

/// What the plugin of hyperparameters is told.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HyperParameters {
    #[prost(message, optional, tag = "3")]
    pub(super) start: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    pub(super) end: Option<SessionEnd>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) values: BTreeMap<String, HyperParameter>,
    #[prost(double, tag = "5")]
    pub(super) seconds: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionEnd {
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
    #[prost(double, tag = "2")]
    pub(super) seconds: f64,
}

/// The status of a [`SessionEnd`].
pub(super) const SUCCESS: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct HyperParameter {
    #[prost(oneof = "Setting", tags = "2, 3, 4")]
    pub(super) kind: Option<Setting>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Setting {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Truth(bool),
}
