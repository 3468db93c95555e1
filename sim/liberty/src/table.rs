//! Lookup tables over input slew and output load.

use super::syntax::{Attribute, Group, SyntaxError, finite};

/// Quantity of a table's axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Slew,
    Load,
}

/// A table of one value over slew (ps) and load (fF); axes may be absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    slew: Vec<f64>,
    load: Vec<f64>,
    /// Value `[slew][load]`, in the unit that the caller has chosen.
    values: Vec<f64>,
}

/// Factors from the library's units to ps, fF and the table's result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) time: f64,
    pub(crate) load: f64,
    pub(crate) value: f64,
}

/// A table template: its axes and their default points.
pub(crate) struct Template {
    axes: Vec<Option<Axis>>,
    points: Vec<Option<Vec<f64>>>,
}

impl Template {
    /// Reads a `lu_table_template` or `power_lut_template`.
    pub(crate) fn read(group: &Group<'_>) -> Result<Self, SyntaxError> {
        let mut axes = Vec::new();
        let mut points = Vec::new();
        for key in ["variable_1", "variable_2", "variable_3"] {
            let Some(name) = group.text(key) else { break };
            axes.push(match name {
                "input_net_transition" | "input_transition_time" => Some(Axis::Slew),
                "total_output_net_capacitance" => Some(Axis::Load),
                _ => None,
            });
            let index = key.replace("variable", "index");
            points.push(group.attribute(&index).map(numbers).transpose()?);
        }
        Ok(Self { axes, points })
    }
}

/// The comma-separated numbers of all values of an attribute.
fn numbers(attribute: &Attribute<'_>) -> Result<Vec<f64>, SyntaxError> {
    attribute
        .values
        .iter()
        .flat_map(|v| v.split([',', ' ', '\t', '\n', '\r', '\\']))
        .filter(|v| !v.is_empty())
        .map(|v| {
            finite(v).ok_or_else(|| {
                let problem = format!("{}: not a finite number: `{v}`", attribute.name);
                SyntaxError::new(attribute.line, problem)
            })
        })
        .collect()
}

impl Table {
    /// Reads a table group; `template` is `None` for `scalar`.
    pub(crate) fn read(
        group: &Group<'_>,
        template: Option<&Template>,
        scale: Scale,
    ) -> Result<Self, SyntaxError> {
        let error =
            |problem: String| SyntaxError::new(group.line, format!("{}: {problem}", group.name));
        let values = group.attribute("values").ok_or_else(|| error("no values".into()))?;
        let values: Vec<f64> = numbers(values)?.iter().map(|v| v * scale.value).collect();
        let (mut slew, mut load) = (Vec::new(), Vec::new());
        let mut order = Vec::new();
        for (i, axis) in template.map_or(&[][..], |t| &t.axes).iter().enumerate() {
            let index = group.attribute(&format!("index_{}", i + 1)).map(numbers).transpose()?;
            let points = index
                .or_else(|| template.and_then(|t| t.points[i].clone()))
                .ok_or_else(|| error(format!("index_{} is missing", i + 1)))?;
            let (target, factor) = match axis {
                Some(Axis::Slew) => (&mut slew, scale.time),
                Some(Axis::Load) => (&mut load, scale.load),
                None => return Err(error("axes other than slew and load".into())),
            };
            *target = points.iter().map(|p| p * factor).collect::<Vec<f64>>();
            order.push(*axis);
        }
        let (rows, columns) = (slew.len().max(1), load.len().max(1));
        if values.len() != rows * columns {
            let problem = format!("{} values for {rows} x {columns} points", values.len());
            return Err(error(problem));
        }
        let values = if order == [Some(Axis::Load), Some(Axis::Slew)] {
            (0..rows * columns).map(|i| values[i % columns * rows + i / columns]).collect()
        } else {
            values
        };
        Ok(Self { slew, load, values })
    }

    /// The value at `slew` ps and `load` fF: bilinear between the points, constant outside of them (a net beyond the
    /// last load would be buffered in a layout).
    pub fn at(&self, slew: f64, load: f64) -> f64 {
        let (row, right_row, u) = position(&self.slew, slew);
        let (column, right, v) = position(&self.load, load);
        let columns = self.load.len().max(1);
        let value = |r: usize, c: usize| self.values[r * columns + c];
        let low = value(row, column) * (1.0 - v) + value(row, right) * v;
        let high = value(right_row, column) * (1.0 - v) + value(right_row, right) * v;
        low * (1.0 - u) + high * u
    }
}

/// The points around `x` and the fraction between them.
fn position(points: &[f64], x: f64) -> (usize, usize, f64) {
    if points.len() < 2 || x <= points[0] {
        return (0, 0, 0.0);
    }
    let last = points.len() - 1;
    if x >= points[last] {
        return (last, last, 0.0);
    }
    let right = points.partition_point(|&p| p <= x);
    let fraction = (x - points[right - 1]) / (points[right] - points[right - 1]);
    (right - 1, right, fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    const TEXT: &str = r#"library (l) {
      lu_table_template (t) {
        variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;
        index_1 ("1, 3"); index_2 ("10, 20, 40"); }
      rise (t) { values ("1, 2, 4", "3, 4, 6"); }
      bad (t) { values ("1, 2"); }
    }"#;

    #[test]
    fn bilinear_between_points_and_constant_outside() {
        let library = parse(TEXT).unwrap();
        let template = Template::read(&library.groups[0]).unwrap();
        let scale = Scale { time: 1.0, load: 1.0, value: 2.0 };
        let table = Table::read(&library.groups[1], Some(&template), scale).unwrap();
        assert_eq!(table.at(10.0, 1.0), 2.0);
        assert_eq!(table.at(10.0, 2.0), 4.0);
        assert_eq!(table.at(30.0, 2.0), 8.0);
        assert_eq!(table.at(99.0, 9.0), 12.0);
        assert!(Table::read(&library.groups[2], Some(&template), scale).is_err());
    }
}
