//! The methods of `pecan prune`, side by side.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::prune::output::Found;
use crate::prune::watch::Progress;
use crate::run::import;
use crate::{Context, Failure, RunArgs, RunFolder};
use pecan_net::onnx::Model;
use pecan_net::quantize::Options;
use pecan_prune as prune;
use pecan_prune::{Checkpoint, Criterion, Dense, Event, Search, Setting};

/// Inputs common to all methods.
pub(crate) struct Comparison<'a> {
    pub(crate) context: &'a Context,
    pub(crate) folder: &'a RunFolder,
    pub(crate) setting: &'a Setting,
    pub(crate) model: &'a Model,
    pub(crate) dense: &'a Dense<'a>,
    pub(crate) checkpoint: &'a Checkpoint,
    /// Widths that a method may choose from.
    pub(crate) widths: &'a [Options],
    /// Whether decisions are written.
    pub(crate) explain: bool,
}

impl Comparison<'_> {
    /// Runs the methods, as many at once as there are worker threads, as a single training cannot keep all threads
    /// busy; the results are in the order of `rules`. Each method has a pool of its own, so that none waits for work of
    /// another.
    ///
    /// # Errors
    /// Of the first method (by its place) that fails; no method begins after a failure.
    pub(crate) fn run(&self, rules: &[&Criterion], args: &RunArgs) -> Result<Vec<Found>, Failure> {
        let next = AtomicUsize::new(0);
        let lane = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(rule) = rules.get(number) else { return done };
                let result = args.pool().and_then(|pool| pool.install(|| self.method(rule)));
                if result.is_err() {
                    next.store(rules.len(), Ordering::Relaxed);
                }
                done.push((number, result));
            }
        };
        let mut all: Vec<_> = thread::scope(|scope| {
            let lanes: Vec<_> =
                (0..args.jobs().min(rules.len())).map(|_| scope.spawn(lane)).collect();
            let joined = lanes.into_iter().map(thread::ScopedJoinHandle::join);
            joined.flat_map(|lane| lane.unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
        });
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, result)| result).collect()
    }

    fn method(&self, rule: &Criterion) -> Result<Found, Failure> {
        let unit = &self.setting.target.technology.unit;
        let mut watcher = Progress::new(self.context, rule, unit, self.explain);
        let mut graph = import(self.model, false)?;
        let search = Search {
            setting: self.setting,
            dense: self.dense,
            criterion: rule,
            checkpoint: Some(self.checkpoint),
        };
        let mut watch = |event: &Event<'_>| watcher.see(event);
        let outcome = prune::prune_widths(search, self.widths, &mut graph, &mut watch)?;
        if let Some(decisions) = watcher.finish() {
            self.folder.write(format!("decisions-{}.csv", rule.name), decisions)?;
        }
        Ok(Found::new(self.setting, outcome, graph)?)
    }
}
