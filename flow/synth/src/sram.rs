//! Choice of memory macros for the synchronous memories, and their area.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::Result;
use super::library::Library;
use super::synth::MemoryReport;

/// A macro of the library.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Macro {
    /// Cell name.
    pub name: String,
    /// Number of words.
    pub words: u64,
    /// Bits of each word.
    pub bits: u64,
    /// Area in square micrometres.
    pub area_um2: f64,
}

/// The macros that hold one memory.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Placement {
    /// Module of the memory.
    pub memory: String,
    /// Macro used throughout.
    pub macro_name: String,
    /// Macros side by side, for the bits of a word.
    pub across: u64,
    /// Rows of macros, for the number of words.
    pub deep: u64,
    /// Area of one instance of the memory in square micrometres.
    pub area_um2: f64,
    /// Share of the macros' bits that the memory uses.
    pub used: f64,
    /// How many instances the design has.
    pub instances: u64,
}

/// The macros in these liberty files. Words and bits are in the names of the cells, such as `..._1024x64_...`.
///
/// # Errors
/// A file cannot be read or is not liberty text.
pub fn macros(files: &[PathBuf]) -> Result<Vec<Macro>> {
    let mut found = Vec::new();
    for file in files {
        let library = Library::read(std::slice::from_ref(file), &[])?;
        for (name, cell) in library.cells {
            match size(&name) {
                Some((words, bits)) => {
                    found.push(Macro { name, words, bits, area_um2: cell.area_um2 });
                }
                None => tracing::warn!("{name} does not say how many words it has: not used"),
            }
        }
    }
    Ok(found)
}

fn size(name: &str) -> Option<(u64, u64)> {
    name.split('_').find_map(|part| {
        let (words, bits) = part.split_once('x')?;
        Some((words.parse().ok()?, bits.parse().ok()?))
    })
}

/// For each memory the macros with the smallest area; none without macros.
#[must_use]
pub fn place(memories: &[MemoryReport], macros: &[Macro]) -> Vec<Placement> {
    let best = |memory: &MemoryReport| {
        let placements = macros.iter().map(|candidate| {
            let across = memory.bits.div_ceil(candidate.bits);
            let deep = memory.words.div_ceil(candidate.words);
            let count = (across * deep) as f64;
            Placement {
                memory: memory.name.clone(),
                macro_name: candidate.name.clone(),
                across,
                deep,
                area_um2: count * candidate.area_um2,
                used: (memory.words * memory.bits) as f64
                    / (count * (candidate.words * candidate.bits) as f64),
                instances: memory.instances,
            }
        });
        placements.min_by(|a, b| a.area_um2.total_cmp(&b.area_um2))
    };
    memories.iter().filter_map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_area_wins() {
        let memory =
            |name: &str, words, bits| MemoryReport { name: name.into(), words, bits, instances: 2 };
        let made =
            |name: &str, words, bits, area_um2| Macro { name: name.into(), words, bits, area_um2 };
        let macros = [made("small", 64, 64, 10.0), made("large", 1024, 64, 50.0)];
        let placed = place(&[memory("deep", 2000, 70), memory("tiny", 32, 53)], &macros);
        assert_eq!(
            (placed[0].macro_name.as_str(), placed[0].across, placed[0].deep),
            ("large", 2, 2)
        );
        assert_eq!(placed[0].area_um2, 200.0);
        assert_eq!((placed[1].macro_name.as_str(), placed[1].area_um2), ("small", 10.0));
        assert!((placed[1].used - 32.0 * 53.0 / 4096.0).abs() < 1e-12);
        assert!(place(&[memory("deep", 2000, 70)], &[]).is_empty());
    }

    #[test]
    fn sizes_are_in_the_names() {
        assert_eq!(size("RM_IHPSG13_1P_1024x64_c2_bm_bist"), Some((1024, 64)));
        assert_eq!(size("sg13g2_nand2_1"), None);
    }
}
