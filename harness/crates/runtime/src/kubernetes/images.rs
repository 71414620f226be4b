//! The images of a trial's pods, all on the nodes before any pod is created.

use std::collections::BTreeMap;

use hourglass_cluster::{ChosenCluster, ClusterMachine, PodImage};
use hourglass_image::{ImageRole, NodeImage, PullPolicy, deliver_to_nodes};
use hourglass_scenario::Scenario;

use crate::{HarnessExecutable, RuntimeError, docker};

/// The images of a trial's pods.
#[derive(Debug, Clone)]
pub(super) struct KubernetesImages {
    /// The image of the reference components.
    pub components: PodImage,
    /// The commands of the user's images.
    commands: BTreeMap<String, Vec<String>>,
}

impl KubernetesImages {
    /// Checks that the user's images exist, and loads them and the harness's own into all nodes. Nodes that are out of
    /// reach must have them or pull them from a registry.
    pub(super) async fn prepare(
        cluster: &ChosenCluster,
        scenario: &Scenario,
        executable: &HarnessExecutable,
    ) -> Result<Self, RuntimeError> {
        let ours = PodImage::of_harness(cluster, ImageRole::Components, &executable.0);
        let Some(machine) = &cluster.machine else {
            return Ok(Self { components: ours.await?, commands: BTreeMap::new() });
        };
        // Missing images are reported before anything is sent.
        let commands = docker::commands(&machine.engine, scenario).await?;
        let (components, ()) =
            tokio::try_join!(async { Ok::<_, RuntimeError>(ours.await?) }, deliver_own(cluster, machine, scenario))?;
        Ok(Self { components, commands })
    }

    /// Whether nodes may pull them.
    pub(super) fn policy(&self) -> PullPolicy {
        self.components.policy
    }

    /// The command of a user's image, without its entrypoint; it is unknown if the image is out of reach.
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
