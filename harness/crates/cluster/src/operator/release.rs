//! The operator of a cluster, installed and available as long as it is used.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    NAME, NAMESPACE, OperatorError, conflicts, crd, home,
    locks::OperatorLocks,
    ready::{available, is_available},
    remove::withdraw,
    values::{fingerprint, values},
};
use crate::{
    Cluster, ClusterError, Fingerprint, OperatorChoice, PodImage, Progress,
    helm::{Chart, Helm, Release},
    lease::Locked,
};

/// Holds the fingerprint of an operator that was available once.
const FINGERPRINT: &str = "hourglass-harness/operator";

/// A request for the operator of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRequest {
    /// Where it comes from.
    pub choice: OperatorChoice,
    /// The image of the components; the nodes of a cluster of the harness must have it.
    pub image: PodImage,
    /// Whether nobody else may use it meanwhile, for trials that scale it down or end it.
    pub alone: bool,
}

/// The operator of a cluster. While this is held, nobody on this machine replaces it.
#[derive(Debug)]
#[must_use = "another may take its place when this is dropped"]
pub struct OperatorRelease {
    /// Its namespace.
    pub namespace: String,
    /// Its Deployment.
    pub deployment: String,
    /// Whether the user may not look at it: then namespace and Deployment are the usual ones.
    pub is_hidden: bool,
    /// Where it comes from.
    pub source: OperatorSource,
    _used: Option<Locked>,
}

/// Where the operator of a cluster comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorSource {
    /// It existed.
    Warm,
    /// It was installed or upgraded.
    Installed,
    /// Others installed it.
    Others,
}

impl OperatorRelease {
    /// The operator: the existing one, if it matches the request and is available, else a new installation. An operator
    /// that does not become available is removed again.
    ///
    /// Any number of processes may ask at once: one of them installs it, and the others wait. An operator that others
    /// use is not replaced before they are done with it.
    pub async fn ensure(
        cluster: &Cluster,
        request: &OperatorRequest,
        progress: &Progress<'_>,
    ) -> Result<Self, OperatorError> {
        if request.choice == OperatorChoice::Existing {
            let found = conflicts::accept_hidden(cluster).await?;
            let (namespace, deployment) = match &found {
                Some(found) => (found.namespace().unwrap_or_default(), found.name_any()),
                None => (NAMESPACE.to_owned(), NAME.to_owned()),
            };
            return Ok(Self {
                namespace,
                deployment,
                is_hidden: found.is_none(),
                source: OperatorSource::Others,
                _used: None,
            });
        }
        let values = values(&request.image);
        let wanted =
            Wanted { cluster, image: &request.image, fingerprint: fingerprint(Chart::OPERATOR, &values), values };
        let locks = OperatorLocks::of(cluster).await?;
        if !request.alone {
            let shared = locks.shared(progress).await?;
            if wanted.is_there().await? {
                return Ok(Self::ours(OperatorSource::Warm, shared.used()));
            }
        }
        let gated = locks.alone(progress).await?;
        let source = if wanted.is_there().await? {
            OperatorSource::Warm
        } else {
            progress("installing the operator");
            Box::pin(wanted.install(progress)).await?;
            OperatorSource::Installed
        };
        let used = if request.alone { gated.used() } else { locks.share(gated, progress).await? };
        tracing::info!(cluster = cluster.name, ?source, "the operator is available");
        Ok(Self::ours(source, used))
    }

    fn ours(source: OperatorSource, used: Locked) -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            deployment: NAME.to_owned(),
            is_hidden: false,
            source,
            _used: Some(used),
        }
    }
}

struct Wanted<'a> {
    cluster: &'a Cluster,
    image: &'a PodImage,
    fingerprint: Fingerprint,
    values: Value,
}

impl Wanted<'_> {
    /// Whether this very operator exists and is available, with all that it needs. Both are requested at once.
    async fn is_there(&self) -> Result<bool, ClusterError> {
        let (deployment, definition) = tokio::try_join!(self.deployment(), crd::find(self.cluster))?;
        let is_this = |deployment: &Deployment| {
            deployment.labels().get(FINGERPRINT).is_some_and(|found| found == self.fingerprint.as_str())
        };
        Ok(deployment.is_some_and(|deployment| is_this(&deployment) && is_available(&deployment))
            && definition.is_some_and(|definition| crd::is_ours(&definition) && crd::is_established(&definition)))
    }

    async fn install(&self, progress: &Progress<'_>) -> Result<(), OperatorError> {
        let had_definition = conflicts::refuse(self.cluster).await?;
        let helm = Helm::of(self.cluster).await?;
        let release = self.release()?;
        home::ensure(self.cluster).await?;
        let installed = async {
            self.mark(None).await?;
            release.install(&helm).await?;
            progress("waiting for the operator");
            tokio::try_join!(crd::established(self.cluster), available(self.cluster, self.image))?;
            self.mark(Some(&self.fingerprint)).await
        };
        match Box::pin(installed).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // The error that led here is the one to report; the next installation takes over what remains.
                let _ = Box::pin(withdraw(&helm, &release, !had_definition)).await;
                Err(error)
            }
        }
    }

    fn release(&self) -> Result<Release, OperatorError> {
        Ok(Release {
            name: NAME.to_owned(),
            namespace: NAMESPACE.to_owned(),
            chart: Chart::OPERATOR.unpack()?,
            values: self.values.clone(),
        })
    }

    /// Marks its Deployment as available once, or removes the mark. The mark is a label: an annotation would start
    /// another generation, which would be unavailable for a moment.
    async fn mark(&self, fingerprint: Option<&Fingerprint>) -> Result<(), OperatorError> {
        let patch = json!({ "metadata": { "labels": { FINGERPRINT: fingerprint.map(Fingerprint::as_str) } } });
        let marked = self.deployments().patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await;
        match marked {
            // There is no Deployment yet.
            Err(kube::Error::Api(status)) if status.is_not_found() && fingerprint.is_none() => Ok(()),
            Err(error) => Err(ClusterError::api(&self.cluster.name, "mark the operator")(error).into()),
            Ok(_) => Ok(()),
        }
    }

    async fn deployment(&self) -> Result<Option<Deployment>, ClusterError> {
        let found = self.deployments().get_opt(NAME).await;
        found.map_err(ClusterError::api(&self.cluster.name, "look for the operator"))
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.cluster.client.clone(), NAMESPACE)
    }
}
