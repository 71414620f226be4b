//! Reports of each kind, for the snapshots of all formats.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hourglass_runner::{
    parity::{Difference, Parity, ParityVerdict},
    verdict::{
        ComponentUsage, Phase, StepOutcome, StepReport, TaskGas, TaskPhases, TaskReport, TrialReport, Verdict,
        Violation,
    },
};
use hourglass_timeline::{Event, Trace};

use super::{RunEvent, RunReport};

const HASH: &str = "0x6b1f2c1de0a94c1b7a55d6f6f2a3b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2";

/// A run of six trials, one of them cut off.
pub(super) fn events() -> Vec<RunEvent> {
    let reports = [passed(), failed(), broken(), skipped(), interrupted()];
    let mut names: Vec<_> = reports.iter().map(|report| report.trial.clone()).collect();
    names.push("process::invalid_payload".to_owned());
    let started = RunEvent::RunStarted { started: "2026-03-01T12:00:00Z".parse().unwrap(), trials: names };
    let trials = reports.into_iter().flat_map(|report| {
        let trial = report.trial.clone();
        let message = "waiting for TaskVerified".to_owned();
        [
            RunEvent::TrialStarted { trial: trial.clone() },
            RunEvent::TrialProgress { trial, message },
            RunEvent::TrialFinished(Box::new(report)),
        ]
    });
    let finished = RunEvent::RunFinished { duration: Duration::from_millis(5_310) };
    let parity = parity().into_iter().map(RunEvent::ParityJudged);
    std::iter::once(started).chain(trials).chain(parity).chain([finished]).collect()
}

/// A run with a trial of each kind.
pub(super) fn run() -> RunReport {
    RunReport {
        started: "2026-03-01T12:00:00Z".parse().unwrap(),
        duration: Duration::from_micros(5_310_250),
        trials: vec![passed(), failed(), broken(), skipped(), interrupted()],
        not_run: vec!["process::invalid_payload".to_owned()],
        stopped_by: None,
        parity: parity(),
        not_begun: None,
    }
}

pub(super) fn passed() -> TrialReport {
    trial("square", 842, Verdict::Passed)
}

pub(super) fn failed() -> TrialReport {
    let verified = Violation {
        what: "expect_verified".to_owned(),
        place: Some("scenarios/wrong_result.yaml:12".to_owned()),
        expected: "the result 0x10".to_owned(),
        seen: "the result 0x11\nsigned by operators 1 and 3".to_owned(),
        task: Some(HASH.to_owned()),
        timeline: vec![
            "    0.0 ms  l2          TaskCreated".to_owned(),
            "    4.2 ms  aggregator  task observed".to_owned(),
            "   31.9 ms  l2          TaskVerified result=0x11".to_owned(),
        ],
    };
    let signers =
        Violation { what: "certificate".to_owned(), expected: "signers <= 2 & known".to_owned(), ..verified.clone() };
    let leak = Violation {
        what: "no process left".to_owned(),
        place: None,
        expected: "no child process after the teardown".to_owned(),
        seen: "process 4711 (sleep 1000)".to_owned(),
        task: None,
        timeline: vec![],
    };
    let mut report = trial("wrong_result[n=4]", 3_120, Verdict::Failed { violations: vec![verified, signers, leak] });
    report.kept = true;
    report.running = [("chain 31337".to_owned(), "http://127.0.0.1:1234".to_owned())].into();
    report
}

pub(super) fn broken() -> TrialReport {
    let verdict = Verdict::EnvironmentFailed {
        error: "failed to start chain l1: failed to execute anvil: no such file or directory".to_owned(),
        remedy: Some("install Foundry, or name the program with --anvil".to_owned()),
    };
    TrialReport { tasks: vec![], phases: vec![], ..trial("square_l1", 21, verdict) }
}

pub(super) fn skipped() -> TrialReport {
    let reason = "scenarios/paused.yaml:9: `pause` stops processes, which takes the nodes".to_owned();
    TrialReport { tasks: vec![], phases: vec![], ..trial("paused", 40, Verdict::Skipped { reason }) }
}

pub(super) fn interrupted() -> TrialReport {
    trial("burst", 1_300, Verdict::Interrupted)
}

fn trial(scenario: &str, milliseconds: u64, verdict: Verdict) -> TrialReport {
    let phases = [("stand-up", 610), ("steps", 120), ("teardown", 90)];
    let phase = |(name, milliseconds): (&str, u64)| Phase {
        name: name.to_owned(),
        duration: Duration::from_millis(milliseconds),
    };
    let task = TaskReport {
        avs: None,
        alias: "square".to_owned(),
        hash: HASH.to_owned(),
        chain: "l2".to_owned(),
        status: "VERIFIED".to_owned(),
        phases: TaskPhases {
            created: Some(0.0),
            observed: Some(4.21),
            dispatched: Some(5.0),
            verified: Some(31.9),
            ..TaskPhases::default()
        },
        gas: TaskGas { created: Some(180_000), verified: Some(310_000) },
    };
    TrialReport {
        trial: format!("process::{scenario}"),
        scenario: format!("scenarios/{}.yaml", scenario.split('[').next().unwrap()).into(),
        runtime: "process".to_owned(),
        started: "2026-03-01T12:00:00.25Z".parse().unwrap(),
        duration: Duration::from_millis(milliseconds),
        phases: phases.map(phase).into(),
        verdict,
        steps: vec![step(9, "create_task", StepOutcome::Done), step(12, "expect_verified", StepOutcome::NotBegun)],
        tasks: vec![task],
        usage: vec![ComponentUsage {
            component: "aggregator".to_owned(),
            cpu_seconds: Some(0.12),
            peak_memory_bytes: Some(21 << 20),
        }],
        directory: format!("/runs/r1/{scenario}").into(),
        kept: false,
        trace: Trace::default(),
        events: Arc::default(),
        running: BTreeMap::new(),
        options: Arc::default(),
    }
}

fn step(line: usize, title: &str, outcome: StepOutcome) -> StepReport {
    let begun = outcome != StepOutcome::NotBegun;
    StepReport {
        title: title.to_owned(),
        place: format!("scenarios/wrong_result.yaml:{line}"),
        line,
        outcome,
        began: begun.then(|| Duration::from_millis(610)),
        duration: begun.then(|| Duration::from_micros(31_250)),
    }
}

/// An entry of the harness, so many milliseconds after the beginning of each trial.
pub(super) fn event(milliseconds: i64, message: &str) -> Event {
    let started: jiff::Timestamp = "2026-03-01T12:00:00.25Z".parse().unwrap();
    Event { at: started + jiff::SignedDuration::from_millis(milliseconds), ..Event::of_harness(message) }
}

/// A comparison of each kind.
pub(super) fn parity() -> Vec<Parity> {
    let side = |runtime: &str, result: &str| (runtime.to_owned(), result.to_owned());
    let difference = Difference {
        what: "the result of task `task`".to_owned(),
        sides: [side("process", "0x10"), side("docker", "0x11")],
    };
    let verdicts = [
        ("square", ParityVerdict::Passed),
        ("wrong_result", ParityVerdict::Failed { differences: vec![difference] }),
        ("burst", ParityVerdict::NotCompared { reason: "docker::burst failed".to_owned() }),
    ];
    let runtimes = ["process", "docker"].map(ToOwned::to_owned);
    verdicts
        .map(|(name, verdict)| Parity {
            name: format!("parity::{name}"),
            runtimes: runtimes.to_vec(),
            scenario: format!("scenarios/{name}.yaml").into(),
            verdict,
        })
        .into()
}
