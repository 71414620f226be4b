//! Checks of the files of performers, for mistakes that are visible without a run.

use std::{collections::BTreeMap, path::Path};

use hourglass_component::document::{Pointer, Problem, Problems};

use super::{LARGEST, MOST, PerformerFile, target::refused};
use crate::model::Component;

/// Adds every problem of the files of a performer, given at `at` as `given`, which makes it `merged`. The files are read,
/// with paths relative to `folder`; `None` stands for a scenario that the executable embeds.
pub(crate) fn check(
    given: &Component,
    merged: &Component,
    folder: Option<&Path>,
    at: &Pointer,
    problems: &mut Problems,
) {
    // Then the files are those of all performers.
    if given.files.is_empty() {
        return;
    }
    let at = at.key("files");
    let mut are_read = true;
    for (path, file) in &given.files {
        let at = at.key(path);
        if let Some((why, remedy)) = refused(path) {
            problems.add(Problem::at_key(&at, why).label("not for a file of a performer").help(remedy));
        }
        let Some(folder) = folder.or(file.is_read().then_some(Path::new(""))) else {
            problems.add(
                Problem::at_value(&at, "a scenario that the executable embeds has no files beside it")
                    .label("names a file")
                    .help("give the content as `{text: …}`"),
            );
            continue;
        };
        if let Err(why) = file.read(folder) {
            are_read = false;
            problems.add(Problem::at_value(&at, why).label("cannot be read").help(format!(
                "name a file of at most {LARGEST} bytes, not a folder; the path is relative to the folder of this file"
            )));
        }
    }
    nested(&merged.files, &at, problems);
    bounds(&merged.files, are_read, &at, problems);
}

/// One path cannot be both a file and a folder.
fn nested(files: &BTreeMap<String, PerformerFile>, at: &Pointer, problems: &mut Problems) {
    for path in files.keys() {
        let mut outer = Path::new(path).ancestors().skip(1).filter_map(Path::to_str);
        if let Some(outer) = outer.find(|outer| files.contains_key(*outer)) {
            problems.add(
                Problem::at_key(at, format!("`{path}` is below `{outer}`, which is a file"))
                    .label("a file and a folder at one path")
                    .help("give one of them another path"),
            );
        }
    }
}

fn bounds(files: &BTreeMap<String, PerformerFile>, are_read: bool, at: &Pointer, problems: &mut Problems) {
    if files.len() > MOST {
        let message = format!("a performer has {} files, and may have {MOST}", files.len());
        problems
            .add(Problem::at_key(at, message).label("too many").help("put several into one file, or into the image"));
    }
    let size: usize = files.values().map(|file| file.bytes().len()).sum();
    if are_read && size > LARGEST {
        let message = format!("the files of a performer have {size} bytes together, and may have {LARGEST}");
        problems.add(Problem::at_key(at, message).label("too large").help("put large files into the image"));
    }
}
