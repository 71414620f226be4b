//! Makes a list of paths and texts of all scenarios.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folders of this package that have no scenarios.
const LEFT_OUT: [&str; 2] = ["src", "tests"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut list = String::from("&[\n");
    for path in scenarios_below(&root)? {
        let name = path.strip_prefix(&root)?.to_str().ok_or("a scenario's file has a name that is no text")?;
        let path = path.to_str().ok_or("the tree is in a folder whose name is no text")?;
        writeln!(list, "    ({name:?}, include_str!({path:?})),")?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("scenarios.rs"), list)?;
    Ok(())
}

/// In an order that does not depend on the file system.
fn scenarios_below(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut entries: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let is_left_out = LEFT_OUT.iter().any(|name| path.ends_with(name));
        if path.is_dir() && !is_left_out {
            files.extend(scenarios_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(files)
}
