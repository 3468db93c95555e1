//! Activity of small files, held against figures by hand and against SAIF files of the same changes.

use std::fmt::Write;
use std::path::PathBuf;

use super::super::tests::{TestModule, load, options};
use super::super::{Activity, GateDesign, GateError, Mode};
use super::*;

mod random;

/// Nets `a`, `clock`, `y[0]`, `y[1]`: ports in the order of their names.
pub(super) fn design() -> GateDesign {
    let module = TestModule::new("top", &["clock<2", "a<3", "y>4,5"])
        .cell("INV", "A=3 Y=4")
        .cell("INV", "A=4 Y=5");
    load(&[module], &options(Mode::ZeroDelay)).unwrap()
}

/// Variables of all nets of [`design`].
const VARIABLES: &str = "$var wire 1 ! clock $end $var wire 1 a a $end $var wire 2 #$ y [1:0] $end";

/// A file with `variables` in the instance `bench.top`.
fn file(variables: &str, changes: &str) -> String {
    format!(
        "$date today $end\n$timescale 10 ps $end\n$scope module bench $end\n$scope module top $end\n{variables}\n\
         $upscope $end $upscope $end\n$enddefinitions $end\n{changes}"
    )
}

pub(super) fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn read_in(
    design: &GateDesign,
    text: &str,
    scope: Option<&str>,
    window: Window,
) -> Result<Activity> {
    let folder = tempfile::tempdir().unwrap();
    Activity::read_vcd(design, &write(&folder, "a.vcd", text), scope, &window)
}

fn read(text: &str) -> Result<Activity> {
    read_in(&design(), text, None, Window::default())
}

/// Toggles of the nets with names, and their shares of the time at 1 times `duration`.
fn figures(activity: &Activity, duration: f64) -> Vec<(f64, f64)> {
    let toggles = activity.toggles[2..].iter();
    toggles.zip(&activity.ones[2..]).map(|(&t, &ones)| (t, (ones * duration).round())).collect()
}

