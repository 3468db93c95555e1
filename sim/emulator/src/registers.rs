//! The configuration registers with the widths that a configuration gives them.

use pecan_config::geometry::Geometry;
use pecan_config::isa::ErrorCode;
use pecan_config::isa::register::{
    COL_BASE, COL_STRIDE, ColRegister, ROW_BASE, ROW_STRIDE, Register, RowRegister, Width, col, row,
};

/// Number of register indices.
const INDICES: usize = 256;

/// Values of all configuration registers, each masked to its width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    values: Vec<u32>,
    /// Width in bits of every index; 0 where there is no register.
    bits: Vec<u8>,
    groups_max: u32,
}

impl Registers {
    /// All registers zero.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        let mut bits = vec![0u8; INDICES];
        for register in Register::ALL {
            bits[*register as usize] = geometry.register_bits(register.width()) as u8;
        }
        for r in 0..geometry.rows {
            let base = row(r, RowRegister::Base) as usize;
            bits[base] = 32;
            bits[base + 1] = 32;
            bits[base + 2] = geometry.register_bits(Width::PatchAddress) as u8;
            bits[base + 3] = geometry.register_bits(Width::BufferAddress) as u8;
        }
        for c in 0..geometry.cols {
            bits[col(c, ColRegister::WeightBase) as usize] = geometry.weight_address_bits as u8;
            // A value above half the psum depth is an error, so no bit is cut off here.
            bits[col(c, ColRegister::Groups) as usize] = 32;
        }
        Self { values: vec![0; INDICES], bits, groups_max: geometry.psum_bank as u32 }
    }

    /// Whether the configuration has a register of this index.
    #[must_use]
    pub fn exists(&self, index: u32) -> bool {
        self.bits.get(index as usize).is_some_and(|bits| *bits > 0)
    }

    /// Writes a register; the value is truncated to the register's width.
    ///
    /// # Errors
    /// [`ErrorCode::Register`] if there is no such register, or more groups than a psum bank holds.
    pub fn write(&mut self, index: u32, value: u32) -> Result<(), ErrorCode> {
        if !self.exists(index) {
            return Err(ErrorCode::Register);
        }
        let groups =
            index >= COL_BASE && (index - COL_BASE) % COL_STRIDE == ColRegister::Groups as u32;
        if groups && value > self.groups_max {
            return Err(ErrorCode::Register);
        }
        self.values[index as usize] = value & mask(self.bits[index as usize]);
        Ok(())
    }

    /// The raw value of an index (0 where there is no register).
    #[must_use]
    pub fn raw(&self, index: u32) -> u32 {
        self.values[index as usize]
    }

    /// A scalar register, sign-extended where it is signed.
    #[must_use]
    pub fn get(&self, register: Register) -> i64 {
        let index = register as usize;
        let value = i64::from(self.values[index]);
        let bits = self.bits[index];
        if register.signed() && value >> (bits - 1) & 1 == 1 { value - (1 << bits) } else { value }
    }

    /// A register of a row of the array.
    #[must_use]
    pub fn row(&self, index: usize, register: RowRegister) -> u32 {
        self.values[(ROW_BASE + ROW_STRIDE * index as u32) as usize + register as usize]
    }

    /// A register of a column of the array.
    #[must_use]
    pub fn col(&self, index: usize, register: ColRegister) -> u32 {
        self.values[(COL_BASE + COL_STRIDE * index as u32) as usize + register as usize]
    }

    /// Sets a scalar register if it can hold the value.
    ///
    /// # Errors
    /// The register and its width in bits if the value does not fit.
    pub fn set(&mut self, register: Register, value: i64) -> Result<(), (Register, u8)> {
        let index = register as usize;
        let bits = self.bits[index];
        let wraps = matches!(register.width(), Width::BufferAddress | Width::PatchAddress);
        let (low, high) = if register.signed() {
            (-(1i64 << (bits - 1)), 1i64 << (bits - 1))
        } else {
            (0, 1i64 << bits)
        };
        if !wraps && !(low..high).contains(&value) {
            return Err((register, bits));
        }
        self.values[index] = value as u32 & mask(bits);
        Ok(())
    }

    /// Indices whose value differs from that in `other`, or of all registers if there is no other.
    #[must_use]
    pub fn changed(&self, other: Option<&Registers>) -> Vec<u32> {
        let differs = |index: u32| {
            self.exists(index) && other.is_none_or(|other| other.raw(index) != self.raw(index))
        };
        (0..INDICES as u32).filter(|index| differs(*index)).collect()
    }
}

fn mask(bits: u8) -> u32 {
    if bits >= 32 { u32::MAX } else { (1 << bits) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pecan_config::Config;

    #[test]
    fn values_are_cut_and_signed() {
        let mut registers = Registers::new(&Geometry::of(&Config::default()));
        registers.write(Register::InY0 as u32, 0xffff_ffff).unwrap();
        assert_eq!(registers.get(Register::InY0), -1);
        registers.write(Register::PatchY as u32, 9).unwrap();
        assert_eq!(registers.get(Register::PatchY), 1);
        assert_eq!(registers.write(col(0, ColRegister::Groups), 9), Err(ErrorCode::Register));
        assert_eq!(registers.write(60, 0), Err(ErrorCode::Register));
        assert_eq!(registers.write(row(8, RowRegister::Base), 0), Err(ErrorCode::Register));
        assert_eq!(registers.set(Register::CbFull, 99), Err((Register::CbFull, 4)));
    }
}
