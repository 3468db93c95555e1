//! Files of masks for other tools: `.npz` (numpy) and `.safetensors`.
//!
//! Both hold one array of 8-bit integers per weight tensor, with its name, shape and order: 1 where the weight remains
//! and 0 where it was removed. So the tensor can be multiplied by its mask directly.

use std::collections::BTreeMap;
use std::path::Path;

use pecan_host::file::write_whole;
use pecan_text::nearest;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use super::{MaskError, Masks};
use crate::data::{NewArray, Npz, Values, write_npz};
use crate::graph::{Graph, Node, constants, rewritten};
use crate::onnx::Model;
use crate::op::{Linear, list};

/// Shape of a tensor and its values, row-major.
type Dense<T> = (Vec<usize>, Vec<T>);

impl Masks {
    /// Writes the masks as `.npz` or `.safetensors`, by the ending of `path`: all of the file or nothing.
    /// `graph` was imported from `model`. Layers without a mask are left out.
    ///
    /// # Errors
    /// An unknown ending; a mask for a layer that the network does not have, or of another length; two
    /// layers that share their weights and have different masks; a folder that cannot be written.
    pub fn write(&self, model: &Model, graph: &Graph, path: &Path) -> Result<(), MaskError> {
        match FileFormat::of(path)? {
            FileFormat::Npz => self.write_npz(model, graph, path),
            FileFormat::Safetensors => self.write_safetensors(model, graph, path),
        }
    }

    /// Reads the masks of `graph`, which was imported from `model`, by the ending of `path`. Layers that
    /// the file does not name have no mask.
    ///
    /// # Errors
    /// An unknown ending; a file that is missing or damaged; an array under a name that is no weight tensor
    /// of the network, of another shape than this, or with other values than 0 and 1.
    pub fn read(model: &Model, graph: &Graph, path: &Path) -> Result<Self, MaskError> {
        match FileFormat::of(path)? {
            FileFormat::Npz => Self::read_npz(model, graph, path),
            FileFormat::Safetensors => Self::read_safetensors(model, graph, path),
        }
    }

    /// As [`Masks::write`], as a numpy archive.
    ///
    /// # Errors
    /// As for [`Masks::write`].
    pub fn write_npz(&self, model: &Model, graph: &Graph, path: &Path) -> Result<(), MaskError> {
        let fail = |problem: String| MaskError::Format { path: path.to_path_buf(), problem };
        let tensors = self.tensors(model, graph)?;
        let arrays = tensors.iter().map(|(name, (shape, values))| {
            let values = Values::Bytes(values);
            NewArray { name, shape, values }
        });
        let bytes = write_npz(arrays).map_err(|error| fail(error.to_string()))?;
        store(path, &bytes)
    }

    /// As [`Masks::read`], from a numpy archive; its arrays may have any numeric type.
    ///
    /// # Errors
    /// As for [`Masks::read`].
    pub fn read_npz(model: &Model, graph: &Graph, path: &Path) -> Result<Self, MaskError> {
        let mut archive = Npz::open(path)?;
        let mut tensors = BTreeMap::new();
        for key in archive.keys() {
            let array = archive.array(&key)?;
            tensors.insert(key, (array.shape.clone(), array.to_f32()));
        }
        Self::from_tensors(model, graph, path, &tensors)
    }

    /// As [`Masks::write`], in the format of safetensors.
    ///
    /// # Errors
    /// As for [`Masks::write`].
    pub fn write_safetensors(
        &self,
        model: &Model,
        graph: &Graph,
        path: &Path,
    ) -> Result<(), MaskError> {
        let fail = |problem: String| MaskError::Format { path: path.to_path_buf(), problem };
        let tensors = self.tensors(model, graph)?;
        let views = tensors.iter().map(|(name, (dims, values))| {
            Ok((name, TensorView::new(Dtype::U8, dims.clone(), values)?))
        });
        let views: Result<Vec<_>, safetensors::SafeTensorError> = views.collect();
        let bytes = views.and_then(|views| serialize(views, None));
        store(path, &bytes.map_err(|e| fail(e.to_string()))?)
    }

