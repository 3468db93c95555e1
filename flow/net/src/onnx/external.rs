//! Values of tensors that a model keeps in files beside it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use pecan_text::escape::{escape_name, shorten};

use super::{GraphProto, ModelProto, TensorProto, data_type};
use crate::limits::MOST_PARAMETERS;

/// `data_location` of a tensor in another file.
const EXTERNAL: i32 = 1;

/// Longest name of a file that a message shows.
const LONGEST: usize = 120;

/// Reads the values of all tensors that lie in files beside the model, which is in `folder`.
///
/// # Errors
/// A tensor and what is wrong with its file: a path that leaves the folder, a file that is missing or too short, or a
/// length that is not that of the shape.
pub(super) fn load(proto: &mut ModelProto, folder: &Path) -> Result<(), String> {
    let mut reader = Reader { folder, files: HashMap::new(), left: MOST_PARAMETERS as u64 * 4 };
    proto.graph.iter_mut().try_for_each(|graph| reader.graph(graph))
}

struct Reader<'a> {
    folder: &'a Path,
    files: HashMap<PathBuf, (File, u64)>,
    /// Bytes that may still be read.
    left: u64,
}

impl Reader<'_> {
    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), String> {
        let values =
            graph.node.iter_mut().flat_map(|n| &mut n.attribute).filter_map(|a| a.t.as_mut());
        for tensor in graph.initializer.iter_mut().chain(values) {
            if tensor.data_location == Some(EXTERNAL) {
                let name = tensor.name.clone().unwrap_or_default();
                let bytes = self.bytes(tensor).map_err(|e| format!("tensor `{name}`: {e}"))?;
                tensor.raw_data = Some(bytes);
                tensor.data_location = None;
                tensor.external_data.clear();
            }
        }
        Ok(())
    }

    fn bytes(&mut self, tensor: &TensorProto) -> Result<Vec<u8>, String> {
        let entry = |key: &str| {
            let found = tensor.external_data.iter().find(|e| e.key.as_deref() == Some(key));
            found.and_then(|e| e.value.as_deref())
        };
        let number = |key: &str| {
            let value = entry(key).map(str::parse::<u64>).transpose();
            value.map_err(|_| format!("its {key} in the external file is no number"))
        };
        let location = entry("location").ok_or("values in an external file without a name")?;
        let expected = size(tensor)?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if let Some(length) = length.filter(|length| *length != expected) {
            return Err(format!("{length} bytes in an external file; its shape has {expected}"));
        }
        let left = self.left.checked_sub(expected);
        self.left = left.ok_or("the external files hold more values than are allowed")?;
        let shown = shorten(&escape_name(location), LONGEST).into_owned();
        let path = self.inside(location).map_err(|e| format!("external file `{shown}`: {e}"))?;
        self.read(path, offset, expected).map_err(|e| format!("external file `{shown}`: {e}"))
    }

    /// The file at `location`, which must be in the folder, or in folders of it.
    fn inside(&self, location: &str) -> Result<PathBuf, String> {
        let relative = Path::new(location);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.contains('\0') || !relative.components().all(plain) {
            return Err("supported: a path within the model's folder".into());
        }
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { self.folder };
        let folder = folder.canonicalize().map_err(|e| e.to_string())?;
        let path = folder.join(relative).canonicalize().map_err(|e| e.to_string())?;
        if path.starts_with(&folder) && path.is_file() {
            Ok(path)
        } else {
            Err("it is no file within the model's folder".into())
        }
    }

    fn read(&mut self, path: PathBuf, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        if !self.files.contains_key(&path) {
            let file = File::open(&path).map_err(|e| e.to_string())?;
            let size = file.metadata().map_err(|e| e.to_string())?.len();
            self.files.insert(path.clone(), (file, size));
        }
        let (file, size) = self.files.get_mut(&path).ok_or("it is not open")?;
        if offset.checked_add(length).is_none_or(|end| end > *size) {
            return Err(format!("{size} bytes; needed: {length} from {offset} on"));
        }
        file.seek(SeekFrom::Start(offset)).map_err(|e| e.to_string())?;
        let mut bytes = vec![0; usize::try_from(length).map_err(|e| e.to_string())?];
        file.read_exact(&mut bytes).map_err(|e| e.to_string())?;
        Ok(bytes)
    }
}

