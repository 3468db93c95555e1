//! Differences between results for a tensor.

use std::fmt;

use pecan_ir::layer::{Network, Tensor};
use schemars::JsonSchema;
use serde::Serialize;

/// Source of a result that is compared with the integer reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// The Verilog under Verilator.
    #[serde(rename = "RTL")]
    Rtl,
    /// The emulator of the command stream.
    Emulator,
}

impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rtl => "RTL",
            Self::Emulator => "emulator",
        })
    }
}

/// The first value in which a result differs from the integer reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// Source of the value.
    pub opinion: Opinion,
    /// Number of the image in the run.
    pub image: usize,
    /// The layer.
    pub layer: String,
    /// Output channel.
    pub channel: usize,
    /// Output row.
    pub row: usize,
    /// Output column.
    pub column: usize,
    /// The value that was computed.
    pub value: i32,
    /// The reference's value.
    pub reference: i32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opinion, image, layer, channel, row, column, value, reference } = self;
        write!(
            f,
            "image {image}, layer `{layer}`, channel {channel}, row {row}, column {column}: \
             {opinion} {value}, reference {reference}"
        )
    }
}

/// Number of values of a layer that differ in an image, and the first of them.
pub(super) fn compare(
    opinion: Opinion,
    image: usize,
    layer: &str,
    got: &Tensor,
    reference: &Tensor,
) -> (u64, Option<Difference>) {
    let shape = reference.shape;
    let pairs = got.data.iter().zip(&reference.data).enumerate();
    let mut differing = pairs.filter(|(_, (a, b))| a != b);
    let first = differing.next().map(|(at, (value, reference))| Difference {
        opinion,
        image,
        layer: layer.to_owned(),
        channel: at / (shape.height * shape.width),
        row: at / shape.width % shape.height,
        column: at % shape.width,
        value: *value,
        reference: *reference,
    });
    (u64::from(first.is_some()) + differing.count() as u64, first)
}

/// The network up to and including layer `last`: its output is that layer's.
pub(super) fn prefix(network: &Network, last: usize) -> Network {
    let layers = network.layers[..=last].to_vec();
    let tensors = layers.iter().map(|layer| layer.input.max(layer.output) + 1).max().unwrap_or(1);
    Network {
        name: format!("{} up to `{}`", network.name, network.layers[last].name),
        tensors: network.tensors[..tensors].to_vec(),
        layers,
        ..*network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_ir::layer::Shape;

    #[test]
    fn the_first_difference_is_named_and_all_are_counted() {
        let shape = Shape::new(2, 3, 4);
        let reference = Tensor { shape, data: (0..24).collect() };
        let mut got = reference.clone();
        assert_eq!(compare(Opinion::Rtl, 0, "a", &got, &reference), (0, None));
        got.data[12 + 4 + 3] = -7;
        got.data[23] = 0;
        let (count, first) = compare(Opinion::Emulator, 5, "conv", &got, &reference);
        let first = first.unwrap();
        assert_eq!(count, 2);
        assert_eq!((first.channel, first.row, first.column), (1, 1, 3));
        assert_eq!(
            first.to_string(),
            "image 5, layer `conv`, channel 1, row 1, column 3: emulator -7, reference 19"
        );
    }
}
