//! The bundled network and its data, embedded in the program, so that an installed program has them too.

/// A small convolutional network that reads handwritten digits (ONNX).
pub(crate) const MODEL: &[u8] = include_bytes!("../../../tests/data/lenet_digits.onnx");
/// Its images and labels (numpy archive).
pub(crate) const DATA: &[u8] = include_bytes!("../../../tests/data/digits.npz");
/// Name of [`MODEL`].
pub(crate) const NAME: &str = "lenet_digits.onnx";
