//! [`block!`](crate::block): a block's signals with their widths, each in one line.

/// Declares a block: the struct of its signals and sub-blocks, each with its initial value after `=` (fields with a
/// default need none), and the arguments and computations of its constructor. The string is the name of the Verilog
/// module. See [`rtl`](crate).
#[macro_export]
macro_rules! block {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident = $module:tt {
            $($(#[$field_doc:meta])* $field_vis:vis $field:ident: $ty:ty $(= $init:expr)?,)+
        }

        $(#[$new_doc:meta])*
        $new_vis:vis fn new($($args:tt)*) { $($setup:tt)* }
    ) => {
        $(#[$doc])*
        #[derive(LogicBlock)]
        $vis struct $name {
            kind: ModuleName,
            $($(#[$field_doc])* $field_vis $field: $ty,)+
        }

        impl $name {
            $(#[$new_doc])*
            $new_vis fn new($($args)*) -> Self {
                $($setup)*
                Self {
                    kind: ModuleName::from($module),
                    $($field: $crate::initial!($($init)?),)+
                }
            }
        }
    };
}
