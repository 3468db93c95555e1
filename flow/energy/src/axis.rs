//! The axes of a breakdown of energy.

/// Unit of energies in results: that of the technology, which results name beside them.
pub(super) const ENERGY_UNIT: &str = "technology.unit";

/// Declares an axis: documentation and name of the type, name of an object with its keys in schemas; of each part
/// variant, key in files and results, and meaning.
macro_rules! axis {
    ($(#[$about:meta])* $axis:ident $object:literal: $($variant:ident $key:literal $doc:literal,)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $axis { $(#[doc = $doc] $variant,)* }

        impl $axis {
            /// All parts, in the order of breakdowns.
            pub const ALL: &'static [$axis] = &[$($axis::$variant,)*];

            /// Key in technology files and `metrics.json`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($axis::$variant => $key,)* }
            }

            /// Meaning, for reports.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $($axis::$variant => $doc,)* }
            }
        }

        impl pecan_config::ResultKey for $axis {
            const ALL: &'static [Self] = $axis::ALL;
            const OBJECT: &'static str = $object;
            const UNIT: &'static str = $crate::axis::ENERGY_UNIT;

            fn key(self) -> &'static str {
                self.name()
            }

            fn meaning(self) -> &'static str {
                self.doc()
            }
        }
    };
}

pub(super) use axis;
