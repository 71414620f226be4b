//! What executors and the aggregator need besides the chains, prepared while those start: images on the nodes, the
//! operator.

use std::{sync::Arc, time::Instant};

use hourglass_cluster::{
    ChosenCluster,
    helm::Helm,
    operator::{OperatorRelease, OperatorRequest},
};
use hourglass_scenario::Scenario;
use hourglass_timeline::{Event, Timeline};

use super::{cluster_faults, images::KubernetesImages, shared_work::SharedWork};
use crate::{HarnessExecutable, RuntimeError};

/// The result of the preparation.
#[derive(Debug)]
pub(super) struct Prepared {
    pub images: KubernetesImages,
    pub helm: Helm,
    /// Held, so that nobody replaces it.
    pub operator: OperatorRelease,
}

/// The work, running or done. It is given up when this is dropped.
#[derive(Debug)]
pub(super) struct Preparation(SharedWork<Prepared>);

impl Preparation {
    /// Starts it. `alone` says whether nobody else may use the operator and the nodes meanwhile.
    pub(super) fn begin(
        cluster: Arc<ChosenCluster>,
        scenario: Arc<Scenario>,
        executable: HarnessExecutable,
        alone: bool,
        timeline: Timeline,
    ) -> Self {
        Self(SharedWork::begin(async move { prepare(&cluster, &scenario, &executable, alone, &timeline).await }))
    }

    /// Waits for it. Every caller gets the error.
    pub(super) async fn done(&self) -> Result<&Prepared, RuntimeError> {
        self.0.done().await
    }

    /// Ends work that is not needed any more; waiting callers get an error.
    pub(super) fn give_up(&self) {
        self.0.give_up();
    }

    /// The result, if the work is done.
    pub(super) fn so_far(&self) -> Option<&Prepared> {
        self.0.so_far()
    }
}

async fn prepare(
    cluster: &ChosenCluster,
    scenario: &Scenario,
    executable: &HarnessExecutable,
    alone: bool,
    timeline: &Timeline,
) -> Result<Prepared, RuntimeError> {
    let began = Instant::now();
    let (images, helm) = tokio::try_join!(KubernetesImages::prepare(cluster, scenario, executable), async {
        Ok::<_, RuntimeError>(Helm::of(cluster).await?)
    })?;
    let took = began.elapsed();
    tracing::info!(elapsed = ?took, "images are on the nodes");
    timeline.record(Event::images_delivered(took));
    let request = OperatorRequest { choice: cluster.operator(), image: images.components.clone(), alone };
    let progress = |what: &str| {
        tracing::info!("{what}");
        timeline.record(Event::of_harness(what));
    };
    let operator = OperatorRelease::ensure(cluster, &request, &progress).await?;
    let took = began.elapsed();
    tracing::info!(elapsed = ?took, "the operator is available");
    timeline.record(Event::of_harness(format!("the operator is available after {:.3}s", took.as_secs_f64())));
    // Nobody injects faults into the cluster now: a trial that was killed during one has left cordoned nodes.
    cluster_faults::uncordon(cluster).await?;
    Ok(Prepared { images, helm, operator })
}
