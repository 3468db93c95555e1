//! Signals that end the process: children and scratch folders are cleaned up first.
//!
//! They would be cleaned up in any case ([`pecan_host::child`]), but a moment after the end of the process. With the
//! handler, nothing is left when the process has ended. Also, the first process of a container, which the kernel does
//! not end by a signal without a handler, ends at once.

use std::os::raw::c_int;
use std::thread;

use pecan_host::child::stop_all;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Handles the signals from now on, except those that this process was told to ignore, as by `nohup`.
pub(super) fn watch() {
    let ignored = std::fs::read_to_string("/proc/self/status").map_or(0, |text| ignored(&text));
    let wanted: Vec<c_int> = [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .filter(|signal| ignored >> (signal - 1) & 1 == 0)
        .collect();
    // Without a handler the signal ends the process as well, only in another order.
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let waiting = thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            stop_all();
            let _ = emulate_default_handler(signal);
        }
    });
    if let Err(error) = waiting {
        tracing::warn!("signals end this process before its children: {error}");
    }
}

/// The ignored signals as bits, from the kernel's description of a process; bit 0 is signal 1.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_found() {
        let status = "Name:\tpecan\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored(status), 1 << 12 | 1);
        assert_eq!(ignored(""), 0);
    }
}
