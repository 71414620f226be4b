//! The first page of a trial's folder: what failed first, the last output of the components concerned, and
//! where everything else is.
//!
//! Markdown in which all text of others stands in indented blocks, so that it cannot become markup.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use hourglass_component::text::{cut, safe, safe_line};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Level, Source};

use super::last_output::{LastOutput, last_output};
use crate::verdict::{StepReport, TrialReport, Verdict, Violation};

/// The file of the first page in a trial's folder.
pub const FIRST_PAGE: &str = "index.md";

/// How many lines of a component are shown.
const LINES: usize = 12;
/// How many components are shown with their last lines.
const COMPONENTS: usize = 6;
/// How many records of errors are shown.
const ERRORS: usize = 8;
/// How many violations are shown beside the first.
const MORE: usize = 10;
/// How many lines of the cluster's summary are shown.
const OF_CLUSTER: usize = 60;
/// How many bytes of one text are shown.
const LONGEST: usize = 8 << 10;
/// How many steps and tasks are shown.
const ROWS: usize = 200;

/// The field of an entry with the name of a component that has ended.
const ENDED: &str = "ended";

/// What stands in a trial's folder, by path, in the order in which one reads it.
const PLACES: [(&str, &str); 13] = [
    ("timeline.jsonl", "all that happened, on one clock; `task_hash` names the task"),
    ("logs", "the output of each component; `performer-NAME.log` is that of a performer alone"),
    (
        "chains",
        "both chains: transactions and events of the trial, reasons of reverts, and states for `anvil --load-state`",
    ),
    ("docker", "the containers as the engine sees them, with their exit codes, its events, and the engine itself"),
    ("cluster/summary.txt", "what is broken in the cluster, and its latest warnings"),
    ("cluster/events.txt", "the events of the cluster, by time"),
    ("cluster/namespaces", "objects, and logs of pods; `NAME.previous.log` is from before a restart"),
    ("cluster/nodes", "the nodes: kubelet, containerd, their containers"),
    ("scenario.yaml", "the scenario as it was run, with its defaults"),
    (
        "aggregator.yaml",
        "the configuration of the aggregator without keys, beside those of executors, `executor-NAME.yaml`",
    ),
    ("trial.json", "the report of the trial"),
    ("harness.log", "what the harness did"),
    ("performers", "the files that performers of the process runtime write to; `logs` has links to them"),
];

