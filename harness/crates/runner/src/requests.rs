//! Steps that are requested one by one while the trial runs: a test holds the other end ([`StepRequester`]).
//!
//! [`StepRequests::open_ended`] makes of it an environment for people: a devnet, which has no time limit and no verdict.
//!
//! A step does the same as in a scenario. Its failure goes to the test, which may go on. The trial ends if a component
//! ends that no step ended, if a chain or an engine does not answer, or at the time limit.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use hourglass_chain::{Accounts, DeployedContract};
use hourglass_component::keys::H256;
use hourglass_reaper::RunId;
use hourglass_runtime::UnexpectedEnd;
use hourglass_scenario::Step;
use hourglass_timeline::Timeline;
use tokio::sync::{mpsc, oneshot};

use super::{
    failure::StepFailure,
    steps,
    trial::{self, TrialExecution},
    verdict::TrialReport,
    world::World,
};

/// The stage of the trial while no step runs.
const WAITING: &str = "waiting for the test's next step";

/// One of the chains of a running environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingChain {
    /// Its URL for JSON-RPC over HTTP, from this machine.
    pub url: String,
    /// Its id.
    pub chain_id: u64,
    /// The user's contracts on it.
    pub contracts: Vec<DeployedContract>,
}

/// A running environment: everything is healthy and registered, and tasks may be created.
#[derive(Debug, Clone)]
pub struct StandingEnvironment {
    /// The run in the labels of the whole environment.
    pub run: RunId,
    /// The trial's folder.
    pub folder: PathBuf,
    /// L1.
    pub l1: StandingChain,
    /// L2.
    pub l2: StandingChain,
    /// The accounts that act on the chains.
    pub accounts: Accounts,
    /// Name and address of each running component.
    pub endpoints: BTreeMap<String, String>,
    /// Its events.
    pub timeline: Timeline,
}

/// Requests steps from the trial; clones use the same trial.
#[derive(Debug, Clone)]
pub struct StepRequester {
    requests: mpsc::UnboundedSender<Request>,
}

/// The trial's side of the requests, for [`run_trial_on_request`](super::run_trial_on_request).
#[derive(Debug)]
pub struct StepRequests {
    standing: Option<oneshot::Sender<StandingEnvironment>>,
    requests: mpsc::UnboundedReceiver<Request>,
    /// Receives the ends of components of an open-ended environment.
    pub(super) ends: Option<mpsc::UnboundedSender<UnexpectedEnd>>,
}

/// Why a requested step was not done.
#[derive(Debug)]
pub enum StepRefusal {
    /// The step failed, and the trial goes on. The report describes the trial as it was then, with this failure as its
    /// verdict.
    Failed(Box<TrialReport>),
    /// The trial has ended, or is ending; its report tells why.
    TrialEnded,
}

#[derive(Debug)]
enum Request {
    Step { step: Box<Step>, answer: Answer },
    Finish,
    Abandon,
}

type Answer = oneshot::Sender<Result<Vec<H256>, Box<TrialReport>>>;

/// Both sides, and a receiver that reports the running environment; it is dropped if the trial ends before.
pub fn step_requests() -> (StepRequester, StepRequests, oneshot::Receiver<StandingEnvironment>) {
    let (sender, requests) = mpsc::unbounded_channel();
    let (standing, stands) = oneshot::channel();
    (StepRequester { requests: sender }, StepRequests { standing: Some(standing), requests, ends: None }, stands)
}

impl StepRequester {
    /// Runs the step and waits for it; returns the hashes of the tasks that it created. If this is dropped before, so
    /// is the step.
    pub async fn step(&self, step: Step) -> Result<Vec<H256>, StepRefusal> {
        let (answer, answered) = oneshot::channel();
        // A request that is not received any more drops its answer.
        drop(self.requests.send(Request::Step { step: Box::new(step), answer }));
        match answered.await {
            Ok(done) => done.map_err(StepRefusal::Failed),
            Err(_) => Err(StepRefusal::TrialEnded),
        }
    }

    /// Ends the steps: the trial checks its invariants, takes everything down and reports.
    pub fn finish(&self) {
        drop(self.requests.send(Request::Finish));
    }

    /// Ends the steps without checks: the trial takes everything down and reports the first failure that the test
    /// received. If there was none, the trial's interruption must follow.
    pub fn abandon(&self) {
        drop(self.requests.send(Request::Abandon));
    }
}

impl StepRequests {
    /// The same for an environment that people use until they end it. Once it stands, it has no time limit, its interruption
    /// is its end, and only what is left after that is a violation. A component that ends goes to the receiver, and the
    /// environment stays.
    pub fn open_ended(mut self) -> (Self, mpsc::UnboundedReceiver<UnexpectedEnd>) {
        let (sender, ends) = mpsc::unbounded_channel();
        self.ends = Some(sender);
        (self, ends)
    }

    /// Reports the running environment to the test.
    pub(super) fn stands(&mut self, environment: StandingEnvironment) {
        if let Some(standing) = self.standing.take() {
            drop(standing.send(environment));
        }
    }

    /// Serves requests until the test has finished. An abandoned trial returns the first failure that the test
    /// received; if there was none, this waits for the interruption.
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
                    // The test has given up steps that are still in progress.
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

/// Runs one step and reports its result to the test; returns the failure that was reported.
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
        let created = step.kind.creates().map(|created| world.tasks(created.alias)).unwrap_or_default();
        drop(answer.send(Ok(created.into_iter().map(|task| task.record.task).collect())));
        return None;
    };
    // The end of a component ends the trial, which drops this and tells more.
    let failure = trial::with_cause(world, failure).await;
    let report = execution.report_so_far(world, folder, &failure).await;
    drop(answer.send(Err(Box::new(report))));
    Some(failure)
}
