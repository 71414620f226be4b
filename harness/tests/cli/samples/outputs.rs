//! Sample output equals the output of the command, apart from durations, hashes, ports and the names of runs.

use std::{collections::BTreeSet, fs, path::Path};

use hourglass_test_support::{Outcome, Sandbox, run, scenarios};
use regex::Regex;

use super::markdown::Document;
use crate::HARNESS;

/// The commands of samples with output that start nothing, and their exit codes.
const WITHOUT_TRIALS: [(&str, i32); 3] =
    [("harness init --lang go counter", 0), ("harness lint two_of_three", 0), ("harness lint", 2)];
/// The commands of samples that run trials as processes.
const WITH_TRIALS: [(&str, i32); 5] = [
    ("harness run --tag quorum", 0),
    ("harness run square", 1),
    ("harness run two_of_three", 0),
    ("harness run --without-fault two_of_three", 0),
    ("harness run square_on_l1 --keep always", 0),
];
/// The commands of samples that need more than processes, or whose output depends on the machine. It is not compared.
const NOT_COMPARED: [&str; 5] = [
    "harness run --builtin --runtime process,docker square",
    "harness compare --builtin square --runtimes docker,kubernetes",
    "harness load --builtin square --tasks 200 --rate 20",
    "harness load --builtin square --find-rate p99<=150ms --tasks 101",
    "harness up --name mine",
];

/// The replacement for the beginning of a line of a timeline.
const OF_TIMELINE: &str = "    TIMELINE  ";

/// The aggregator reports this after TaskVerified, so that a trial that fails then may end before it.
const LATE_EVENT: &str = " certificate_submitted ";
const LATE_PHASE: &str = ", submitted DURATION";

/// A command of a sample, and its output below.
struct Sample {
    command: String,
    output: Vec<String>,
}

#[test]
fn every_sample_with_output_is_compared() {
    let with_output = samples().into_iter().filter(|sample| !sample.output.is_empty());
    let found: BTreeSet<_> = with_output.map(|sample| sample.command).collect();
    let compared = WITHOUT_TRIALS.iter().chain(&WITH_TRIALS).map(|(command, _)| *command);
    let known = compared.chain(NOT_COMPARED).map(str::to_owned).collect();
    assert_eq!(found, known, "left: samples of the documents, right: those that this file names");
}

#[test]
fn samples_without_trials_show_the_real_output() {
    for (command, code) in WITHOUT_TRIALS {
        assert_output(command, code);
    }
}

#[test]
fn samples_with_trials_show_the_real_output() {
    for (command, code) in WITH_TRIALS {
        assert_output(command, code);
    }
}

/// Samples without output that start nothing must at least succeed.
#[test]
fn plan_of_the_first_scenario_succeeds() {
    let command = "harness scenario plan two_of_three --runtime process";
    assert!(samples().iter().any(|sample| sample.command == command), "it is no sample any more");
    let sandbox = prepared(command);
    outcome_of(&sandbox, command).assert_code(0).assert_shows(&["process::two_of_three", "198 of 300"]);
}

#[track_caller]
fn assert_output(command: &str, code: i32) {
    let samples = samples();
    let sample = samples.iter().find(|sample| sample.command == command && !sample.output.is_empty()).unwrap();
    let sandbox = prepared(command);
    let outcome = outcome_of(&sandbox, command);
    outcome.assert_code(code);
    let output = format!("{}{}", outcome.stderr, outcome.stdout);
    let lines: Vec<_> = output.lines().map(str::to_owned).collect();
    let (expected, written) = (comparable(&sample.output).join("\n"), comparable(&lines).join("\n"));
    assert!(expected == written, "the sample of `{command}`:\n{expected}\n\nits output:\n{written}");
    for folder in sandbox.run_folders() {
        sandbox.run(&["gc".as_ref(), folder.file_name().unwrap()]).assert_code(0);
    }
}

fn outcome_of(sandbox: &Sandbox, command: &str) -> Outcome {
    let words: Vec<_> = command.split(' ').skip(1).collect();
    run(sandbox.harness(&words).env_remove("HARNESS_SCENARIOS"))
}

