//! Which of a performer's pods counts.

use k8s_openapi::api::core::v1::{Pod, PodCondition};
use kube::ResourceExt as _;

use super::Observed;
use crate::api::TEMPLATE_ANNOTATION;

/// The pods of a performer that are not being deleted, newest first.
#[derive(Debug)]
pub(super) struct Pods<'a> {
    all: Vec<&'a Pod>,
    template: Option<&'a str>,
}

impl<'a> Pods<'a> {
    /// The pods of what is observed.
    pub(super) fn of(observed: &Observed<'a>) -> Self {
        let mut all = observed.pods.clone();
        all.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        all.sort_by_key(|pod| (pod.metadata.creation_timestamp.clone(), pod.name_any()));
        all.reverse();
        let template = observed.deployment.and_then(|deployment| deployment.spec.as_ref());
        let template = template.and_then(|spec| spec.template.metadata.as_ref());
        let annotations = template.and_then(|metadata| metadata.annotations.as_ref());
        let template = annotations.and_then(|annotations| annotations.get(TEMPLATE_ANNOTATION)).map(String::as_str);
        Self { all, template }
    }

    /// Whether `pod` is of the Deployment's present template.
    pub(super) fn is_current(&self, pod: &Pod) -> bool {
        let template = pod.annotations().get(TEMPLATE_ANNOTATION).map(String::as_str);
        template.is_some() && template == self.template
    }

    /// Those of the Deployment's present template, newest first.
    pub(super) fn current(&self) -> impl Iterator<Item = &'a Pod> {
        self.all.iter().copied().filter(|pod| self.is_current(pod))
    }

    /// Whether there is one of another template.
    pub(super) fn any_outdated(&self) -> bool {
        self.all.iter().any(|pod| !self.is_current(pod))
    }

    /// The pod that tasks are for: a ready one, preferably of the present template.
    pub(super) fn serving(&self) -> Option<&'a Pod> {
        let ready = |pod: &&Pod| is_pod_ready(pod);
        self.current().find(ready).or_else(|| self.all.iter().copied().find(ready))
    }

    /// The newest pod, preferably of the present template.
    pub(super) fn newest(&self) -> Option<&'a Pod> {
        self.current().next().or_else(|| self.all.first().copied())
    }
}

/// Whether a pod's condition says that it is ready.
pub fn is_pod_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}

/// The condition of `pod` with this type.
pub(super) fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == type_)
}
