//! Counts of cells by type in a netlist in Yosys' JSON format, module by module.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::{Result, ToolError};

/// Instances in each module, by the type of the cell: `counts[module][type]`. Modules without contents
/// (black boxes and library cells) are left out.
pub(crate) type Counts = BTreeMap<String, BTreeMap<String, u64>>;

#[derive(Deserialize)]
struct Netlist {
    modules: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    attributes: BTreeMap<String, serde_json::Value>,
    cells: BTreeMap<String, Cell>,
}

#[derive(Deserialize)]
struct Cell {
    r#type: String,
}

/// Counts the cells of the netlist in a file.
///
/// # Errors
/// [`ToolError::Run`] if it cannot be read, [`ToolError::Report`] if a module or a cell lacks its fields.
pub(crate) fn counts(path: &Path) -> Result<Counts> {
    let bytes = std::fs::read(path).map_err(ToolError::io("read", path))?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Counts> {
    let netlist: Netlist = serde_json::from_slice(bytes).map_err(|error| ToolError::Report {
        tool: "yosys",
        what: "netlist",
        reason: error.to_string(),
    })?;
    let contents = |module: &Module| {
        !["blackbox", "whitebox"].iter().any(|name| module.attributes.contains_key(*name))
    };
    let count = |module: Module| {
        let mut types = BTreeMap::new();
        for cell in module.cells.into_values() {
            *types.entry(cell.r#type).or_default() += 1;
        }
        types
    };
    let modules = netlist.modules.into_iter().filter(|(_, module)| contents(module));
    Ok(modules.map(|(name, module)| (name, count(module))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_and_black_boxes_left_out() {
        let text = r#"{"creator": "Yosys 0.70", "modules": {
            "box": {"attributes": {"blackbox": "1"}, "ports": {}, "cells": {}},
            "top": {"attributes": {"top": "1"}, "ports": {}, "cells": {
                "a": {"hide_name": 0, "type": "INV"}, "b": {"type": "INV"}, "c": {"type": "box"}}}}}"#;
        let counts = parse(text.as_bytes()).unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!(counts["top"], BTreeMap::from([("INV".into(), 2), ("box".into(), 1)]));
    }

    #[test]
    fn missing_fields_are_named() {
        for (text, field) in [
            ("{}", "modules"),
            (r#"{"modules": {"a": {}}}"#, "cells"),
            (r#"{"modules": {"a": {"cells": {"x": {}}}}}"#, "type"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
    }
}
