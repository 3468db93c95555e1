//! Configuration registers of the rows of the array: which pixel each row works on.

use super::flags;
use crate::geometry::{Geometry, LATTICE_BITS};
use crate::isa::register::{ROW_BASE, ROW_STRIDE, RowRegister};
use crate::rtl::prelude::*;

block! {
    /// The row table, a leaf: [`ROW_STRIDE`] registers per row, see [`RowRegister`].
    pub(crate) struct RowTable = "row_table" {
        pub(crate) clock: Signal<In, Clock>,
        pub(crate) write: Signal<In, Bit>,
        pub(crate) index: Wire<In> = Wire::new(8),
        pub(crate) data: Wire<In> = Wire::new(32),
        // First tap in the lattice, relative to the tile.
        pub(crate) base_y: Vec<Wire<Out>> = Wire::vec(g.rows, LATTICE_BITS),
        pub(crate) base_x: Vec<Wire<Out>> = Wire::vec(g.rows, LATTICE_BITS),
        // Pixel relative to the tile, and whether the row is not used.
        pub(crate) pixel_y: Vec<Wire<Out>> = Wire::vec(g.rows, LATTICE_BITS),
        pub(crate) pixel_x: Vec<Wire<Out>> = Wire::vec(g.rows, LATTICE_BITS),
        pub(crate) unused: Vec<Signal<Out, Bit>> = flags(g.rows),
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
        if !(self.clock.pos_edge() && self.write.val()) {
            return;
        }
        let (index, data) = (self.index.val().index(), self.data.val().index());
        let (Some(at), stride) = (index.checked_sub(ROW_BASE as usize), ROW_STRIDE as usize) else {
            return;
        };
        let (row, low, high) = (at / stride, data & 0xffff, data >> 16);
        if row >= self._rows {
            return;
        }
        if at % stride == RowRegister::Base as usize {
            self.base_y[row].next = low.into();
            self.base_x[row].next = high.into();
        } else if at % stride == RowRegister::Pixel as usize {
            self.pixel_y[row].next = low.into();
            self.pixel_x[row].next = high.into();
            self.unused[row].next = low >> 15 == 1;
        } else if at % stride == RowRegister::PatchOffset as usize {
            self.patch[row].next = data.into();
        } else {
            self.out[row].next = data.into();
        }
    }

    fn connect(&mut self) {
        for v in [
            &mut self.base_y,
            &mut self.base_x,
            &mut self.pixel_y,
            &mut self.pixel_x,
            &mut self.patch,
            &mut self.out,
        ] {
            v.iter_mut().for_each(Logic::connect);
        }
        self.unused.iter_mut().for_each(Logic::connect);
    }

    fn hdl(&self) -> Verilog {
        let mut text = super::config_leaf::BUS_TEXT.replace("unused", "unused_bits");
        let mut register = |row: usize, kind: RowRegister, name: &str, low: usize, width: usize| {
            let index = crate::isa::register::row(row, kind);
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
