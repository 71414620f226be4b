//! References of documents to other things than the harness: files, test targets, packages and chores.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

use super::markdown::{Document, Part, files, root};

#[test]
fn links_lead_to_files_of_the_repository() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for document in Document::all() {
        for link in &document.links {
            let target = link.text.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            checked += 1;
            if !document.path.parent().unwrap().join(target).exists() {
                wrong.push(link.clone());
            }
        }
    }
    assert!(checked > 15, "the documents are not read: {checked} links");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn named_test_targets_and_packages_exist() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let names = |values: &mut dyn Iterator<Item = &Value>| -> BTreeSet<String> {
        values.map(|value| value["name"].as_str().unwrap().to_owned()).collect()
    };
    let known_packages = names(&mut packages.iter());
    let targets = || packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
    let known_tests = names(&mut targets().filter(|target| target["kind"][0] == "test"));
    let known_programs = names(&mut targets().filter(|target| target["kind"][0] == "bin"));
    let mut wrong = Vec::new();
    let mut checked = 0;
    for part in parts() {
        let words: Vec<_> = part.text.split_whitespace().collect();
        for pair in words.windows(2).filter(|_| part.text.contains("cargo ")) {
            let known = match pair[0] {
                "--test" => &known_tests,
                "-p" => &known_packages,
                "--bin" => &known_programs,
                _ => continue,
            };
            checked += 1;
            if !known.contains(pair[1]) {
                wrong.push(format!("{}: {} {}", part.place, pair[0], pair[1]));
            }
        }
    }
    assert!(checked > 4, "the documents are not read");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn named_chores_are_in_the_justfile() {
    let chores = fs::read_to_string(root().join("justfile")).unwrap();
    let chores: BTreeSet<_> = chores.lines().filter_map(|line| line.split_once(':')?.0.split(' ').next()).collect();
    let spans: Vec<_> = parts().into_iter().filter(|part| part.text.starts_with("just ")).collect();
    assert!(spans.len() > 4, "the documents are not read");
    let wrong = spans.iter().filter(|part| !chores.contains(part.text.split(' ').nth(1).unwrap_or_default()));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// docs/security.md names the test for each of its promises as `target: module::test`.
#[test]
fn named_tests_exist() {
    let sources: Vec<_> = files("rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let security = Document::named("docs/security.md");
    let named = security.spans.iter().filter(|span| span.text.contains("::") && !span.text.ends_with("::tests"));
    let named: Vec<_> = named.collect();
    assert!(named.len() > 4, "the document is not read: {named:?}");
    let exists = |test: &str| sources.iter().any(|source| source.contains(&format!("fn {test}(")));
    let wrong: Vec<_> = named.into_iter().filter(|span| !span.text.rsplit("::").next().is_some_and(exists)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The code of all documents; blocks are split into lines.
fn parts() -> Vec<Part> {
    let mut parts = Vec::new();
    for document in Document::all() {
        parts.extend(document.spans.iter().cloned());
        for block in document.blocks_of("console") {
            parts.extend(block.text.lines().map(|line| Part { text: line.to_owned(), ..block.clone() }));
        }
    }
    parts
}

fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    let cargo = cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
