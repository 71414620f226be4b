//! A run as Markdown, for the summary of a step of GitHub Actions and for `harness show --format markdown`.
//!
//! Names and messages come from scenario files and components. They stand only in code spans, in fenced blocks whose
//! fence is longer than any in the text, or in HTML with all its special characters escaped; none of these has links,
//! mentions or markup.

use std::fmt::Write as _;

use hourglass_component::text::{cut, safe, safe_line};
use hourglass_runner::{
    parity::{Parity, ParityVerdict},
    verdict::{TrialReport, Verdict},
};

use super::{
    RunReport,
    block::{failure_text, parity_text, time},
};

/// The size of a whole document, in bytes. GitHub drops a step's summary beyond 1 MiB; a part is left to other programs
/// of the step.
pub const MARKDOWN_LIMIT: usize = 900 << 10;
/// The longest name, in bytes.
const NAME: usize = 256;
/// The longest text of a failure, in bytes.
const FAILURE: usize = 32 << 10;
/// Room for the remark about what is left out, in bytes.
const REMARK: usize = 256;

/// The run as Markdown of at most `limit` bytes: trials with their verdicts and durations, comparisons between
/// runtimes, and a collapsed block for each failure. What finds no room is counted.
///
/// `command` runs a trial when its name is appended.
pub fn markdown(run: &RunReport, command: &str, limit: usize) -> String {
    let mut page = Page { text: String::new(), limit: limit.saturating_sub(REMARK), left_out: 0 };
    page.push(&format!("## Hourglass: {}\n\n{} in {}\n", headline(run), run.tally(), time(run.duration)));
    if let Some(unsaid) = run.unsaid() {
        page.push(&format!("\n{unsaid}\n"));
    }
    if !run.trials.is_empty() {
        page.push("\n| verdict | trial | duration |\n| --- | --- | ---: |\n");
        // If not all find room, those that need attention do.
        let (trouble, others): (Vec<_>, Vec<_>) = run.trials.iter().partition(|trial| trial.verdict.is_trouble());
        for trial in trouble.into_iter().chain(others) {
            page.push(&row(trial));
        }
    }
    if !run.not_run.is_empty() {
        page.push("\nNot run:\n\n");
        for name in &run.not_run {
            page.push(&format!("- {}\n", code(name)));
        }
    }
    if let Some(tally) = run.parity_tally() {
        page.push(&format!("\n### Parity: {tally}\n\n| verdict | comparison | runtimes |\n| --- | --- | --- |\n"));
        for parity in &run.parity {
            page.push(&comparison(parity));
        }
    }
    for trial in run.trials.iter().filter(|trial| trial.verdict.is_trouble()) {
        page.push_with(|| details(&trial.trial, &failure_text(trial, command)));
    }
    for parity in run.parity.iter().filter(|parity| matches!(parity.verdict, ParityVerdict::Failed { .. })) {
        page.push_with(|| details(&parity.name, &parity_text(parity, command)));
    }
    page.finished()
}

/// Markdown up to a limit. A part is whole or left out.
struct Page {
    text: String,
    limit: usize,
    left_out: usize,
}

impl Page {
    fn push(&mut self, part: &str) {
        if self.text.len() + part.len() <= self.limit {
            self.text.push_str(part);
        } else {
            self.left_out += 1;
        }
    }

    /// The same for a part that is costly to make.
    fn push_with(&mut self, part: impl FnOnce() -> String) {
        if self.text.len() + REMARK > self.limit {
            self.left_out += 1;
        } else {
            self.push(&part());
        }
    }

    fn finished(mut self) -> String {
        if self.left_out > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(self.text, "\n{} more parts find no room in this summary.", self.left_out);
        }
        self.text
    }
}

fn headline(run: &RunReport) -> &'static str {
    use hourglass_base::ExitStatus;

    match run.exit_status() {
        ExitStatus::Passed => "passed",
        ExitStatus::Failed => "failed",
        ExitStatus::Environment => "the environment failed",
        ExitStatus::Usage => "nothing ran",
        ExitStatus::Interrupted => "interrupted",
    }
}

fn row(trial: &TrialReport) -> String {
    let verdict = match &trial.verdict {
        Verdict::Passed => "✅ passed",
        Verdict::Failed { .. } => "❌ failed",
        Verdict::EnvironmentFailed { .. } => "⚠️ environment failed",
        Verdict::Skipped { .. } => "⏭️ skipped",
        Verdict::Interrupted => "⏹️ interrupted",
    };
    format!("| {verdict} | {} | {} |\n", code(&trial.trial), time(trial.duration))
}

