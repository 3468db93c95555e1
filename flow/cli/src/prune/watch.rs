//! Progress display of `pecan prune`.

use indicatif::ProgressBar;

use crate::Context;
use pecan_net::quantize::Options;
use pecan_prune::{Criterion, Event};
use pecan_text::format::energy;

/// Shows the progress of a method.
pub(crate) struct Progress<'a> {
    /// Unit of energies.
    unit: &'a str,
    bar: ProgressBar,
    rule: &'static str,
    widths: Options,
    round: usize,
    decisions: Option<String>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(context: &Context, rule: &Criterion, unit: &'a str, explain: bool) -> Self {
        let head = "widths,round,layer,output,input,weights,loss,saved\n";
        let decisions = explain.then(|| head.to_owned());
        let bar = context.bar(1, rule.name);
        Self { unit, bar, rule: rule.name, widths: Options::default(), round: 0, decisions }
    }

    pub(crate) fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin(widths) => {
                self.widths = *widths;
                tracing::debug!("{} on hardware of {widths}", self.rule);
            }
            Event::Round(round, goal) => {
                self.round = *round;
                tracing::debug!(
                    "{}, round {round}: towards {}",
                    self.rule,
                    energy(*goal, self.unit)
                );
            }
            Event::Resumed(round) => tracing::info!(
                "{}, {}: goes on behind round {round} of an earlier run with the same arguments",
                self.rule,
                self.widths
            ),
            Event::Tuning(progress) => {
                self.bar.set_length(progress.steps as u64);
                self.bar.set_position(progress.step as u64);
                self.bar.set_message(format!(
                    "{}, {}, round {}: loss {:.3}, accuracy {:.1} %",
                    self.rule,
                    self.widths,
                    self.round,
                    progress.loss,
                    100.0 * progress.accuracy
                ));
            }
            Event::Scored(point) => tracing::info!(
                "{}, round {}, {}: {:.2} % at {} (predicted {}), {:.0} cycles, density {:.3}{}",
                self.rule,
                point.round,
                point.widths,
                100.0 * point.accuracy,
                energy(point.energy, self.unit),
                energy(point.predicted, self.unit),
                point.cycles,
                point.density,
                if point.good { "" } else { ": too much lost" }
            ),
            Event::Removed(round, reasons) => {
                let widths = self.widths;
                let Some(text) = &mut self.decisions else { return };
                for r in *reasons {
                    let saved = r.saved.map(|saved| format!("{saved:.3}")).unwrap_or_default();
                    let number = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
                    let place = [
                        csv_field(&r.layer),
                        number(r.output),
                        number(r.input),
                        r.weights.to_string(),
                    ];
                    let place = place.join(",");
                    text.push_str(&format!("{widths},{round},{place},{:e},{saved}\n", r.loss));
                }
            }
        }
    }

    /// The decisions, if they were requested.
    pub(crate) fn finish(self) -> Option<String> {
        self.bar.finish_and_clear();
        self.decisions
    }
}

/// A field of a CSV file (RFC 4180).
fn csv_field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stays_one_field() {
        assert_eq!(csv_field("conv1"), "conv1");
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
