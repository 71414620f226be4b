//! Makes a list of paths and contents of all charts.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const CHARTS: [&str; 2] = ["hourglass-executor", "hourglass-operator"];
/// What packs charts for people leaves behind, and no part of them.
const LEFT_OUT: [&str; 2] = ["charts", "Chart.lock"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).canonicalize()?;
    let charts = CHARTS.map(|chart| root.join(chart));
    for chart in &charts {
        println!("cargo::rerun-if-changed={}", chart.display());
    }
    let mut list = String::from("&[\n");
    for path in charts.iter().map(|chart| files_below(chart)).collect::<Result<Vec<_>, _>>()?.concat() {
        let name = path.strip_prefix(&root)?.to_str().ok_or("a chart's file has a name that is no text")?;
        let path = path.to_str().ok_or("the tree is in a folder whose name is no text")?;
        writeln!(list, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("charts.rs"), list)?;
    Ok(())
}

/// In an order that does not depend on the file system.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut entries: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let is_left_out = LEFT_OUT.iter().any(|name| path.ends_with(name));
        if path.is_dir() && !is_left_out {
            files.extend(files_below(&path)?);
        } else if path.is_file() && !is_left_out {
            files.push(path);
        }
    }
    Ok(files)
}
