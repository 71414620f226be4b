//! Comparisons of real trials: two equal sides do not differ, and a delay that is put into one side is found.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stdout, reason = "documents have the figures")]

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use hourglass_harness::{
    chain::AnvilSearch,
    cluster::ClusterChoice,
    compare::{
        MetricComparison, MetricVerdict, Side,
        judge::judge,
        metrics::PRIMARY,
        order::random_seed,
        session::{End, Plan},
        stats::{SIGNIFICANCE, holm, median},
        steal::ProcessorTimes,
    },
    runner::{Keep, RunFolders, TrialSettings},
    runtime::HarnessExecutable,
    scenario::{RuntimeKind, Selection, Trial},
};
use tokio_util::sync::CancellationToken;

const COMPARISONS: usize = 5;
const RUNS: usize = 30;

fn square() -> Trial {
    let selection = Selection {
        patterns: vec!["square".to_owned()],
        runtimes: vec![RuntimeKind::Process],
        directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")),
        ..Selection::default()
    };
    selection.trials().unwrap().remove(0)
}

/// The trial with a performer that takes this many milliseconds.
fn delayed(trial: &Trial, milliseconds: f64) -> Trial {
    let mut trial = trial.clone();
    let performer = &mut Arc::make_mut(&mut trial.scenario).components.performer;
    performer.environment.insert("TASK_DELAY_MS".to_owned(), format!("{milliseconds:.0}"));
    trial
}

async fn settings() -> TrialSettings {
    TrialSettings {
        anvil: AnvilSearch::default().find_or_install(|_| {}).await.unwrap(),
        executable: HarnessExecutable(env!("CARGO_BIN_EXE_harness").into()),
        folders: RunFolders::locate(),
        keep: Keep::Never,
        cluster: ClusterChoice::default(),
        trial_timeout: None,
        output: None,
    }
}

fn plan(trials: [Trial; 2], runs: usize, warm_up: usize) -> Plan {
    let side = |name: &str| Side { name: name.to_owned(), runtime: "process".to_owned() };
    let scenarios = vec![("square".to_owned(), trials)];
    Plan { sides: [side("one"), side("other")], scenarios, runs, warm_up, seed: random_seed() }
}

/// The primary metric of one comparison.
async fn compared(trials: [Trial; 2]) -> MetricComparison {
    let (settings, plan) = (settings().await, plan(trials, RUNS, 2));
    let (samples, end) = Box::pin(plan.run(&settings, &CancellationToken::new(), &|_| {})).await;
    let End::Complete = end else { panic!("{end:?}") };
    let scenarios = ["square".to_owned()];
    let metric = judge(&scenarios, &plan.sides, PRIMARY, plan.seed, &samples).remove(0);
    println!("seed {}: {}, p {:.4}", plan.seed, metric.sentence, metric.p.unwrap());
    metric
}

/// The third of ten trials is more than a fifth; those of the rounds that warm up do not count.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_too_busy_ends_the_comparison() {
    let square = square();
    let plan = plan([square.clone(), square], 5, 1);
    // A tenth of the time is stolen.
    let ticks = AtomicU64::new(0);
    let times = || {
        let ticks = ticks.fetch_add(1, Ordering::Relaxed);
        Some(ProcessorTimes::of(100 * ticks, 10 * ticks))
    };
    let notes = Mutex::new(Vec::new());
    let note = |text: &str| notes.lock().unwrap().push(text.to_owned());
    let settings = settings().await;
    let interrupt = CancellationToken::new();
    let (samples, end) = Box::pin(plan.run_on(&settings, &interrupt, &note, &times)).await;
    assert!(matches!(end, End::TooBusy { discarded: 3, planned: 10 }), "{end:?}");
    let discarded: Vec<_> = samples.iter().map(|sample| (sample.warm_up, sample.discarded.is_some())).collect();
    assert_eq!(discarded, [(true, false), (true, false), (false, true), (false, true), (false, true)]);
    let notes = notes.into_inner().unwrap();
    let told = notes.iter().filter(|note| note.starts_with("discarded: other machines took 10.0 % ")).count();
    assert_eq!(told, 3, "{notes:?}");
    let metrics = judge(&["square".to_owned()], &plan.sides, PRIMARY, plan.seed, &samples);
    assert!(metrics.is_empty(), "a figure has discarded samples: {metrics:?}");
}

/// Equal sides first: their median says how long a fifth is.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "nightly: hundreds of trials, one after the other"]
async fn live_comparisons_find_a_delay_of_a_fifth_and_nothing_else() {
    let square = square();
    let (mut medians, mut values) = (Vec::new(), Vec::new());
    for _ in 0..COMPARISONS {
        let metric = compared([square.clone(), square.clone()]).await;
        medians.extend(metric.sides[0].median);
        values.extend(metric.p);
    }
    // Five comparisons are five chances to report a difference by chance, as five scenarios of one comparison are.
    let corrected = holm(&values);
    assert!(corrected.iter().all(|p| *p > SIGNIFICANCE), "equal sides differ: {values:?}, corrected {corrected:?}");
    let delay = 0.2 * median(&medians).unwrap();
    for _ in 0..COMPARISONS {
        let metric = compared([square.clone(), delayed(&square, delay.ceil())]).await;
        assert_eq!(metric.verdict, MetricVerdict::Different, "a delay of {delay:.1} ms: {}", metric.sentence);
        assert!(metric.difference.is_some_and(|difference| difference > 0.0), "{}", metric.sentence);
    }
}
