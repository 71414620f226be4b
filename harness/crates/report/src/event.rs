//! The loop that passes the events of a run to a reporter.

use std::io;

use hourglass_runner::RunEvent;
use tokio::sync::mpsc::UnboundedReceiver;

use super::RunReport;

/// Shows a run while it goes on.
pub trait Reporter {
    /// Shows one event; `so_far` includes it. Fails if the output cannot be written.
    fn show(&mut self, event: &RunEvent, so_far: &RunReport) -> io::Result<()>;
}

/// Shows all events until the run has finished or its sender is gone, and returns the report of the run.
///
/// An output that cannot be written (a closed pipe) does not end the run: it is ignored from then on, and its error is
/// returned with the report.
pub async fn follow(
    mut events: UnboundedReceiver<RunEvent>,
    reporter: &mut (dyn Reporter + Send),
) -> (RunReport, io::Result<()>) {
    let mut report = RunReport::default();
    let mut written = Ok(());
    while let Some(event) = events.recv().await {
        note(&mut report, &event);
        if written.is_ok() {
            written = reporter.show(&event, &report);
        }
        if matches!(event, RunEvent::RunFinished { .. }) {
            break;
        }
    }
    (report, written)
}

fn note(report: &mut RunReport, event: &RunEvent) {
    match event {
        RunEvent::RunStarted { started, trials } => {
            report.started = *started;
            report.not_run.clone_from(trials);
        }
        RunEvent::TrialFinished(trial) => {
            report.not_run.retain(|name| *name != trial.trial);
            report.trials.push(trial.as_ref().clone());
        }
        RunEvent::Stopped { trial } => report.stopped_by = Some(trial.clone()),
        RunEvent::ParityJudged(parity) => report.parity.push(parity.clone()),
        RunEvent::RunFinished { duration } => report.duration = *duration,
        RunEvent::TrialStarted { .. } | RunEvent::TrialProgress { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::samples;

    struct ClosedPipe(usize);

    impl Reporter for ClosedPipe {
        fn show(&mut self, _event: &RunEvent, _so_far: &RunReport) -> io::Result<()> {
            self.0 += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[tokio::test]
    async fn a_closed_output_loses_no_verdict() {
        let (sender, events) = unbounded_channel();
        for event in samples::events() {
            sender.send(event).unwrap();
        }
        let mut reporter = ClosedPipe(0);
        let (report, written) = follow(events, &mut reporter).await;
        assert_eq!(report.trials.len(), 5, "a trial was lost because nobody reads the output");
        assert_eq!((written.is_err(), reporter.0), (true, 1), "the error was dropped, or the output written again");
    }

    #[tokio::test]
    async fn a_runner_that_vanishes_ends_the_loop_and_leaves_its_trials_not_run() {
        let (sender, events) = unbounded_channel();
        sender.send(samples::events().remove(0)).unwrap();
        drop(sender);
        let (report, _) = follow(events, &mut ClosedPipe(0)).await;
        assert_eq!(report.not_run.len(), 6, "trials that never ended are not told");
    }
}
