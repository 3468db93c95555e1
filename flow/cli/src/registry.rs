//! The list of subcommands. Features add some: `energy` adds estimation, synthesis and calibration, `prune` adds
//! training and pruning.

use clap::Subcommand;

use super::metrics::schema_of;
use super::{Context, Exit, Failure};
use super::{cache, check, completions, doctor, generate, init, schema, simulate, tools};
#[cfg(feature = "energy")]
use super::{calibrate, estimate, power, synth};
#[cfg(feature = "prune")]
use super::{demo, prune};

/// Makes the enum of subcommands from their modules: `Variant => module`.
macro_rules! commands {
    ($($(#[$when:meta])* $variant:ident => $module:ident),+ $(,)?) => {
        /// A subcommand with its arguments.
        #[derive(Debug, Subcommand)]
        #[allow(missing_docs)] // Each variant is documented by its arguments.
        pub enum Command {
            $( $(#[$when])* $variant(Box<$module::Args>) ),+
        }

        impl Command {
            /// The subcommand's name, which also names its default output folder.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $( $(#[$when])* Self::$variant(_) => stringify!($module) ),+
                }
            }

            /// Runs the subcommand.
            ///
            /// # Errors
            /// [`Failure`] with its message and exit code.
            pub fn run(self, context: &Context) -> Result<Exit, Failure> {
                match self {
                    $( $(#[$when])* Self::$variant(args) => $module::run(*args, context) ),+
                }
            }
        }

        /// The names of all subcommands, each with the function that makes the JSON Schema of its result.
        pub(super) fn schemas() -> Vec<(&'static str, fn(&str) -> serde_json::Value)> {
            vec![
                $( $(#[$when])* (stringify!($module), schema_of::<$module::Metrics> as _) ),+
            ]
        }
    };
}

commands! {
    #[cfg(feature = "prune")]
    Demo => demo,
    Doctor => doctor,
    Tools => tools,
    Init => init,
    Generate => generate,
    Check => check,
    Simulate => simulate,
    #[cfg(feature = "energy")]
    Synth => synth,
    #[cfg(feature = "energy")]
    Calibrate => calibrate,
    #[cfg(feature = "energy")]
    Power => power,
    #[cfg(feature = "energy")]
    Estimate => estimate,
    #[cfg(feature = "prune")]
    Prune => prune,
    Schema => schema,
    Cache => cache,
    Completions => completions,
}
