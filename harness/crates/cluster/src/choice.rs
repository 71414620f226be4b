//! Which cluster a run uses: one that the harness made and leases, or an existing one.

use std::{ops::Deref, path::PathBuf};

use hourglass_engine::Engine;
use hourglass_image::ImageRole;

use super::{
    Cluster, ClusterError, ClusterFolders, ClusterName, ClusterSpec, Existing, Lease, LeaseRequest, Progress, guard,
};

/// Which cluster a run uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterChoice {
    /// One that the harness made: the one with this name, which must exist, else any that matches the specification.
    Ours {
        /// Its name.
        name: Option<ClusterName>,
    },
    /// An existing cluster that the harness did not make.
    Existing(ExistingChoice),
}

/// An existing cluster, and what may be done there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingChoice {
    /// The kubeconfig; without one, that of `KUBECONFIG`, else the user's.
    pub kubeconfig: Option<PathBuf>,
    /// The context; without one, the current context, unless it looks like production.
    pub context: Option<String>,
    /// Where the operator comes from.
    pub operator: OperatorChoice,
    /// Where its nodes get the harness's own images.
    pub images: OwnImages,
    /// The namespace that trials use, one after the other, instead of making their own; it needs an existing operator.
    pub namespace: Option<String>,
}

/// Where the operator comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OperatorChoice {
    /// The one in the harness, installed with its CRD
    #[default]
    Install,
    /// One that runs there already, with its CRD: nothing is installed
    Existing,
}

/// Where nodes that the harness cannot load images into get the harness's own images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnImages {
    /// The registry, with an optional folder, that holds them under their own names; without one, the nodes must have
    /// them.
    pub registry: Option<String>,
    /// An image that holds the harness, instead of the one that is made of this executable.
    pub components: Option<String>,
    /// An image that holds Anvil, likewise.
    pub anvil: Option<String>,
}

/// A cluster that a run uses until this is dropped.
#[derive(Debug)]
pub enum ChosenCluster {
    /// One that the harness made, leased.
    Ours(Box<Lease>),
    /// An existing one.
    Existing(Box<Cluster>, ExistingChoice),
}

impl Default for ClusterChoice {
    fn default() -> Self {
        Self::Ours { name: None }
    }
}

impl ClusterChoice {
    /// A usable cluster. `spec` describes a cluster of the harness if none is named; `progress` receives messages about
    /// what takes time.
    ///
    /// An existing cluster is checked first: it must not look like production, unless its context was named, and its
    /// user must be allowed to do all that trials do. Nothing is created in it.
    pub async fn acquire(&self, spec: &ClusterSpec, progress: &Progress<'_>) -> Result<ChosenCluster, ClusterError> {
        match self {
            Self::Ours { name } => ours(name.as_ref(), spec, progress).await,
            Self::Existing(choice) => {
                let existing = Existing::new(choice.kubeconfig.clone(), choice.context.clone());
                let cluster = existing.connect(progress).await?;
                match &choice.namespace {
                    Some(namespace) => guard::permitted_in(&cluster, namespace).await?,
                    None => guard::permitted(&cluster, choice.operator).await?,
                }
                Ok(ChosenCluster::Existing(Box::new(cluster), choice.clone()))
            }
        }
    }
}

async fn ours(
    name: Option<&ClusterName>,
    spec: &ClusterSpec,
    progress: &Progress<'_>,
) -> Result<ChosenCluster, ClusterError> {
    let folders = ClusterFolders::locate()?;
    let spec = if let Some(name) = name {
        let Some(state) = folders.folder_of(name).state()? else {
            let known = folders.names()?.iter().map(ToString::to_string).collect();
            return Err(ClusterError::Unknown { name: name.to_string(), known });
        };
        state.spec
    } else {
        spec.clone()
    };
    let request = LeaseRequest { name: name.cloned(), ..LeaseRequest::new(spec)? };
    let engine = Engine::connect().await?;
    Ok(ChosenCluster::Ours(Box::new(Lease::acquire(&engine, &folders, &request, progress).await?)))
}

impl ChosenCluster {
    /// Where the operator comes from.
    pub fn operator(&self) -> OperatorChoice {
        match self {
            Self::Ours(_) => OperatorChoice::Install,
            Self::Existing(_, choice) => choice.operator,
        }
    }

    /// The namespace that trials use instead of making their own.
    pub fn given_namespace(&self) -> Option<&str> {
        match self {
            Self::Ours(_) => None,
            Self::Existing(_, choice) => choice.namespace.as_deref(),
        }
    }

    /// The name that pods use for an image of the harness that is called `made` on this machine.
    pub fn image(&self, role: ImageRole, made: &str) -> String {
        match self {
            Self::Ours(_) => made.to_owned(),
            Self::Existing(_, choice) => choice.images.reference(role, made),
        }
    }

    /// The image that was named for a role, whatever image would be built.
    pub(super) fn named_image(&self, role: ImageRole) -> Option<String> {
        match self {
            Self::Ours(_) => None,
            Self::Existing(_, choice) => choice.images.named(role).cloned(),
        }
    }
}

impl OwnImages {
    /// The name that pods use for an image that is called `made` on this machine.
    pub fn reference(&self, role: ImageRole, made: &str) -> String {
        match (self.named(role), &self.registry) {
            (Some(named), _) => named.clone(),
            (None, Some(registry)) => format!("{}/{made}", registry.trim_end_matches('/')),
            (None, None) => made.to_owned(),
        }
    }

    fn named(&self, role: ImageRole) -> Option<&String> {
        match role {
            ImageRole::Components => self.components.as_ref(),
            ImageRole::Anvil => self.anvil.as_ref(),
        }
    }
}

impl Deref for ChosenCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        match self {
            Self::Ours(lease) => lease,
            Self::Existing(cluster, _) => cluster,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "hourglass-harness/components:0123";

    #[rstest::rstest]
    #[case::on_the_nodes(None, None, MADE)]
    #[case::in_a_registry(
        Some("registry.example/team"),
        None,
        "registry.example/team/hourglass-harness/components:0123"
    )]
    #[case::in_its_root(Some("registry.example/"), None, "registry.example/hourglass-harness/components:0123")]
    #[case::named(Some("registry.example"), Some("mine/harness:v1"), "mine/harness:v1")]
    fn pods_on_nodes_out_of_reach_get_the_registrys_image_names(
        #[case] registry: Option<&str>,
        #[case] components: Option<&str>,
        #[case] expected: &str,
    ) {
        let [registry, components] = [registry, components].map(|text| text.map(str::to_owned));
        let images = OwnImages { registry, components, anvil: Some("mine/anvil".to_owned()) };
        assert_eq!(images.reference(ImageRole::Components, MADE), expected);
        assert_eq!(images.reference(ImageRole::Anvil, "hourglass-harness/anvil:0123"), "mine/anvil");
    }
}
