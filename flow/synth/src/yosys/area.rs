//! Parses the areas in the text of `stat -liberty`; Yosys 0.23 and 0.70 agree in these lines.

use std::collections::BTreeMap;

use crate::{Result, ToolError};

/// Areas as Yosys has added them up, in the unit of the library.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChipArea {
    /// Of the top module with everything below it.
    pub(crate) total: f64,
    /// Of each module, without the modules in it.
    pub(crate) modules: BTreeMap<String, f64>,
}

/// Reads the report.
///
/// # Errors
/// [`ToolError::Report`] if the area of the top module or of any module is missing or no number.
pub(crate) fn chip_area(text: &str) -> Result<ChipArea> {
    let wrong = |reason: String| ToolError::Report { tool: "yosys", what: "area report", reason };
    let (mut total, mut modules) = (None, BTreeMap::new());
    for line in text.lines().map(str::trim) {
        let Some(rest) = line.strip_prefix("Chip area for ") else { continue };
        let parts = rest.rsplit_once(": ").and_then(|(subject, number)| {
            let name = subject.split('\'').nth(1)?.trim_start_matches('\\');
            Some((subject.starts_with("top "), name, number.trim().parse::<f64>().ok()?))
        });
        match parts {
            Some((true, _, area)) => total = Some(area),
            Some((false, name, area)) => {
                modules.insert(name.to_owned(), area);
            }
            None => return Err(wrong(format!("there is no module and number in {line:?}"))),
        }
    }
    if modules.is_empty() {
        return Err(wrong("there is no `Chip area for module`".into()));
    }
    let total = total.ok_or_else(|| wrong("there is no `Chip area for top module`".into()))?;
    Ok(ChipArea { total, modules })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_both_versions_are_read() {
        for text in [include_str!("samples/area_0.23.txt"), include_str!("samples/area_0.70.txt")] {
            let area = chip_area(text).unwrap();
            assert_eq!(area.modules.len(), 20, "{:?}", area.modules.keys());
            assert!(area.total > 380_000.0 && area.total < 470_000.0);
            assert!(area.modules["pe"] > 10_000.0);
        }
    }

    #[test]
    fn missing_and_broken_fields_are_errors() {
        let whole = include_str!("samples/area_0.70.txt");
        let without = |what: &str| {
            let lines = whole.lines().filter(|line| !line.contains(what));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        let top = chip_area(&without("for top module")).unwrap_err();
        assert!(top.to_string().contains("`Chip area for top module`"), "{top}");
        assert_eq!(top.exit_code(), 5);
        let modules = chip_area(&without("for module")).unwrap_err();
        assert!(modules.to_string().contains("`Chip area for module`"), "{modules}");
        let broken = chip_area("Chip area for module '\\a': none\n").unwrap_err();
        assert!(broken.to_string().contains("none"), "{broken}");
        assert!(chip_area("").is_err());
    }
}