fn comparison(parity: &Parity) -> String {
    let (verdict, sides) = match &parity.verdict {
        ParityVerdict::Passed => ("✅ same", parity.runtimes.join(" = ")),
        ParityVerdict::Failed { .. } => ("❌ different", parity.runtimes.join(" ≠ ")),
        ParityVerdict::NotCompared { reason } => ("⏭️ not compared", reason.clone()),
    };
    format!("| {verdict} | {} | {} |\n", code(&parity.name), code(&sides))
}

/// A collapsed block with a text as it is.
fn details(name: &str, text: &str) -> String {
    let text = safe(text);
    let text = cut(text.trim_end(), FAILURE);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!(
        "\n<details>\n<summary><code>{}</code></summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n",
        html(&cut(&safe_line(name), NAME))
    )
}

/// A text as a code span that can stand in a cell of a table. A vertical line would end the cell, whatever stands
/// before it, so that a broken bar stands for it.
fn code(text: &str) -> String {
    let text = safe_line(text).replace('|', "¦");
    let text = cut(&text, NAME);
    let fence = "`".repeat(longest_run(&text) + 1);
    // A blank on each side is not part of the span.
    format!("{fence} {text} {fence}")
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}

/// A text within an element of HTML.
fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use hourglass_runner::verdict::Violation;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;
    use crate::samples;

    #[test]
    fn a_run_with_every_verdict() {
        insta::assert_snapshot!(markdown(&samples::run(), "harness run", MARKDOWN_LIMIT));
    }

    /// Texts that would be markup if they were not in code.
    const HOSTILE: [&str; 12] = [
        "`",
        "``` \n# heading\n[link](https://example.org)\n```",
        "~~~\n<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "a | b | [c](d)",
        "a\\| [c](d)",
        "a\\` [c](d)",
        "@somebody https://example.org",
        "</code></summary></details><h1>x</h1>",
        "````````",
        "\r\n\r\n| a | b |\n::set-output name=a::b",
    ];

    fn hostile_run(text: &str) -> RunReport {
        let mut run = samples::run();
        for trial in &mut run.trials {
            trial.trial = format!("process::{text}");
            if let Verdict::Failed { violations } = &mut trial.verdict {
                let what = text.to_owned();
                violations.push(Violation {
                    expected: what.clone(),
                    seen: what.clone(),
                    what,
                    ..violations[0].clone()
                });
            }
        }
        for parity in &mut run.parity {
            parity.name = format!("parity::{text}");
            parity.runtimes = vec![text.to_owned(), text.to_owned()];
        }
        run.not_run = vec![text.to_owned()];
        run
    }

    /// What a page has besides code: the same for every run with these verdicts.
    fn markup(page: &str) -> Vec<String> {
        let mut markup = Vec::new();
        for event in Parser::new_ext(page, Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_FOOTNOTES) {
            match event {
                Event::Code(_) => markup.push("code".to_owned()),
                Event::Html(text) | Event::InlineHtml(text) => {
                    let tags = text.split('<').skip(1).filter_map(|tag| tag.split_once('>'));
                    markup.extend(tags.map(|(tag, _)| tag.to_owned()));
                }
                Event::Start(Tag::CodeBlock(_)) => markup.push("block".to_owned()),
                Event::Start(tag) => markup.push(format!("{tag:?}")),
                _ => {}
            }
        }
        markup
    }

    #[test]
    fn no_text_of_others_becomes_markup() {
        let harmless = markup(&markdown(&hostile_run("plain"), "harness run", MARKDOWN_LIMIT));
        assert!(harmless.iter().filter(|tag| *tag == "details").count() == 4, "{harmless:?}");
        for text in HOSTILE {
            let page = markdown(&hostile_run(text), "harness run", MARKDOWN_LIMIT);
            assert_eq!(markup(&page), harmless, "{text:?} became markup:\n{page}");
        }
    }

    #[test]
    fn a_page_keeps_to_its_limit_and_says_what_is_left_out() {
        let mut run = samples::run();
        let long = "x\n".repeat(8 << 10);
        run.trials = (0..200).map(|_| samples::failed()).collect();
        for trial in &mut run.trials {
            if let Verdict::Failed { violations } = &mut trial.verdict {
                violations[0].seen.clone_from(&long);
            }
        }
        for limit in [MARKDOWN_LIMIT, 4 << 10, 0] {
            let page = markdown(&run, "harness run", limit);
            assert!(page.len() <= limit.max(REMARK), "{} bytes of {limit}", page.len());
            assert!(page.contains(" more parts find no room"), "{limit}");
            assert_eq!(page.matches("<details>").count(), page.matches("</details>").count(), "a block is open");
        }
    }
}
