//! Constraints of a target: one description, written in the format of its tool.

use serde::Deserialize;
use std::fmt::Write as _;

use super::GenerateError;
use pecan_rtl::emit::Port;
use pecan_text::toml_limits;

/// The shipped targets: name of the description and its text.
pub const TARGETS: &[(&str, &str)] = &[
    ("asic.toml", include_str!("../../../../constraints/asic.toml")),
    ("ice40_hx8k.toml", include_str!("../../../../constraints/ice40_hx8k.toml")),
    ("ecp5.toml", include_str!("../../../../constraints/ecp5.toml")),
    ("xilinx.toml", include_str!("../../../../constraints/xilinx.toml")),
];

/// Language of a constraints file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolFormat {
    /// Synopsys design constraints, read by OpenSTA, OpenROAD, Yosys and commercial tools.
    Sdc,
    /// Physical constraints of nextpnr-ice40.
    Pcf,
    /// Lattice preference file of nextpnr-ecp5 and Diamond.
    Lpf,
    /// Xilinx design constraints of Vivado.
    Xdc,
}

impl ToolFormat {
    /// Extension of the file.
    fn extension(self) -> &'static str {
        match self {
            Self::Sdc => "sdc",
            Self::Pcf => "pcf",
            Self::Lpf => "lpf",
            Self::Xdc => "xdc",
        }
    }

    /// FuseSoC's name of the format.
    pub(super) fn file_type(self) -> &'static str {
        match self {
            Self::Sdc => "SDC",
            Self::Pcf => "PCF",
            Self::Lpf => "LPF",
            Self::Xdc => "xdc",
        }
    }
}

/// The place of one port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Port, with the bit in brackets if it has several (`in_data_0[3]`).
    pub port: String,
    /// Pin of the package.
    pub pin: String,
    /// Electrical standard, for LPF and XDC.
    pub io_standard: Option<String>,
}

/// Clock and pins of one target. Delays are the time outside the block: from the clock edge until an input is stable,
/// and from an output until the next edge.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the target and of its constraints file.
    pub name: String,
    /// The target and its caveats, in words.
    pub description: String,
    /// Language of the file.
    pub format: ToolFormat,
    /// Device that the core file's target of this name builds for: nextpnr's name of it (`hx8k`, `85k`) or Vivado's
    /// part. Without it the core file has no such target.
    pub device: Option<String>,
    /// Package of the device (PCF and LPF only, where a device needs one).
    pub package: Option<String>,
    /// Clock port.
    pub clock_port: String,
    /// Clock frequency in MHz.
    pub frequency_mhz: f64,
    /// Input delay in ns (SDC and XDC only).
    pub input_delay_ns: Option<f64>,
    /// Output delay in ns (SDC and XDC only).
    pub output_delay_ns: Option<f64>,
    /// Places of ports.
    #[serde(default)]
    pub pins: Vec<Pin>,
}

impl Target {
    /// The targets of [`TARGETS`].
    ///
    /// # Errors
    /// [`GenerateError::Target`] if a shipped description is wrong.
    pub fn shipped() -> Result<Vec<Self>, GenerateError> {
        TARGETS.iter().map(|(name, text)| Self::parse(name, text)).collect()
    }

