//! Tests of refusals, and snapshots of emitted Verilog.

use super::{EmitError, emit};
use crate::prelude::*;
use pecan_accelerator::verification::emitter::ops::Ops;
use pecan_accelerator::verification::emitter::storage::{Array, Machine, Storage};

#[test]
fn state_machine_reads_well() {
    insta::assert_snapshot!(emit(&Machine::new(4), "machine").unwrap().text());
}

#[test]
fn array_has_one_module_for_each_distinct_stage() {
    let design = emit(&Array::new(3, 8), "array").unwrap();
    let names: Vec<_> = design.modules.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["stage", "stage_2", "array"]);
    insta::assert_snapshot!(design.text());
}

#[test]
fn storage_reads_well() {
    insta::assert_snapshot!(emit(&Storage::new(5, 2, 2, 8), "storage").unwrap().text());
}

#[test]
fn operators_keep_their_text() {
    insta::assert_snapshot!(emit(&Ops::new(8, 8, 8, 3), "ops").unwrap().text());
}

/// Makes a block from the given fields and function and emits it. The attribute `hdl_gen` is part of the function
/// because the `self` that it adds must be that of the caller.
macro_rules! refused {
    ({ $($field:ident : $ty:ty = $value:expr),* $(,)? } $($update:tt)*) => {{
        #[derive(LogicBlock)]
        struct Bad { $($field: $ty),* }
        impl Logic for Bad {
            $($update)*
        }
        let EmitError { problems } = emit(&Bad { $($field: $value),* }, "bad").unwrap_err();
        problems.iter().map(|p| format!("{}: {}", p.signal, p.message)).collect::<Vec<_>>()
    }};
}

#[test]
fn all_problems_are_reported_at_once() {
    let problems = refused!({
        clock: Signal<In, Clock> = Signal::default(),
        x: Wire<In> = Wire::new(9),
        y: Wire<Out> = Wire::new(8),
        z: Wire<Out> = Wire::new(8),
        free: Wire<Out> = Wire::new(8),
        r: Reg = Reg::new(3),
    } #[hdl_gen] fn update(&mut self) {
        self.r.clock.next = self.clock.val();
        self.y.next = self.x.val() + 1.into();
        if self.x.val().any() {
            self.z.next = 300.into();
        }
    });
    assert_eq!(
        problems,
        [
            "z: not assigned on all paths (a latch); give it a default",
            "free: not driven",
            "r$d: not driven",
            "y: `x` has 9 bits, here fit 8: cast it with bits(.., 8) or unsigned_cast(..)",
            "z: constant 300 does not fit 8 bits",
        ]
    );
}

#[test]
fn reads_between_writes_are_refused() {
    let problems = refused!({
        x: Wire<In> = Wire::new(4),
        t: Wire<Local> = Wire::new(4),
        y: Wire<Out> = Wire::new(4),
    } #[hdl_gen] fn update(&mut self) {
        self.t.next = 0.into();
        self.y.next = self.t.val();
        if self.x.val().any() {
            self.t.next = self.x.val();
        }
    });
    assert_eq!(problems, ["t: read between two writes to it; use a second signal"]);
}

#[test]
fn reads_in_exclusive_branches_are_fine() {
    #[derive(LogicBlock)]
    struct Good {
        x: Wire<In>,
        t: Wire<Local>,
        y: Wire<Out>,
    }
    impl Logic for Good {
        #[hdl_gen]
        fn update(&mut self) {
            if self.x.val().any() {
                self.t.next = self.x.val();
                self.y.next = self.t.val();
            } else {
                self.t.next = 1.into();
                self.y.next = 2.into();
            }
        }
    }
    let good = Good { x: Wire::new(4), t: Wire::new(4), y: Wire::new(4) };
    assert!(emit(&good, "good").is_ok());
}

#[test]
fn names_must_be_verilog_names_and_distinct() {
    let problems = refused!({
        kind: ModuleName = ModuleName::new("bad"),
        a_0: Wire<In> = Wire::new(4),
        a: Vec<Wire<Out>> = Wire::vec(1, 4),
        begin: Signal<Out, Bit> = Signal::default(),
    } #[hdl_gen] fn update(&mut self) {
        self.a[0].next = self.a_0.val();
        self.begin.next = true;
    });
    assert_eq!(
        problems,
        ["a$0: its Verilog name `a_0` is also that of a_0", "begin: `begin` is a Verilog keyword"]
    );
}

#[test]
fn plain_fields_and_unknown_widths_are_explained() {
    let problems = refused!({
        x: Wire<In> = Wire::new(4),
        s: Wire<In> = Wire::signed(3),
        y: Vec<Wire<Out>> = Wire::vec(2, 4),
        f: Signal<Out, Bit> = Signal::default(),
        _k: usize = 1,
    } #[hdl_gen] fn update(&mut self) {
        self.y[0].next = self.x.val() + self._k.into();
        self.y[1].next = self.x.val() << self.s.val();
        self.f.next = (self.x.val() + 1.into()).all();
    });
    assert_eq!(
        problems,
        [
            "_k: a field with `_` has no hardware value; use a Const",
            "y$0: not driven",
            "y$1: the amount of a shift may be negative",
            "f: all() needs a signal or a cast, whose width is known",
        ]
    );
}

#[test]
fn registers_need_a_clock() {
    let problems = refused!({
        x: Wire<In> = Wire::new(4),
        y: Wire<Out> = Wire::new(4),
        r: Reg = Reg::new(4),
    } #[hdl_gen] fn update(&mut self) {
        self.r.d.next = self.x.val();
        self.y.next = self.r.q.val();
    });
    assert_eq!(problems, ["r$clock: not driven"]);
}
