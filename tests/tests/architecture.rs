//! Checks the structure of the source: small crates, no circular dependencies, short functions. Run with `--nocapture`
//! to see the figures.

// Helpers of tests may fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use pecan_tests::architecture::Sources;

/// Longest function, in lines.
const LONGEST_FUNCTION: usize = 100;

fn sources() -> Sources {
    Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

#[test]
fn no_crate_is_a_fifth_of_the_lines() {
    let sources = sources();
    let lines = sources.lines();
    let all: usize = lines.values().sum();
    for (name, lines) in &lines {
        println!("{name:20} {lines:6} lines, {:4.1} %", 100.0 * *lines as f64 / all as f64);
    }
    println!("{} crates, {} files, {all} lines", lines.len(), sources.files.len());
    let mut files: Vec<usize> = sources.files.iter().map(|file| file.lines).collect();
    files.sort_unstable();
    println!("median file {} lines, longest {}", files[files.len() / 2], files[files.len() - 1]);
    assert!(lines.values().all(|lines| 5 * lines < all), "{lines:?}");
}

#[test]
fn files_do_not_use_each_other_in_circles_across_folders() {
    let sources = sources();
    let circles = sources.circles_across_folders();
    println!("{} circles of files across folders", circles.len());
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn functions_are_short() {
    let sources = sources();
    let product = sources.files.iter().filter(|file| !file.test);
    let functions: Vec<_> =
        product.flat_map(|file| file.functions.iter().map(move |f| (file, f))).collect();
    let longer = |most: usize| functions.iter().filter(move |(_, (_, lines))| *lines > most);
    println!(
        "{} functions, {} above 60 lines, {} above 100",
        functions.len(),
        longer(60).count(),
        longer(100).count()
    );
    for (file, (name, lines)) in longer(60) {
        println!("{}: {name}, {lines} lines", file.path.display());
    }
    assert_eq!(longer(LONGEST_FUNCTION).count(), 0);
}

#[test]
fn parameters_have_named_values() {
    let sources = sources();
    let mut found = Vec::new();
    for file in sources.files.iter().filter(|file| !file.test) {
        for parameter in &file.tuple_parameters {
            let path = file.path.display();
            found.push(format!("{path}:{}: {}", parameter.line, parameter.function));
        }
    }
    assert!(found.is_empty(), "{} parameters are tuples:\n{}", found.len(), found.join("\n"));
}
