//! Where the lines of what runs in containers go: a file each, the timeline, and what errors quote.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use crate::{
    scenario::ComponentRef,
    timeline::{LastLines, Timeline, parse_line},
};

/// The output of one component or chain.
#[derive(Debug)]
pub(super) struct Output {
    file: Option<File>,
    component: Option<ComponentRef>,
    timeline: Timeline,
    last: LastLines,
}

impl Output {
    /// That of what is called `name`, as `executor/alice`; its file in the folder is appended to. What is called like no
    /// component, as a chain, is left out of the timeline.
    pub(super) fn of(name: &str, folder: &Path, timeline: &Timeline, last: LastLines) -> Self {
        let path = folder.join(format!("{}.log", name.replace('/', "-")));
        let file = OpenOptions::new().create(true).append(true).open(path).ok();
        Self { file, component: component(name), timeline: timeline.clone(), last }
    }

    /// Takes a line.
    pub(super) fn push(&mut self, line: &str) {
        self.last.push(line);
        if let Some(file) = &mut self.file {
            // The timeline has the line as well; a full disk is told by what needs it more.
            let _ = writeln!(file, "{line}");
        }
        if let Some(component) = &self.component {
            self.timeline.record(parse_line(component, line));
        }
    }
}

/// What a chain is called begins so; its id follows.
pub(super) const CHAIN_PREFIX: &str = "chain-";

/// Nothing for a chain. A performer that a user's executor makes need not be called like an operator.
pub(super) fn component(name: &str) -> Option<ComponentRef> {
    match name.parse() {
        Ok(component) => Some(component),
        Err(_) => name.strip_prefix("performer/").map(|name| ComponentRef::Performer(name.to_owned())),
    }
}
