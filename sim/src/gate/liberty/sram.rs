//! Energy per access of SRAM macros, from the internal power of their clock pin.
