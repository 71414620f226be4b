//! A load for people: a line while it runs, and a table at its end.

use std::{fmt::Write as _, time::Duration};

use hourglass_component::text::safe_line;

use crate::{
    account::TaskCounts,
    latency::Percentiles,
    live::Counts,
    model::{LoadOutcome, LoadReport, LoadResult, Pattern, Probe, SearchResult},
    search::{Limit, ProbeOutcome},
};

/// What a load is doing, in one line.
pub fn live(passed: Duration, counts: &Counts, per_second: f64) -> String {
    let Counts { created, verified, in_flight, refused, missed, latency } = counts;
    let mut text = format!("{:>4} s  created {created}  verified {verified}  in flight {in_flight}", passed.as_secs());
    for (count, word) in [(refused, "not created"), (missed, "not verified")] {
        if *count > 0 {
            let _ = write!(text, "  {word} {count}");
        }
    }
    let _ = write!(text, "  {per_second:.1} tasks/s");
    if let Some(Percentiles { p50_ms, p99_ms, .. }) = latency {
        let _ = write!(text, "  p50 {} ms  p99 {} ms", digits(*p50_ms), digits(*p99_ms));
    }
    text
}

/// What is requested of a load: `500 tasks at 50/s on l2, each verified within 30s`.
pub fn pattern(pattern: &Pattern) -> String {
    let Pattern { chain, rate, concurrency, tasks, duration_ms, within_ms, workers } = pattern;
    let number = tasks.map_or_else(|| "tasks".to_owned(), |tasks| format!("{tasks} tasks"));
    let speed = match (rate, concurrency) {
        (Some(rate), _) => format!("at {rate}/s"),
        (None, concurrency) => format!("{} at a time", concurrency.unwrap_or(1)),
    };
    let duration = duration_ms.map(|duration| format!(" for {}", time(duration))).unwrap_or_default();
    let senders = match workers {
        None => String::new(),
        Some(1) => ", sent by 1 worker in the cluster".to_owned(),
        Some(workers) => format!(", sent by {workers} workers in the cluster"),
    };
    format!("{number} {speed}{duration} on {chain}, each verified within {}{senders}", time(*within_ms))
}

/// A load of a search, in one line.
pub fn probe(load: &LoadResult, probe: &Probe, search: &str) -> String {
    let Probe { rate, figure_ms, outcome } = probe;
    let figure = figure_ms.map_or_else(|| "no task verified".to_owned(), |figure| format!("{} ms", digits(figure)));
    let name = search.split_once("<=").map_or(search, |(name, _)| name);
    let (TaskCounts { verified, .. }, sent) = (load.tasks, load.tasks.all());
    let result = match outcome {
        ProbeOutcome::Held => "held".to_owned(),
        ProbeOutcome::Broken if verified < sent => format!("broken: {} of {sent} tasks not verified", sent - verified),
        ProbeOutcome::Broken => "broken".to_owned(),
        ProbeOutcome::RateNotKept => match load.rate {
            Some(achieved) => format!("rate not kept: {}/s were created", digits(achieved.created)),
            None => "rate not kept".to_owned(),
        },
    };
    format!("{rate:>8}/s  {sent} tasks  {name} {figure}  {result}")
}

/// The whole result, for standard output. Each line ends with a line feed.
pub fn table(report: &LoadReport) -> String {
    let mut text = String::new();
    if let Some(search) = &report.search {
        let _ = writeln!(text, "{}: the highest rate with {}", safe_line(&report.trial), search.bound);
        for (load, one) in report.loads.iter().zip(&search.probes) {
            let _ = writeln!(text, "{}", probe(load, one, &search.bound));
        }
        let _ = writeln!(text, "\n{}", self::search(search));
    } else if let Some(load) = report.loads.first() {
        let _ = writeln!(text, "{}: {}\n", safe_line(&report.trial), pattern(&load.pattern));
        text.push_str(&of_load(load));
    }
    match &report.outcome {
        LoadOutcome::Interrupted => text.push_str("\nended by the user before its end\n"),
        LoadOutcome::TrialFailed { verdict } => {
            let _ = writeln!(text, "\nthe trial of the environment: {}", safe_line(verdict));
        }
        LoadOutcome::Complete | LoadOutcome::TasksNotVerified | LoadOutcome::NoRateHeld => {}
    }
    text
}

