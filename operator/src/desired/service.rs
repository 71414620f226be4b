//! The Service: one name and one port for whichever pod is ready.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{labels, metadata};
use crate::api::{PORT_NAME, Performer};

/// The Service in front of `performer`. Its port is found in each pod by name, so that pods of another port serve until
/// they are replaced.
pub fn service(performer: &Performer) -> Service {
    Service {
        metadata: metadata(performer),
        spec: Some(ServiceSpec {
            ports: Some(vec![ServicePort {
                // The value that Kubernetes defines for gRPC without TLS.
                app_protocol: Some("kubernetes.io/h2c".to_owned()),
                name: Some(PORT_NAME.to_owned()),
                port: performer.grpc_port().into(),
                // Server-side apply identifies ports by number and protocol.
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                ..ServicePort::default()
            }]),
            publish_not_ready_addresses: Some(false),
            selector: Some(labels::selector(performer)),
            type_: Some("ClusterIP".to_owned()),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
