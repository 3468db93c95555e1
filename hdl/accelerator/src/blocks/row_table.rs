//! Configuration registers of the rows of the array: the pixel of each row.

use super::bundles::{ConfigBus, Pixel, Tap};
use pecan_config::geometry::{Geometry, LATTICE_BITS};
use pecan_config::isa::register::{ROW_BASE, ROW_STRIDE, RowRegister};
use pecan_rtl::prelude::*;

block! {
    /// The row table, a leaf: [`ROW_STRIDE`] registers per row, see [`RowRegister`].
    pub(crate) struct RowTable = "row_table" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) bus: ConfigBus<In> = ConfigBus::new(),
        pub(crate) tap: Bundles<Tap<Out>> = Bundles::new(g.rows, Tap::new),
        pub(crate) pixel: Bundles<Pixel<Out>> = Bundles::new(g.rows, Pixel::new),
        pub(crate) patch: Vec<Wire<Out>> = Wire::vec(g.rows, g.patch_bits()),
        pub(crate) out: Vec<Wire<Out>> = Wire::vec(g.rows, g.buffer_bits),
        _rows: usize = g.rows,
        _patch_bits: usize = g.patch_bits(),
        _addr_bits: usize = g.buffer_bits,
    }

    pub(crate) fn new(g: &Geometry) {}
}

impl Logic for RowTable {
    fn update(&mut self) {
        if !(self.clock.pos_edge() && self.bus.write.val()) {
            return;
        }
        let (index, data) = (self.bus.index.val().index(), self.bus.data.val().index());
        let (Some(at), stride) = (index.checked_sub(ROW_BASE as usize), ROW_STRIDE as usize) else {
            return;
        };
        let (row, low, high) = (at / stride, data & 0xffff, data >> 16);
        if row >= self._rows {
            return;
        }
        match RowRegister::ALL[at % stride] {
            RowRegister::Base => {
                self.tap[row].base_y.next = low.into();
                self.tap[row].base_x.next = high.into();
            }
            RowRegister::Pixel => {
                self.pixel[row].pixel_y.next = low.into();
                self.pixel[row].pixel_x.next = high.into();
                self.pixel[row].unused.next = low >> 15 == 1;
            }
            RowRegister::PatchOffset => self.patch[row].next = data.into(),
            RowRegister::OutOffset => self.out[row].next = data.into(),
        }
    }

    fn connect(&mut self) {
        self.tap.iter_mut().for_each(Logic::connect);
        self.pixel.iter_mut().for_each(Logic::connect);
        self.patch.iter_mut().chain(&mut self.out).for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let mut text = super::config_leaf::BUS_TEXT.replace("unused", "unused_bits");
        let mut register = |row: usize, kind: RowRegister, name: &str, low: usize, width: usize| {
            let index = pecan_config::isa::register::row(row, kind);
            let range = if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) };
            let part =
                if width == 1 { low.to_string() } else { format!("{}:{low}", low + width - 1) };
            text += &format!(
                "reg {range}{name}_{row}_q;\n\
                 always @(posedge clock) if (write && index == 8'd{index}) {name}_{row}_q <= data[{part}];\n\
                 assign {name}_{row} = {name}_{row}_q;\n"
            );
        };
        for r in 0..self._rows {
            register(r, RowRegister::Base, "base_y", 0, LATTICE_BITS);
            register(r, RowRegister::Base, "base_x", 16, LATTICE_BITS);
            register(r, RowRegister::Pixel, "pixel_y", 0, LATTICE_BITS);
            register(r, RowRegister::Pixel, "pixel_x", 16, LATTICE_BITS);
            register(r, RowRegister::Pixel, "unused", 15, 1);
            register(r, RowRegister::PatchOffset, "patch", 0, self._patch_bits);
            register(r, RowRegister::OutOffset, "out", 0, self._addr_bits);
        }
        Verilog::Custom(text)
    }
}
