//! Configuration registers as leaves: each block holds the registers that it uses, written over one bus.

/// Declares a leaf with the configuration registers that a block uses: field = register.
///
/// The leaf is connected to the decoder's write bus and has an output for each register, with its name and width.
/// Registers keep their values; a program sets those that it uses.
macro_rules! config_leaf {
    ($(#[$doc:meta])* $leaf:ident $module:literal { $($field:ident: $register:ident,)* }) => {
        $(#[$doc])*
        #[derive(LogicBlock)]
        pub(crate) struct $leaf {
            kind: ModuleName,
            pub(crate) clock: Signal<In, Clock>,
            pub(crate) bus: $crate::blocks::bundles::ConfigBus<In>,
            $(pub(crate) $field: Wire<Out>,)*
        }

        impl $leaf {
            pub(crate) fn new(g: &pecan_config::geometry::Geometry) -> Self {
                Self {
                    kind: ModuleName::new($module),
                    clock: Signal::default(),
                    bus: $crate::blocks::bundles::ConfigBus::new(),
                    $($field: {
                        let register = pecan_config::isa::register::Register::$register;
                        let bits = g.register_bits(register.width());
                        if register.signed() { Wire::signed(bits) } else { Wire::new(bits) }
                    },)*
                }
            }
        }

        impl Logic for $leaf {
            fn update(&mut self) {
                if self.clock.pos_edge() && self.bus.write.val() {
                    let (index, data) = (self.bus.index.val().index(), self.bus.data.val());
                    $(if index == pecan_config::isa::register::Register::$register as usize {
                        self.$field.next = data;
                    })*
                }
            }

            fn connect(&mut self) {
                $(self.$field.connect();)*
            }

            fn hdl(&self) -> Verilog {
                let mut text = $crate::blocks::config_leaf::BUS_TEXT.to_string();
                $({
                    let register = pecan_config::isa::register::Register::$register;
                    text += &$crate::blocks::config_leaf::register_text(
                        stringify!($field), self.$field.width(), register as usize,
                    );
                })*
                Verilog::Custom(text)
            }
        }
    };
}

/// Registers are narrower than the bus; this line tells lint so.
pub(crate) const BUS_TEXT: &str = "wire unused = &{1'b0, data};\n";

/// Verilog of one register of a leaf.
pub(crate) fn register_text(name: &str, width: usize, index: usize) -> String {
    let part = if width == 1 { "0".to_string() } else { format!("{}:0", width - 1) };
    let range = if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) };
    format!(
        "reg {range}{name}_q;\nalways @(posedge clock) if (write && index == 8'd{index}) {name}_q <= data[{part}];\nassign {name} = {name}_q;\n"
    )
}

pub(crate) use config_leaf;