fn problem(result: Result<Activity>) -> (Option<u64>, String) {
    match result {
        Err(GateError::Vcd { line, problem, .. }) => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn toggles_and_times_at_one() {
    let changes = "#10\n$dumpvars 0! xa bx #$ $end\n#20 1! 1a b1 #$\n$comment #5 1! $end\n#40 0! za bz1 #$\n#45 1a\n\
         #50 1! b11 #$\n#60 0! b10 #$\n#70 0a r1.5 % sword &\n#110\n";
    let variables =
        format!("{VARIABLES} $var real 64 % r $end $var event 1 & e $end $var wire 1 ! copy $end");
    let activity = read(&file(&variables, changes)).unwrap();
    assert_eq!(activity.scope, "bench.top");
    assert_eq!(activity.coverage, 1.0);
    // 100 units of 10 ps in periods of 1 ns.
    assert_eq!(activity.cycles, 1.0);
    // y[1]: x, 0 (extended), z, 1; y[0]: x, 1, 0.
    assert_eq!(figures(&activity, 100.0), [(1.0, 45.0), (4.0, 30.0), (1.0, 40.0), (0.0, 60.0)]);
    assert_eq!(activity.ones[..2], [0.0, 1.0]);
}

#[test]
fn time_without_dump_does_not_count() {
    let changes = "#0 $dumpvars 1! 0a b00 #$ $end\n#10 0!\n#20 $dumpoff x! xa bx #$ $end\n#50 1! 1a\n\
         #60 $dumpon 1! 1a b11 #$ $end\n#65 $dumpall 0! 1a b11 #$ $end 0a\n#70\n";
    let activity = read(&file(VARIABLES, changes)).unwrap();
    assert_eq!(figures(&activity, 30.0), [(1.0, 5.0), (2.0, 15.0), (0.0, 10.0), (0.0, 10.0)]);
    assert_eq!(activity.cycles, 0.3);
    // The same if what is switched off is not set to x.
    let changes = changes.replace("x! xa bx #$ $end", "$end").replace("#50 1! 1a", "");
    assert_eq!(read(&file(VARIABLES, &changes)).unwrap(), activity);
}

#[test]
fn windows_take_what_is_later_than_their_begin() {
    let changes = "#0 $dumpvars 0! 0a b00 #$ $end\n#100 1!\n#200 0!\n#300 1!\n#400 0!\n";
    let text = file(VARIABLES, changes);
    let window = |from_ns, to_ns| read_in(&design(), &text, None, Window { from_ns, to_ns });
    let clock = |activity: Result<Activity>| figures(&activity.unwrap(), 100.0)[1];
    assert_eq!(clock(window(None, None)), (4.0, 50.0));
    assert_eq!(clock(window(Some(1.0), Some(3.0))), (2.0, 50.0));
    assert_eq!(clock(window(Some(1.5), None)), (3.0, 60.0));
    assert_eq!(clock(window(None, Some(1.0))), (1.0, 0.0));
    assert_eq!(clock(window(Some(2.2), Some(2.8))), (0.0, 0.0));
    assert_eq!(window(Some(1.5), Some(3.5)).unwrap().cycles, 2.0);
    // What follows the window is not read.
    let cut = file(VARIABLES, &changes.replace("#400 0!", "#400 no change"));
    let short = Window { from_ns: None, to_ns: Some(3.5) };
    assert_eq!(read_in(&design(), &cut, None, short).unwrap().cycles, 3.5);
    let said = "the window from 1 to 5 ns is not inside of the file, which goes from 0 to 4 ns";
    assert_eq!(problem(window(Some(1.0), Some(5.0))), (None, said.into()));
    assert!(problem(window(Some(6.0), None)).1.contains("from 0 to 4 ns"));
    assert!(problem(window(Some(4.0), None)).1.contains("no time counts from 4 to 4 ns"));
    let late = text.replace("#0 ", "#50 ");
    let before = Window { from_ns: None, to_ns: Some(0.2) };
    let said = problem(read_in(&design(), &late, None, before)).1;
    assert_eq!(said, "no time counts from 0.5 to 0.2 ns; the file begins at 0.5");
    let refused =
        [(Some(-1.0), None), (Some(f64::NAN), None), (Some(2.0), Some(2.0)), (None, Some(0.0))];
    for (from, to) in refused {
        assert!(matches!(window(from, to), Err(GateError::Option { .. })), "{from:?} {to:?}");
    }
}

#[test]
fn all_units_of_time() {
    let units = [
        ("1 s", 1e9),
        ("10ms", 1e7),
        ("100us", 1e5),
        ("1\nns", 1.0),
        ("10 ps", 0.01),
        ("100 fs", 1e-4),
    ];
    for (unit, ns) in units {
        let text = file(VARIABLES, "#0 0! 0a b0 #$ #1 1! #2").replace("10 ps", unit);
        let activity = read(&text).unwrap();
        assert!((activity.cycles / (2.0 * ns) - 1.0).abs() < 1e-12, "{unit}: {}", activity.cycles);
    }
    let text = file(VARIABLES, "#0 #1");
    let (line, said) = problem(read(&text.replace("10 ps", "1 min")));
    assert_eq!(line, Some(2));
    assert!(said.contains("allowed is 1, 10 or 100 and s, ms, us, ns, ps or fs"), "{said}");
    assert!(
        problem(read(&text.replace("$timescale 10 ps $end", ""))).1.contains("no `$timescale`")
    );
}

/// Bits in any of the forms that simulators write.
#[test]
fn names_of_bits() {
    let changes =
        "#0 $dumpvars 0! 0a 00 01 b0 v $end\n#10 11 b10 v\n#20 01 b0 v\n#30 11 b10 v\n#40\n";
    let expected = Some([(0.0, 0.0), (3.0, 20.0)].as_slice());
    let forms = [
        "$var wire 1 0 y[0] $end $var reg 1 1 y[1] $end",
        "$var wire 1 0 y [0] $end $var reg 1 1 y [1] $end",
        "$var wire 1 0 \\y[0] $end $var logic 1 1 \\y[1] $end",
        "$var wire 2 v y $end $var wire 1 0 q $end $var wire 1 1 r $end",
        "$var wire 2 v \\y [1:0] $end $var wire 1 0 q $end $var wire 1 1 r $end",
        "$var wire 2 v y[1:0] $end $var wire 1 0 q $end $var wire 1 1 r $end",
    ];
    for form in forms {
        let others = "$var wire 1 ! clock $end $var wire 1 a a $end $var integer 32 v2 v $end";
        let other = if form.contains(" v ") { "" } else { "$var wire 2 v other $end" };
        let activity = read(&file(&format!("{others} {other} {form}"), changes)).unwrap();
        assert_eq!(figures(&activity, 40.0).get(2..), expected, "{form}");
    }
}

/// A bit has the index it is declared with: `[7:6]` and `[4:5]` of Yosys are offset 6, and offset 4 upwards.
#[test]
fn declared_indices() {
    let json = r#"{"modules":{"top":{"attributes":{"top":"1"},"ports":{
        "a":{"direction":"input","bits":[2,3],"offset":6},"clock":{"direction":"input","bits":[9]},"y":{"direction":"output","bits":[4,5],"offset":4,"upto":1}},
        "cells":{"g":{"type":"INV","connections":{"A":[2],"Y":[4]}},"h":{"type":"INV","connections":{"A":[3],"Y":[5]}}},
        "netnames":{"clock":{"bits":[9]},"a":{"bits":[2,3],"offset":6},"y":{"bits":[4,5],"offset":4,"upto":1}}}}}"#;
    let folder = tempfile::tempdir().unwrap();
    let netlist = write(&folder, "netlist.json", json);
    let library = super::super::tests::library();
    let design = GateDesign::load(&netlist, &library, &options(Mode::ZeroDelay)).unwrap();
    let changes = "#0 0c b00 a b11 y #10 b10 a #20 b11 a b01 y #30";
    let variables =
        "$var wire 1 c clock $end $var wire 2 a a [7:6] $end $var wire 2 y y [4:5] $end";
    let activity = read_in(&design, &file(variables, changes), None, Window::default()).unwrap();
    let expected = [(1.0, 10.0), (1.0, 20.0), (0.0, 0.0), (0.0, 30.0), (1.0, 20.0)];
    assert_eq!(figures(&activity, 30.0), expected);
    let changes = "#0 0c 06 07 14 15 #10 17 #20 16 04 #30";
    let variables = "$var wire 1 c clock $end $var wire 1 6 a[6] $end $var wire 1 7 a[7] $end $var wire 1 4 y[4] $end $var wire 1 5 y[5] $end";
    let activity = read_in(&design, &file(variables, changes), None, Window::default()).unwrap();
    assert_eq!(figures(&activity, 30.0), expected);
}

