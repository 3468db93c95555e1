//! The bundled digits network, quantized to 8 bits.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pecan_net::data::{Rows, Samples, Selection};
use pecan_net::graph::Graph;
use pecan_net::onnx::Model;
use pecan_net::quantize;
use pecan_net::quantize::Quantized;

/// A file of the project's test data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// The network, calibrated on the first 100 training images.
///
/// # Errors
/// A file of the test data is missing or damaged.
pub fn quantized() -> Result<Quantized> {
    let graph = Graph::import(&Model::read(&data("lenet_digits.onnx"))?)?;
    let rows = Rows::Key("train_idx".into());
    let selection = Selection { rows, limit: Some(100), ..Selection::default() };
    let samples = Samples::load(&data("digits.npz"), &selection)?;
    Ok(quantize::quantize_with(&graph, &samples.as_slices(), quantize::Options::default())?)
}

/// The 360 test images with their labels.
///
/// # Errors
/// A file of the test data is missing or damaged.
pub fn test_images() -> Result<Samples> {
    let selection = Selection { rows: Rows::Key("test_idx".into()), ..Selection::default() };
    Ok(Samples::load(&data("digits.npz"), &selection)?)
}
