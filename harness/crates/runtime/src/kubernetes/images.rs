//! The images of a trial's pods, all on the nodes before any pod is created.

use hourglass_cluster::{ChosenCluster, ClusterMachine, PodImage};
use hourglass_image::{ImageRole, NodeImage, PullPolicy, deliver_to_nodes};
use hourglass_scenario::{Component, Pull, Scenario};

use crate::{
    HarnessExecutable, RuntimeError,
    docker::{self, OwnImages},
};

/// The images of a trial's pods.
#[derive(Debug, Clone)]
pub(super) struct KubernetesImages {
    /// The image of the reference components.
    pub components: PodImage,
    /// The user's own.
    own: OwnImages,
    /// Whether nodes are within reach, so that all images were brought to them.
    delivered: bool,
}

impl KubernetesImages {
    /// Pulls, builds and checks the user's images, and loads them and the harness's own into all nodes. Nodes that are out of
    /// reach must have them or pull them from a registry.
    pub(super) async fn prepare(
        cluster: &ChosenCluster,
        scenario: &Scenario,
        executable: &HarnessExecutable,
    ) -> Result<Self, RuntimeError> {
        let ours = PodImage::of_harness(cluster, ImageRole::Components, &executable.0);
        let Some(machine) = &cluster.machine else {
            refuse_builds(scenario)?;
            return Ok(Self { components: ours.await?, own: OwnImages::default(), delivered: false });
        };
        // Missing images are reported before anything is sent.
        let own = docker::own_images(&machine.engine, scenario).await?;
        let (components, ()) = tokio::try_join!(
            async { Ok::<_, RuntimeError>(ours.await?) },
            deliver_own(cluster, machine, scenario, &own)
        )?;
        Ok(Self { components, own, delivered: true })
    }

    /// Whether nodes may pull them.
    pub(super) fn policy(&self) -> PullPolicy {
        self.components.policy
    }

    /// The command of a user's image, without its entrypoint; it is unknown if the image is out of reach.
    pub(super) fn arguments_of(&self, image: &str) -> Vec<String> {
        self.own.arguments_of(image)
    }

    /// The image of a performer.
    pub(super) fn of_performer<'a>(&'a self, performer: &'a Component) -> &'a str {
        self.own.of_performer(performer).unwrap_or(&self.components.reference)
    }

    /// The pull policy of a performer's pod, in Kubernetes' words.
    pub(super) fn policy_of_performer(&self, performer: &Component) -> &'static str {
        match performer.pull {
            Some(pull) if !self.delivered => match pull {
                Pull::Never => "Never",
                Pull::Missing => "IfNotPresent",
                Pull::Always => "Always",
            },
            _ => self.policy().as_str(),
        }
    }
}

async fn deliver_own(
    cluster: &ChosenCluster,
    machine: &ClusterMachine,
    scenario: &Scenario,
    own: &OwnImages,
) -> Result<(), RuntimeError> {
    let own = own.needed(scenario).map(|(component, image)| NodeImage::of_engine(image, component));
    let own: Vec<_> = own.collect();
    if !own.is_empty() {
        deliver_to_nodes(&machine.engine, &cluster.nodes().await?, &own).await?;
    }
    Ok(())
}

/// An image that an engine of this machine builds does not come to nodes that are out of reach.
fn refuse_builds(scenario: &Scenario) -> Result<(), RuntimeError> {
    match scenario.topology.performers().find(|(_, operator)| operator.performer.build.is_some()) {
        None => Ok(()),
        Some((performer, _)) => Err(RuntimeError::Inapplicable {
            reason: format!(
                "the image of performer/{performer} is built, and the nodes of an existing cluster get images from registries only; \
                 push the image and name it with `image` or `--performer-image`, or use a cluster of the harness"
            ),
        }),
    }
}
