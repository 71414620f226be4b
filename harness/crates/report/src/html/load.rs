//! The page of a load, or of a search for a rate.

use askama::Template;
use hourglass_load::{
    LoadOutcome, LoadReport, LoadResult, ProbeOutcome, SearchResult,
    account::{TaskCounts, TaskOutcome},
    latency::Percentiles,
    model::TaskNotVerified,
    pattern_text, search_text,
};

use super::{
    page::Frame,
    text::{Text, time_of},
};
use crate::{ReportError, Target};

#[derive(Debug, Template)]
#[template(path = "load.html")]
struct Page {
    frame: Frame,
    title: Text,
    class: &'static str,
    started: String,
    duration: String,
    outcome: Text,
    scenario: Text,
    search: Option<Search>,
    loads: Vec<Load>,
    version: &'static str,
}

#[derive(Debug)]
struct Search {
    sentence: Text,
    figure: Text,
    probes: Vec<Probe>,
}

#[derive(Debug)]
struct Probe {
    rate: String,
    figure: String,
    class: &'static str,
    word: &'static str,
}

#[derive(Debug)]
struct Load {
    id: String,
    name: Text,
    pattern: Text,
    /// What limits what the figures say.
    note: Option<&'static str>,
    /// The name, the number and the class of each outcome.
    counts: Vec<(&'static str, u64, &'static str)>,
    facts: Vec<String>,
    latencies: Vec<Latencies>,
    not_verified: Vec<NotVerified>,
    /// How many further tasks were not verified.
    more: u64,
}

#[derive(Debug)]
struct Latencies {
    title: &'static str,
    head: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: Text,
    /// The number of tasks and four times.
    cells: [String; 5],
}

#[derive(Debug)]
struct NotVerified {
    number: u64,
    hash: Text,
    outcome: &'static str,
    reason: Text,
}

/// Writes the load as a page.
pub fn write_load(target: &Target, report: &LoadReport) -> Result<(), ReportError> {
    let text = render(report).map_err(|source| target.unrenderable(source))?;
    target.write(text.as_bytes())
}