/// What a search found, in a sentence.
pub fn search(search: &SearchResult) -> String {
    let SearchResult { bound, rate, limit, .. } = search;
    let Some(rate) = rate else { return format!("{bound} held at no rate that was tried") };
    let why = match limit {
        Limit::Bound => "at a rate that is at most 5 % higher it does not".to_owned(),
        Limit::Creation => {
            "at a higher rate the harness and its chain did not create tasks fast enough, so that what is \
                            tested may take more"
                .to_owned()
        }
        Limit::HighestRate => "no higher rate is tried".to_owned(),
        Limit::Unfinished => "the search ended before it was known whether a higher one does".to_owned(),
    };
    format!("{bound} holds at {rate}/s: {why}")
}

fn of_load(load: &LoadResult) -> String {
    let mut text = format!("tasks       {}\n", counts(&load.tasks));
    if let (Some(requested), Some(achieved)) = (load.pattern.rate, load.rate) {
        let _ = writeln!(text, "rate        {requested}/s requested, {}/s created", digits(achieved.created));
        if !achieved.kept {
            let senders = if load.pattern.workers.is_some() { "the workers and their" } else { "the harness and its" };
            let _ = writeln!(
                text,
                "            {senders} chain did not create tasks so fast: latencies since tasks were due\n            include how \
                 long they waited for that"
            );
        }
    }
    if let Some(throughput) = load.throughput {
        let between = "from the first created to the last verified";
        let _ = writeln!(text, "throughput  {} tasks/s verified, {between}", digits(throughput));
    }
    if !load.phases.is_empty() {
        text.push('\n');
        text.push_str(&phases(load));
    }
    if !load.payloads.is_empty() {
        let _ = writeln!(
            text,
            "\n{:<24}{:>8}{:>10}{:>10}{:>10}{:>10}",
            "payload", "tasks", "verified", "p50", "p99", "max"
        );
    }
    for payload in &load.payloads {
        let cells = payload.verified.as_ref().map(|verified| {
            let Percentiles { p50_ms, p99_ms, max_ms, .. } = verified.since_due;
            format!("{:>10}{:>10}{:>10}", digits(p50_ms), digits(p99_ms), digits(max_ms))
        });
        let shown: String = payload.payload_hex.chars().take(22).collect();
        let TaskCounts { sent, verified, .. } = payload.tasks;
        let _ = writeln!(text, "{shown:<24}{sent:>8}{verified:>10}{}", cells.unwrap_or_default());
    }
    text
}

fn counts(counts: &TaskCounts) -> String {
    let TaskCounts { sent, created, refused, unanswered, verified, wrong, expired, not_verified, unsent } = counts;
    let mut text = format!("{sent} sent, {created} created, {verified} verified");
    let others = [
        (refused, "refused"),
        (unanswered, "without an answer"),
        (expired, "expired"),
        (not_verified, "not verified in time"),
        (unsent, "not sent"),
        (wrong, "verified wrongly"),
    ];
    for (count, word) in others.into_iter().filter(|(count, _)| **count > 0) {
        let _ = write!(text, ", {count} {word}");
    }
    text
}

/// The percentiles by phase. Without a rate a task is due when it is sent, and one half says all.
fn phases(load: &LoadResult) -> String {
    let is_open = load.pattern.rate.is_some();
    let names = format!("{:>9}{:>9}{:>9}{:>9}", "p50", "p95", "p99", "max");
    let cells = |of: &Percentiles| {
        let Percentiles { p50_ms, p95_ms, p99_ms, max_ms, .. } = *of;
        [p50_ms, p95_ms, p99_ms, max_ms].map(|value| format!("{:>9}", digits(value))).concat()
    };
    let mut text = String::new();
    let head = if is_open { "ms since each task was due" } else { "ms since each task was sent" };
    let second = if is_open { "ms since it was sent" } else { "" };
    let _ = writeln!(text, "{}", format!("{:<20}{head:>36}    {second:>36}", "").trim_end());
    let _ = writeln!(text, "{:<20}{names}{}", "phase", if is_open { format!("    {names}") } else { String::new() });
    for phase in &load.phases {
        let sent = cells(&phase.since_sent);
        let row = if is_open { format!("{}    {sent}", cells(&phase.since_due)) } else { sent };
        let _ = writeln!(text, "{:<20}{row}", phase.phase);
    }
    text
}

fn time(milliseconds: f64) -> String {
    let time = Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default();
    humantime::format_duration(time).to_string()
}

