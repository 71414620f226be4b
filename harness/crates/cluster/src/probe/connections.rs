//! Which connections of pods work: to each other, to Services by address and by name, and to the outside of the
//! cluster.

use std::time::Duration;

use futures::future::join_all;
use hourglass_base::Check;

use super::{
    DialResult,
    objects::{PORT, SERVICE},
    pods::ProbePod,
    topics::{COMMANDS, OUTSIDE_ADDRESS, OUTSIDE_NAME, POD_ADDRESS, SERVICE_ADDRESS, SERVICE_NAME, Topic},
};
use crate::{Cluster, OwnNamespace, reach::JoinedContainer};

/// How long a connection is tried.
const WITHIN: Duration = Duration::from_secs(4);

/// Tries, from every node's pod, all connections that pods need; a check for each hop.
pub(super) async fn hops(
    cluster: &Cluster,
    namespace: &OwnNamespace,
    pods: &[ProbePod],
    service: &str,
    outside: Option<&JoinedContainer>,
) -> Vec<Check> {
    let targets = targets(namespace, pods, service, outside);
    let asked: Vec<_> = targets.iter().map(|(_, target)| target.clone()).collect();
    let tried =
        pods.iter().map(|pod| async { (pod.node.as_str(), pod.dial(cluster, namespace, &asked, WITHIN).await) });
    let mut answers = Vec::new();
    let mut checks = Vec::new();
    for (node, dialled) in join_all(tried).await {
        match dialled {
            Ok(dialled) => answers.push((node, dialled)),
            Err(why) => checks.push(COMMANDS.missing(format!("no command runs in the pod on node {node}: {why}"))),
        }
    }
    if answers.is_empty() {
        return checks;
    }
    for topic in [POD_ADDRESS, SERVICE_ADDRESS, SERVICE_NAME, OUTSIDE_ADDRESS, OUTSIDE_NAME] {
        checks.extend(check(topic, &targets, &answers));
    }
    checks
}

/// The targets, each with the hop that it tests.
fn targets(
    namespace: &OwnNamespace,
    pods: &[ProbePod],
    service: &str,
    outside: Option<&JoinedContainer>,
) -> Vec<(Topic, String)> {
    let mut targets: Vec<_> = pods.iter().map(|pod| (POD_ADDRESS, format!("{}:{PORT}", pod.address))).collect();
    targets.push((SERVICE_ADDRESS, format!("{service}:{PORT}")));
    // Pods search the cluster's domain, whatever it is.
    targets.push((SERVICE_NAME, format!("{SERVICE}.{}.svc:{PORT}", namespace.name())));
    if let Some(outside) = outside {
        targets.push((OUTSIDE_ADDRESS, format!("{}:{PORT}", outside.address)));
        targets.push((OUTSIDE_NAME, format!("{}:{PORT}", outside.name)));
    }
    targets
}

/// The result of one hop from all nodes; `None` if it was not tried.
fn check(topic: Topic, targets: &[(Topic, String)], answers: &[(&str, Vec<DialResult>)]) -> Option<Check> {
    let of_topic = |index: &usize| targets[*index].0 == topic;
    let tried: Vec<_> = (0..targets.len()).filter(of_topic).collect();
    let first = targets.get(*tried.first()?).map(|(_, target)| target)?;
    let failures: Vec<_> = answers
        .iter()
        .flat_map(|(node, dialled)| tried.iter().map(move |index| (node, &dialled[*index])))
        .filter_map(|(node, dialled)| Some(format!("from node {node}: {}", dialled.failure()?)))
        .collect();
    let all = answers.len() * tried.len();
    Some(match failures.split_first() {
        None if all == 1 => topic.ok(format!("{first} answers")),
        None if tried.len() == 1 => topic.ok(format!("{first} answers on all {all} nodes")),
        None => topic.ok(format!("pods on all {} nodes answer each other", answers.len())),
        Some((failure, [])) => topic.missing(failure),
        Some((failure, others)) => topic.missing(format!("{failure}; and {} more of {all}", others.len())),
    })
}

#[cfg(test)]
mod tests {
    use hourglass_base::Verdict;

    use super::*;
    use crate::probe::DialOutcome;

    fn dialled(target: &str, came: DialOutcome) -> DialResult {
        DialResult { target: target.to_owned(), addresses: Vec::new(), came }
    }

    /// One node whose name service does not answer must be reported by name, even if all others are well.
    #[test]
    fn a_failure_on_one_node_is_reported_with_hop_and_node() {
        let targets = [(SERVICE_ADDRESS, "10.0.0.1:8080".to_owned()), (SERVICE_NAME, "probe.n.svc:8080".to_owned())];
        let well = || {
            vec![
                dialled("10.0.0.1:8080", DialOutcome::Answered("a".into())),
                dialled("probe.n.svc:8080", DialOutcome::Answered("a".into())),
            ]
        };
        let mut ill = well();
        ill[1].came = DialOutcome::NotResolved("timed out".to_owned());
        let answers = [("one", well()), ("two", ill)];
        let address = check(SERVICE_ADDRESS, &targets, &answers).unwrap();
        assert_eq!((address.verdict, address.finding.as_str()), (Verdict::Ok, "10.0.0.1:8080 answers on all 2 nodes"));
        let name = check(SERVICE_NAME, &targets, &answers).unwrap();
        assert_eq!(name.verdict, Verdict::Missing);
        assert_eq!(name.finding, "from node two: probe.n.svc:8080 is not resolved: timed out");
        assert!(check(OUTSIDE_NAME, &targets, &answers).is_none(), "what was not tried has no verdict");
    }
}
