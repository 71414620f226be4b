//! Converts a kubeconfig and a context into the configuration of the client.
//!
//! The client can read kubeconfigs itself, and it takes proxies from the environment too. But it compares `NO_PROXY`
//! with the proxy instead of the server, refuses lists that kubectl reads, and does not know loopback.

use std::error::Error;

use hourglass_component::proxy::proxy_of;
use http::Uri;
use kube::{
    Config,
    config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig},
};

type Cause = Box<dyn Error + Send + Sync>;

/// The configuration of a client for the cluster of a context.
pub(super) fn config(read: &Kubeconfig, context: &str) -> Result<Config, Cause> {
    if context.is_empty() {
        return Err("it has no current context".into());
    }
    let named = read.contexts.iter().find(|named| named.name == context);
    let unknown = || format!("it has no context `{context}`");
    let context = named.and_then(|named| named.context.clone()).ok_or_else(unknown)?;
    let named = read.clusters.iter().find(|named| named.name == context.cluster);
    let unknown = || format!("it has no cluster `{}`", context.cluster);
    let cluster = named.and_then(|named| named.cluster.clone()).ok_or_else(unknown)?;
    let server = cluster.server.as_deref().unwrap_or_default();
    let server: Uri = server.parse().map_err(|error| format!("the server `{server}` is no URL: {error}"))?;
    let mut config = Config::new(server);
    config.proxy_url = proxy(&cluster, &config.cluster_url)?;
    config.root_cert = authorities(&cluster)?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or_default();
    config.disable_compression = cluster.disable_compression.unwrap_or_default();
    config.default_namespace = context.namespace.unwrap_or(config.default_namespace);
    config.auth_info = user(read, context.user.as_deref(), &cluster)?;
    config.tls_server_name = cluster.tls_server_name;
    Ok(config)
}

/// The proxy that the cluster names, for every server; else the proxy of the environment.
fn proxy(cluster: &Cluster, server: &Uri) -> Result<Option<Uri>, Cause> {
    let own = cluster.proxy_url.clone().filter(|proxy| !proxy.is_empty());
    let Some(proxy) = own.or_else(|| proxy_of(server)) else { return Ok(None) };
    // The client treats both alike: the proxy resolves names.
    let url = proxy.strip_prefix("socks5h://").map(|rest| format!("socks5://{rest}"));
    let parsed = url.as_deref().unwrap_or(&proxy).parse();
    parsed.map(Some).map_err(|error| format!("the proxy `{proxy}` is no URL: {error}").into())
}

/// The client lets only plugins read files of certificates, with the same meaning.
fn authorities(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Cause> {
    let Some(bundle) = ExecAuthCluster::try_from(cluster)?.certificate_authority_data else { return Ok(None) };
    let certificates = pem::parse_many(bundle)?.into_iter().filter(|block| block.tag() == "CERTIFICATE");
    Ok(Some(certificates.map(pem::Pem::into_contents).collect()))
}

/// A user that does not exist is anonymous, as in kubectl.
fn user(read: &Kubeconfig, name: Option<&str>, cluster: &Cluster) -> Result<AuthInfo, Cause> {
    let named = read.auth_infos.iter().find(|named| Some(named.name.as_str()) == name);
    let mut user = named.and_then(|named| named.auth_info.clone()).unwrap_or_default();
    if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(cluster.try_into()?);
    }
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes 1, 2 and 3 as a certificate.
    const BUNDLE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFRSUQKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

    fn kubeconfig(cluster: &serde_json::Value) -> Kubeconfig {
        serde_json::from_value(serde_json::json!({
            "contexts": [{ "name": "lab", "context": { "cluster": "c", "user": "u", "namespace": "n" } }],
            "clusters": [{ "name": "c", "cluster": cluster }],
        }))
        .unwrap()
    }

    #[rstest::rstest]
    #[case::http("http://user:pass@10.0.0.9:3128", "http://user:pass@10.0.0.9:3128/")]
    #[case::socks("socks5://10.0.0.9:1080", "socks5://10.0.0.9:1080/")]
    #[case::socks_with_names("socks5h://10.0.0.9:1080", "socks5://10.0.0.9:1080/")]
    fn a_clusters_proxy_applies_to_every_server(#[case] proxy: &str, #[case] expected: &str) {
        for server in ["https://lab.example:6443", "https://127.0.0.1:6443"] {
            let read = kubeconfig(&serde_json::json!({ "server": server, "proxy-url": proxy }));
            assert_eq!(config(&read, "lab").unwrap().proxy_url.unwrap().to_string(), expected);
        }
    }

    #[test]
    fn the_contexts_cluster_and_user_are_used() {
        let read = kubeconfig(&serde_json::json!({
            "server": "https://lab.example",
            "certificate-authority-data": BUNDLE,
            "tls-server-name": "other.example",
            "insecure-skip-tls-verify": true,
        }));
        let config = config(&read, "lab").unwrap();
        assert_eq!(config.root_cert, Some(vec![vec![1, 2, 3]]));
        assert_eq!((config.default_namespace.as_str(), config.accept_invalid_certs), ("n", true));
        assert_eq!(config.tls_server_name.as_deref(), Some("other.example"));
    }

    #[rstest::rstest]
    #[case::none("", "no current context")]
    #[case::unknown("lap", "no context `lap`")]
    fn a_missing_context_is_named_in_the_error(#[case] context: &str, #[case] expected: &str) {
        let read = kubeconfig(&serde_json::json!({ "server": "https://lab.example" }));
        let error = config(&read, context).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
