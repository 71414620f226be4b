//! Which Service is meant, and which port of it.

use std::fmt;

use k8s_openapi::api::core::v1::{Service, ServicePort};
use kube::Api;

use super::ReachError;
use crate::{Cluster, ClusterError};

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The port.
    pub port: PortRef,
}

/// A port by its number or its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortRef {
    /// The Service's own port number, not the pods'.
    Number(u16),
    /// The name that the Service gives it.
    Name(String),
}

impl From<u16> for PortRef {
    fn from(number: u16) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for PortRef {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl ServiceRef {
    /// A port of a Service.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, port: impl Into<PortRef>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), port: port.into() }
    }

    /// The Service as it is.
    pub(super) async fn get(&self, cluster: &Cluster) -> Result<Service, ReachError> {
        let api = Api::<Service>::namespaced(cluster.client.clone(), &self.namespace);
        let found = api.get_opt(&self.name).await.map_err(ClusterError::api(&cluster.name, format!("get {self}")))?;
        found.ok_or_else(|| ReachError::NoService { service: self.clone(), cluster: cluster.name.clone() })
    }

    /// The port of the Service as it is.
    pub(super) fn port_in(&self, service: &Service) -> Result<ServicePort, ReachError> {
        let ports = || service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
        let meant = |port: &&ServicePort| match &self.port {
            PortRef::Number(number) => port.port == i32::from(*number),
            PortRef::Name(name) => port.name.as_ref() == Some(name),
        };
        let missing = || {
            let has: Vec<_> = ports().map(described).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            ReachError::NoPort { service: self.clone(), has }
        };
        ports().find(meant).cloned().ok_or_else(missing)
    }
}

fn described(port: &ServicePort) -> String {
    match &port.name {
        Some(name) => format!("{} ({name})", port.port),
        None => port.port.to_string(),
    }
}

impl fmt::Display for ServiceRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "service {}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        serde_json::from_value(serde_json::json!({
            "metadata": {},
            "spec": { "ports": [{ "name": "grpc", "port": 9090, "nodePort": 30001 }, { "name": "web", "port": 80 }] },
        }))
        .unwrap()
    }

    #[test]
    fn a_port_is_found_by_number_and_by_name() {
        let port = |port: PortRef| ServiceRef { namespace: "n".into(), name: "s".into(), port }.port_in(&service());
        assert_eq!(port("grpc".into()).unwrap().port, 9090);
        assert_eq!(port(80.into()).unwrap().name.as_deref(), Some("web"));
        let missing = port(8080.into()).unwrap_err().to_string();
        assert_eq!(missing, "there is no port 8080 of service n/s, which has 9090 (grpc), 80 (web)");
    }
}
