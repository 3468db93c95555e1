//! [`bundle!`](macro@crate::bundle): signals that belong together, as one field of a block.

use rust_hdl_core::block::Block;
use rust_hdl_core::logic::Logic;
use rust_hdl_core::probe::Probe;
use std::ops::{Index, IndexMut};

use super::wires::Link;

/// A group of signals that [`bundle!`](macro@crate::bundle) declares.
pub trait Bundle: Block {
    /// Number of fields.
    const FIELDS: usize;

    /// Shows the field of that number to a probe.
    fn accept_field(&self, field: usize, probe: &mut dyn Probe);
}

/// Name of a bundle's field for the emitter: its names in Rust and in Verilog.
#[must_use]
pub fn shown(field: &str, verilog: &str) -> String {
    format!("{field}={verilog}")
}

/// Path and Verilog name (both with `$` between the parts) of a signal that a probe finds as `shown` inside
/// `namespaces`. The name of a bundle is not part of the Verilog name, and its index follows the field's
/// (`rows[3].base[1]` becomes `base_3_1`).
pub(crate) fn path_and_name(namespaces: &[String], shown: &str) -> (String, String) {
    let (field, verilog) = shown.split_once('=').unwrap_or((shown, shown));
    let (name, index) = verilog.split_at(verilog.find('$').unwrap_or(verilog.len()));
    if field.len() == shown.len() {
        return (shown.to_owned(), shown.to_owned());
    }
    let outer = namespaces.iter().filter_map(|space| Some(&space[space.find('$')?..]));
    let parts = namespaces.iter().map(String::as_str).chain([field]);
    (
        parts.collect::<Vec<_>>().join("$") + index,
        format!("{name}{}{index}", outer.collect::<String>()),
    )
}

/// A bundle per row, column or other unit. In the Verilog the signals of one field are adjacent: `base_y_0`,
/// `base_y_1`, .., `base_x_0`, ...
#[derive(Clone, Debug)]
pub struct Bundles<B>(Vec<B>);

impl<B> Bundles<B> {
    /// `n` bundles.
    pub fn new(n: usize, make: impl Fn() -> B) -> Self {
        Self((0..n).map(|_| make()).collect())
    }

    /// The bundles in turn.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut B> {
        self.0.iter_mut()
    }
}

impl<B> Index<usize> for Bundles<B> {
    type Output = B;
    fn index(&self, i: usize) -> &B {
        &self.0[i]
    }
}

impl<B> IndexMut<usize> for Bundles<B> {
    fn index_mut(&mut self, i: usize) -> &mut B {
        &mut self.0[i]
    }
}

impl<A: Link<B>, B> Link<Bundles<B>> for Bundles<A> {
    fn link(&mut self, inner: &mut Bundles<B>) {
        self.0.link(&mut inner.0);
    }
}

impl<B: Bundle> Logic for Bundles<B> {
    fn update(&mut self) {}
}

impl<B: Bundle> Block for Bundles<B> {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {
        self.0.update_all();
    }

    fn has_changed(&self) -> bool {
        self.0.has_changed()
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        for field in 0..B::FIELDS {
            for (i, bundle) in self.0.iter().enumerate() {
                probe.visit_start_namespace(&format!("{name}${i}"), bundle);
                bundle.accept_field(field, probe);
                probe.visit_end_namespace("", bundle);
            }
        }
    }
}

/// Declares a bundle: a struct of signals whose direction is a parameter, each field with its initial value after `=`
/// (one-bit signals need none), and the arguments of its constructor.
///
/// A field has its own name in Verilog. `named` distinguishes two bundles of one kind in a block, or gives an interface
/// its required names. `D::Back` is the opposite direction. See [`rtl`](crate#bundles).
#[macro_export]
macro_rules! bundle {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident<$d:ident> {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty $(= $init:expr)?,)+
        }

        fn new($($args:tt)*) { $($setup:tt)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        $vis struct $name<$d: $crate::wires::Side> {
            $($(#[$field_doc])* $vis $field: $ty,)+
            _names: &'static [&'static str],
        }

        #[allow(dead_code)]
        impl<$d: $crate::wires::Side> $name<$d> {
            /// The signals, all of them 0.
            $vis fn new($($args)*) -> Self {
                $($setup)*
                Self {
                    $($field: $crate::initial!($($init)?),)+
                    _names: &[$(stringify!($field)),+],
                }
            }

            /// The same signals with other names in Verilog, in the order of the fields.
            $vis fn named(
                self,
                names: &'static [&'static str; [$(stringify!($field)),+].len()],
            ) -> Self {
                Self { _names: names, ..self }
            }
        }

        impl<$d: $crate::wires::Side> $crate::Bundle for $name<$d> {
            const FIELDS: usize = [$(stringify!($field)),+].len();

            fn accept_field(&self, field: usize, probe: &mut dyn Probe) {
                let mut number = 0;
                $(
                    if field == number {
                        let shown = $crate::shown(stringify!($field), self._names[number]);
                        self.$field.accept(&shown, probe);
                    }
                    number += 1;
                )+
                let _ = number;
            }
        }

        impl<$d: $crate::wires::Side> Logic for $name<$d> {
            fn update(&mut self) {}

            fn connect(&mut self) {
                $(self.$field.connect();)+
            }
        }

        impl<$d: $crate::wires::Side> Block for $name<$d> {
            fn connect_all(&mut self) {}

            fn update_all(&mut self) {
                $(self.$field.update_all();)+
            }

            fn has_changed(&self) -> bool {
                $(self.$field.has_changed())||+
            }

            fn accept(&self, name: &str, probe: &mut dyn Probe) {
                probe.visit_start_namespace(name, self);
                (0..<Self as $crate::Bundle>::FIELDS).for_each(|f| $crate::Bundle::accept_field(self, f, probe));
                probe.visit_end_namespace(name, self);
            }
        }

        $crate::bundle! { @link $name { $($field)+ } In In, Local In, Out In, Out Out, Local Out, In Out }
    };
    (@link $name:ident $fields:tt $($a:ident $b:ident),+) => {
        $($crate::bundle! { @pair $name $fields $a $b })+
    };
    (@pair $name:ident { $($field:ident)+ } $a:ident $b:ident) => {
        impl $crate::wires::Link<$name<$b>> for $name<$a> {
            fn link(&mut self, inner: &mut $name<$b>) {
                $($crate::wires::link(&mut self.$field, &mut inner.$field);)+
            }
        }
    };
}

/// The initial value of a field: the given one, or the default of its type.
#[doc(hidden)]
#[macro_export]
macro_rules! initial {
    () => {
        Default::default()
    };
    ($init:expr) => {
        $init
    };
}