    /// As [`Masks::read`], from the format of safetensors; its tensors may be of bytes or booleans.
    ///
    /// # Errors
    /// As for [`Masks::read`].
    pub fn read_safetensors(model: &Model, graph: &Graph, path: &Path) -> Result<Self, MaskError> {
        let io = |source| MaskError::Io { action: "read", path: path.to_path_buf(), source };
        let bytes = std::fs::read(path).map_err(io)?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| MaskError::Format {
            path: path.to_path_buf(),
            problem: format!("not a safetensors file, or a damaged one: {e}"),
        })?;
        let mut tensors = BTreeMap::new();
        for (key, view) in file.tensors() {
            if !matches!(view.dtype(), Dtype::U8 | Dtype::BOOL) {
                let problem = format!("element type {:?}; expected U8 or BOOL", view.dtype());
                return Err(MaskError::Array { path: path.to_path_buf(), key, problem });
            }
            let values = view.data().iter().map(|v| f32::from(*v)).collect();
            tensors.insert(key, (view.shape().to_vec(), values));
        }
        Self::from_tensors(model, graph, path, &tensors)
    }

    /// The masks by weight tensor, in its shape and order.
    fn tensors(
        &self,
        model: &Model,
        graph: &Graph,
    ) -> Result<BTreeMap<String, Dense<u8>>, MaskError> {
        let layers = layers(graph);
        let mut tensors: BTreeMap<String, Dense<u8>> = BTreeMap::new();
        for (layer, mask) in &self.0 {
            let fail = |nearest: Option<&str>, problem: String| MaskError::Layer {
                origin: graph.origin.clone(),
                layer: layer.clone(),
                nearest: nearest.map(str::to_string),
                problem,
            };
            let Some((_, linear)) = layers.iter().find(|(name, _)| name == layer) else {
                let near = nearest(layer, layers.iter().map(|(name, _)| *name));
                return Err(fail(near, "the network has no such layer".into()));
            };
            let (all, got) = (linear.weights.len(), mask.len());
            if got != all {
                return Err(fail(None, format!("{got} values for {all} weights")));
            }
            let bytes: Vec<u8> = mask.iter().map(|keep| u8::from(*keep)).collect();
            let name = linear.weight_name.clone();
            let entry = (shape(model, linear)?, linear.to_file_order(&bytes));
            if tensors.get(&name).is_some_and(|other| *other != entry) {
                let problem = format!("differs from that of another layer with weights `{name}`");
                return Err(fail(None, problem));
            }
            tensors.insert(name, entry);
        }
        Ok(tensors)
    }

    fn from_tensors(
        model: &Model,
        graph: &Graph,
        path: &Path,
        tensors: &BTreeMap<String, Dense<f32>>,
    ) -> Result<Self, MaskError> {
        let layers = layers(graph);
        let mut masks = BTreeMap::new();
        for (key, (dims, values)) in tensors {
            let readers: Vec<_> = layers.iter().filter(|(_, l)| l.weight_name == *key).collect();
            let Some((_, first)) = readers.first() else {
                let names = || layers.iter().map(|(_, l)| l.weight_name.as_str());
                return Err(MaskError::Unknown {
                    path: path.to_path_buf(),
                    key: key.clone(),
                    nearest: nearest(key, names()).map(str::to_string),
                    weights: names().map(str::to_string).collect(),
                });
            };
            let (key, path) = (key.clone(), path.to_path_buf());
            let expected = shape(model, first)?;
            if *dims != expected {
                let (got, expected) = (list(dims), list(&expected));
                let problem = format!("shape [{got}]; the weights have [{expected}]");
                return Err(MaskError::Array { path, key, problem });
            }
            if let Some(bad) = values.iter().find(|v| **v != 0.0 && **v != 1.0) {
                let problem = format!("holds {bad}; expected 0 (removed) and 1 (remains)");
                return Err(MaskError::Array { path, key, problem });
            }
            for (name, linear) in readers {
                let mask = linear.from_file_order(values).iter().map(|v| *v != 0.0).collect();
                masks.insert(name.to_string(), mask);
            }
        }
        Ok(Self(masks))
    }
}

enum FileFormat {
    Npz,
    Safetensors,
}

impl FileFormat {
    fn of(path: &Path) -> Result<Self, MaskError> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("npz") => Ok(Self::Npz),
            Some("safetensors") => Ok(Self::Safetensors),
            _ => Err(MaskError::Format {
                path: path.to_path_buf(),
                problem: "unknown kind of file; supported endings: .npz, .safetensors".into(),
            }),
        }
    }
}

/// Name and parameters of each layer with weights.
fn layers(graph: &Graph) -> Vec<(&str, &Linear)> {
    fn layer(node: &Node) -> Option<(&str, &Linear)> {
        Some((node.name.as_str(), node.op.as_ref()?.linear()?))
    }
    graph.iter().filter_map(layer).collect()
}

/// Shape of the weights of `linear`.
fn shape(model: &Model, linear: &Linear) -> Result<Vec<usize>, MaskError> {
    let tensor = linear.weight_name.clone();
    // Computed weights are constants of the rewritten model only.
    let rewritten = rewritten(model).ok();
    let proto = rewritten.as_ref().and_then(|model| model.proto.graph.as_ref());
    let constants = proto.and_then(|proto| constants(proto).ok()).unwrap_or_default();
    let found = constants.get(tensor.as_str()).and_then(|c| c.as_ref().ok());
    let dims = found.filter(|c| c.len() == linear.weights.len()).map(|c| c.dims.clone());
    dims.ok_or_else(|| MaskError::Weights { origin: model.origin.clone(), tensor })
}

fn store(path: &Path, bytes: &[u8]) -> Result<(), MaskError> {
    let io = |source| MaskError::Io { action: "write", path: path.to_path_buf(), source };
    write_whole(path, bytes).map_err(io)
}
