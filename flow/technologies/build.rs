//! Embeds every folder of `data`: a technology is added by adding one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("data");
    println!("cargo::rerun-if-changed={}", data.display());
    let entries: Result<Vec<PathBuf>, std::io::Error> =
        std::fs::read_dir(&data)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut folders: Vec<PathBuf> = entries?.into_iter().filter(|path| path.is_dir()).collect();
    folders.sort();
    let mut text = String::from("&[\n");
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).ok_or("a name is no text")?;
        write!(text, "    ({name:?}, [")?;
        for file in ["process.toml", "energy.toml", "held_out.csv"] {
            let path = folder.join(file);
            println!("cargo::rerun-if-changed={}", path.display());
            if path.is_file() {
                write!(text, "Some(include_str!({path:?})), ")?;
            } else {
                text += "None, ";
            }
        }
        text += "]),\n";
    }
    text += "]\n";
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("shipped.rs"), text)?;
    Ok(())
}
