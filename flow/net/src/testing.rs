//! Models and files for tests, of this crate and of those that switch the feature `testing` on.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use crate::data::{Samples, Selection};
use crate::onnx::*;

/// A file in the project's test data.
pub fn data_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

pub use pecan_test_support::shared_file;

/// Rows of the digits.
pub fn digits(rows: &str, limit: Option<usize>) -> Samples {
    let selection = Selection { rows: rows.parse().unwrap(), limit, ..Selection::default() };
    Samples::load(&data_file("digits.npz"), &selection).unwrap()
}

/// The bundled network.
pub fn lenet() -> Model {
    Model::read(&data_file("lenet_digits.onnx")).unwrap()
}

/// A model built node by node.
#[derive(Clone)]
pub struct ModelBuilder {
    /// The graph so far.
    pub graph: GraphProto,
}

impl ModelBuilder {
    /// Input `x` of shape [N, `shape`], output `y`.
    pub fn new(shape: &[i64]) -> Self {
        let batch = DimensionValue::Param("N".into());
        let dims = std::iter::once(batch).chain(shape.iter().map(|&d| DimensionValue::Value(d)));
        let dim = dims.map(|value| Dimension { value: Some(value), denotation: None }).collect();
        let tensor = TensorType { elem_type: Some(1), shape: Some(TensorShapeProto { dim }) };
        let r#type = TypeProto { value: Some(TypeValue::Tensor(tensor)), denotation: None };
        let value = |name: &str, r#type| ValueInfoProto {
            name: Some(name.into()),
            r#type,
            ..ValueInfoProto::default()
        };
        let graph = GraphProto {
            name: Some("g".into()),
            input: vec![value("x", Some(r#type))],
            output: vec![value("y", None)],
            ..GraphProto::default()
        };
        Self { graph }
    }

    /// Adds a node named after its first output.
    pub fn node(
        mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        ints: &[(&str, &[i64])],
    ) -> Self {
        let attribute = |&(name, values): &(&str, &[i64])| AttributeProto {
            name: Some(name.into()),
            r#type: Some(if values.len() == 1 {
                attribute_type::INT
            } else {
                attribute_type::INTS
            }),
            i: (values.len() == 1).then(|| values[0]),
            ints: if values.len() == 1 { Vec::new() } else { values.to_vec() },
            ..AttributeProto::default()
        };
        self.graph.node.push(NodeProto {
            name: Some(format!("n_{output}")),
            op_type: Some(op.into()),
            input: inputs.iter().map(|i| i.to_string()).collect(),
            output: vec![output.into()],
            attribute: ints.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        self
    }

    /// Adds a float initializer.
    pub fn floats(mut self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.into()),
            dims: dims.to_vec(),
            data_type: Some(data_type::FLOAT),
            float_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    /// Adds an integer initializer.
    pub fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.into()),
            dims: vec![values.len() as i64],
            data_type: Some(data_type::INT64),
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    /// The model.
    pub fn model(self) -> Model {
        let proto = ModelProto { graph: Some(self.graph), ..ModelProto::default() };
        Model { origin: "test.onnx".into(), proto }
    }
}