    /// Reads a description in TOML; `name` is for messages.
    ///
    /// # Errors
    /// [`GenerateError::Target`] for text that is no description, a name that is no file name, a frequency
    /// that is no positive number, or delays that leave no time, or that the format cannot express.
    pub fn parse(name: &str, text: &str) -> Result<Self, GenerateError> {
        let wrong = |reason: String| GenerateError::Target { target: name.into(), reason };
        toml_limits::check(text).map_err(wrong)?;
        let target: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        target.check().map_err(wrong)?;
        Ok(target)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(format!("name = {:?}: allowed are letters, digits and `_`", self.name));
        }
        let reserved = ["rtl", "lint", "tb", "software", "default", "sim"];
        if reserved.contains(&self.name.as_str()) {
            return Err(format!("name = {:?}: taken by the package itself", self.name));
        }
        if !(self.frequency_mhz.is_finite() && self.frequency_mhz > 0.0) {
            return Err(format!("frequency_mhz = {}: must be above 0", self.frequency_mhz));
        }
        self.check_device()?;
        let delays =
            [("input_delay_ns", self.input_delay_ns), ("output_delay_ns", self.output_delay_ns)];
        for (key, delay) in delays {
            let Some(delay) = delay else { continue };
            if matches!(self.format, ToolFormat::Pcf | ToolFormat::Lpf) {
                return Err(format!("{key}: {} has no input or output delays", self.extension()));
            }
            if !(0.0..self.period_ns()).contains(&delay) {
                let period = self.period_ns();
                return Err(format!(
                    "{key} = {delay}: must be from 0 to the period of {period} ns"
                ));
            }
        }
        Ok(())
    }

    fn check_device(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        for (key, value) in [("device", &self.device), ("package", &self.package)] {
            let Some(value) = value else { continue };
            if !value.starts_with(|c: char| c.is_ascii_alphanumeric()) || !value.chars().all(plain)
            {
                return Err(format!("{key} = {value:?}: allowed are letters, digits, `-` and `_`"));
            }
        }
        let nextpnr = matches!(self.format, ToolFormat::Pcf | ToolFormat::Lpf);
        match (&self.device, &self.package) {
            (Some(_), None) if nextpnr => Err("package: nextpnr needs it beside `device`".into()),
            (None, Some(_)) => Err("package: needs a `device`".into()),
            (Some(_), Some(_)) if !nextpnr => {
                Err(format!("package: {} has none, it is part of `device`", self.extension()))
            }
            (Some(_), None) if self.format == ToolFormat::Sdc => {
                Err("device: sdc is for chips, which the core file has no target for".into())
            }
            _ => Ok(()),
        }
    }

    fn extension(&self) -> &'static str {
        self.format.extension()
    }

    fn period_ns(&self) -> f64 {
        1000.0 / self.frequency_mhz
    }

    /// Path of the constraints file in the package.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("constraints/{}.{}", self.name, self.extension())
    }

    /// The constraints for a top module with these ports.
    ///
    /// # Errors
    /// [`GenerateError::Target`] if clock or pins name a port that does not exist.
    pub fn constraints(&self, ports: &[Port]) -> Result<String, GenerateError> {
        let wrong = |reason: String| GenerateError::Target { target: self.name.clone(), reason };
        let clock = ports.iter().find(|p| p.name == self.clock_port);
        if !clock.is_some_and(|p| p.input && p.bits == 1) {
            return Err(wrong(format!("clock_port = {:?}: no such input", self.clock_port)));
        }
        for pin in &self.pins {
            if !ports.iter().any(|port| has_bit(port, &pin.port)) {
                let reason = format!("pins: {:?} is no port, or no bit of a port", pin.port);
                return Err(wrong(reason));
            }
        }
        let comment = if self.format == ToolFormat::Lpf { "//" } else { "#" };
        let mut text = format!("{comment} {}\n", self.description);
        match self.format {
            ToolFormat::Sdc | ToolFormat::Xdc => self.timing(ports, &mut text),
            ToolFormat::Pcf => {
                let _ = writeln!(text, "set_frequency {} {}", self.clock_port, self.frequency_mhz);
            }
            ToolFormat::Lpf => {
                let (clock, mhz) = (&self.clock_port, self.frequency_mhz);
                let _ = writeln!(text, "FREQUENCY PORT \"{clock}\" {mhz} MHZ;");
            }
        }
        self.pins.iter().for_each(|pin| self.place(pin, &mut text));
        Ok(text)
    }

    /// Clock and delays in the commands common to SDC and XDC.
    fn timing(&self, ports: &[Port], text: &mut String) {
        let clock = &self.clock_port;
        let period = self.period_ns();
        let _ =
            writeln!(text, "create_clock -name {clock} -period {period:.3} [get_ports {clock}]");
        let delays = [("input", self.input_delay_ns), ("output", self.output_delay_ns)];
        for (direction, delay) in delays {
            let Some(delay) = delay else { continue };
            let names: Vec<String> = ports
                .iter()
                .filter(|p| p.input == (direction == "input") && p.name != *clock)
                .map(|p| if p.bits == 1 { p.name.clone() } else { format!("{}[*]", p.name) })
                .collect();
            let names = names.join(" ");
            let _ = writeln!(
                text,
                "set_{direction}_delay -clock {clock} {delay:.3} [get_ports {{{names}}}]"
            );
        }
    }

    fn place(&self, pin: &Pin, text: &mut String) {
        let Pin { port, pin, io_standard } = pin;
        let _ = match self.format {
            // SDC is for timing; the floorplan decides the places in a chip.
            ToolFormat::Sdc => writeln!(text, "# {port}: {pin}"),
            ToolFormat::Pcf => writeln!(text, "set_io {port} {pin}"),
            ToolFormat::Lpf => writeln!(text, "LOCATE COMP \"{port}\" SITE \"{pin}\";"),
            ToolFormat::Xdc => {
                writeln!(text, "set_property PACKAGE_PIN {pin} [get_ports {{{port}}}]")
            }
        };
        let Some(standard) = io_standard else { return };
        let _ = match self.format {
            ToolFormat::Sdc | ToolFormat::Pcf => Ok(()),
            ToolFormat::Lpf => writeln!(text, "IOBUF PORT \"{port}\" IO_TYPE={standard};"),
            ToolFormat::Xdc => {
                writeln!(text, "set_property IOSTANDARD {standard} [get_ports {{{port}}}]")
            }
        };
    }
}

/// Whether `name` is that port, if it has one bit, or one of its bits.
fn has_bit(port: &Port, name: &str) -> bool {
    if port.bits == 1 {
        return name == port.name;
    }
    name.strip_prefix(port.name.as_str())
        .and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .is_some_and(|bit: usize| bit < port.bits)
}