/// With one digit behind the point, so that columns are aligned at it.
fn digits(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use hourglass_scenario::Chain;
    use jiff::Timestamp;

    use super::*;
    use crate::{
        latency::PhaseLatency,
        model::{AchievedRate, PayloadResult},
    };

    fn load(rate: Option<f64>) -> LoadResult {
        let of = |first: f64| Percentiles {
            count: 497,
            p50_ms: first,
            p95_ms: first + 20.04,
            p99_ms: first + 88.0,
            max_ms: first + 1_200.0,
        };
        let phase = |name: &str, first: f64| PhaseLatency {
            phase: name.to_owned(),
            since_due: of(first + 1.5),
            since_sent: of(first),
        };
        let tasks =
            TaskCounts { sent: 500, created: 499, refused: 1, verified: 497, not_verified: 2, ..TaskCounts::default() };
        let of_payload = |payload_hex: &str, weight: u32| PayloadResult {
            payload_hex: payload_hex.to_owned(),
            weight,
            tasks: TaskCounts { sent: 100 * u64::from(weight), ..tasks },
            verified: Some(phase("verified", 30.0)),
        };
        LoadResult {
            name: "load".to_owned(),
            pattern: Pattern {
                chain: Chain::L2,
                rate,
                concurrency: rate.is_none().then_some(8),
                tasks: Some(500),
                duration_ms: rate.is_none().then_some(10_000.0),
                within_ms: 30_000.0,
                workers: None,
            },
            tasks,
            reasons: Vec::new(),
            not_verified: Vec::new(),
            throughput: Some(48.72),
            rate: rate.map(|_| AchievedRate { created: 41.3, kept: false }),
            phases: vec![phase("created", 3.0), phase("performer finished", 14.0), phase("verified", 30.0)],
            payloads: rate.map_or_else(|| vec![of_payload("0x30783034", 4), of_payload("0x30", 1)], |_| Vec::new()),
        }
    }

    fn report(outcome: LoadOutcome, loads: Vec<LoadResult>, search: Option<SearchResult>) -> LoadReport {
        LoadReport {
            version: hourglass_base::Version,
            started: Timestamp::UNIX_EPOCH,
            duration_ms: 12_000.0,
            trial: "process::square".to_owned(),
            scenario: "scenarios/square.yaml".to_owned(),
            outcome,
            loads,
            search,
        }
    }

    #[test]
    fn a_table_has_what_became_of_all_tasks() {
        insta::assert_snapshot!("rate", table(&report(LoadOutcome::TasksNotVerified, vec![load(Some(50.0))], None)));
        insta::assert_snapshot!("concurrency", table(&report(LoadOutcome::Interrupted, vec![load(None)], None)));
    }

    #[test]
    fn a_load_from_inside_a_cluster_says_so() {
        let mut result = load(Some(50.0));
        result.pattern.workers = Some(3);
        result.tasks.unsent = 17;
        let text = table(&report(LoadOutcome::TasksNotVerified, vec![result], None));
        assert!(text.contains("each verified within 30s, sent by 3 workers in the cluster"), "{text}");
        assert!(text.contains(", 2 not verified in time, 17 not sent"), "{text}");
        assert!(text.contains("            the workers and their chain did not create tasks so fast"), "{text}");
    }

    #[test]
    fn a_search_says_what_limits_the_rate() {
        let probe = |rate: f64, figure: f64, outcome| Probe { rate, figure_ms: Some(figure), outcome };
        let probes = vec![
            probe(40.0, 137.2, ProbeOutcome::Held),
            probe(80.0, 1_204.0, ProbeOutcome::Broken),
            probe(60.0, 700.0, ProbeOutcome::RateNotKept),
        ];
        let loads = [40.0, 80.0, 60.0].map(|rate| load(Some(rate))).to_vec();
        let found =
            |limit| SearchResult { bound: "p99<=200ms".to_owned(), rate: Some(40.0), limit, probes: probes.clone() };
        let result = report(LoadOutcome::Complete, loads, Some(found(Limit::Creation)));
        insta::assert_snapshot!("search", table(&result));
        for (limit, text) in [(Limit::Bound, "at most 5 % higher"), (Limit::HighestRate, "no higher rate is tried")] {
            let sentence = search(&found(limit));
            assert!(sentence.starts_with("p99<=200ms holds at 40/s") && sentence.contains(text), "{sentence}");
        }
    }

    #[test]
    fn a_line_says_what_is_under_way() {
        let latency = Some(Percentiles { count: 3, p50_ms: 31.24, p95_ms: 40.0, p99_ms: 180.6, max_ms: 181.0 });
        let counts = Counts { created: 600, refused: 0, verified: 597, missed: 2, in_flight: 1, latency };
        assert_eq!(
            live(Duration::from_millis(12_900), &counts, 49.94),
            "  12 s  created 600  verified 597  in flight 1  not verified 2  49.9 tasks/s  p50 31.2 ms  p99 180.6 ms"
        );
    }
}
