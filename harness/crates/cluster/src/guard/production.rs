//! Whether a context looks like production: by its own name, by the names of its cluster, and by the host of its API
//! server.

use std::path::Path;

use kube::config::Kubeconfig;

use super::GuardError;
use crate::{ClusterError, access::merged};

/// Words that stand for production.
const WORDS: [&str; 5] = ["prod", "production", "prd", "live", "mainnet"];
/// Words before them that reverse their meaning.
const OPPOSITES: [&str; 4] = ["non", "not", "no", "pre"];
/// Host names of hosted API servers: a hosted cluster is rarely a short-lived one.
const HOSTS: [(&str, &str); 8] = [
    (".eks.amazonaws.com", "Amazon EKS"),
    (".azmk8s.io", "Azure AKS"),
    (".gke.goog", "Google GKE"),
    (".container.googleapis.com", "Google GKE"),
    (".k8s.ondigitalocean.com", "DigitalOcean"),
    (".linodelke.net", "Linode"),
    (".containers.cloud.ibm.com", "IBM Cloud"),
    (".clusters.oci.oraclecloud.com", "Oracle Cloud"),
];

/// Refuses the current context of a kubeconfig if it looks like production. A context that was named is deliberate.
pub(crate) fn refuse_production(path: &Path, named: Option<&str>) -> Result<(), ClusterError> {
    if named.is_some() {
        return Ok(());
    }
    let read = merged(path)?;
    let context = read.current_context.clone().unwrap_or_default();
    match looks_like_production(&read, &context) {
        Some(because) => Err(GuardError::Production { kubeconfig: path.to_owned(), context, because }.into()),
        None => Ok(()),
    }
}

/// Why a context looks like production; `None` if it does not.
fn looks_like_production(read: &Kubeconfig, context: &str) -> Option<String> {
    if let Some(word) = word_in(context) {
        return Some(format!("its name has the word {word}"));
    }
    let named = read.contexts.iter().find(|named| named.name == context)?;
    let cluster = &named.context.as_ref()?.cluster;
    if let Some(word) = word_in(cluster) {
        return Some(format!("its cluster is called {cluster}, with the word {word}"));
    }
    let named = read.clusters.iter().find(|named| named.name == *cluster)?;
    let server = named.cluster.as_ref()?.server.as_deref()?;
    let host = host_of(server);
    if let Some(word) = word_in(host) {
        return Some(format!("its API server is at {host}, with the word {word}"));
    }
    let (_, whose) = HOSTS.into_iter().find(|(end, _)| host.ends_with(end))?;
    Some(format!("its API server, {host}, is hosted by {whose}"))
}

/// The word for production in a name, whatever separates the words; numbers at the end of a word do not count.
fn word_in(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let words: Vec<_> = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .map(|word| word.trim_end_matches(|letter: char| letter.is_ascii_digit()))
        .collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let denied = index.checked_sub(1).is_some_and(|before| OPPOSITES.contains(&words[before]));
        WORDS.into_iter().find(|known| known == word && !denied)
    })
}

/// `a.example` of `https://a.example:6443/k8s`.
fn host_of(server: &str) -> &str {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(context: &str, cluster: &str, server: &str) -> Kubeconfig {
        serde_json::from_value(serde_json::json!({
            "current-context": context,
            "contexts": [{ "name": context, "context": { "cluster": cluster, "user": "u" } }],
            "clusters": [{ "name": cluster, "cluster": { "server": server } }],
        }))
        .unwrap()
    }

    const HERE: &str = "https://127.0.0.1:6443";

    /// If the user's current context is still production, no trial may run there.
    #[rstest::rstest]
    #[case::word("prod", "c", HERE)]
    #[case::word_among_others("eu-west.Production/admin", "c", HERE)]
    #[case::numbered("prod-2", "c", HERE)]
    #[case::number_attached("team@prd01", "c", HERE)]
    #[case::network("avs-mainnet", "c", HERE)]
    #[case::in_use("live_eu", "c", HERE)]
    #[case::cluster("mine", "k8s-prod", HERE)]
    #[case::server("mine", "c", "https://api.prod.example:6443")]
    #[case::hosted("mine", "c", "https://0A1B.gr7.eu-west-1.eks.amazonaws.com")]
    #[case::hosted_with_port("mine", "c", "https://a.hcp.westeurope.azmk8s.io:443")]
    fn production_contexts_are_recognized(#[case] context: &str, #[case] cluster: &str, #[case] server: &str) {
        assert!(looks_like_production(&kubeconfig(context, cluster, server), context).is_some());
    }

    #[rstest::rstest]
    #[case::kind("kind-other", "kind-other", HERE)]
    #[case::longer_words("product-delivery", "reproduction", HERE)]
    #[case::denied("non-prod", "pre_prod", HERE)]
    #[case::own_name("staging", "sandbox", "https://k8s.lab.example:6443/clusters/c-1")]
    fn other_contexts_are_not_taken_for_production(#[case] context: &str, #[case] cluster: &str, #[case] server: &str) {
        assert_eq!(looks_like_production(&kubeconfig(context, cluster, server), context), None);
    }

    #[test]
    fn a_named_context_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, serde_yaml::to_string(&kubeconfig("prod", "c", HERE)).unwrap()).unwrap();
        refuse_production(&path, Some("prod")).unwrap();
        let error = refuse_production(&path, None).unwrap_err();
        assert!(matches!(error, ClusterError::Guard(GuardError::Production { .. })), "{error:?}");
        assert!(error.remedy().unwrap().contains("--context prod"), "{error}");
    }
}
