//! Tests of bundles, links, decided conditions and parts: of emitted Verilog, of refusals and of the model.

use super::{EmitError, emit, ports};
use crate::prelude::*;

bundle! {
    /// A word and whether it is taken.
    struct Lane<D> {
        valid: Signal<D, Bit>,
        ready: Signal<D::Back, Bit>,
        data: Vec<Wire<D>> = Wire::vec(2, width),
    }

    fn new(width: usize) {}
}

block! {
    /// Passes words on.
    struct Pass = "pass" {
        from: Lane<In> = Lane::new(width).named(&["in_valid", "in_ready", "in_data"]),
        to: Lane<Out> = Lane::new(width).named(&["out_valid", "out_ready", "out_data"]),
    }

    fn new(width: usize) {}
}

impl Logic for Pass {
    #[hdl_gen]
    fn update(&mut self) {
        self.to.valid.next = self.from.valid.val();
        self.to.data[0].next = self.from.data[1].val();
        self.to.data[1].next = self.from.data[0].val();
        self.from.ready.next = self.to.ready.val();
    }
}

block! {
    /// Two lanes through two stages, the second of them if wanted.
    struct Chain = "chain" {
        from: Bundles<Lane<In>> = Bundles::new(2, || Lane::new(4)),
        to: Bundles<Lane<Out>> =
            Bundles::new(2, || Lane::new(4).named(&["to_valid", "to_ready", "to_data"])),
        first: Vec<Pass> = (0..2).map(|_| Pass::new(4)).collect(),
        second: Vec<Pass> = (0..if twice { 2 } else { 0 }).map(|_| Pass::new(4)).collect(),
        twice: When = When::new(twice),
    }

    fn new(twice: bool) {}
}

parts!(Chain: Enter, Leave);

impl parts::Part<Enter> for Chain {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..2 {
            wires::link(&mut self.from[i], &mut self.first[i].from);
        }
    }
}

impl parts::Part<Leave> for Chain {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..2 {
            if self.twice.val() {
                wires::link(&mut self.first[i].to, &mut self.second[i].from);
                wires::link(&mut self.to[i], &mut self.second[i].to);
            } else {
                wires::link(&mut self.to[i], &mut self.first[i].to);
            }
        }
    }
}

#[test]
fn chain_reads_well() {
    insta::assert_snapshot!(emit(&Chain::new(true), "chain").unwrap().text());
}

#[test]
fn fields_of_several_bundles_stand_together() {
    let names: Vec<_> = ports(&Chain::new(false)).into_iter().map(|port| port.name).collect();
    let from = ["valid_0", "valid_1", "ready_0", "ready_1", "data_0_0", "data_0_1", "data_1_0"];
    assert_eq!(names[..7], from);
    assert_eq!(names[8..10], ["to_valid_0", "to_valid_1"]);
    assert_eq!(names.len(), 16);
}

#[test]
fn links_carry_both_ways_in_the_model() {
    for twice in [false, true] {
        let mut uut = Chain::new(twice);
        uut.connect_all();
        uut.from[1].valid.next = true;
        uut.from[1].data[0].next = 5.into();
        uut.to[0].ready.next = true;
        assert!(simulate(&mut uut, 20));
        assert!(uut.to[1].valid.val() && !uut.to[0].valid.val());
        assert!(uut.from[0].ready.val() && !uut.from[1].ready.val());
        // A stage swaps the words.
        assert_eq!(uut.to[1].data[usize::from(!twice)].val(), 5.into());
    }
}

#[test]
fn links_that_do_not_fit_are_refused() {
    block! {
        /// Links in the wrong order, and a link to part of a bundle.
        struct Bad = "bad" {
            from: Lane<In> = Lane::new(4),
            to: Lane<Out> = Lane::new(4).named(&["to_valid", "to_ready", "to_data"]),
            a: Pass = Pass::new(4),
            b: Pass = Pass::new(4),
        }

        fn new() {}
    }
    impl Logic for Bad {
        #[hdl_gen]
        fn update(&mut self) {
            wires::link(&mut self.from, &mut self.a.from);
            wires::link(&mut self.b.to, &mut self.to);
            wires::link(&mut self.from.data, &mut self.b.from.data);
        }
    }
    let EmitError { problems } = emit(&Bad::new(), "bad").unwrap_err();
    let of = |signal: &str| {
        let found = problems.iter().find(|p| p.signal == signal);
        found.map(|p| p.message.as_str()).unwrap_or_default()
    };
    assert!(of("b$to$valid").contains("a block's own side comes first"), "{problems:?}");
    assert_eq!(of("b$from$valid"), "not driven");
    let known = ["b$to$valid", "b$from$valid", "a$to$ready", "to$valid"];
    assert!(known.iter().all(|signal| !of(signal).is_empty()), "{problems:?}");
}

#[test]
fn variants_are_positions() {
    use pecan_config::isa::Opcode;
    block! {
        /// Compares with the code of an opcode, at its position.
        struct Known = "known" {
            code: Wire<In> = Wire::new(4),
            hit: Signal<Out, Bit>,
            opcodes: Vec<Const> = Opcode::ALL.iter().map(|&op| Const::new(op as u32, 4)).collect(),
            index: Indices = Indices::new("Opcode", Opcode::VARIANTS),
        }

        fn new() {}
    }
    impl Logic for Known {
        #[hdl_gen]
        fn update(&mut self) {
            self.hit.next = self.code.val() == self.opcodes[Opcode::End.index()].val();
        }
    }
    let text = emit(&Known::new(), "known").unwrap().text();
    assert!(text.contains("OPCODES_8 = 4'd15"), "{text}");
}
