use super::*;

const ONE: &str = "library (one) {\n time_unit : \"1ns\";\n lu_table_template (t) { variable_1 : x; }\n \
    cell (INV) {\n area : 2;\n }\n cell (DFF) { area : 9.5; ff (IQ, IQN) { clocked_on : \"C\"; } }\n}\n";
const TWO: &str = "library (two) {\n lu_table_template (t) { variable_1 : x; }\n \
    lu_table_template (u) { }\n cell (ICG) { latch (L, M) { } area : 4; \
    clock_gating_integrated_cell : latch_posedge; }\n}\n";

fn texts() -> Vec<(&'static Path, String)> {
    vec![(Path::new("one.lib"), ONE.into()), (Path::new("two.lib"), TWO.into())]
}

#[test]
fn cells_of_every_file_are_joined_and_classified() {
    let (text, cells) = join(&texts(), &["I*V".into()]).unwrap();
    assert_eq!(cells["INV"], CellInfo { area_um2: 2.0, kind: CellKind::Combinational });
    assert_eq!(cells["DFF"].kind, CellKind::Flop);
    assert_eq!(cells["ICG"], CellInfo { area_um2: 4.0, kind: CellKind::ClockGate });
    assert_eq!(text.matches("lu_table_template (t)").count(), 1);
    assert!(text.contains("lu_table_template (u)") && text.contains("time_unit"));
    assert!(text.contains("cell (INV) { dont_use : true;"), "{text}");
    assert_eq!(text.matches("dont_use").count(), 1);
    // The result is a library again.
    let again = join(&[(Path::new("joined"), text)], &[]).unwrap();
    assert_eq!(again.1, cells);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, message) in [
        ("x", "f.lib:1: "),
        ("library (a) {\n\n cell (b) {\n }\n}", "f.lib:3: cell b has no area"),
        ("library (a) {\n cell (b) { area : no; }\n}", "f.lib:2: cell b: area = no is no area"),
        ("library (a) {\n cell (b) {\n", "is not closed"),
        (
            "library (a) { cell (b) { area : 1; }\n cell (b) { area : 1; } }",
            "f.lib:2: cell b is there twice; first in line 1",
        ),
    ] {
        let error = join(&[(Path::new("f.lib"), text.into())], &[]).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn stars_match_anything() {
    for (pattern, name, expected) in [
        ("SDF*", "SDFHx1", true),
        ("*xp*", "NAND2xp33_R", true),
        ("*xp*", "NAND2x2_R", false),
        ("a*b", "acb", true),
        ("a*b", "acbd", false),
        ("a", "ab", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn compressed_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.lib.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, ONE.as_bytes()).unwrap();
    std::fs::write(&path, encoder.finish().unwrap()).unwrap();
    let library = Library::read(&[path], &[]).unwrap();
    assert_eq!(library.cells.len(), 2);
    let error = Library::read(&[folder.path().join("no.lib")], &[]).unwrap_err();
    assert_eq!(error.exit_code(), 3);
}

/// Text on which readers of Liberty files differ: one cell, whatever the comments contain.
#[test]
fn comments_are_no_cells_and_have_any_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.lib");
    for comment in
        [&b"/* caf\xe9 */"[..], b"// a \" that is not closed\n", b"// cell (GONE) { area : 1; }\n"]
    {
        let text = [b"library (l) {\n", comment, b"\n cell (INV) { area : 1.5; }\n}\n"].concat();
        std::fs::write(&path, text).unwrap();
        let library = Library::read(std::slice::from_ref(&path), &[]).unwrap();
        let areas: Vec<_> =
            library.cells.iter().map(|(name, cell)| (name.as_str(), cell.area_um2)).collect();
        assert_eq!(areas, [("INV", 1.5)], "{}", String::from_utf8_lossy(comment));
    }
}

#[test]
fn a_cell_of_two_files_is_refused() {
    let texts = [(Path::new("a.lib"), ONE.to_owned()), (Path::new("b.lib"), ONE.to_owned())];
    let error = join(&texts, &[]).unwrap_err().to_string();
    assert!(error.contains("b.lib:4: cell INV is in a file before, too"), "{error}");
}
