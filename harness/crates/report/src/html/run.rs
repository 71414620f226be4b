//! The page of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use askama::Template;
use hourglass_base::ExitStatus;
use hourglass_runner::verdict::Verdict;

use super::{
    budget::Budget,
    log::Row,
    overview::{Comparison, Matrix},
    page::Frame,
    text::{Text, time},
    trial::{Section, Surroundings},
};
use crate::{ReportError, RunReport, Target, target::OUTPUT};

/// The most of a scenario file that is read.
const SOURCE: u64 = 64 << 10;
/// Trials that passed and have a section; those beyond have their row in the overview.
const SECTIONS: usize = 200;

/// The page.
#[derive(Debug, Template)]
#[template(path = "run.html")]
struct Page {
    frame: Frame,
    started: String,
    duration: String,
    tally: String,
    parity_tally: Option<String>,
    unsaid: Option<String>,
    exit_code: u8,
    class: &'static str,
    matrix: Matrix,
    comparisons: Vec<Comparison>,
    sections: Vec<Section>,
    without_section: usize,
    not_run: Vec<Text>,
    version: &'static str,
}

/// Writes the run as a page.
///
/// `command` runs a trial when its name is appended.
pub(crate) fn write(target: &Target, run: &RunReport, command: &str) -> Result<(), ReportError> {
    target.write(html(run, command, Some(target))?.as_bytes())
}

/// The page as text. If it is known where it will be, it links the folders of trials.
///
/// `command` runs a trial when its name is appended.
pub fn html(run: &RunReport, command: &str, target: Option<&Target>) -> Result<String, ReportError> {
    let folder = target.and_then(Target::folder);
    render(run, command, folder.as_deref(), &sources(run)).map_err(|source| match target {
        Some(target) => target.unrenderable(source),
        None => ReportError::Render { path: OUTPUT.into(), source: Box::new(source) },
    })
}

/// The page as text. `folder` is where it will be, and `sources` are the scenarios' files.
pub(super) fn render(
    run: &RunReport,
    command: &str,
    folder: Option<&Path>,
    sources: &BTreeMap<&Path, String>,
) -> askama::Result<String> {
    let around = Surroundings { command, page_folder: folder, sources };
    let [trouble, others] = Budget::shares(&run.trials);
    // What needs attention comes first.
    let mut order: Vec<_> = (0..run.trials.len()).collect();
    order.sort_by_key(|index| match run.trials[*index].verdict {
        Verdict::Failed { .. } => 0,
        Verdict::EnvironmentFailed { .. } => 1,
        Verdict::Interrupted => 2,
        Verdict::Passed | Verdict::Skipped { .. } => 3,
    });
    let mut ids = vec![None; run.trials.len()];
    let mut sections = Vec::new();
    for index in order {
        let trial = &run.trials[index];
        let is_trouble = trial.verdict.is_trouble();
        if sections.len() >= SECTIONS && !is_trouble {
            continue;
        }
        let section = Section::of(index, trial, around, if is_trouble { trouble } else { others });
        ids[index] = Some(section.id.clone());
        sections.push(section);
    }
    let status = run.exit_status();
    let class = match status {
        ExitStatus::Passed => "ok",
        ExitStatus::Failed => "bad",
        _ => "env",
    };
    let tally = run.tally();
    let page = Page {
        frame: Frame::titled(format!("{tally} – Hourglass Harness")),
        started: format!("{:.0}", run.started),
        duration: time(run.duration),
        parity_tally: run.parity_tally(),
        unsaid: run.unsaid(),
        tally,
        exit_code: status.code(),
        class,
        matrix: Matrix::of(run, &ids),
        comparisons: Comparison::all(run, command),
        without_section: run.trials.len() - sections.len(),
        sections,
        not_run: run.not_run.iter().map(|name| Text::line(name)).collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render()
}

impl Page {
    /// Sections of trials that need attention.
    fn trouble(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.open)
    }

    /// Comparisons without a difference.
    fn alike(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons.iter().filter(|one| one.verdict.class == "ok")
    }

    /// The other comparisons.
    fn unlike(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons.iter().filter(|one| one.verdict.class != "ok")
    }
}

/// The scenario files of the run that can still be read.
fn sources(run: &RunReport) -> BTreeMap<&Path, String> {
    let files: BTreeSet<&PathBuf> = run.trials.iter().map(|trial| &trial.scenario).collect();
    let read = |path: &PathBuf| {
        let mut text = String::new();
        fs::File::open(path).ok()?.take(SOURCE).read_to_string(&mut text).ok()?;
        Some(text)
    };
    files.into_iter().filter_map(|path| Some((path.as_path(), read(path)?))).collect()
}

#[cfg(test)]
mod tests;