/// The text of the first page; `again` is the command that runs the trial again. The folder may be gone.
pub fn first_page(report: &TrialReport, again: Option<&str>) -> String {
    let mut page = Page::default();
    page.line(&format!("# {}: {}", safe_line(&report.trial), report.verdict.word()));
    page.rows(&facts(report));
    page.verdict(&report.verdict);
    page.ends(&report.events, report);
    page.last_output(report);
    page.errors(&report.events, report);
    page.cluster(&report.directory);
    page.steps(&report.steps);
    page.tasks(report);
    page.places(&report.directory);
    page.section("To run it again");
    page.block(again.unwrap_or("the test that made it"));
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        let _ = write!(self.0, "\n## {title}\n");
    }

    /// Text of others: indented, so that it is shown as it is.
    fn block(&mut self, text: &str) {
        self.0.push('\n');
        for line in safe(&cut(text, LONGEST)).lines() {
            let _ = writeln!(self.0, "    {line}");
        }
    }

    fn rows(&mut self, rows: &[(&str, String)]) {
        let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
        let aligned = |(label, text): &(&str, String)| {
            format!("{label:width$}  {}", text.replace('\n', &format!("\n{:width$}  ", "")))
        };
        let rows: Vec<_> = rows.iter().map(aligned).collect();
        self.block(&rows.join("\n"));
    }

    fn verdict(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Failed { violations } => {
                let Some((first, rest)) = violations.split_first() else { return };
                self.section("What failed first");
                self.violation(first);
                if !rest.is_empty() {
                    self.section("What failed as well");
                    rest.iter().take(MORE).for_each(|violation| self.violation(violation));
                }
                if rest.len() > MORE {
                    self.line(&format!("\n{} more are in the report of the run.", rest.len() - MORE));
                }
            }
            Verdict::EnvironmentFailed { error, remedy } => {
                self.section("The environment failed");
                let remedy = remedy.iter().map(|remedy| ("remedy", remedy.clone()));
                self.rows(&[("error", error.clone())].into_iter().chain(remedy).collect::<Vec<_>>());
            }
            Verdict::Skipped { reason } => {
                self.section("It was skipped");
                self.block(reason);
            }
            Verdict::Interrupted => {
                self.section("It was interrupted");
                self.line("\nThe run was ended before the trial had ended.");
            }
            Verdict::Passed => {}
        }
    }

    fn violation(&mut self, violation: &Violation) {
        let place = violation.place.iter().map(|place| format!(" at {place}"));
        let mut rows = vec![
            ("what", format!("{}{}", violation.what, place.collect::<String>())),
            ("expected", violation.expected.clone()),
            ("seen", violation.seen.clone()),
        ];
        rows.extend(violation.task.iter().map(|task| ("task", task.clone())));
        if !violation.timeline.is_empty() {
            rows.push(("timeline", violation.timeline.join("\n")));
        }
        self.rows(&rows);
    }

    /// The components that ended while the trial ran.
    fn ends(&mut self, events: &[Event], report: &TrialReport) {
        let ends = events.iter().filter(|event| event.fields.contains_key(ENDED));
        let ends: Vec<_> = ends.map(|event| format!("{}  {}", at(event, report), safe_line(&event.message))).collect();
        if !ends.is_empty() {
            self.section("Components that ended");
            self.block(&ends.join("\n"));
        }
    }

    /// The last lines of the performers, and of the other components that the verdict names.
    fn last_output(&mut self, report: &TrialReport) {
        let told = told(&report.verdict);
        let is_performer = |output: &LastOutput| matches!(output.component, ComponentRef::Performer(_));
        let named = |output: &LastOutput| told.contains(&output.component.to_string());
        let mut shown = last_output(&report.events, LINES, true);
        shown.retain(|output| is_performer(output) || named(output));
        // Performers first: they are what most trials test.
        shown.sort_by_key(|output| (!named(output), !is_performer(output)));
        for LastOutput { component, lines } in shown.into_iter().take(COMPONENTS) {
            self.section(&format!("Last lines of {}", safe_line(&component.to_string())));
            self.block(&lines.join("\n"));
        }
    }

    /// The first errors that components logged.
    fn errors(&mut self, events: &[Event], report: &TrialReport) {
        let errors = events.iter().filter(|event| event.level == Some(Level::Error));
        let errors: Vec<_> = errors
            .filter_map(|event| {
                let Source::Component(component) = &event.source else { return None };
                let [output] = last_output(std::slice::from_ref(event), 1, true).try_into().ok()?;
                Some(format!("{}  {component}  {}", at(event, report), output.lines.concat()))
            })
            .take(ERRORS)
            .collect();
        if !errors.is_empty() {
            self.section("First errors in the logs");
            self.block(&errors.join("\n"));
        }
    }

    /// What the cluster says about itself.
    fn cluster(&mut self, folder: &Path) {
        let Ok(summary) = fs::read_to_string(folder.join("cluster/summary.txt")) else { return };
        let lines: Vec<_> = summary.lines().take(OF_CLUSTER).collect();
        self.section("What the cluster says");
        self.block(&lines.join("\n"));
    }

    fn steps(&mut self, steps: &[StepReport]) {
        if steps.is_empty() {
            return;
        }
        self.section("Steps");
        let width = |text: fn(&StepReport) -> &str| steps.iter().map(|step| text(step).len()).max().unwrap_or_default();
        let (outcomes, places) = (width(|step| step.outcome.word()), width(|step| &step.place));
        let rows: Vec<_> = steps
            .iter()
            .take(ROWS)
            .map(|step| {
                let began = step.began.map_or_else(|| "-".to_owned(), seconds);
                let took = step.duration.map_or_else(|| "-".to_owned(), seconds);
                let (outcome, place, title) = (step.outcome.word(), safe_line(&step.place), safe_line(&step.title));
                format!("{outcome:outcomes$}  {began:>9}  {took:>9}  {place:places$}  {title}")
            })
            .collect();
        let heading = format!("{:outcomes$}  {:>9}  {:>9}  {:places$}  step", "outcome", "began", "took", "place");
        self.block(&[heading].into_iter().chain(rows).collect::<Vec<_>>().join("\n"));
    }

    fn tasks(&mut self, report: &TrialReport) {
        if report.tasks.is_empty() {
            return;
        }
        self.section("Tasks");
        let rows = report.tasks.iter().take(ROWS).map(|task| {
            let reached = task.phases.reached();
            let reached: Vec<_> = reached.iter().map(|(name, at)| format!("{name} {at:.1}")).collect();
            format!("{} on {}, {}: {}\n  {} ms", task.alias, task.chain, task.status, task.hash, reached.join(", "))
        });
        self.block(&rows.collect::<Vec<_>>().join("\n"));
    }

    fn places(&mut self, folder: &Path) {
        self.section("Where to look");
        self.0.push('\n');
        for (path, what) in PLACES {
            if folder.join(path).exists() {
                self.line(&format!("- `{path}`: {what}"));
            }
        }
    }
}

