//! `harness lint`: all problems of all scenario files.

use std::io;

use hourglass_component::document::{DocumentError, SHOWN};
use hourglass_report::takes_colour;
use hourglass_scenario::SkippedFile;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::{CliError, Output, chosen::with_embedded, source::SourceArgs};

/// Checks scenario files and shows all problems of all of them
#[derive(Debug, Clone, clap::Args)]
pub struct LintArgs {
    /// Scenario files, or parts of their names [default: all]
    #[arg(value_name = "FILES|NAMES")]
    pub patterns: Vec<String>,
    /// Where the scenarios come from
    #[command(flatten)]
    pub source: SourceArgs,
    /// One line a problem: `FILE:LINE:COLUMN: MESSAGE`
    #[arg(long)]
    pub short: bool,
}

/// Writes the problems to `out` and returns how many there are; with any, the exit code is 2. Warnings are written, and
/// change no exit code.
pub fn run(args: &LintArgs, out: &mut impl Output) -> Result<usize, CliError> {
    let selection = with_embedded(&args.source.selection(args.patterns.clone()));
    let (paths, skipped_files) = selection.files()?;
    let mut broken = Vec::new();
    let files = selection.load(&paths, &mut broken)?;
    if broken.is_empty() {
        let scenarios = files.iter().flat_map(|file| &file.variants).map(|variant| &*variant.scenario);
        selection.know_variables(scenarios)?;
    }
    let warnings: Vec<_> = files.iter().flat_map(|file| &file.warnings).collect();
    let problems = skipped_files.len() + broken.iter().map(DocumentError::count).sum::<usize>();
    DocumentError::shorten(&mut broken);
    for error in &broken {
        if error.reports().is_empty() && error.count() > 1 {
            writeln!(out, "{error}")?;
            continue;
        }
        if !args.short || error.reports().is_empty() {
            writeln!(out, "{}", rendered(error))?;
            continue;
        }
        for report in error.reports() {
            writeln!(out, "{}", report.one_line())?;
        }
    }
    for SkippedFile { path, why } in &skipped_files {
        writeln!(out, "{}: no scenario of this folder: {why}", path.display())?;
    }
    // A generator of scenarios may produce many warnings.
    for warning in warnings.iter().take(SHOWN) {
        writeln!(out, "{}", warning.one_line_as("warning"))?;
    }
    if warnings.len() > SHOWN {
        writeln!(out, "the first {SHOWN} of {} warnings are shown", warnings.len())?;
    }
    let shown = skipped_files.len() + broken.iter().map(|error| error.reports().len()).sum::<usize>();
    if 0 < shown && shown < problems && broken.iter().any(|error| error.reports().len() < error.count()) {
        writeln!(out, "the first {shown} of {problems} problems are shown")?;
    }
    if problems == 0 {
        let warnings =
            if warnings.is_empty() { String::new() } else { format!(", {}", count(warnings.len(), "warning")) };
        writeln!(out, "{}: no problems{warnings}", count(paths.len(), "scenario file"))?;
    } else {
        let files = broken.len() + skipped_files.len();
        let all = count(paths.len() + skipped_files.len(), "scenario file");
        writeln!(out, "{} in {files} of {all}", count(problems, "problem"))?;
    }
    Ok(problems)
}

