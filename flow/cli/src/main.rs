//! The command `pecan`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pecan_cli::main()
}
