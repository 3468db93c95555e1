//! Tables of text on stdout.

use crate::escape::{escape_name, shorten};

/// Longest cell in bytes.
const LONGEST_CELL: usize = 1000;

/// Rows of cells below a head; columns of numbers are aligned to the right.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head and no rows.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row; characters that a terminal interprets are escaped, long cells shortened.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // A cell is one line of visible characters, whatever the names of layers in a file.
        let shown = |cell: String| shorten(&escape_name(&cell), LONGEST_CELL).into_owned();
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// The table, each row on a line.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &[String], c: usize| row.get(c).cloned().unwrap_or_default();
        let width: Vec<usize> = (0..columns)
            .map(|c| self.rows.iter().map(|r| cell(r, c).chars().count()).max().unwrap_or(0))
            .collect();
        let numeric = |c: usize| {
            let mut cells = self.rows[1..].iter().map(|r| cell(r, c)).filter(|t| !t.is_empty());
            self.rows.len() > 1
                && cells
                    .all(|t| t.starts_with(|first: char| first.is_ascii_digit() || first == '-'))
        };
        let right: Vec<bool> = (0..columns).map(numeric).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for c in 0..columns {
                let (value, width) = (cell(row, c), width[c]);
                if c > 0 {
                    line.push_str("  ");
                }
                line +=
                    &if right[c] { format!("{value:>width$}") } else { format!("{value:<width$}") };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::grouped;
    use crate::format::percent;

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let mut table = Table::new(&["layer", "cycles"]);
        table.row(["a".into(), grouped(1_234_567)]);
        table.row(["long".into(), grouped(12)]);
        assert_eq!(table.render(), "layer     cycles\na      1 234 567\nlong          12\n");
        assert_eq!(
            (grouped(0), grouped(100), percent(0.5)),
            ("0".into(), "100".into(), "50.0 %".into())
        );
    }
}
