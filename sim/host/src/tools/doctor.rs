//! The report of `pecan doctor`.

use schemars::JsonSchema;
use serde::Serialize;

use super::find::{Finder, Source};
use super::registry::TOOLS;

/// State of one tool on this machine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Name of the tool.
    pub name: &'static str,
    /// Whether it is installed and recent enough.
    pub usable: bool,
    /// The executable, if usable.
    pub path: Option<std::path::PathBuf>,
    /// Its version, if it reports one.
    pub version: Option<String>,
    /// "PATH" or "cache", if usable.
    pub source: Option<&'static str>,
    /// Reason why it is not usable.
    pub problem: Option<String>,
    /// Purpose of the tool in this project.
    pub needed_for: &'static str,
    /// How to install it.
    pub install: &'static str,
}

/// Looks for every tool of the registry, in its order.
pub fn doctor(finder: &Finder) -> Vec<Diagnosis> {
    let diagnose = |tool: &'static super::Tool| {
        let result = finder.find(tool.name);
        let found = result.as_ref().ok();
        Diagnosis {
            name: tool.name,
            usable: found.is_some(),
            path: found.map(|found| found.path.clone()),
            version: found.and_then(|found| found.version).map(|version| version.to_string()),
            source: found.map(|found| match found.source {
                Source::Path => "PATH",
                Source::Cache => "cache",
            }),
            problem: result.as_ref().err().map(|error| match error {
                crate::error::HostError::ToolMissing { reason, .. } => reason.clone(),
                other => other.to_string(),
            }),
            needed_for: tool.needed_for,
            install: tool.install,
        }
    };
    TOOLS.iter().map(diagnose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_machine_lacks_everything_and_says_how_to_get_it() {
        let finder = Finder { path: "".into(), cache: "/nonexistent".into() };
        let report = doctor(&finder);
        assert_eq!(report.len(), TOOLS.len());
        assert!(report.iter().all(|d| !d.usable && d.problem.is_some() && !d.install.is_empty()));
    }

    #[test]
    fn the_compiler_of_this_machine_is_described() {
        let finder = Finder::from_environment().unwrap();
        let report = doctor(&finder);
        let compiler = report.iter().find(|d| d.name == "g++").unwrap();
        assert!(compiler.usable && compiler.version.is_some(), "{compiler:?}");
    }
}
