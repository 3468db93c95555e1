//! The list of subcommands.

use clap::Subcommand;

use super::{Context, Exit, Failure};
use super::{
    cache, calibrate, check, completions, demo, doctor, estimate, generate, init, prune, simulate,
    synth, tools,
};

/// Makes the enum of subcommands from their modules: `Variant => module`.
macro_rules! commands {
    ($($variant:ident => $module:ident),+ $(,)?) => {
        /// A subcommand with its arguments.
        #[derive(Debug, Subcommand)]
        #[allow(missing_docs)] // Each variant is documented by its arguments.
        pub enum Command {
            $( $variant(Box<$module::Args>) ),+
        }

        impl Command {
            /// The subcommand's name, which also names its default output folder.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $( Self::$variant(_) => stringify!($module) ),+
                }
            }

            /// Runs the subcommand.
            ///
            /// # Errors
            /// [`Failure`] with its message and exit code.
            pub fn run(self, context: &Context) -> Result<Exit, Failure> {
                match self {
                    $( Self::$variant(args) => $module::run(*args, context) ),+
                }
            }
        }
    };
}

commands! {
    Demo => demo,
    Doctor => doctor,
    Tools => tools,
    Init => init,
    Generate => generate,
    Check => check,
    Simulate => simulate,
    Synth => synth,
    Calibrate => calibrate,
    Estimate => estimate,
    Prune => prune,
    Cache => cache,
    Completions => completions,
}
