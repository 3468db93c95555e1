//! ONNX files: the messages, reading, and writing back.

mod constant;
mod device;
mod encode;
mod external;
mod model;
mod names;
mod size;
mod tensor;
mod types;

use std::path::{Path, PathBuf};

use pecan_host::file::write_whole;
use prost::Message;
use thiserror::Error;
use tracing::warn;

pub use constant::{Constant, ConstantError, Values};
pub use device::*;
pub use model::*;
pub use tensor::*;
pub use types::*;

/// Element types of a tensor (`TensorProto.DataType` of the format).
pub mod data_type {
    /// 32-bit float.
    pub const FLOAT: i32 = 1;
    /// Unsigned 8-bit integer.
    pub const UINT8: i32 = 2;
    /// Signed 8-bit integer.
    pub const INT8: i32 = 3;
    /// Unsigned 16-bit integer.
    pub const UINT16: i32 = 4;
    /// Signed 16-bit integer.
    pub const INT16: i32 = 5;
    /// Signed 32-bit integer.
    pub const INT32: i32 = 6;
    /// Signed 64-bit integer.
    pub const INT64: i32 = 7;
    /// Boolean.
    pub const BOOL: i32 = 9;
    /// 16-bit float (IEEE 754 binary16).
    pub const FLOAT16: i32 = 10;
    /// 64-bit float.
    pub const DOUBLE: i32 = 11;
    /// Unsigned 32-bit integer.
    pub const UINT32: i32 = 12;
    /// Unsigned 64-bit integer.
    pub const UINT64: i32 = 13;
    /// 16-bit float with the exponent of a 32-bit one.
    pub const BFLOAT16: i32 = 16;
    /// Unsigned 4-bit integer, two to a byte.
    pub const UINT4: i32 = 21;
    /// Signed 4-bit integer, two to a byte.
    pub const INT4: i32 = 22;
}

/// Types of an attribute (`AttributeProto.AttributeType` of the format).
pub mod attribute_type {
    /// The field `f`.
    pub const FLOAT: i32 = 1;
    /// The field `i`.
    pub const INT: i32 = 2;
    /// The field `s`.
    pub const STRING: i32 = 3;
    /// The field `t`.
    pub const TENSOR: i32 = 4;
    /// The field `floats`.
    pub const FLOATS: i32 = 6;
    /// The field `ints`.
    pub const INTS: i32 = 7;
}

/// An ONNX file could not be read or written.
#[derive(Debug, Error)]
pub enum OnnxError {
    /// A file operation failed.
    #[error("cannot {action} ONNX file {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Values in files beside the model cannot be read.
    #[error("{origin}: {problem}")]
    External {
        /// File name.
        origin: String,
        /// The tensor and the problem.
        problem: String,
    },
    /// The bytes are not a model.
    #[error(
        "{origin}: not an ONNX model, or a truncated or damaged one ({length} bytes): {problem}"
    )]
    Format {
        /// File name.
        origin: String,
        /// Size of the file in bytes.
        length: usize,
        /// Cause.
        problem: String,
    },
}

/// A model and its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// File name, for messages.
    pub origin: String,
    /// The content.
    pub proto: ModelProto,
}

impl Model {
    /// Decodes a model; `origin` names it in messages. Control characters in names become escapes.
    ///
    /// # Errors
    /// [`OnnxError::Format`] if the bytes are not a well-formed model, are larger than allowed
    /// ([`limits`](crate::limits)) or have no graph.
    pub fn decode(bytes: &[u8], origin: &str) -> Result<Self, OnnxError> {
        let fail = |problem: String| OnnxError::Format {
            origin: origin.to_string(),
            length: bytes.len(),
            problem,
        };
        size::check(bytes).map_err(fail)?;
        let mut proto = ModelProto::decode(bytes).map_err(|e| fail(e.to_string()))?;
        if proto.graph.is_none() {
            return Err(fail("no graph in it".into()));
        }
        let changed = names::escape(&mut proto);
        if changed > 0 {
            warn!(
                "{origin}: {changed} names hold control characters, which are written as escapes"
            );
        }
        Ok(Self { origin: origin.to_string(), proto })
    }

    /// Reads a file, and the values that it keeps in files beside it.
    ///
    /// # Errors
    /// The file cannot be read, is not a model, or its external files cannot be read or lie outside of its folder.
    pub fn read(path: &Path) -> Result<Self, OnnxError> {
        let bytes = std::fs::read(path).map_err(|source| OnnxError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        })?;
        let mut model = Self::decode(&bytes, &path.display().to_string())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        external::load(&mut model.proto, folder)
            .map_err(|problem| OnnxError::External { origin: model.origin.clone(), problem })?;
        Ok(model)
    }

    /// Writes a file under a temporary name in the same folder and renames it, so that no reader finds an incomplete
    /// model.
    ///
    /// # Errors
    /// The directory does not exist or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), OnnxError> {
        write_whole(path, self.proto.encode_to_vec()).map_err(|source| OnnxError::Io {
            action: "write",
            path: path.to_path_buf(),
            source,
        })
    }

    /// Version of the standard operator set that the model imports, if any.
    pub fn opset(&self) -> Option<i64> {
        let standard = |domain: &Option<String>| {
            domain.as_deref().is_none_or(|d| d.is_empty() || d == "ai.onnx")
        };
        self.proto.opset_import.iter().find(|o| standard(&o.domain)).and_then(|o| o.version)
    }

    /// Replaces the values of the float initializer `name`; shape and element type stay.
    ///
    /// # Errors
    /// There is no such initializer, it is not of a float type, or the number of values differs.
    pub fn set_initializer(&mut self, name: &str, values: &[f32]) -> Result<(), ConstantError> {
        let mut tensors = self.proto.graph.iter_mut().flat_map(|g| &mut g.initializer);
        match tensors.find(|t| t.name.as_deref() == Some(name)) {
            Some(tensor) => tensor.replace_floats(values),
            None => {
                let problem = "no such initializer".into();
                Err(ConstantError { tensor: name.to_string(), problem })
            }
        }
    }
}

#[cfg(test)]
mod tests;
