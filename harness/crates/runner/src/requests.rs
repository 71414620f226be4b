//! Steps that are asked for one by one while the trial runs: a test holds the other end ([`StepRequester`]).
//!
//! A step does the same as in a scenario. Its failure goes to the test, which may go on; what ends the trial is the end of a
//! part that no step caused, a chain or an engine that does not answer, or the time limit.

use std::path::{Path, PathBuf};

use futures::{StreamExt as _, stream::FuturesUnordered};
use hourglass_component::keys::H256;
use hourglass_reaper::RunId;
use hourglass_scenario::{Step, StepKind};
use hourglass_timeline::Timeline;
use tokio::sync::{mpsc, oneshot};

use super::{
    failure::StepFailure,
    steps,
    trial::{self, TrialExecution},
    verdict::TrialReport,
    world::World,
};

/// What the trial is at while no step runs.
const WAITING: &str = "waiting for the test's next step";

/// One of the chains of an environment that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingChain {
    /// Where it answers JSON-RPC over HTTP, from this machine.
    pub url: String,
    /// Its id.
    pub chain_id: u64,
}

/// An environment that stands: everything is healthy and registered, and tasks may be created.
#[derive(Debug, Clone)]
pub struct StandingEnvironment {
    /// The run that everything of it carries as a label.
    pub run: RunId,
    /// The trial's folder.
    pub folder: PathBuf,
    /// L1.
    pub l1: StandingChain,
    /// L2.
    pub l2: StandingChain,
    /// What happens in it.
    pub timeline: Timeline,
}

/// Asks the trial for steps; clones ask the same trial.
#[derive(Debug, Clone)]
pub struct StepRequester {
    requests: mpsc::UnboundedSender<Request>,
}

/// The trial's side of the requests, for [`run_trial_on_request`](super::run_trial_on_request).
#[derive(Debug)]
pub struct StepRequests {
    standing: Option<oneshot::Sender<StandingEnvironment>>,
    requests: mpsc::UnboundedReceiver<Request>,
}

/// Why a step that was asked for was not done.
#[derive(Debug)]
pub enum StepRefusal {
    /// It failed, and the trial goes on. The report is of the trial as it was then, with this failure as its verdict.
    Failed(Box<TrialReport>),
    /// The trial has ended, or ends; its report tells why.
    TrialEnded,
}

#[derive(Debug)]
enum Request {
    Step { step: Box<Step>, answer: Answer },
    Finish,
    Abandon,
}

type Answer = oneshot::Sender<Result<Vec<H256>, Box<TrialReport>>>;

/// Both sides, and what tells that the environment stands; that is dropped when the trial ends before.
pub fn step_requests() -> (StepRequester, StepRequests, oneshot::Receiver<StandingEnvironment>) {
    let (sender, requests) = mpsc::unbounded_channel();
    let (standing, stands) = oneshot::channel();
    (StepRequester { requests: sender }, StepRequests { standing: Some(standing), requests }, stands)
}

impl StepRequester {
    /// Has the step done and waits for it; gives the hashes of the tasks that it created. When this is dropped before, so is
    /// the step.
    pub async fn step(&self, step: Step) -> Result<Vec<H256>, StepRefusal> {
        let (answer, answered) = oneshot::channel();
        // One that is not received any more drops its answer.
        drop(self.requests.send(Request::Step { step: Box::new(step), answer }));
        match answered.await {
            Ok(done) => done.map_err(StepRefusal::Failed),
            Err(_) => Err(StepRefusal::TrialEnded),
        }
    }

    /// No further step is to come: the trial checks its invariants, takes everything down and reports.
    pub fn finish(&self) {
        drop(self.requests.send(Request::Finish));
    }

    /// No further step is to come, and nothing is to be checked: the first failure that was told is the trial's, which takes
    /// everything down and reports. Where none was told, the trial's interruption is to follow.
    pub fn abandon(&self) {
        drop(self.requests.send(Request::Abandon));
    }
}

impl StepRequests {
    /// Tells the test that the environment stands.
    pub(super) fn stands(&mut self, environment: StandingEnvironment) {
        if let Some(standing) = self.standing.take() {
            drop(standing.send(environment));
        }
    }

    /// Does what is asked for until the test has finished. Of a trial that is abandoned the first failure that was told is the
    /// trial's; where there was none, this waits for the interruption.
    pub(super) async fn serve(
        mut self,
        execution: &TrialExecution<'_>,
        world: &World,
        folder: &Path,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<(), StepFailure> {
        execution.stage.enter(WAITING);
        let mut under_way = FuturesUnordered::new();
        let mut first = None;
        loop {
            tokio::select! {
                Some(failed) = under_way.next() => {
                    first = first.or(failed);
                    if under_way.is_empty() {
                        execution.stage.enter(WAITING);
                    }
                }
                request = self.requests.recv() => match request {
                    Some(Request::Step { step, answer }) => {
                        execution.stage.enter(&steps::described(&step));
                        progress(&steps::title(&step));
                        under_way.push(answered(execution, world, folder, step, answer));
                    }
                    // Steps that are still under way were given up by the test.
                    Some(Request::Finish) => return Ok(()),
                    Some(Request::Abandon) | None => return match first {
                        Some(failure) => Err(failure),
                        None => std::future::pending().await,
                    },
                },
            }
        }
    }
}

/// Does one step and tells the test what it came to; gives the failure that was told.
async fn answered(
    execution: &TrialExecution<'_>,
    world: &World,
    folder: &Path,
    step: Box<Step>,
    mut answer: Answer,
) -> Option<StepFailure> {
    let run = async {
        world.environment.runtime.check_step(&step)?;
        steps::run(world, &step).await
    };
    let done = tokio::select! {
        done = run => done,
        // The test has dropped the step.
        () = answer.closed() => return None,
    };
    let Err(failure) = done else {
        let created = match &step.kind {
            StepKind::CreateTask(create) => world.tasks(&create.alias),
            _ => Vec::new(),
        };
        drop(answer.send(Ok(created.into_iter().map(|task| task.record.task).collect())));
        return None;
    };
    // A part that has just ended ends the trial, which drops this and tells more.
    let failure = trial::with_cause(world, failure).await;
    let report = execution.report_so_far(world, folder, &failure).await;
    drop(answer.send(Err(Box::new(report))));
    Some(failure)
}