fn rendered(error: &dyn Diagnostic) -> String {
    let theme = if takes_colour(&io::stdout()) { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let width = usize::from(console::Term::stdout().size().1).clamp(60, 120);
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
    let mut text = String::new();
    match handler.render_report(&mut text, error) {
        Ok(()) => text,
        Err(_) => error.to_string(),
    }
}

fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn linted(folder: &Path) -> (usize, String) {
        let mut out = Vec::new();
        let args = LintArgs {
            patterns: Vec::new(),
            source: SourceArgs { directory: Some(folder.to_owned()), ..SourceArgs::default() },
            short: true,
        };
        let problems = run(&args, &mut out).unwrap();
        (problems, String::from_utf8(out).unwrap().replace(&format!("{}/", folder.display()), ""))
    }

    /// lint reports everything that a run would skip, and every mistake of a file at once.
    #[test]
    fn skipped_files_and_hidden_mistakes_are_reported() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        let steps = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {task: tsk}}]\n";
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        write("square.yaml", &format!("name: square\nvariables: {{delay: 1}}\n{steps}"));
        let good = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";
        write("two.yaml", &format!("name: two\ndescription: Two.\n{good}"));
        write("two.yml", &format!("name: two\ndescription: Two.\n{good}"));
        write("sub/two.yaml", &format!("name: two\ndescription: Two.\n{good}"));
        let (problems, text) = linted(directory.path());
        assert_eq!(problems, 5, "{text}");
        insta::assert_snapshot!(text, @r"
        square.yaml:1:1: `description` is missing in the document (has no `description`); add `description`: text that is not empty
        square.yaml:2:13: the variable `delay` is never used (never used); write `${delay}` where it is meant, or take it away
        square.yaml:3:65: no earlier step creates a task called `tsk` (used here); did you mean `task`?
        two.yaml:1:7: the name `two` is taken by sub/two.yaml (taken); rename this file and its scenario
        two.yml:1:7: the name `two` is taken by sub/two.yaml (taken); rename this file and its scenario
        5 problems in 3 of 4 scenario files
        ");
    }

    /// The step names of the previous version work, and lint reports the current names.
    #[test]
    fn a_step_with_its_old_name_is_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let text = "name: old\ndescription: Old names.\nruntimes: [kubernetes]\nruntimes_because: Network.\nsteps:\n  - create_task: {payload: \"1\"}\n  \
                    - parallel:\n      - cut: {from: executor/operator, to: performer/operator}\n      - limit_pods: {pods: \
                    0}\n  - name: again\n    mend: {from: executor/operator, to: performer/operator}\n  - expect_verified: {}\n";
        let write = |text: &str| std::fs::write(directory.path().join("old.yaml"), text).unwrap();
        write(text);
        let (problems, shown) = linted(directory.path());
        assert_eq!(problems, 0, "{shown}");
        insta::assert_snapshot!(shown);
        // Problems within such a step are reported at their positions in the text.
        write(&text.replace("{pods: 0}", "{pods: x}").replace("mend: {from", "mend: {form"));
        insta::assert_snapshot!(linted(directory.path()).1);
    }

    /// A text of hexadecimal digits is sent as it is; short ones are how performers get numbers.
    #[test]
    fn a_payload_that_looks_like_data_is_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let data = "0x".to_owned() + &"ab".repeat(32);
        let text = format!(
            "name: digits\ndescription: Digits.\nvariables: {{data: \"{data}\"}}\nmatrix: {{chain: [l1, l2]}}\nsteps:\n  \
             - create_task: {{chain: \"${{chain}}\", payload: \"${{data}}\"}}\n  \
             - create_task: {{as: hex, payload_hex: \"${{data}}\"}}\n  \
             - create_task: {{as: short, payload: \"{}\"}}\n  \
             - expect_rejected: {{payload: \"{data}\", error: PayloadIsEmpty}}\n  \
             - load: {{rate: 1, tasks: 1, mix: [{{payload: \"{data}cd\"}}, {{payload: \"0x04\"}}]}}\n",
            &data[..64]
        );
        std::fs::write(directory.path().join("digits.yaml"), text).unwrap();
        let (problems, text) = linted(directory.path());
        assert_eq!(problems, 0, "{text}");
        insta::assert_snapshot!(text, @r"
        digits.yaml:6:47: warning: this is text of 66 bytes, not 32 bytes of data (sent as text); use `payload_hex` for data
        digits.yaml:9:32: warning: this is text of 66 bytes, not 32 bytes of data (sent as text); use `payload_hex` for data
        digits.yaml:10:47: warning: this is text of 68 bytes, not 33 bytes of data (sent as text); use `payload_hex` for data
        1 scenario file: no problems, 3 warnings
        ");
    }

    #[test]
    fn the_first_warnings_are_shown_and_all_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let quotas = "  - limit_pods: {pods: 0}\n".repeat(150);
        let text = format!(
            "name: many\ndescription: Many.\nruntimes: [kubernetes]\nruntimes_because: Quotas.\nsteps:\n  - create_task: \
             {{payload: \"1\"}}\n{quotas}  - expect_verified: {{}}\n"
        );
        std::fs::write(directory.path().join("many.yaml"), text).unwrap();
        let (problems, text) = linted(directory.path());
        assert_eq!((problems, text.lines().count()), (0, 102), "{text}");
        let last: Vec<_> = text.lines().skip(100).collect();
        assert_eq!(
            last,
            ["the first 100 of 150 warnings are shown", "1 scenario file: no problems, 150 warnings"],
            "{text}"
        );
    }

    /// All problems of all files are shown and counted; valid files among them do not hide them.
    #[test]
    fn all_files_are_linted() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        let steps = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";
        write("good.yaml", &format!("name: good\ndescription: Good.\n{steps}"));
        write("one.yaml", &format!("name: one\ndescription: One.\ntasg: []\n{steps}"));
        write("two.yaml", &format!("name: three\ntags: [A]\ndescription: Two.\n{steps}"));
        let (problems, text) = linted(directory.path());
        assert_eq!(problems, 3);
        insta::assert_snapshot!(text, @r"
        one.yaml:3:1: unknown key `tasg` (not known here); did you mean `tags`?
        two.yaml:1:7: the scenario `three` stands in a file called `two` (differs from the file's name); call the scenario `two`, or the file `three.yaml`
        two.yaml:2:8: expected text that matches `^[a-z0-9_-]+$` for `tags[0]` (found the text `A`)
        3 problems in 2 of 3 scenario files
        ");
    }

    /// A generator of scenarios may produce many mistakes.
    #[test]
    fn the_first_problems_of_all_files_are_shown_and_all_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let steps = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";
        for name in ["one", "two", "three"] {
            let variables = (0..60).map(|index| format!("  v{index}: {index}\n")).collect::<Vec<_>>().concat();
            let text = format!("name: {name}\ndescription: Many.\nvariables:\n{variables}{steps}");
            std::fs::write(directory.path().join(format!("{name}.yaml")), text).unwrap();
        }
        let (problems, text) = linted(directory.path());
        assert_eq!((problems, text.lines().count()), (180, 103), "{text}");
        let last: Vec<_> = text.lines().skip(99).collect();
        insta::assert_snapshot!(last.join("\n"), @r"
        three.yaml:43:3: the variable `v39` is never used (never used); write `${v39}` where it is meant, or take it away
        failed to read `two.yaml`: 60 problems
        the first 100 of 180 problems are shown
        180 problems in 3 of 3 scenario files
        ");
    }

    /// Time and output grow with the size of a file and not with its square.
    #[test]
    fn a_large_file_is_linted_in_seconds() {
        use std::fmt::Write as _;

        let directory = tempfile::tempdir().unwrap();
        let mut long = "name: long\ndescription: Long.\nsteps:\n".to_owned();
        let mut wide = "name: wide\ndescription: Wide.\nsteps: [{expect_expired: {task: x}}]\nvariables:\n".to_owned();
        for index in 0..10_000 {
            let _ = writeln!(
                long,
                "  - create_task: {{as: t{index}, payload: \"${{v{index}}}\"}}\n  - expect_verified: {{task: u{index}}}"
            );
            let _ = writeln!(wide, "  v{index}: {index}");
        }
        std::fs::write(directory.path().join("long.yaml"), long).unwrap();
        std::fs::write(directory.path().join("wide.yaml"), wide).unwrap();
        let started = std::time::Instant::now();
        let (problems, text) = linted(directory.path());
        assert_eq!(problems, 20_001);
        assert!(text.len() < 200_000, "{} bytes", text.len());
        // Without optimisation and during other tests; quadratic time would take minutes.
        assert!(started.elapsed() < std::time::Duration::from_secs(30), "{:?}", started.elapsed());
    }
}
