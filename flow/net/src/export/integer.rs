//! Layers with integer weights.

use pecan_ir::layer::{Conv, Layer, Op};

use super::ExportError;
use super::bias::{attach, drop_factors};
use super::edit::{Edit, connect};
use super::qdq::Integers;
use crate::graph::{Graph, Node};
use crate::onnx::{AttributeProto, NodeProto, TensorProto, attribute_type, data_type};
use crate::op::Linear;

/// Input of the weights of `Conv`, `Gemm` and `MatMul`.
const WEIGHTS: usize = 1;

/// A layer of the integer network with its place in graph and model.
pub(super) struct IntegerLayer<'a> {
    pub(super) node: &'a Node,
    pub(super) linear: &'a Linear,
    pub(super) layer: &'a Layer,
    /// Real value of one unit of a weight, by output channel.
    pub(super) weight_scales: &'a [f64],
    /// Real value of one unit of the layer's input.
    pub(super) input_scale: f64,
    /// Element type of the weights.
    pub(super) kind: i32,
}

impl IntegerLayer<'_> {
    /// Replaces the node's weights and bias by integers, each behind a `DequantizeLinear`, and removes the nodes that
    /// were folded into the layer. Returns the position of the node and the new nodes, which must precede it.
    pub(super) fn write(
        &self,
        edit: &mut Edit,
        graph: &Graph,
    ) -> Result<(usize, Vec<NodeProto>), ExportError> {
        let at = edit.position(&self.node.name)?;
        let mut nodes = vec![self.weights(edit, at)?];
        for name in &self.node.folded {
            // Without its output no node needs it, as the layer then writes the tensor.
            let folded = edit.position(name)?;
            edit.graph.node[folded].output.clear();
        }
        if !self.node.folded.is_empty()
            && let Some(output) = edit.graph.node[at].output.first_mut()
        {
            output.clone_from(&graph.tensors[self.node.output].name);
        }
        // A bias of zeros that the file does not have either is left out.
        let zero = self.layer.requant.iter().all(|r| r.bias == 0);
        if self.linear.bias_name.is_some() || !zero {
            let (tensor, node) = self.bias(edit)?;
            attach(edit, at, tensor)?;
            nodes.extend(node);
        }
        drop_factors(&mut edit.graph.node[at]);
        Ok((at, nodes))
    }

    fn weights(&self, edit: &mut Edit, at: usize) -> Result<NodeProto, ExportError> {
        let Op::Conv(Conv { weights, .. }) = &self.layer.op else {
            return Err(edit.fail(&self.node.name, "its integers are no convolution".into()));
        };
        let name = &self.linear.weight_name;
        let dims = edit.constants.get(name).map(|c| c.dims.clone());
        let dims = dims.ok_or_else(|| {
            edit.fail(&self.node.name, format!("no constant `{name}` in the model"))
        })?;
        let wide: Vec<i64> = weights.iter().map(|w| i64::from(*w)).collect();
        let values = self.linear.to_file_order(&wide);
        let axis = i64::from(self.linear.transposed);
        let scales: Vec<f32> = self.weight_scales.iter().map(|s| *s as f32).collect();
        let integers = Integers { base: name, kind: self.kind, dims: &dims, axis: Some(axis) };
        let (node, output) = integers.constant(edit, &values, &scales)?;
        connect(&mut edit.graph.node[at], WEIGHTS, output);
        Ok(node)
    }

    /// The bias as a tensor: 32-bit integers in units of input times weight and the node that dequantizes
    /// them, or floats where these integers or units cannot be represented.
    fn bias(&self, edit: &mut Edit) -> Result<(String, Option<NodeProto>), ExportError> {
        let integers: Vec<i64> = self.layer.requant.iter().map(|r| r.bias).collect();
        let units: Vec<f64> = self.weight_scales.iter().map(|s| s * self.input_scale).collect();
        let scales: Vec<f32> = units.iter().map(|u| *u as f32).collect();
        let base = match &self.linear.bias_name {
            Some(name) => name.clone(),
            None => format!("{}.bias", self.node.name),
        };
        let dims = [integers.len()];
        let fits = integers.iter().all(|b| i32::try_from(*b).is_ok());
        if !fits || !scales.iter().all(|s| s.is_normal()) {
            let real = integers.iter().zip(&units).map(|(b, u)| (*b as f64 * u) as f32);
            let real: Vec<f32> = real.collect();
            let kind = data_type::FLOAT;
            return Ok((edit.append(&format!("{base}_float"), kind, &dims, &real)?, None));
        }
        let tensor = Integers { base: &base, kind: data_type::INT32, dims: &dims, axis: Some(0) };
        let (node, output) = tensor.constant(edit, &integers, &scales)?;
        Ok((output, Some(node)))
    }
}

impl Integers<'_> {
    /// Appends integers with their scales, and makes the node that dequantizes them and its output.
    fn constant(
        &self,
        edit: &mut Edit,
        values: &[i64],
        scales: &[f32],
    ) -> Result<(NodeProto, String), ExportError> {
        let integers = edit.free_name(&format!("{}_quantized", self.base));
        let tensor = TensorProto::of_integers(&integers, self.dims, self.kind, values);
        let origin = edit.model.origin.clone();
        let tensor = tensor.map_err(|source| ExportError::Constant { origin, source })?;
        edit.graph.initializer.push(tensor);
        let mut input = vec![integers];
        let [scale, zero] = self.grid(edit, &[scales.len()], scales)?;
        input.push(scale);
        // Integers of 32 bits have no zero point.
        input.extend((self.kind != data_type::INT32).then_some(zero));
        let output = edit.free_name(&format!("{}_dequantized", self.base));
        Ok((self.node(edit, "DequantizeLinear", input, output.clone()), output))
    }

    /// Appends scales and zero points (all 0) of shape `dims`; their names.
    pub(super) fn grid(
        &self,
        edit: &mut Edit,
        dims: &[usize],
        scales: &[f32],
    ) -> Result<[String; 2], ExportError> {
        let scale = edit.free_name(&format!("{}_scale", self.base));
        let zero = edit.free_name(&format!("{}_zero_point", self.base));
        edit.graph.initializer.push(TensorProto::of_floats(&scale, dims, scales));
        let zeros = TensorProto::of_integers(&zero, dims, self.kind, &vec![0; scales.len()]);
        let origin = edit.model.origin.clone();
        let zeros = zeros.map_err(|source| ExportError::Constant { origin, source })?;
        edit.graph.initializer.push(zeros);
        Ok([scale, zero])
    }

    /// A quantization or dequantization under a free name.
    pub(super) fn node(
        &self,
        edit: &mut Edit,
        op: &str,
        input: Vec<String>,
        output: String,
    ) -> NodeProto {
        let axis = self.axis.map(|axis| AttributeProto {
            name: Some("axis".into()),
            r#type: Some(attribute_type::INT),
            i: Some(axis),
            ..AttributeProto::default()
        });
        NodeProto {
            name: Some(edit.free_name(&format!("{}_{op}", self.base))),
            op_type: Some(op.into()),
            input,
            output: vec![output],
            attribute: axis.into_iter().collect(),
            ..NodeProto::default()
        }
    }
}
