//! Messages of the ONNX model format: tensors.

use super::model::StringStringEntryProto;

/// A constant tensor; the values are in one of the data fields or in an external file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorProto {
    /// Extent of each axis.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Element type: see [`super::data_type`].
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Part of a larger tensor.
    #[prost(message, optional, tag = "3")]
    pub segment: Option<Segment>,
    /// Values of `FLOAT` (and `COMPLEX64`).
    #[prost(float, repeated, packed = "true", tag = "4")]
    pub float_data: Vec<f32>,
    /// Values of integer types up to 32 bits, booleans and bit patterns of small floats.
    #[prost(int32, repeated, packed = "true", tag = "5")]
    pub int32_data: Vec<i32>,
    /// Values of `STRING`.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub string_data: Vec<Vec<u8>>,
    /// Values of `INT64`.
    #[prost(int64, repeated, packed = "true", tag = "7")]
    pub int64_data: Vec<i64>,
    /// Name.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// Documentation.
    #[prost(string, optional, tag = "12")]
    pub doc_string: Option<String>,
    /// Values as little-endian bytes.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// Where external values are.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 1 if the values are in an external file.
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
    /// Values of `DOUBLE` (and `COMPLEX128`).
    #[prost(double, repeated, packed = "true", tag = "10")]
    pub double_data: Vec<f64>,
    /// Values of `UINT32` and `UINT64`.
    #[prost(uint64, repeated, packed = "true", tag = "11")]
    pub uint64_data: Vec<u64>,
    /// Free key-value pairs.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// Range of a larger tensor.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Segment {
    /// First element.
    #[prost(int64, optional, tag = "1")]
    pub begin: Option<i64>,
    /// End of the range.
    #[prost(int64, optional, tag = "2")]
    pub end: Option<i64>,
}

/// A constant tensor of which only the nonzero values are stored.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SparseTensorProto {
    /// Nonzero values; its name is the tensor's name.
    #[prost(message, optional, tag = "1")]
    pub values: Option<TensorProto>,
    /// Their positions.
    #[prost(message, optional, tag = "2")]
    pub indices: Option<TensorProto>,
    /// Extent of each axis of the dense tensor.
    #[prost(int64, repeated, packed = "false", tag = "3")]
    pub dims: Vec<i64>,
}
