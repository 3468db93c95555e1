//! Plans of layers of which only the shapes are known.

use pecan_config::Config;
use pecan_config::geometry::Geometry;
use pecan_ir::layer::{Conv, Layer, Network, Op, Requant};

use crate::cost::search::search;
use crate::error::MapError;
use crate::options::Options;
use crate::plan::NetworkPlan;
use crate::space::array_mapping::{ArrayMapping, Searched};
use crate::space::lists::Occupancy;
use crate::space::orders::Orders;
use crate::space::workload::Workload;
use pecan_net::LayerShape;

/// The layer as a network of its own, without weights.
fn network(shape: &LayerShape, config: &Config) -> Result<Network, MapError> {
    let fail = |problem| MapError::Shape { layer: shape.name.clone(), problem };
    let output = shape.output().map_err(fail)?;
    let high = config.activation_range().1 as i32;
    let conv = Conv { window: shape.window, groups: shape.groups, weights: Vec::new() };
    let layer = Layer {
        name: shape.name.clone(),
        kind: "Conv".into(),
        op: Op::Conv(conv),
        input: 0,
        output: 1,
        requant: vec![Requant { bias: 0, multiplier: 1, shift: 1 }; shape.outputs],
        clamp: [-high, high],
    };
    Ok(Network {
        name: shape.name.clone(),
        tensors: vec![shape.input, output],
        layers: vec![layer],
        activation_bits: config.numerics.activation_bits,
        weight_bits: config.numerics.weight_bits,
    })
}

/// Plans layers one by one, each as a program of its own, which loads its input and stores its output. The lists have
/// the density of the options.
///
/// # Errors
/// A shape contradicts itself, or as [`crate::compile`].
pub fn plan_shapes(
    shapes: &[LayerShape],
    config: &Config,
    options: &Options,
) -> Result<NetworkPlan, MapError> {
    let mut plan = NetworkPlan::empty(config, options);
    for shape in shapes {
        plan.append(network(shape, config)?)?;
    }
    Ok(plan)
}

/// The cheapest mapping of a layer by itself, with its tensors in the global buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Cycles of its kernels, and of the loads that do not hide behind them.
    pub cycles: u64,
    /// Cost by the objective: cycles, pJ, or pJ x cycles.
    pub cost: f64,
    /// Extent of the search.
    pub searched: Searched,
}

/// Searches the mapping space of a layer, without planning its program.
///
/// # Errors
/// As [`plan_shapes()`].
pub fn search_shape(
    shape: &LayerShape,
    config: &Config,
    options: &Options,
) -> Result<Found, MapError> {
    let network = network(shape, config)?;
    let geometry = Geometry::of(config);
    let (orders, layer) = (Orders::default(), &network.layers[0]);
    let tensors = [network.tensors[0], network.tensors[1]];
    let problem = Workload::of(layer, tensors, &orders, options.density, &geometry)?;
    let problem = problem.flattened().unwrap_or(problem);
    let occupancy = Occupancy::of(&problem, &geometry);
    let ArrayMapping { cycles, cost, searched, .. } =
        search(&problem, &occupancy, &geometry, &options.objective)?;
    Ok(Found { cycles, cost, searched })
}

impl NetworkPlan {
    /// Replaces a layer of a plan of shapes by one of another shape; nothing else is planned again.
    ///
    /// # Errors
    /// There is no such layer, it is part of a larger network, or as [`plan_shapes()`]; the plan then stays unchanged.
    pub fn replan_shape(&mut self, index: usize, shape: &LayerShape) -> Result<(), MapError> {
        let (part, first) = self.locate(index)?;
        if self.parts[part].network.layers.len() > 1 {
            let problem = "is part of a network, whose tensors have a shape".into();
            return Err(MapError::Replan { layer: shape.name.clone(), problem });
        }
        let mut single = Self::empty(&self.config, &self.options);
        single.append(network(shape, &self.config)?)?;
        self.put(part, first, single);
        Ok(())
    }
}