/// A sandbox with the project's scenarios and that of README, as the text around a sample says.
fn prepared(command: &str) -> Sandbox {
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path("scenarios");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(scenarios()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    sandbox.file("scenarios/two_of_three.yaml", &first_scenario());
    match command {
        "harness lint" => {
            let steps = "  - create_task: {payload: \"0x04\"}\n  - expect_verifed: {result: \"0x10\"}\n";
            let text = format!("name: typo\ndescription: A step that is misspelt.\nsteps:\n{steps}");
            sandbox.file("scenarios/typo.yaml", &text);
        }
        "harness run square" => expect_another_result(&folder.join("square.yaml")),
        _ => {}
    }
    sandbox
}

fn first_scenario() -> String {
    let readme = Document::named("README.md");
    let mut samples = readme.blocks_of("yaml").map(|block| block.text.clone());
    samples.find(|text| text.contains("\nname: two_of_three\n")).unwrap()
}

fn expect_another_result(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("0x10"), "{text}");
    fs::write(path, text.replace("0x10", "0x11")).unwrap();
}

/// The commands of the harness in all documents, each with the lines up to the next one.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::<Sample>::new();
    for document in Document::all() {
        for block in document.blocks_of("console") {
            let mut sample = None::<Sample>;
            for line in block.text.lines() {
                if let Some(command) = line.strip_prefix("$ ") {
                    samples.extend(sample.take());
                    let words: Vec<_> = shlex::Shlex::new(command).collect();
                    sample = Some(Sample { command: words.join(" "), output: Vec::new() });
                } else if let (Some(sample), false) = (&mut sample, line.starts_with("> ")) {
                    sample.output.push(line.to_owned());
                }
            }
            samples.extend(sample);
        }
    }
    samples.retain(|sample| sample.command.starts_with("harness "));
    samples
}

/// Lines without parts that differ between runs. Trials that run at once, and events of several processes, have no
/// order.
fn comparable(lines: &[String]) -> Vec<String> {
    let replacements = [
        (r"0x[0-9a-f]{64}", "HASH"),
        (r"\S*\br[0-9a-z]{9}-[0-9a-z]{8}", "RUN"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"^(    timeline|            ) +\d+\.\d+s  ", OF_TIMELINE),
        (r" *\b\d+\.\d+", " DURATION"),
        // The line about the state of the chains appears only if it was not in the cache.
        ("chain state made", "chain state"),
        (LATE_PHASE, ""),
    ];
    let replacements = replacements.map(|(pattern, by)| (Regex::new(pattern).unwrap(), by));
    let comparable = |line: &String| {
        let replace = |line: String, (pattern, by): &(Regex, &str)| pattern.replace_all(&line, *by).into_owned();
        replacements.iter().fold(line.clone(), replace)
    };
    let is_late = |line: &String| line.starts_with(OF_TIMELINE) && line.contains(LATE_EVENT);
    let mut lines: Vec<_> = lines.iter().map(comparable).filter(|line| !is_late(line)).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let kind = |line: &String| (line.starts_with("PASS  "), line.starts_with(OF_TIMELINE));
    lines.chunk_by_mut(|one, other| kind(one) == kind(other) && kind(one) != (false, false)).for_each(<[_]>::sort);
    lines
}

/// A test of the comparison itself: it ignores only what differs between runs.
#[test]
fn differing_output_is_found() {
    let lines = |text: &str| comparable(&text.lines().map(str::to_owned).collect::<Vec<_>>());
    let sample = "PASS  process::one    0.53 s\nPASS  process::two   10.53 s\n\nSummary 2 trials in 10.60 s\n";
    assert_eq!(
        lines(sample),
        lines("PASS  process::two   9.12 s\nPASS  process::one    0.50 s\n\nSummary 2 trials in 9.20 s")
    );
    assert_ne!(lines(sample), lines(&sample.replace("process::two", "docker::two")));
    assert_ne!(lines(sample), lines(&sample.replace("2 trials", "3 trials")));
    assert_ne!(lines(sample), lines(&sample.replace("\n\n", "\n")));
}
