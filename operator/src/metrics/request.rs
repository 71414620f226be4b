//! A request to the API server in the terms of its access control: verb, group and resource.

use http::{Method, Uri};
use prometheus_client::encoding::EncodeLabelSet;

/// A request to the API server. A path that belongs to no resource, such as `/version`, is its own resource in no
/// group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ApiRequest {
    /// As in a role: get, list, watch, create, update, patch, delete, deletecollection.
    pub(crate) verb: String,
    /// API group, empty for the core.
    pub(crate) group: String,
    /// Plural name, with the subresource after a slash.
    pub(crate) resource: String,
}

impl ApiRequest {
    /// The request with this method to this address.
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let group = match (parts.next(), parts.next(), path) {
            (Some("api"), Some(_), _) => String::new(),
            (Some("apis"), Some(group), _) if parts.next().is_some() => group.to_owned(),
            _ => return Self { verb: method.as_str().to_lowercase(), group: String::new(), resource: path.to_owned() },
        };
        let rest: Vec<_> = parts.collect();
        let rest = match rest.as_slice() {
            ["namespaces", _, resource @ ..] if !resource.is_empty() => resource,
            all => all,
        };
        let resource = match rest {
            [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
            [resource, ..] => (*resource).to_owned(),
            [] => path.to_owned(),
        };
        let verb = verb(method, rest.len() > 1, uri.query().unwrap_or_default());
        Self { verb: verb.to_owned(), group, resource }
    }
}

fn verb(method: &Method, named: bool, query: &str) -> &'static str {
    let watch = query.split('&').any(|parameter| matches!(parameter, "watch=true" | "watch=1"));
    match (method, named) {
        (&Method::GET, true) => "get",
        (&Method::GET, false) if watch => "watch",
        (&Method::GET, false) => "list",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "delete",
        (&Method::DELETE, false) => "deletecollection",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Method::GET, "/api/v1/namespaces/n/pods?", "list", "", "pods")]
    #[case(Method::GET, "/api/v1/pods?&labelSelector=a&watch=true&timeoutSeconds=290", "watch", "", "pods")]
    #[case(Method::GET, "/api/v1/namespaces/n", "get", "", "namespaces")]
    #[case(Method::POST, "/apis/events.k8s.io/v1/namespaces/n/events", "create", "events.k8s.io", "events")]
    #[case(Method::PATCH, "/apis/apps/v1/namespaces/n/deployments/d?fieldManager=m", "patch", "apps", "deployments")]
    #[case(Method::PATCH, "/apis/g.io/v1/namespaces/n/performers/p/status", "patch", "g.io", "performers/status")]
    #[case(
        Method::PUT,
        "/apis/coordination.k8s.io/v1/namespaces/n/leases/l",
        "update",
        "coordination.k8s.io",
        "leases"
    )]
    #[case(Method::DELETE, "/api/v1/namespaces/n/pods", "deletecollection", "", "pods")]
    #[case(Method::GET, "/version", "get", "", "/version")]
    #[case(Method::GET, "/apis", "get", "", "/apis")]
    fn requests_are_named_as_in_a_role(
        #[case] method: Method,
        #[case] uri: &str,
        #[case] verb: &str,
        #[case] group: &str,
        #[case] resource: &str,
    ) {
        let request = ApiRequest::of(&method, &uri.parse().unwrap());
        assert_eq!((&*request.verb, &*request.group, &*request.resource), (verb, group, resource), "{method} {uri}");
    }
}
