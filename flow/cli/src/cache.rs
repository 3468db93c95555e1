//! `pecan cache`: what the user's cache takes, and how to make it smaller.

use std::collections::BTreeMap;

use clap::Subcommand;
use pecan_host::housekeeping::{Item, Limit, TOOLS, remove, survey};
use pecan_host::tools::Finder;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Exit, Failure};
use pecan_text::format::count;
use pecan_text::format::grouped;
use pecan_text::table::Table;

/// Show, shrink or clear the cache of simulators, netlists and tools
///
/// The folder is $PECAN_CACHE, or pecan below $XDG_CACHE_HOME or ~/.cache. Whatever is removed is made again when it
/// is needed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what it takes, by kind (this is what the command does without a word behind it)
    Size,
    /// Remove the entries that were not used for longest, until the others take at most so much
    ///
    /// Tools stay, as do entries that were used in the last ten minutes.
    Prune {
        /// Size that may stay: bytes, or a number with k, M or G behind it
        #[arg(long, value_name = "SIZE", value_parser = size)]
        to: u64,
    },
    /// Remove all entries that no other run is making
    Clear {
        /// Remove installed tools too
        #[arg(long)]
        tools: bool,
    },
}

/// A number of bytes such as `500M`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "allowed: a number of bytes, also with k, M or G behind it, such as 500M".into();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// The cache after the command.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metrics {
    /// Its folder.
    folder: String,
    /// Its entries by kind.
    kinds: Vec<KindSize>,
    /// Its size.
    bytes: u64,
    /// The entries that were removed.
    removed: Removed,
}

/// Entries of one kind.
#[derive(Debug, Serialize, JsonSchema)]
struct KindSize {
    /// The kind.
    kind: String,
    /// How many.
    entries: usize,
    /// Their size.
    bytes: u64,
}

/// Entries that were removed.
#[derive(Debug, Serialize, JsonSchema)]
struct Removed {
    /// How many.
    entries: usize,
    /// Their size.
    bytes: u64,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let cache = Finder::from_environment()?.cache;
    let removed = match args.action.unwrap_or(Action::Size) {
        Action::Size => Vec::new(),
        Action::Prune { to } => remove(&cache, Limit::Bytes(to))?,
        Action::Clear { tools: false } => remove(&cache, Limit::Nothing)?,
        Action::Clear { tools: true } => remove(&cache, Limit::NotEvenTools)?,
    };
    let left = survey(&cache)?;
    let bytes = |items: &[Item]| items.iter().map(|item| item.bytes).sum::<u64>();
    if context.json() {
        let size = |(kind, (entries, bytes)): (&str, (usize, u64))| KindSize {
            kind: kind.to_owned(),
            entries,
            bytes,
        };
        let metrics = Metrics {
            folder: cache.display().to_string(),
            kinds: by_kind(&left).into_iter().map(size).collect(),
            bytes: bytes(&left),
            removed: Removed { entries: removed.len(), bytes: bytes(&removed) },
        };
        context.print_metrics(&metrics)?;
        return Ok(Exit::Done);
    }
    let mut text = format!("{}\n\n{}", cache.display(), table(&left));
    if !removed.is_empty() {
        let (entries, size) = (grouped(removed.len() as u64), count(bytes(&removed) as f64));
        text += &format!("\nremoved: {entries} entries, {size}B\n");
    }
    context.print(&text)?;
    Ok(Exit::Done)
}

/// Entries and bytes of every kind.
fn by_kind(items: &[Item]) -> BTreeMap<&str, (usize, u64)> {
    let mut kinds: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for item in items {
        let (entries, bytes) = kinds.entry(&item.kind).or_default();
        (*entries, *bytes) = (*entries + 1, *bytes + item.bytes);
    }
    kinds
}

fn table(items: &[Item]) -> String {
    let mut table = Table::new(&["kind", "entries", "size"]);
    let mut row = |kind: &str, entries: usize, bytes: u64| {
        let size = format!("{}B", count(bytes as f64));
        table.row([kind.to_owned(), grouped(entries as u64), size]);
    };
    for (kind, (entries, bytes)) in by_kind(items) {
        let note = if kind == TOOLS { "tools (only `clear --tools` removes them)" } else { kind };
        row(note, entries, bytes);
    }
    row("all", items.len(), items.iter().map(|item| item.bytes).sum());
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            (size("12"), size("500M"), size("2G")),
            (Ok(12), Ok(500_000_000), Ok(2_000_000_000))
        );
        assert_eq!(size("0"), Ok(0));
        for wrong in ["", "M", "-1", "1T", "1.5G", "99999999999G"] {
            assert!(size(wrong).unwrap_err().contains("500M"), "{wrong}");
        }
    }
}
