//! The images of a trial's pods, all on the nodes before any pod is made.

use std::collections::BTreeMap;

use hourglass_cluster::{ChosenCluster, ClusterMachine, PodImage};
use hourglass_image::{ImageRole, NodeImage, PullPolicy, deliver_to_nodes};
use hourglass_scenario::Scenario;

use crate::{HarnessExecutable, RuntimeError, docker};

/// The images that a trial's pods are made of.
#[derive(Debug, Clone)]
pub(super) struct KubernetesImages {
    /// The reference components'.
    pub components: PodImage,
    /// What images of the user's run by themselves.
    commands: BTreeMap<String, Vec<String>>,
}

impl KubernetesImages {
    /// Sees that the user's images are there, and brings them and ours to all nodes; nodes that are out of reach have to
    /// have them or to get them from a registry.
    pub(super) async fn prepare(
        cluster: &ChosenCluster,
        scenario: &Scenario,
        executable: &HarnessExecutable,
    ) -> Result<Self, RuntimeError> {
        let ours = PodImage::of_harness(cluster, ImageRole::Components, &executable.0);
        let Some(machine) = &cluster.machine else {
            return Ok(Self { components: ours.await?, commands: BTreeMap::new() });
        };
        // What is missing is told before anything is sent.
        let commands = docker::commands(&machine.engine, scenario).await?;
        let (components, ()) =
            tokio::try_join!(async { Ok::<_, RuntimeError>(ours.await?) }, deliver_own(cluster, machine, scenario))?;
        Ok(Self { components, commands })
    }

    /// Whether nodes may pull them.
    pub(super) fn policy(&self) -> PullPolicy {
        self.components.policy
    }

    /// What an image of the user's runs by itself, beside its entrypoint; of one that is out of reach nobody knows.
    pub(super) fn arguments_of(&self, image: &str) -> Vec<String> {
        self.commands.get(image).cloned().unwrap_or_default()
    }
}

async fn deliver_own(
    cluster: &ChosenCluster,
    machine: &ClusterMachine,
    scenario: &Scenario,
) -> Result<(), RuntimeError> {
    let own = docker::replaced(scenario).map(|(component, image)| NodeImage::of_engine(image, component));
    let own: Vec<_> = own.collect();
    if !own.is_empty() {
        deliver_to_nodes(&machine.engine, &cluster.nodes().await?, &own).await?;
    }
    Ok(())
}
