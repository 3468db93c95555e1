//! Tests of `pecan estimate`, and of its report in a browser.

// Helpers of tests may unwrap as the tests do; clippy.toml knows only functions marked #[test].
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const RELATIVE: [&str; 2] = ["--technology", "eyeriss-relative"];

fn bundled(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    path.canonicalize().unwrap().display().to_string()
}

fn estimate(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pecan"));
    command.arg("estimate").args(args).current_dir(folder).env_remove("PECAN_LOG");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fails(folder: &Path, args: &[&str], code: i32) -> String {
    let output = estimate(folder, args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    // Lines are wrapped to the terminal.
    said.replace("\n  │", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn document(folder: &Path, args: &[&str]) -> Value {
    let output = estimate(folder, args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Layers of an own network, as a topology file.
fn topology(folder: &Path) -> PathBuf {
    let path = folder.join("small.csv");
    let text = "Layer, H, W, Fh, Fw, Channels, Filters, Stride,\n\
                conv1, 18, 18, 3, 3, 8, 32, 1,\nconv2, 18, 18, 3, 3, 32, 32, 1,\nfc, 1, 1, 1, 1, 512, 100, 1,\n";
    std::fs::write(&path, text).unwrap();
    path
}

/// A concatenation is made of copies, which move values and multiply nothing.
#[test]
fn copies_count_no_multiplications() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("onnx/concat-macs.onnx");
    let result = document(folder.path(), &[&model, "--limit", "1", "--json"]);
    assert_eq!(result["total"]["macs"], 2_207_744);
    // Copies read the 64 and 64 channels of 14x14 values once, and write as many; a sum reads both.
    let layers = result["layers"].as_array().unwrap();
    let of = |layer: &Value| {
        let number = |key: &str| layer[key].as_u64().unwrap();
        (layer["copy"].as_bool().unwrap(), number("macs"), number("other_operations"))
    };
    let last: Vec<_> = layers[3..].iter().map(of).collect();
    assert_eq!(last, [(true, 0, 12_544), (true, 0, 12_544), (false, 0, 50_176)]);
    let output = estimate(folder.path(), &[&model, "--limit", "1", "--out", "text"]);
    let rows = text(&output.stdout);
    let row = rows.lines().find(|line| line.starts_with("cat/copy1")).unwrap();
    assert_eq!(row.split_whitespace().nth(1), Some("copy"), "{row}");
    let page = std::fs::read_to_string(folder.path().join("text/report.html")).unwrap();
    assert_eq!(page.matches("<td>copy</td>").count(), 2);
    let mut check = Command::new(env!("CARGO_BIN_EXE_pecan"));
    let output = check.args(["check", &model]).current_dir(folder.path()).output().unwrap();
    let rows = text(&output.stdout);
    assert_eq!(rows.lines().filter(|line| line.contains("  copy, tile")).count(), 2, "{rows}");
}

/// A layer's shape is estimated even if the bundled network needs wider sums than this accelerator has.
#[test]
fn shapes_are_estimated_where_the_bundled_network_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = topology(folder.path()).display().to_string();
    let narrow = [&path, "--set", "numerics.accumulator_bits=18", "--json"];
    std::fs::write(
        &path,
        "Layer, H, W, Fh, Fw, Channels, Filters, Stride,\nonly, 14, 14, 1, 1, 8, 16, 1,\n",
    )
    .unwrap();
    let document = document(folder.path(), &narrow);
    let inputs = document["inputs"].as_str().unwrap();
    assert!(inputs.contains("as it does not run on this configuration"), "{inputs}");
    assert_eq!(document["total"]["macs"], 14 * 14 * 8 * 16);
}

/// The column of version 3 of the format.
#[test]
fn sparsity_of_a_topology_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.csv").display().to_string();
    let write = |field: &str| {
        let head = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity,";
        std::fs::write(&path, format!("{head}\nonly, 16, 16, 3, 3, 32, 32, 1, {field},\n"))
            .unwrap();
    };
    let cycles = |args: &[&str]| {
        document(folder.path(), &[&[path.as_str(), "--json"], args].concat())["total"]["latency_cycles"].clone()
    };
    write("1:4");
    let quarter = cycles(&[]);
    assert_eq!(cycles(&["--density", "0.25"]), quarter);
    let dense = cycles(&["--density", "1"]);
    assert!(dense.as_f64() > quarter.as_f64().map(|c| 2.5 * c));
    write("");
    assert_eq!(cycles(&[]), dense);
    write("4:2");
    let said = fails(folder.path(), &[&path], 3);
    assert!(said.contains("sparse.csv:2:9: sparsity is `4:2`; allowed: N:M"), "{said}");
}

#[test]
fn a_model_with_data() {
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (bundled("lenet_digits.onnx"), bundled("digits.npz"));
    let args = [
        &[&model, "--data", &data, "--rows", "test_idx", "--limit", "2", "--json", "--out", "e"],
        RELATIVE.as_slice(),
    ]
    .concat();
    let document = document(folder.path(), &args);
    let total = &document["total"];
    // Costs relative to a MAC are no picojoules.
    assert!(total["energy_pj"].is_null());
    let number = |value: &Value| value.as_f64().unwrap();
    let sum: f64 =
        document["layers"].as_array().unwrap().iter().map(|l| number(&l["energy"])).sum();
    assert!((sum / number(&total["energy"]) - 1.0).abs() < 1e-9);
    let members = |value: &Value| value.as_object().unwrap().values().map(number).sum::<f64>();
    for layer in document["layers"].as_array().unwrap() {
        for by in ["by_component", "by_data"] {
            assert!((members(&layer[by]) - number(&layer["energy"])).abs() < 1e-6 * sum, "{layer}");
        }
    }
    let keys: Vec<&String> = document["layers"][0]["by_data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["weights", "inputs", "outputs", "compute", "overhead"]);
    assert_eq!(number(&total["edp"]), number(&total["energy"]) * number(&total["latency_cycles"]));
    assert!(number(&document["floor"]["ratio"]) >= 1.0);
    assert_eq!(document["technology"]["unit"], "MAC");
    assert!(document["technology"]["residual"].is_null());
    assert!(number(&document["mapper"]["mappings_evaluated"]) > 0.0);
    assert!(document["inputs"].as_str().unwrap().contains("2 samples of"));
    let written = std::fs::read_to_string(folder.path().join("e/metrics.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, document);
}

#[test]
fn random_inputs_are_named_as_such_and_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("lenet_digits.onnx");
    let args = [&[&model, "--limit", "5", "--json"], RELATIVE.as_slice()].concat();
    let [first, second] = [(); 2].map(|()| document(folder.path(), &args));
    // All toggles are equal, regardless of the distribution of the images to threads.
    assert_eq!(first["layers"], second["layers"]);
    assert!(first["inputs"].as_str().unwrap().contains("random inputs, seed 0"));
}

#[test]
fn shapes_at_densities_and_objectives() {
    let folder = tempfile::tempdir().unwrap();
    let path = topology(folder.path()).display().to_string();
    let of = |more: &[&str]| {
        let args = [&[path.as_str(), "--json"], RELATIVE.as_slice(), more].concat();
        document(folder.path(), &args)
    };
    let energy = |document: &Value| document["total"]["energy"].as_f64().unwrap();
    let dense = of(&[]);
    let pruned = of(&["--density", "0.5", "--layer-density", "FC=0.1"]);
    assert!(energy(&pruned) < energy(&dense));
    let macs = |d: &Value, k: usize| d["layers"][k]["nonzero_macs"].as_f64().unwrap();
    assert!((macs(&pruned, 2) / macs(&dense, 2) - 0.1).abs() < 0.01);
    assert!((macs(&pruned, 1) / macs(&dense, 1) - 0.5).abs() < 0.01);
    let frugal = of(&["--objective", "energy"]);
    assert!(energy(&frugal) <= energy(&dense) * 1.0001);
    let other = of(&["--activation-density", "0.2"]);
    assert!(energy(&other) < energy(&dense));
}

#[test]
fn mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("lenet_digits.onnx");
    let said = fails(folder.path(), &[&model, "--technology", "eyeris-relativ"], 3);
    assert!(said.contains("did you mean `eyeriss-relative`?"), "{said}");
    let newer = folder.path().join("newer.toml");
    std::fs::write(&newer, "format = 99\nnew_key = 1\n").unwrap();
    let said = fails(folder.path(), &[&model, "--technology", "newer.toml"], 3);
    assert!(said.contains("format 99") && said.contains("reads format"), "{said}");
    std::fs::write(&newer, "format = 'x'\n").unwrap();
    let said = fails(folder.path(), &[&model, "--technology", "newer.toml"], 3);
    assert!(said.contains("newer.toml: not a technology file"), "{said}");
    let path = topology(folder.path()).display().to_string();
    let shapes = |more: &[&str], code| {
        fails(folder.path(), &[&[path.as_str()], RELATIVE.as_slice(), more].concat(), code)
    };
    assert!(shapes(&["--layer-density", "pool=0.1"], 3).contains("layers: conv1, conv2, fc"));
    assert!(shapes(&["--layer-density", "fc=2"], 2).contains("a number from 0 to 1"));
    assert!(shapes(&["--memory", "dram"], 2).contains("ideal memory only"));
    assert!(shapes(&["--data", "x.npz"], 2).contains("shapes only"));
    let onnx = [&[&model, "--layer-density", "fc=0.1"], RELATIVE.as_slice()].concat();
    assert!(fails(folder.path(), &onnx, 2).contains("is for topology files"));
}

/// A browser; without one, none and a message.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .flat_map(|folder| {
            ["chromium", "chromium-browser", "google-chrome"].map(|n| folder.join(n))
        })
        .find(|path| path.is_file());
    if found.is_none() {
        pecan_test_support::skip("no Chromium on PATH");
    }
    found
}

/// Opens a page and returns the browser's output.
fn open(browser: &Path, folder: &Path, page: &Path, what: &[&str]) -> String {
    let profile = tempfile::tempdir_in(folder).unwrap();
    let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars \
                 --disable-background-networking --disable-component-update --disable-sync --window-size=900,2400";
    let output = Command::new(browser)
        .args(flags.split_whitespace())
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(what)
        .arg(format!("file://{}", page.display()))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Script in a copy of the page that reports its layout behind `found:`.
const PROBE: &str = r#"<script>
const boxes = [...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect());
const images = [...document.querySelectorAll('svg[role=img] > title')].filter(t => t.textContent.trim());
const outside = [...document.querySelectorAll('svg text')].filter(t => {
  const own = t.getBoundingClientRect(), all = t.ownerSVGElement.getBoundingClientRect();
  return own.left < all.left - 1 || own.right > all.right + 1;
});
document.title = 'found:' + JSON.stringify({
  width: document.documentElement.scrollWidth, charts: boxes.filter(b => b.height > 30 && b.width > 600).length,
  titled: images.length, svgs: boxes.length, outside: outside.map(t => t.textContent),
  rows: document.querySelectorAll('tbody tr').length,
  loaded: performance.getEntriesByType('resource').length,
});
</script>"#;

#[test]
fn the_report_opens_in_a_browser() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let model = bundled("lenet_digits.onnx");
    let path = topology(folder.path()).display().to_string();
    let args = [&[&model, &path, "--limit", "1", "--out", "e"], RELATIVE.as_slice()].concat();
    assert_eq!(estimate(folder.path(), &args).status.code(), Some(0));
    let page = folder.path().join("e/report.html");
    let html = std::fs::read_to_string(&page).unwrap();
    for foreign in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let probed = folder.path().join("probed.html");
    std::fs::write(&probed, html.replace("</body>", &format!("{PROBE}</body>"))).unwrap();
    let dom = open(&browser, folder.path(), &probed, &["--dump-dom"]);
    let found = dom.split("<title>found:").nth(1).and_then(|rest| rest.split("</title>").next());
    let found: Value = serde_json::from_str(&found.unwrap().replace("&amp;", "&")).unwrap();
    // Two networks side by side: two charts; then for each two charts and a roofline.
    assert_eq!(found["svgs"], 8, "{found}");
    assert_eq!(found["charts"], 8, "{found}");
    assert_eq!(found["titled"], 8, "{found}");
    assert!(found["width"].as_u64().unwrap() <= 900, "{found}");
    assert_eq!(found["outside"].as_array().unwrap().len(), 0, "{found}");
    assert_eq!(found["loaded"], 0, "{found}");
    assert!(found["rows"].as_u64().unwrap() > 15, "{found}");
    let shot = folder.path().join("shot.png");
    open(&browser, folder.path(), &page, &[&format!("--screenshot={}", shot.display())]);
    let png = std::fs::read(&shot).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
    assert_eq!(width, 900);
    // An empty page compresses to almost nothing.
    assert!(png.len() > 50_000, "{}", png.len());
    if let Some(keep) = std::env::var_os("PECAN_KEEP_SCREENSHOT") {
        std::fs::copy(&shot, keep).unwrap();
    }
}
