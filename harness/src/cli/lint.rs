//! `harness lint`: all problems of all scenario files.

use std::io::Write;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::scenario::{Loader, ScenarioError, Selection, load_files};

/// Checks scenario files and shows all problems of all of them
#[derive(Debug, Clone, clap::Args)]
pub struct LintArgs {
    /// Which files
    #[command(flatten)]
    pub selection: Selection,
    /// One line a problem: `FILE:LINE:COLUMN: MESSAGE`
    #[arg(long)]
    pub short: bool,
}

/// Writes the problems to `out` and says how many there are; with any, the exit code is 2.
pub fn run(args: &LintArgs, out: &mut impl Write) -> Result<usize, ScenarioError> {
    let paths = args.selection.files()?;
    let mut broken = Vec::new();
    load_files(&mut Loader::new()?, &paths, &mut broken);
    let mut problems = 0;
    for error in &broken {
        problems += error.reports().len().max(1);
        if !args.short || error.reports().is_empty() {
            writeln!(out, "{}", rendered(error))?;
            continue;
        }
        for report in error.reports() {
            writeln!(out, "{}", report.one_line())?;
        }
    }
    if broken.is_empty() {
        writeln!(out, "{}: no problems", count(paths.len(), "scenario file"))?;
    } else {
        let (files, all) = (broken.len(), count(paths.len(), "scenario file"));
        writeln!(out, "{} in {files} of {all}", count(problems, "problem"))?;
    }
    Ok(problems)
}

fn rendered(error: &dyn Diagnostic) -> String {
    let theme = if console::colors_enabled() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
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
    use super::*;

    /// All problems of all files are shown and counted; good files among them do not hide them.
    #[test]
    fn all_files_are_linted() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        let steps = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";
        write("good.yaml", &format!("name: good\ndescription: Good.\n{steps}"));
        write("one.yaml", &format!("name: one\ndescription: One.\ntasg: []\n{steps}"));
        write("two.yaml", &format!("name: three\ntags: [A]\ndescription: Two.\n{steps}"));
        let selection = Selection { directory: Some(directory.path().to_owned()), ..Selection::default() };
        let mut out = Vec::new();
        let problems = run(&LintArgs { selection, short: true }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap().replace(&format!("{}/", directory.path().display()), "");
        assert_eq!(problems, 3);
        insta::assert_snapshot!(text, @r"
        one.yaml:3:1: unknown key `tasg` (not known here); did you mean `tags`?
        two.yaml:1:7: the scenario `three` stands in a file called `two` (differs from the file's name); call the scenario `two`, or the file `three.yaml`
        two.yaml:2:8: expected text that matches `^[a-z0-9_-]+$` for `tags[0]` (found the text `A`)
        3 problems in 2 of 3 scenario files
        ");
    }
}
