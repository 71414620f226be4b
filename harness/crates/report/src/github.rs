//! What GitHub Actions shows of a run: annotations at the lines of scenarios, and a summary of the step.
//!
//! The format is that of workflow commands. The runner of GitHub looks for commands in every line that a step writes, also
//! in those of components and scenarios: while the run goes on, it is told to look for none.

use std::{
    env,
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use hourglass_component::text::{cut, safe, safe_line};
use hourglass_reaper::RunId;
use hourglass_runner::{
    parity::ParityVerdict,
    verdict::{TrialReport, Verdict, Violation},
};

use super::{MARKDOWN_LIMIT, RunReport, markdown};

/// How many annotations of a kind GitHub shows for a step.
const SHOWN: usize = 10;
/// The longest text of an annotation, in bytes.
const TEXT: usize = 4 << 10;
/// The longest title of an annotation, in bytes.
const TITLE: usize = 256;

/// The job of GitHub Actions in which this process runs.
#[derive(Debug, Clone)]
pub struct GitHub {
    /// The folder of the repository: names of files are relative to it.
    workspace: Option<PathBuf>,
    /// The file of the step's summary.
    summary: Option<PathBuf>,
    /// The word that makes the runner look for commands again.
    token: String,
}

/// The kind of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
}

/// An annotation before it is written.
struct Annotation {
    kind: Kind,
    file: Option<String>,
    line: Option<usize>,
    title: String,
    text: String,
}

