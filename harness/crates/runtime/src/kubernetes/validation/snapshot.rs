//! The objects that are judged, each kind listed once.

use std::collections::BTreeMap;

use hourglass_operator::api::{GROUP, PERFORMER_LABEL, PLURAL, Performer};
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Pod, Service},
        discovery::v1::EndpointSlice,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, ResourceExt as _, api::ListParams};

use crate::{
    RuntimeError,
    kubernetes::{KubernetesRuntime, performers},
};

/// The objects of a trial.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub definition: Option<CustomResourceDefinition>,
    pub operator: Option<Deployment>,
    /// Whether the user may look at neither.
    pub operator_is_hidden: bool,
    pub performers: Vec<Performer>,
    /// Without those that are being deleted.
    pub pods: Vec<Pod>,
    pub services: BTreeMap<String, Service>,
    pub slices: Vec<EndpointSlice>,
}

impl Snapshot {
    /// Leaves out these Performers with their pods: a step has replaced them, and they may be about to go.
    pub(super) fn leave_out(&mut self, is_replaced: impl Fn(&Performer) -> bool) {
        let (replaced, kept) = std::mem::take(&mut self.performers).into_iter().partition(is_replaced);
        self.performers = kept;
        let replaced: Vec<Performer> = replaced;
        let is_of_one = |pod: &Pod| {
            let name = pod.labels().get(PERFORMER_LABEL);
            name.is_some_and(|name| replaced.iter().any(|performer| performer.name_any() == *name))
        };
        self.pods.retain(|pod| !is_of_one(pod));
    }
}

impl KubernetesRuntime {
    pub(super) async fn look(&self) -> Result<Snapshot, RuntimeError> {
        let operator = &self.preparation.done().await?.operator;
        let client = &self.trial_namespace.cluster.client;
        let definitions = Api::<CustomResourceDefinition>::all(client.clone());
        let deployments = Api::<Deployment>::namespaced(client.clone(), &operator.namespace);
        let name = format!("{PLURAL}.{GROUP}");
        let all = ListParams::default();
        let (pods, services, slices) = (
            self.trial_namespace.api::<Pod>(),
            self.trial_namespace.api::<Service>(),
            self.trial_namespace.api::<EndpointSlice>(),
        );
        let operator_is_hidden = operator.is_hidden;
        let (definition, operator, pods, services, slices) = tokio::try_join!(
            async { if operator.is_hidden { Ok(None) } else { definitions.get_opt(&name).await } },
            async { if operator.is_hidden { Ok(None) } else { deployments.get_opt(&operator.deployment).await } },
            pods.list(&all),
            services.list(&all),
            slices.list(&all)
        )
        .map_err(self.trial_namespace.fail("look at what a trial has"))?;
        Ok(Snapshot {
            definition,
            operator,
            operator_is_hidden,
            performers: performers::list(&self.trial_namespace).await?,
            pods: pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect(),
            services: services.into_iter().map(|service| (service.name_any(), service)).collect(),
            slices: slices.items,
        })
    }
}