/// Bytes of the values of a tensor, by its shape and element type.
fn size(tensor: &TensorProto) -> Result<u64, String> {
    use data_type::*;
    let bits: u64 = match tensor.data_type.unwrap_or(0) {
        INT4 | UINT4 => 4,
        UINT8 | INT8 | BOOL => 8,
        UINT16 | INT16 | FLOAT16 | BFLOAT16 => 16,
        FLOAT | INT32 | UINT32 => 32,
        DOUBLE | INT64 | UINT64 => 64,
        other => return Err(format!("element type {other} in an external file")),
    };
    let mut extents = tensor.dims.iter().map(|&d| u64::try_from(d).ok());
    let values = extents.try_fold(1u64, |n, d| n.checked_mul(d?));
    let values = values.filter(|n| *n <= MOST_PARAMETERS as u64);
    let values = values.ok_or_else(|| {
        format!("shape {:?}; allowed: at most {MOST_PARAMETERS} values", tensor.dims)
    })?;
    Ok((values * bits).div_ceil(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::onnx::{Model, OnnxError, StringStringEntryProto};
    use crate::testing::ModelBuilder;

    /// Writes a model of a product by four numbers that lie in another file; reads it.
    fn read(entries: &[(&str, &str)], prepare: impl Fn(&Path)) -> Result<Model, OnnxError> {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("model");
        std::fs::create_dir(&inner).unwrap();
        let values = [9f32, 9.0, 1.0, 2.0, 3.0, 4.0];
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(folder.path().join("outside.bin"), &bytes).unwrap();
        std::fs::write(inner.join("w.bin"), &bytes).unwrap();
        prepare(&inner);
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: Some((*key).into()),
            value: Some((*value).into()),
        };
        let mut builder = ModelBuilder::new(&[4]).floats("w", &[4], &[]);
        let tensor = &mut builder.graph.initializer[0];
        tensor.data_location = Some(EXTERNAL);
        tensor.external_data = entries.iter().map(entry).collect();
        let model = builder.node("Mul", &["x", "w"], "y", &[]).model();
        let path = inner.join("m.onnx");
        model.write(&path).unwrap();
        Model::read(&path)
    }

    #[test]
    fn values_beside_the_model_are_read() {
        let entries = [("location", "w.bin"), ("offset", "8"), ("length", "16")];
        let graph = Graph::import(&read(&entries, |_| {}).unwrap()).unwrap();
        assert_eq!(graph.outputs(&[&[1.0; 4]]).unwrap().concat(), [1.0, 2.0, 3.0, 4.0]);
        // The shape bounds what is read.
        let graph = Graph::import(&read(&entries[..2], |_| {}).unwrap()).unwrap();
        assert_eq!(graph.outputs(&[&[1.0; 4]]).unwrap().concat(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn nothing_outside_of_the_folder_is_read() {
        let said = |location: &str, offset: &str, prepare: &dyn Fn(&Path)| {
            let entries = [("location", location), ("offset", offset)];
            read(&entries, prepare).unwrap_err().to_string()
        };
        let none = |_: &Path| {};
        for location in ["../outside.bin", "/etc/passwd", "a/../../outside.bin", ""] {
            let text = said(location, "0", &none);
            assert!(text.contains("`w`") && text.contains("within the model's folder"), "{text}");
        }
        assert!(said("gone.bin", "0", &none).contains("`gone.bin`"));
        assert!(said("w.bin", "9", &none).contains("24 bytes; needed: 16 from 9 on"));
        assert!(said("w.bin", &u64::MAX.to_string(), &none).contains("needed"));
        assert!(said("w.bin", "-1", &none).contains("no number"));
        let length = [("location", "w.bin"), ("length", "24")];
        assert!(read(&length, none).unwrap_err().to_string().contains("its shape has 16"));
        #[cfg(unix)]
        {
            let link = |folder: &Path| {
                std::os::unix::fs::symlink("../outside.bin", folder.join("link.bin")).unwrap();
            };
            assert!(said("link.bin", "0", &link).contains("no file within the model's folder"));
        }
    }
}
