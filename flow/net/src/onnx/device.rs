//! Messages of the ONNX model format: placement on several devices. Kept for writing back only.

/// A multi-device configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeviceConfigurationProto {
    /// Name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Number of devices.
    #[prost(int32, optional, tag = "2")]
    pub num_devices: Option<i32>,
    /// Device names.
    #[prost(string, repeated, tag = "3")]
    pub device: Vec<String>,
}

/// Placement of a node in a multi-device configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeDeviceConfigurationProto {
    /// Name of the configuration.
    #[prost(string, optional, tag = "1")]
    pub configuration_id: Option<String>,
    /// How tensors are split.
    #[prost(message, repeated, tag = "2")]
    pub sharding_spec: Vec<ShardingSpecProto>,
    /// Pipeline stage.
    #[prost(int32, optional, tag = "3")]
    pub pipeline_stage: Option<i32>,
}

/// How one tensor is split over devices.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ShardingSpecProto {
    /// Tensor.
    #[prost(string, optional, tag = "1")]
    pub tensor_name: Option<String>,
    /// Devices.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub device: Vec<i64>,
    /// Groups of devices.
    #[prost(message, repeated, tag = "3")]
    pub index_to_device_group_map: Vec<IntIntListEntryProto>,
    /// Split axes.
    #[prost(message, repeated, tag = "4")]
    pub sharded_dim: Vec<ShardedDimProto>,
}

/// An integer key with integer values.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IntIntListEntryProto {
    /// Key.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// Values.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// How one axis is split.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ShardedDimProto {
    /// Axis.
    #[prost(int64, optional, tag = "1")]
    pub axis: Option<i64>,
    /// Splits.
    #[prost(message, repeated, tag = "2")]
    pub simple_sharding: Vec<SimpleShardedDimProto>,
}

/// One split of an axis.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SimpleShardedDimProto {
    /// Extent as a number.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// Extent as a symbol.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
    /// Number of shards.
    #[prost(int64, optional, tag = "3")]
    pub num_shards: Option<i64>,
}