impl GitHub {
    /// The job, if the variables of the environment say that this is one.
    pub fn detect() -> Option<Self> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        (variable("GITHUB_ACTIONS")? == "true").then(|| Self {
            workspace: variable("GITHUB_WORKSPACE").map(PathBuf::from),
            summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            // Nobody who writes to the output of the run can know it.
            token: format!("harness-{}", RunId::generate()),
        })
    }

    /// The command before the first line of a run: until [`GitHub::commands`], no line is a command.
    pub fn begin(&self) -> String {
        format!("::stop-commands::{}\n", self.token)
    }

    /// The commands at the end of a run: an error for each violation and each difference between runtimes, a warning for
    /// each trial that could not be run.
    pub fn commands(&self, run: &RunReport) -> String {
        let mut text = format!("::{}::\n", self.token);
        let annotations = self.annotations(run);
        for kind in [Kind::Error, Kind::Warning] {
            let of_kind: Vec<_> = annotations.iter().filter(|annotation| annotation.kind == kind).collect();
            of_kind.iter().take(SHOWN).for_each(|annotation| text.push_str(&annotation.command()));
            let more = of_kind.len().saturating_sub(SHOWN);
            if more > 0 {
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "::notice title=harness run::{more} more {}s are in the log and in the summary of the step",
                    kind.word()
                );
            }
        }
        text
    }

    /// Appends the run to the step's summary, within what is left of the size that GitHub accepts.
    ///
    /// Fails with the path of the file.
    pub fn append_summary(&self, run: &RunReport, command: &str) -> Result<(), (PathBuf, io::Error)> {
        let Some(path) = &self.summary else { return Ok(()) };
        let append = || {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            let used = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            file.write_all(markdown(run, command, MARKDOWN_LIMIT.saturating_sub(used)).as_bytes())
        };
        append().map_err(|error| (path.clone(), error))
    }

    fn annotations(&self, run: &RunReport) -> Vec<Annotation> {
        let of_trials = run.trials.iter().flat_map(|trial| self.of_trial(trial));
        let of_parity = run.parity.iter().filter_map(|parity| {
            let ParityVerdict::Failed { .. } = &parity.verdict else { return None };
            Some(self.at_file(Kind::Error, &parity.scenario, parity.name.clone(), parity.text().trim_end().to_owned()))
        });
        let not_run = (!run.not_run.is_empty()).then(|| Annotation {
            kind: Kind::Warning,
            file: None,
            line: None,
            title: "trials that were not run".to_owned(),
            text: run.not_run.join("\n"),
        });
        of_trials.chain(of_parity).chain(not_run).collect()
    }

    fn of_trial(&self, trial: &TrialReport) -> Vec<Annotation> {
        match &trial.verdict {
            Verdict::Failed { violations } => violations.iter().map(|violation| self.of(trial, violation)).collect(),
            Verdict::EnvironmentFailed { error, remedy } => {
                let remedy = remedy.as_deref().map(|remedy| format!("\nremedy: {remedy}")).unwrap_or_default();
                vec![self.at_file(
                    Kind::Warning,
                    &trial.scenario,
                    trial.trial.clone(),
                    format!("the environment failed: {error}{remedy}"),
                )]
            }
            Verdict::Interrupted => {
                let text = "interrupted before its end".to_owned();
                vec![self.at_file(Kind::Warning, &trial.scenario, trial.trial.clone(), text)]
            }
            Verdict::Passed | Verdict::Skipped { .. } => Vec::new(),
        }
    }

    /// At the line of the step, or at the file if the violation is written nowhere.
    fn of(&self, trial: &TrialReport, violation: &Violation) -> Annotation {
        let title = format!("{}: {}", trial.trial, violation.what);
        let text = format!("expected  {}\nseen      {}", violation.expected, violation.seen);
        let place = violation.place.as_deref().and_then(|place| place.rsplit_once(':'));
        let place = place.and_then(|(file, line)| Some((file, line.parse().ok()?)));
        match place {
            Some((file, line)) => {
                Annotation { line: Some(line), ..self.at_file(Kind::Error, Path::new(file), title, text) }
            }
            None => self.at_file(Kind::Error, &trial.scenario, title, text),
        }
    }

    fn at_file(&self, kind: Kind, file: &Path, title: String, text: String) -> Annotation {
        Annotation { kind, file: Some(self.relative(file)), line: None, title, text }
    }

    /// The path from the folder of the repository, if it is in there: GitHub shows annotations at no other files.
    fn relative(&self, file: &Path) -> String {
        let inside = || {
            let (file, workspace) = (file.canonicalize().ok()?, self.workspace.as_ref()?.canonicalize().ok()?);
            Some(file.strip_prefix(workspace).ok()?.to_owned())
        };
        inside().unwrap_or_else(|| file.to_owned()).display().to_string()
    }
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Annotation {
    /// The command, on one line.
    fn command(&self) -> String {
        let file = self.file.as_ref().map(|file| format!("file={}", property(file)));
        let line = self.line.map(|line| format!("line={line}"));
        let title = format!("title={}", property(&cut(&self.title, TITLE)));
        let properties: Vec<_> = [file, line, Some(title)].into_iter().flatten().collect();
        format!("::{} {}::{}\n", self.kind.word(), properties.join(","), data(&cut(&safe(&self.text), TEXT)))
    }
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(&safe_line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::samples;

    fn github() -> GitHub {
        GitHub { workspace: None, summary: None, token: "harness-token".to_owned() }
    }

    #[test]
    fn each_violation_is_an_error_at_its_line() {
        insta::assert_snapshot!(github().commands(&samples::run()));
    }

    #[test]
    fn only_as_many_are_written_as_are_shown() {
        let run = RunReport { trials: (0..7).map(|_| samples::failed()).collect(), ..RunReport::default() };
        let text = github().commands(&run);
        assert_eq!(text.matches("::error ").count(), SHOWN);
        assert!(
            text.ends_with(
                "::notice title=harness run::11 more errors are in the log and in the summary of the step\n"
            ),
            "{text}"
        );
    }

    /// A line that is not the first of a command, or a command of another name, would be an injection.
    #[test]
    fn hostile_texts_inject_no_command() {
        let hostile = "a,line=7::b\n::set-output name=x::y\r\n##[add-mask]z\r::error::%0A\u{2028}%25";
        let mut run = samples::run();
        for trial in &mut run.trials {
            trial.trial = hostile.to_owned();
            trial.scenario = hostile.into();
            match &mut trial.verdict {
                Verdict::Failed { violations } => {
                    for violation in violations {
                        violation.what = hostile.to_owned();
                        violation.place = Some(format!("{hostile}:3"));
                        violation.expected = hostile.to_owned();
                        violation.seen = hostile.to_owned();
                    }
                }
                Verdict::EnvironmentFailed { error, .. } => *error = hostile.to_owned(),
                _ => {}
            }
        }
        run.not_run = vec![hostile.to_owned()];
        for parity in &mut run.parity {
            parity.name = hostile.to_owned();
        }
        let text = github().commands(&run);
        assert!(!text.contains(['\r', '\u{2028}']));
        let (first, rest) = text.split_once('\n').unwrap();
        assert_eq!(first, "::harness-token::");
        for line in rest.lines() {
            let (name, parameters) = line.strip_prefix("::").and_then(|line| line.split_once(' ')).unwrap();
            assert!(["error", "warning"].contains(&name), "{line}");
            let (properties, _) = parameters.split_once("::").unwrap();
            for property in properties.split(',') {
                let (key, value) = property.split_once('=').unwrap();
                assert!(["file", "line", "title"].contains(&key), "{line}");
                assert!(key != "line" || value == "3", "{line}");
                assert!(!value.contains(':'), "{line}");
            }
        }
    }

    /// Escapes that the text has already must arrive as they are.
    #[test]
    fn percent_signs_are_escaped_first() {
        assert_eq!(data("50% %0A\r\n"), "50%25 %250A%0D%0A");
        assert_eq!(property("a:b,c\nd"), "a%3Ab%2Cc\\nd");
    }

    #[test]
    fn files_are_relative_to_the_workspace() {
        let workspace = tempfile::tempdir().unwrap();
        let file = workspace.path().join("scenarios/a.yaml");
        fs::create_dir(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        let github = GitHub { workspace: Some(workspace.path().to_owned()), ..github() };
        assert_eq!(github.relative(&file), "scenarios/a.yaml");
        assert_eq!(github.relative(&workspace.path().join("scenarios/../scenarios/a.yaml")), "scenarios/a.yaml");
        assert_eq!(github.relative(Path::new("/elsewhere/b.yaml")), "/elsewhere/b.yaml");
    }

    #[test]
    fn the_summary_is_appended_and_stays_within_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        let github = GitHub { summary: Some(path.clone()), ..github() };
        let run = RunReport { trials: (0..1_000).map(|_| samples::failed()).collect(), ..RunReport::default() };
        fs::write(&path, "# Others\n").unwrap();
        for _ in 0..5 {
            github.append_summary(&run, "harness run").unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# Others\n## Hourglass: failed\n"), "{}", &text[..100]);
        assert!(text.len() < 1 << 20, "{} bytes", text.len());
        let nowhere = GitHub { summary: Some(folder.path().join("no/summary")), ..github };
        assert_eq!(nowhere.append_summary(&run, "harness run").unwrap_err().0, folder.path().join("no/summary"));
    }
}
