//! Parses the text of OpenSTA's `report_checks` and `report_tns`.

use super::TimingReport;
use crate::{Result, ToolError};

/// Reads the report of the worst path.
///
/// # Errors
/// [`ToolError::Report`] naming the missing part.
pub(super) fn parse(text: &str, period_ns: f64) -> Result<TimingReport> {
    let wrong = |reason: String| ToolError::Report { tool: "sta", what: "timing report", reason };
    if text.contains("No paths found") {
        return Err(wrong("it found no path between flops or ports".into()));
    }
    let after = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let word = line.and_then(|rest| rest.split_whitespace().next());
        word.map(str::to_owned).ok_or_else(|| wrong(format!("there is no `{key}`")))
    };
    let number = |word: &str, key: &str| {
        word.parse::<f64>().map_err(|_| wrong(format!("`{key}` is {word:?}, not a number")))
    };
    let slack = text.lines().map(str::trim).find_map(|line| {
        let (value, rest) = line.split_once(char::is_whitespace)?;
        let verdict = rest.trim();
        ["slack (MET)", "slack (VIOLATED)"].contains(&verdict).then_some(value)
    });
    let slack = slack.ok_or_else(|| wrong("there is no `slack`".into()))?;
    let slack_ns = number(slack, "slack")?;
    let shortest = period_ns - slack_ns;
    if shortest <= 0.0 {
        return Err(wrong(format!("a slack of {slack_ns} ns leaves a path of no length")));
    }
    let untimed = black_boxes(text);
    Ok(TimingReport {
        tool: String::new(),
        period_ns,
        slack_ns,
        total_negative_slack_ns: number(&after("tns ")?, "tns")?,
        fmax_mhz: 1000.0 / shortest,
        start: after("Startpoint: ")?,
        end: after("Endpoint: ")?,
        levels: levels(text),
        notes: notes(&untimed),
        untimed,
    })
}

/// Lines of the data path that end in a cell's type, without the flop at its end.
fn levels(text: &str) -> usize {
    let path = text.lines().take_while(|line| !line.contains("data arrival time"));
    let pins = path.filter(|line| [" ^ ", " v "].iter().any(|edge| line.contains(edge)));
    pins.filter(|line| line.ends_with(')')).count().saturating_sub(1)
}

/// The modules of lines such as "module m not found.  Creating black box for u."
fn black_boxes(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.contains("Creating black box"));
    let names = lines.filter_map(|line| {
        let (before, _) = line.split_once(" not found")?;
        before.rsplit(' ').next().map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

fn notes(untimed: &[String]) -> Vec<String> {
    let mut notes =
        vec!["before layout: wires have no delay, the clock arrives everywhere at once".to_owned()];
    if !untimed.is_empty() {
        notes.push(format!("paths into and out of memories are not timed: {}", untimed.join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MET: &str = include_str!("samples/met_2.0.17.txt");
    const VIOLATED: &str = include_str!("samples/violated_2.0.17.txt");

    #[test]
    fn real_reports_are_read() {
        let met = parse(MET, 10.0).unwrap();
        assert_eq!((met.slack_ns, met.total_negative_slack_ns), (2.6132, 0.0));
        assert!((met.fmax_mhz - 1000.0 / 7.3868).abs() < 1e-9);
        assert_eq!(met.start, "u_compute/u_drain/u_lane_0/_5616_");
        assert_eq!(met.end, "u_compute/u_drain/u_lane_0/_5675_");
        assert_eq!(met.untimed.len(), 3);
        assert!(met.notes[1].contains("global_buffer_4096x32"));
        let violated = parse(VIOLATED, 5.0).unwrap();
        assert_eq!((violated.slack_ns, violated.total_negative_slack_ns), (-3.6598, -961.13));
        assert!((violated.fmax_mhz - 1000.0 / 8.6598).abs() < 1e-9);
        assert!(violated.levels > 10 && met.levels > 10);
    }

    #[test]
    fn missing_fields_are_errors() {
        for field in ["Startpoint: ", "Endpoint: ", "tns ", "slack (MET)"] {
            let lines = MET.lines().filter(|line| !line.contains(field));
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            let error = parse(&text, 10.0).unwrap_err();
            assert!(error.to_string().contains(field.split(' ').next().unwrap()), "{error}");
            assert_eq!(error.exit_code(), 5);
        }
        assert!(parse("No paths found.\n", 1.0).unwrap_err().to_string().contains("no path"));
        assert!(parse(&MET.replace("2.6132   slack", "nan?   slack"), 10.0).is_err());
    }
}