fn facts(report: &TrialReport) -> [(&'static str, String); 5] {
    let run = report.directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let phases = report.phases.iter().map(|phase| format!("{} {}", phase.name, seconds(phase.duration)));
    let took = format!("{} ({})", seconds(report.duration), phases.collect::<Vec<_>>().join(", "));
    [
        ("run", run),
        ("began", report.started.to_string()),
        ("took", took),
        ("runtime", report.runtime.clone()),
        ("scenario", report.scenario.display().to_string()),
    ]
}

/// All text of a verdict.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Failed { violations } => {
            let texts = violations.iter().map(|it| format!("{} {} {}", it.what, it.seen, it.timeline.join(" ")));
            texts.collect::<Vec<_>>().join("\n")
        }
        Verdict::EnvironmentFailed { error, .. } => error.clone(),
        Verdict::Passed | Verdict::Skipped { .. } | Verdict::Interrupted => String::new(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// The time of an entry from the beginning of the trial.
fn at(event: &Event, report: &TrialReport) -> String {
    format!("{:>9.3} s", event.at.duration_since(report.started).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hourglass_timeline::Trace;

    use super::*;

    fn report(verdict: Verdict, events: Vec<Event>) -> TrialReport {
        TrialReport {
            trial: "process::x".to_owned(),
            scenario: "scenarios/x.yaml".into(),
            runtime: "process".to_owned(),
            started: "2026-03-01T12:00:00Z".parse().unwrap(),
            duration: Duration::from_millis(1_250),
            phases: vec![],
            verdict,
            steps: vec![],
            tasks: vec![],
            usage: vec![],
            directory: "/nowhere/r1".into(),
            kept: true,
            running: [].into(),
            options: Arc::default(),
            trace: Trace::default(),
            events: Arc::from(events),
        }
    }

    /// A page is read by browsers: text of a component must not become a heading, a link or a control sequence.
    #[test]
    fn text_of_others_is_shown_and_never_markup() {
        let hostile = "oops\n# heading\n\u{1b}[2J<script>";
        let violation = Violation {
            what: "expect_verified".to_owned(),
            place: None,
            expected: "a result".to_owned(),
            seen: hostile.to_owned(),
            task: None,
            timeline: vec![],
        };
        let said = Event {
            source: Source::Component("performer/a".parse().unwrap()),
            at: "2026-03-01T12:00:01Z".parse().unwrap(),
            ..Event::of_harness("# panicked")
        };
        let page = first_page(&report(Verdict::Failed { violations: vec![violation] }, vec![said]), None);
        assert!(page.starts_with("# process::x: failed\n"), "{page}");
        for shown in ["              # heading\n", "    # panicked\n", r"\u{1b}[2J<script>"] {
            assert!(page.contains(shown), "{shown:?} is missing:\n{page}");
        }
        let markup = page.lines().filter(|line| !line.starts_with("    "));
        let headings: Vec<_> = markup.filter(|line| line.starts_with('#')).collect();
        let expected = ["What failed first", "Last lines of performer/a", "Where to look", "To run it again"];
        assert_eq!(headings[1..], expected.map(|title| format!("## {title}")));
        assert!(!page.lines().any(|line| line.starts_with("<script>")), "{page}");
    }
}
