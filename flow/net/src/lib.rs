//! Networks: conversion of an ONNX file to layers of integers.
//!
//! [`onnx`] reads and writes the file, [`op`] defines its operators (one file each), [`rewrite`] those that consist of others, [`graph`] is the float network of
//! these, [`quantize`] converts it to the integers that the hardware computes. [`topology`] reads layer shapes without
//! weights, [`export`] writes changed parameters and integers to a file.

mod archive;
pub mod data;
mod evaluate;
pub mod export;
pub mod graph;
pub mod limits;
mod masks;
pub mod onnx;
pub mod op;
pub mod quantize;
pub mod rewrite;
mod shape;
pub mod topology;

pub use masks::{MaskError, Masks};
pub use shape::LayerShape;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