/// Several instances of one module, a bench with the names of the ports.
#[test]
fn the_top_is_found_by_names() {
    let child = TestModule::new("child", &["i<2", "o>3"]).cell("INV", "A=2 Y=3");
    let top = TestModule::new("top", &["clock<4", "a<2", "y>3"]).cell("child", "i=2 o=3");
    let design = load(&[top, child], &options(Mode::ZeroDelay)).unwrap();
    let ports = "$var wire 1 c clock $end $var wire 1 ! a $end $var wire 1 % y $end";
    let instance = |name: &str, inside: &str| {
        let child =
            format!("$scope module {inside} $end $var wire 1 ! i $end $var wire 1 % o $end");
        format!("$scope module {name} $end {ports} {child} $upscope $end $upscope $end\n")
    };
    let text = |instances: &str| {
        let head = format!("$timescale 1 ns $end $scope module bench $end {ports}\n");
        format!("{head}{instances}$upscope $end $enddefinitions $end #0 0c 0! 1% #5 1! 0% #10")
    };
    let read = |text: &str, scope| read_in(&design, text, scope, Window::default());
    let one = text(&instance("dut", "u0"));
    assert_eq!(read(&one, None).unwrap().scope, "bench.dut");
    // All nets are ports, which the bench has, too.
    assert_eq!(read(&one, Some("bench")).unwrap().scope, "bench");
    let two = text(&format!("{}{}", instance("first", "\\u0"), instance("second", "u0")));
    assert_eq!(
        problem(read(&two, None)).1,
        "2 instances have the nets of top: bench.first, bench.second; `--scope` takes one of them"
    );
    assert_eq!(read(&two, Some("bench.second")).unwrap().scope, "bench.second");
    let named = text(&format!("{}{}", instance("first", "u0"), instance("top", "u0")));
    assert_eq!(read(&named, None).unwrap().scope, "bench.top");
    assert_eq!(
        problem(read(&two, Some("bench.frist"))).1,
        "no instance bench.frist; did you mean bench.first?"
    );
    assert!(problem(read(&two, Some("x"))).1.starts_with("no instance x; there are bench, "));
    let said = problem(read(&two, Some("bench.first.u0"))).1;
    assert!(
        said.contains("only 0.0 % of the nets of top have figures in instance bench.first.u0"),
        "{said}"
    );
    // A net that only the instance inside names is there.
    let inner = one.replace(" y $end", " z $end");
    assert_eq!(read(&inner, None).unwrap().coverage, 1.0);
    let other = inner.replace(" o $end", " p $end");
    assert!(problem(read(&other, None)).1.contains("at least 99 % are needed; missing are y"));
    let none = "$timescale 1 ns $end $scope module b $end $upscope $end $enddefinitions $end #0 #1";
    assert_eq!(problem(read(none, None)).1, "no instance has a net of top");
}

