//! Messages of the ONNX model format: types of values.

use super::model::StringStringEntryProto;

/// Name and type of a value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfoProto {
    /// Name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
    /// Documentation.
    #[prost(string, optional, tag = "3")]
    pub doc_string: Option<String>,
    /// Free key-value pairs.
    #[prost(message, repeated, tag = "4")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// Type of a value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TypeProto {
    /// Which type.
    #[prost(oneof = "TypeValue", tags = "1, 4, 5, 7, 8, 9")]
    pub value: Option<TypeValue>,
    /// Standard denotation.
    #[prost(string, optional, tag = "6")]
    pub denotation: Option<String>,
}

/// The kinds of type.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum TypeValue {
    /// Dense tensor.
    #[prost(message, tag = "1")]
    Tensor(TensorType),
    /// Sequence.
    #[prost(message, tag = "4")]
    Sequence(Box<ElementType>),
    /// Map.
    #[prost(message, tag = "5")]
    Map(Box<MapType>),
    /// Opaque type.
    #[prost(message, tag = "7")]
    Opaque(OpaqueType),
    /// Sparse tensor.
    #[prost(message, tag = "8")]
    SparseTensor(TensorType),
    /// Optional value.
    #[prost(message, tag = "9")]
    Optional(Box<ElementType>),
}

/// Element type and shape of a tensor.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorType {
    /// Element type: see [`super::data_type`].
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// Shape, if known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A sequence or an optional value: one element type.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ElementType {
    /// Element type.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// A map.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MapType {
    /// Key type: see [`super::data_type`].
    #[prost(int32, optional, tag = "1")]
    pub key_type: Option<i32>,
    /// Value type.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<TypeProto>>,
}

/// A type known to its producer only.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpaqueType {
    /// Domain.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// Name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
}

/// A shape.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorShapeProto {
    /// Axes, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One axis.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dimension {
    /// Extent, if known.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
    /// Standard denotation.
    #[prost(string, optional, tag = "3")]
    pub denotation: Option<String>,
}

/// Extent of an axis.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum DimensionValue {
    /// A number.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A symbol such as the batch size.
    #[prost(string, tag = "2")]
    Param(String),
}
