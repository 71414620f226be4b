//! The checks, and the remedy for each.

use std::fmt::Display;

use hourglass_base::{Check, RuntimeKind, Verdict};

/// One hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Topic {
    name: &'static str,
    remedy: &'static str,
}

pub(super) const API: Topic = Topic {
    name: "api-server",
    remedy: "see that the cluster runs (`harness cluster list`), and that the kubeconfig leads to it and is not out of date",
};
pub(super) const NAMESPACE: Topic = Topic {
    name: "namespace",
    remedy: "see that you may make namespaces (`kubectl auth can-i create namespaces`) and that kube-controller-manager runs",
};
pub(super) const IMAGE: Topic = Topic { name: "image", remedy: "see that the engine answers: `harness doctor`" };
pub(super) const PODS: Topic = Topic {
    name: "pods",
    remedy: "see the node's kubelet and containerd: `harness cluster logs`; a node that is full takes no pods",
};
pub(super) const COMMANDS: Topic = Topic {
    name: "pod-commands",
    remedy: "see that the API server reaches every node's kubelet (port 10250): commands, logs and port-forwards take that way",
};
pub(super) const POD_ADDRESS: Topic = Topic {
    name: "pod-address",
    remedy: "see that the cluster's network add-on runs on every node: `kubectl get pods -n kube-system -o wide`",
};
pub(super) const SERVICE_ADDRESS: Topic = Topic {
    name: "service-address",
    remedy: "see that kube-proxy, or what stands in for it, runs on every node: `kubectl get pods -n kube-system -o wide`",
};
pub(super) const SERVICE_NAME: Topic = Topic {
    name: "service-name",
    remedy: "see that cluster DNS runs and is reached: `kubectl get pods -n kube-system -l k8s-app=kube-dns`",
};
pub(super) const OUTSIDE_CONTAINER: Topic =
    Topic { name: "outside-container", remedy: "see what the engine says of containers on the cluster's network" };
pub(super) const OUTSIDE_ADDRESS: Topic = Topic {
    name: "outside-address",
    remedy: "see that nodes forward and masquerade what pods send: the rules of the engine's host and of the network add-on",
};
pub(super) const OUTSIDE_NAME: Topic = Topic {
    name: "outside-name",
    remedy: "see that cluster DNS forwards to the node's resolver, and that to the engine's: `kubectl get configmap coredns -n \
             kube-system -o yaml`, and /etc/resolv.conf of the node",
};
pub(super) const POLICY: Topic = Topic {
    name: "network-policy",
    remedy: "faults that cut components off have no effect: use a network add-on that enforces NetworkPolicies",
};
pub(super) const PORT_FORWARD: Topic = Topic {
    name: "port-forward",
    remedy: "see that the API server reaches every node's kubelet (port 10250), and that you may: `kubectl auth can-i create \
             pods/portforward`",
};
pub(super) const NODE_PORT: Topic = Topic {
    name: "node-port",
    remedy: "see that kube-proxy runs, and that this machine has a route to the nodes; port-forward does without",
};
pub(super) const VOLUMES: Topic = Topic {
    name: "volumes",
    remedy: "see that the default StorageClass and its provisioner work: `kubectl get storageclass`",
};
pub(super) const CLEAN_UP: Topic = Topic { name: "clean-up", remedy: "`harness gc` tries again" };

impl Topic {
    pub(super) fn ok(self, finding: impl Display) -> Check {
        self.check(Verdict::Ok, &finding, None)
    }

    pub(super) fn warning(self, finding: impl Display) -> Check {
        self.check(Verdict::Warning, &finding, Some(self.remedy.to_owned()))
    }

    pub(super) fn missing(self, finding: impl Display) -> Check {
        self.missing_with(finding, None)
    }

    /// With the remedy of the error itself, if it has one.
    pub(super) fn missing_with(self, finding: impl Display, remedy: Option<String>) -> Check {
        self.check(Verdict::Missing, &finding, Some(remedy.unwrap_or_else(|| self.remedy.to_owned())))
    }

    fn check(self, verdict: Verdict, finding: &dyn Display, remedy: Option<String>) -> Check {
        let finding = finding.to_string();
        Check { name: self.name, verdict, needed_by: &[RuntimeKind::Kubernetes], finding, remedy }
    }
}
