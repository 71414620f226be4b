//! The dependencies of the crates, as in docs/architecture.md: no crate uses one below it in the table there.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use hourglass_harness::{Runtime, runner::invariants};
use serde_json::Value;

const PREFIX: &str = "hourglass-";

/// Each package of the workspace with the packages of the workspace that it uses, except those of its tests.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let told = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).unwrap();
    let used = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let of_tests = |dependency: &&Value| dependency["kind"] == "dev";
        let names = dependencies.filter(|dependency| !of_tests(dependency));
        names.filter_map(|dependency| short(dependency["name"].as_str().unwrap())).collect()
    };
    let packages = metadata["packages"].as_array().unwrap().iter();
    // Examples stand for crates of other projects.
    let is_example = |package: &&Value| package["manifest_path"].as_str().unwrap().contains("/examples/");
    let packages = packages.filter(|package| !is_example(package));
    packages.filter_map(|package| Some((short(package["name"].as_str()?)?, used(package)))).collect()
}

fn short(name: &str) -> Option<String> {
    name.strip_prefix(PREFIX).map(str::to_owned)
}

/// The rows of the table from top to bottom: a package and those that it uses.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with(&format!("| `{PREFIX}")));
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let used = cells[3].split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        (short(cells[0].trim_matches('`')).unwrap(), used.collect())
    };
    rows.map(row).collect()
}

#[test]
fn crate_dependencies_agree_with_the_architecture() {
    let table: BTreeMap<_, _> = table().into_iter().collect();
    assert!(table.len() > 15, "the table is not read: {table:?}");
    assert_eq!(table, packages(), "left: docs/architecture.md, right: the manifests");
}

#[test]
fn no_crate_uses_one_below_it() {
    let mut above = BTreeSet::new();
    for (package, used) in table() {
        let below: Vec<_> = used.difference(&above).collect();
        assert!(below.is_empty(), "{package} stands above {below:?} in docs/architecture.md, and uses it");
        above.insert(package);
    }
}

/// A reader must be able to look up every invariant that a report names.
#[test]
fn every_invariant_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/invariants.md");
    let text = fs::read_to_string(path).unwrap();
    let documented: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
    let rows = invariants::all().into_iter().map(|(runtime, invariant)| {
        let runtime = runtime.map_or("all", Runtime::as_str);
        format!("| `{}` | {runtime} | {} |", invariant.about(None), invariant.meaning)
    });
    assert_eq!(documented, rows.collect::<Vec<_>>(), "left: docs/invariants.md, right: the registries");
}