/// Where Yosys gave a net its name, the Verilog that was simulated may have another.
#[test]
fn names_of_yosys_are_explained() {
    let module = TestModule::new("top", &["clock<2", "a<3", "$abc$1$y>4"]).cell("INV", "A=3 Y=4");
    let design = load(&[module], &options(Mode::ZeroDelay)).unwrap();
    let text = file(&VARIABLES.replace(" y ", " _1_ "), "#0 #1");
    let said = problem(read_in(&design, &text, None, Window::default())).1;
    assert!(
        said.contains("only 66.7 % of the nets of top have figures in instance bench.top"),
        "{said}"
    );
    assert!(said.contains("missing are $abc$1$y; names with `$`"), "{said}");
}

#[test]
fn problems_name_their_lines() {
    let cases = [
        ("#0\n0! 0a b0 #$\n#5\n1%\n", 11, "identifier `%` is not declared"),
        ("#0\n0! 0a b0 #$\n#5\n#4\n", 11, "time 4 is before 5"),
        ("#0\n#-1\n", 9, "`#-1` is no time; allowed is a whole number"),
        ("#0\n#1 b012 #$\n", 9, "`b012` is no value of bits"),
        ("#0\nb011 #$\n", 9, "a value of 3 bits for 2"),
        ("#0\nb01", 9, "the file ends where an identifier is expected"),
        ("#0\n$dumpvars 0!\n#1\n", 10, "a time inside of a section without `$end`"),
        ("#0\n$end\n", 9, "`$end` is not expected here; allowed are changes, times"),
        ("#0\n$dumpvars $dumpall\n", 9, "allowed are changes and `$end`"),
        ("#0\npD 6 0 !\n", 9, "`pD` is no change of a value; allowed are `0`, `1`"),
        ("#0\n$comment", 9, "the file ends where `$end` is expected"),
    ];
    for (changes, line, said) in cases {
        let (at, problem) = problem(read(&file(VARIABLES, changes)));
        assert!(at == Some(line) && problem.contains(said), "{changes:?}: {at:?} {problem}");
    }
    let variables = [
        ("$var wire one ! clock $end", "`one` is no size"),
        ("$var wire 1 ! $end", "a variable without a name"),
        (
            "$var wire 1 ! clock $end $var wire 2 ! b $end",
            "b has 2 bits; its identifier was declared with 1 bits",
        ),
        ("$upscope $end $upscope $end $upscope $end", "`$upscope` without `$scope`"),
        ("#0", "`#0` where a declaration of a VCD file is expected"),
    ];
    for (variables, said) in variables {
        let (at, problem) = problem(read(&file(variables, "#0 #1")));
        assert!(at == Some(5) && problem.contains(said), "{variables:?}: {at:?} {problem}");
    }
    assert_eq!(
        problem(read("")),
        (Some(1), "the file ends where `$enddefinitions` is expected".into())
    );
    assert_eq!(problem(read(&file(VARIABLES, ""))).1, "there is no time in the file");
    let shown = read(&file(VARIABLES, "#0 q\u{1b}[2J")).unwrap_err().to_string();
    assert!(shown.contains("a.vcd:8: `q\\u{1b}[2J`"), "{shown}");
}

#[test]
fn nesting_and_words_have_limits() {
    let scopes = "$scope module a $end ".repeat(100_000);
    assert_eq!(problem(read(&scopes)).1, "scopes nested deeper than 256");
    let text = file(VARIABLES, &format!("#0\nb{} #$", "0".repeat(words::MOST_WORD)));
    assert_eq!(problem(read(&text)), (Some(9), "a word of more than 16777216 characters".into()));
    // A long name in many scopes makes longer paths than the file has bytes.
    let mut text = String::new();
    for _ in 0..256 {
        let name = "a".repeat(8192);
        write!(text, "$scope module {name} $end $var wire 1 ! a $end ").unwrap();
    }
    assert!(problem(read(&text)).1.contains("paths of instances have more than 134217728 bytes"));
}

#[test]
fn words_do_not_depend_on_the_size_of_reads() {
    let text = "  $var\twire 1 !\r\n\n clock $end";
    let all = |size: usize| {
        let mut words = Words::new(std::io::BufReader::with_capacity(size, text.as_bytes()));
        let mut found = Vec::new();
        while words.advance().unwrap() {
            let Fault::Problem(line, _) = words.problem(String::new()) else { panic!() };
            found.push((line.unwrap(), String::from_utf8_lossy(words.word()).into_owned()));
        }
        found
    };
    let expected = [(1, "$var"), (1, "wire"), (1, "1"), (1, "!"), (3, "clock"), (3, "$end")]
        .map(|(l, w)| (l, w.to_string()));
    for size in 1..12 {
        assert_eq!(all(size), expected);
    }
}
