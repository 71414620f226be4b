//! Checks that performers answer under their names, from a pod of the trial, or from an extra pod if the trial's own
//! pods do not contain the probe.

use std::{net::IpAddr, time::Duration};

use hourglass_cluster::{probe::HealthResult, run_in_pod};
use hourglass_image::ImageRole;
use hourglass_operator::api::Performer;
use hourglass_scenario::ComponentRef;
use tokio::time::timeout;

use super::{ANSWER, Snapshot, observer, violation};
use crate::{InvariantViolation, RuntimeError, kubernetes::KubernetesRuntime};

/// How long a performer may take to answer under its name.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long the probe may take beyond that.
const MARGIN: Duration = Duration::from_secs(8);

impl KubernetesRuntime {
    /// Asks each performer for its health, by the name in its status.
    pub(super) async fn answers(
        &self,
        sound: &[&Performer],
        snapshot: &Snapshot,
    ) -> Result<Vec<InvariantViolation>, RuntimeError> {
        let endpoint = |performer: &&Performer| performer.status.as_ref()?.grpc_endpoint.clone();
        let targets: Vec<_> = sound.iter().filter_map(endpoint).collect();
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let said = self.ask(&targets).await?;
        Ok(judge(&targets, said, snapshot))
    }

    /// The output of the probe, or why there is none.
    async fn ask(&self, targets: &[String]) -> Result<Result<String, String>, RuntimeError> {
        let within = humantime::format_duration(ANSWER_WITHIN).to_string();
        let words = [ImageRole::Components.program(), "probe", "health", "--within", &within];
        let command: Vec<_> = words.into_iter().chain(targets.iter().map(String::as_str)).collect();
        let all = [ComponentRef::Aggregator].into_iter().chain(self.names.executors());
        let all: Vec<_> = all.filter(|component| !self.is_faulted(component)).collect();
        let limit = ANSWER_WITHIN + MARGIN;
        let Some(own) = self.observer(&all).await? else {
            self.tell("no pod of the trial has the probe and no fault: one is made to ask performers by their names");
            let images = &self.preparation.done().await?.images;
            return Ok(observer::run(&self.trial_namespace, &images.components, &self.labels, &command, limit).await);
        };
        let said = run_in_pod(
            &self.trial_namespace.cluster,
            (self.trial_namespace.namespace.as_str(), own.as_str()),
            command.into_iter(),
        );
        Ok(timeout(limit, said).await.unwrap_or_else(|_| Err("the probe does not end".to_owned())))
    }
}

/// Judges the probe's result for each target.
pub(super) fn judge(targets: &[String], said: Result<String, String>, snapshot: &Snapshot) -> Vec<InvariantViolation> {
    let unchecked = |targets: &[&String], why: String| {
        let targets: Vec<_> = targets.iter().map(|target| target.as_str()).collect();
        violation(ANSWER, "SERVING", format!("{} could not be checked: {why}", targets.join(", ")))
    };
    let all: Vec<_> = targets.iter().collect();
    let said = match said {
        Ok(said) => said,
        Err(why) => return vec![unchecked(&all, why)],
    };
    let Ok(asked) = said.lines().map(serde_json::from_str).collect::<Result<Vec<HealthResult>, _>>() else {
        return vec![unchecked(&all, format!("the probe says {:?}", said.trim()))];
    };
    let mut broken: Vec<_> = asked.iter().filter_map(|asked| of_answer(asked, snapshot)).collect();
    let passed_over: Vec<_> =
        targets.iter().filter(|target| !asked.iter().any(|asked| asked.target == **target)).collect();
    if !passed_over.is_empty() {
        broken.push(unchecked(&passed_over, "the probe says nothing of it".to_owned()));
    }
    broken
}

/// The name must resolve to the Service, and the server behind it must serve.
fn of_answer(asked: &HealthResult, snapshot: &Snapshot) -> Option<InvariantViolation> {
    if let Some(failure) = &asked.failure {
        return Some(violation(ANSWER, "SERVING", format!("{}: {failure}", asked.target)));
    }
    let service = asked.target.split('.').next().and_then(|name| snapshot.services.get(name));
    let address = service.and_then(|service| service.spec.as_ref()?.cluster_ip.clone());
    let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
    if address.is_some_and(|address| asked.addresses.contains(&address)) {
        return None;
    }
    let seen = format!("{} stands for {:?}, its Service has {address:?}", asked.target, asked.addresses);
    Some(violation(ANSWER, "the name stands for the Service", seen))
}