fn render(report: &LoadReport) -> askama::Result<String> {
    let (class, outcome) = match &report.outcome {
        LoadOutcome::Complete => ("ok", "complete".to_owned()),
        LoadOutcome::TasksNotVerified => ("bad", "tasks were not verified".to_owned()),
        LoadOutcome::NoRateHeld => ("bad", "the bound held at no rate".to_owned()),
        LoadOutcome::TrialFailed { verdict } => ("bad", format!("the trial of the environment: {verdict}")),
        LoadOutcome::Interrupted => ("env", "ended by the user".to_owned()),
    };
    let kind = if report.search.is_some() { "Search for a rate" } else { "Load" };
    let title = format!("{kind} on {}", report.trial);
    let page = Page {
        frame: Frame::titled(format!("{title} – Hourglass Harness")),
        title: Text::line(&title),
        class,
        started: format!("{:.0}", report.started),
        duration: time_of(report.duration_ms),
        outcome: Text::line(&outcome),
        scenario: Text::line(&report.scenario),
        search: report.search.as_ref().map(search),
        loads: report.loads.iter().enumerate().map(load).collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render()
}

fn search(search: &SearchResult) -> Search {
    let probe = |probe: &hourglass_load::Probe| {
        let (class, word) = match probe.outcome {
            ProbeOutcome::Held => ("ok", "held"),
            ProbeOutcome::Broken => ("bad", "broken"),
            ProbeOutcome::RateNotKept => ("none", "rate not kept"),
        };
        Probe { rate: probe.rate.to_string(), figure: probe.figure_ms.map(time_of).unwrap_or_default(), class, word }
    };
    let figure = search.bound.split_once("<=").map_or(search.bound.as_str(), |(name, _)| name);
    Search {
        sentence: Text::line(&search_text(search)),
        figure: Text::line(figure),
        probes: search.probes.iter().map(probe).collect(),
    }
}

fn load((index, load): (usize, &LoadResult)) -> Load {
    let not_verified = load.tasks.all() - load.tasks.verified;
    let named = u64::try_from(load.not_verified.len()).unwrap_or(u64::MAX);
    let not_kept = load.rate.is_some_and(|achieved| !achieved.kept);
    let throughput = load.throughput.map(|rate| format!("{rate:.1} tasks a second verified"));
    let created = load.rate.map(|achieved| format!("{:.1} tasks a second created", achieved.created));
    Load {
        id: format!("load{index}"),
        name: Text::line(&load.name),
        pattern: Text::line(&pattern_text(&load.pattern)),
        note: not_kept.then_some(
            "Its senders and their chain did not create tasks at this rate: times since tasks were due include how long they \
             waited for that.",
        ),
        counts: counts(&load.tasks),
        facts: created.into_iter().chain(throughput).collect(),
        latencies: latencies(load),
        not_verified: load.not_verified.iter().map(view).collect(),
        more: not_verified.saturating_sub(named),
    }
}

fn counts(counts: &TaskCounts) -> Vec<(&'static str, u64, &'static str)> {
    let TaskCounts { sent, created, refused, unanswered, verified, wrong, expired, not_verified, unsent } = *counts;
    let bad = [
        ("refused", refused),
        ("without an answer to their creation", unanswered),
        ("expired", expired),
        ("not verified in time", not_verified),
        ("verified with another result or certificate", wrong),
        ("not sent", unsent),
    ];
    let good = [("sent", sent), ("created", created), ("verified", verified)];
    let good = good.into_iter().map(|(name, count)| (name, count, ""));
    good.chain(bad.into_iter().map(|(name, count)| (name, count, if count > 0 { "bad" } else { "" }))).collect()
}

/// Since tasks were due, if that differs from when they were sent; since they were sent; and by payload.
fn latencies(load: &LoadResult) -> Vec<Latencies> {
    let row = |name: &str, of: &Percentiles| Row { name: Text::line(name), cells: cells(of) };
    let phases = load.phases.iter();
    let due = Latencies {
        title: "From when each task was due",
        head: "Phase",
        rows: phases.clone().map(|phase| row(&phase.phase, &phase.since_due)).collect(),
    };
    let sent = Latencies {
        title: "From when each task was sent",
        head: "Phase",
        rows: phases.map(|phase| row(&phase.phase, &phase.since_sent)).collect(),
    };
    let of_payloads = load.payloads.iter();
    let payloads = Latencies {
        title: "From when each task was due until it was verified, by payload",
        head: "Payload",
        rows: of_payloads.filter_map(|one| Some(row(&one.payload_hex, &one.verified.as_ref()?.since_due))).collect(),
    };
    let due = load.pattern.rate.is_some().then_some(due);
    due.into_iter().chain([sent, payloads]).filter(|table| !table.rows.is_empty()).collect()
}

fn cells(of: &Percentiles) -> [String; 5] {
    let Percentiles { count, p50_ms, p95_ms, p99_ms, max_ms } = *of;
    [count.to_string(), time_of(p50_ms), time_of(p95_ms), time_of(p99_ms), time_of(max_ms)]
}

fn view(task: &TaskNotVerified) -> NotVerified {
    NotVerified {
        number: task.index + 1,
        hash: Text::line(task.hash.as_deref().unwrap_or_default()),
        outcome: match task.outcome {
            TaskOutcome::Verified => "verified",
            TaskOutcome::Wrong => "verified with another result or certificate",
            TaskOutcome::Expired => "expired",
            TaskOutcome::NotVerified => "not verified in time",
            TaskOutcome::Refused => "refused",
            TaskOutcome::Unanswered => "without an answer",
            TaskOutcome::Unsent => "not sent",
        },
        reason: Text::line(task.reason.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use hourglass_load::{
        Limit, Probe,
        account::Reason,
        latency::PhaseLatency,
        model::{AchievedRate, Pattern},
    };
    use hourglass_scenario::Chain;
    use jiff::Timestamp;

    use super::*;

    const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

    fn report() -> LoadReport {
        let percentiles = Percentiles { count: 9, p50_ms: 20.0, p95_ms: 31.0, p99_ms: 47.25, max_ms: 812.5 };
        let tasks =
            TaskCounts { sent: 12, created: 11, refused: 1, verified: 9, not_verified: 2, ..TaskCounts::default() };
        let failed = TaskNotVerified {
            index: 3,
            hash: Some("0x6b1f".to_owned()),
            outcome: TaskOutcome::NotVerified,
            reason: Some(HOSTILE.to_owned()),
        };
        let load = LoadResult {
            name: "probe-1".to_owned(),
            pattern: Pattern {
                chain: Chain::L2,
                rate: Some(20.0),
                concurrency: None,
                tasks: Some(12),
                duration_ms: None,
                within_ms: 30_000.0,
                workers: None,
            },
            tasks,
            reasons: vec![Reason { reason: HOSTILE.to_owned(), count: 2 }],
            not_verified: vec![failed],
            throughput: Some(18.25),
            rate: Some(AchievedRate { created: 14.5, kept: false }),
            phases: vec![PhaseLatency {
                phase: "verified".to_owned(),
                since_due: percentiles,
                since_sent: Percentiles { p99_ms: 40.5, ..percentiles },
            }],
            payloads: Vec::new(),
        };
        LoadReport {
            version: hourglass_base::Version,
            started: Timestamp::UNIX_EPOCH,
            duration_ms: 93_500.0,
            trial: "process::square".to_owned(),
            scenario: HOSTILE.to_owned(),
            outcome: LoadOutcome::NoRateHeld,
            loads: vec![load],
            search: Some(SearchResult {
                bound: "p99<=40ms".to_owned(),
                rate: None,
                limit: Limit::Bound,
                probes: vec![Probe { rate: 20.0, figure_ms: Some(47.25), outcome: ProbeOutcome::RateNotKept }],
            }),
        }
    }

    /// All that the document says is on the page, and text from outside cannot become a part of it.
    #[test]
    fn a_page_has_the_figures_and_no_markup_of_others() {
        let page = render(&report()).unwrap();
        for part in
            ["Search for a rate on process::square", "p99&#60;=40ms held at no rate", "47.2", "40.5", "rate not kept"]
        {
            assert!(page.contains(part), "`{part}` is missing");
        }
        for part in
            ["14.5 tasks a second created", "18.2", "0x6b1f", "2 more tasks were not verified", "did not create tasks"]
        {
            assert!(page.contains(part), "`{part}` is missing");
        }
        assert!(!page.contains("<img"), "text from outside is a part of the page");
    }
}
