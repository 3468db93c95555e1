//! The plan of a calibration: configurations, networks, sizes. The shipped plan is `plan.toml` beside this file.

use std::path::Path;

use pecan_config::{Config, ConfigError, Loader};
use pecan_text::diagnostic::MOST_PROBLEMS;
use pecan_text::toml_limits;
use serde::Deserialize;

use pecan_energy::EnergyError;
use pecan_synth::is_name;

const SHIPPED: &str = include_str!("plan.toml");

/// Configurations to fit and to hold out, and the networks whose layers are held out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Cycles of computation of a layer.
    pub cycles: usize,
    /// Seed of the designed layers' values.
    pub seed: u64,
    /// Seed of the held-out windows. A held-out set counts only once: a changed fit needs another seed.
    pub windows: u64,
    /// Configurations of the fit.
    pub fit: Vec<Point>,
    /// Held-out configurations.
    pub held_out: Vec<Point>,
    /// Networks of the held-out layers.
    pub network: Vec<NetworkSource>,
}

/// A configuration to characterize.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Name.
    pub name: String,
    /// Changes to the default configuration, `key=value`.
    pub set: Vec<String>,
    /// Cycles of computation of a layer, if other than the plan's.
    pub cycles: Option<usize>,
}

/// A network with its data; files are below the folder of networks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSource {
    /// ONNX file.
    pub model: String,
    /// Samples.
    pub data: String,
    /// Rows that decide the quantization.
    pub calibrate: String,
    /// Row whose activations are used.
    pub sample: String,
    /// Layers to take, evenly spread over the network.
    pub layers: usize,
}

impl Plan {
    /// The plan that is part of the program.
    ///
    /// # Errors
    /// It is malformed: a fault of the program.
    pub fn shipped() -> Result<Self, EnergyError> {
        Self::parse(SHIPPED, Path::new("plan.toml"))
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// The file cannot be read or is malformed.
    pub fn load(path: &Path) -> Result<Self, EnergyError> {
        let text = std::fs::read_to_string(path).map_err(|source| EnergyError::Io {
            action: "read",
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, EnergyError> {
        let problem = |problem: String| EnergyError::Plan { path: path.into(), problem };
        toml_limits::check(text).map_err(problem)?;
        let plan: Self = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        let mut names = std::collections::HashSet::new();
        let mut problems = Vec::new();
        for point in plan.fit.iter().chain(&plan.held_out) {
            if !is_name(&point.name) {
                problems.push(format!(
                    "a configuration is called {:?}; allowed: letters, digits, `_`, `-` and `.`, with a letter or \
                     digit first",
                    point.name
                ));
            }
            if !names.insert(&point.name) {
                problems.push(format!("two configurations are called `{}`", point.name));
            }
            problems.extend(point.config().err().map(|error| error.to_string()));
        }
        let more = problems.len().saturating_sub(MOST_PROBLEMS);
        problems.truncate(MOST_PROBLEMS);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        if !problems.is_empty() {
            return Err(problem(problems.join("; ")));
        }
        Ok(plan)
    }
}

impl Point {
    /// The configuration.
    ///
    /// # Errors
    /// A change is illegal.
    pub fn config(&self) -> Result<Config, EnergyError> {
        let loader = Loader::new(Config::default());
        let loader = self.set.iter().fold(loader, |loader, change| loader.set(change));
        loader.finish().map_err(|error| EnergyError::Configuration {
            name: self.name.clone(),
            problem: said(&error),
        })
    }
}

/// The problems of a configuration, in one line.
fn said(error: &ConfigError) -> String {
    let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    problems.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_plan_is_legal_and_holds_out_other_configurations() {
        let plan = Plan::shipped().unwrap();
        assert!(plan.held_out.len() >= 10);
        assert_eq!(plan.network.iter().map(|n| n.layers).sum::<usize>(), 20);
        let fitted: Vec<_> = plan.fit.iter().map(|p| p.config().unwrap()).collect();
        assert!(plan.held_out.iter().all(|p| !fitted.contains(&p.config().unwrap())));
    }

    #[test]
    fn names_of_configurations_stay_below_the_output_folder() {
        let text = SHIPPED.replace("\"fit_rows\"", "\"../../fit_rows\"");
        let error = Plan::parse(&text, Path::new("mine.toml")).unwrap_err().to_string();
        assert!(error.contains("called \"../../fit_rows\"; allowed"), "{error}");
    }

    #[test]
    fn everything_wrong_with_a_plan_is_said_at_once() {
        let text = SHIPPED
            .replace("\"fit_rows\"", "\"fit_cols\"")
            .replace("array.rows=6", "array.rows=-6")
            .replacen("drain.lanes=2", "drain.lanes=3", 1);
        let error = Plan::parse(&text, Path::new("mine.toml")).unwrap_err().to_string();
        let parts = [
            "mine.toml",
            "two configurations are called `fit_cols`",
            "`array.rows`",
            "`drain.lanes`",
            "`fit_base`",
        ];
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
}
