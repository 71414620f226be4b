//! Chains as pods, for clusters whose network containers of this machine cannot join: each is a pod with a Service,
//! which the harness reaches through the API server. Their state is sent to them when they run, because it is too large
//! for an object.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hourglass_chain::{AnvilBinary, ChainControl, POLL_INTERVAL, PreparedState, READY_WITHIN, anvil_arguments};
use hourglass_cluster::{
    ChosenCluster, PodImage, metadata_of,
    reach::{Reached, ServiceRef, forward},
};
use hourglass_component::{causes::with_causes, chain::ChainClient, timeout::timeout};
use hourglass_image::ImageRole;
use hourglass_proto::contracts::addresses as at;
use hourglass_reaper::Labels;
use hourglass_scenario::ComponentLimits;
use k8s_openapi::api::core::v1::{Pod, Service};
use serde_json::json;
use tokio::{fs, time::sleep};

use super::{
    config::resources,
    names::Selector,
    pods::{Unready, Wanted},
    trial_namespace::{PART_LABEL, TrialNamespace},
};
use crate::{Chains, RuntimeError, performers::pauses};

const PORT: u16 = 8545;
const CACHE: &str = "/tmp/anvil";
/// The user of the image.
const USER: i64 = 65532;

/// The chains of one trial.
#[derive(Debug)]
pub(super) struct ChainPods {
    cluster: Arc<ChosenCluster>,
    trial_namespace: TrialNamespace,
    anvil: AnvilBinary,
    labels: Labels,
    /// The connections to them, which end when this is dropped.
    reached: Mutex<BTreeMap<u64, Reached>>,
}

impl ChainPods {
    pub(super) fn new(
        cluster: Arc<ChosenCluster>,
        trial_namespace: TrialNamespace,
        anvil: AnvilBinary,
        labels: Labels,
    ) -> Self {
        Self { cluster, trial_namespace, anvil, labels, reached: Mutex::default() }
    }

    pub(super) async fn start(&self, state: &PreparedState) -> Result<Chains, RuntimeError> {
        let image = PodImage::of_harness(&self.cluster, ImageRole::Anvil, &self.anvil.path).await?;
        let (l1, l2) = tokio::try_join!(
            self.start_one(at::L1_CHAIN_ID, &state.l1, &image),
            self.start_one(at::L2_CHAIN_ID, &state.l2, &image)
        )?;
        Ok(Chains { l1, l2 })
    }

    /// The URL of a chain for pods.
    pub(super) fn url(&self, chain_id: u64) -> String {
        format!("http://{}.{}.svc.cluster.local:{PORT}", name(chain_id), self.trial_namespace.namespace)
    }

    pub(super) fn endpoints(&self) -> BTreeMap<String, String> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached
            .iter()
            .map(|(chain_id, reached)| (format!("chain {chain_id}"), format!("http://{}", reached.address)))
            .collect()
    }

    pub(super) async fn stop(&self) -> Result<(), RuntimeError> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for chain_id in [at::L1_CHAIN_ID, at::L2_CHAIN_ID] {
            pod_of(chain_id).delete(&self.trial_namespace, Duration::ZERO, READY_WITHIN).await?;
        }
        Ok(())
    }

    async fn start_one(&self, chain_id: u64, state: &Path, image: &PodImage) -> Result<ChainControl, RuntimeError> {
        let name = name(chain_id);
        let (mut labels, annotations) = metadata_of(self.labels.to_map());
        labels.insert(PART_LABEL.to_owned(), name.clone());
        let metadata = json!({ "name": name, "labels": labels, "annotations": annotations });
        let arguments = anvil_arguments("0.0.0.0", PORT, chain_id, Path::new(CACHE), None);
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let container = json!({
            "name": "anvil",
            "image": image.reference,
            "imagePullPolicy": image.policy.as_str(),
            "args": arguments,
            "ports": [{ "name": "rpc", "containerPort": PORT }],
            "readinessProbe": { "tcpSocket": { "port": PORT }, "periodSeconds": 1 },
            "resources": resources(ComponentLimits::CHAIN),
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
            },
            "volumeMounts": [{ "name": "temporary", "mountPath": "/tmp" }],
        });
        let spec = json!({
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [container],
            "volumes": [{ "name": "temporary", "emptyDir": {} }],
        });
        let service = json!({
            "metadata": metadata,
            "spec": { "selector": { PART_LABEL: name }, "ports": [{ "name": "rpc", "port": PORT, "targetPort": "rpc" }] },
        });
        let pod = json!({ "metadata": metadata, "spec": spec });
        tokio::try_join!(self.trial_namespace.apply::<Service>(&service), self.trial_namespace.apply::<Pod>(&pod))?;
        let not_ready = |reason: String| RuntimeError::ChainNotReady {
            chain_id,
            container: name.clone(),
            reason,
            output: format!("  (see {name}.log)"),
        };
        pod_of(chain_id).ready(&self.trial_namespace, READY_WITHIN).await.map_err(|error| match error {
            Unready::Cluster(error) => error.into(),
            other => not_ready(other.to_string()),
        })?;
        let service = ServiceRef::new(&self.trial_namespace.namespace, &name, PORT);
        let reached = forward(&self.trial_namespace.cluster, &service, READY_WITHIN).await?;
        let url = format!("http://{}", reached.address);
        let control = ChainControl::new(connect(&url, chain_id).await.map_err(not_ready)?);
        let state = fs::read(state).await.map_err(|source| RuntimeError::File { path: state.to_owned(), source })?;
        control.load(&state).await?;
        control.mine_instantly().await?;
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).insert(chain_id, reached);
        Ok(control)
    }
}

/// A connection, as soon as the chain answers; else the last observed error. No event tells when a port opens.
async fn connect(url: &str, chain_id: u64) -> Result<ChainClient, String> {
    let mut seen = "no answer".to_owned();
    let connected = timeout(READY_WITHIN, async {
        for pause in pauses() {
            match ChainClient::connect(url, chain_id, POLL_INTERVAL).await {
                Ok(client) => return Some(client),
                Err(error) => seen = with_causes(&error),
            }
            sleep(pause).await;
        }
        None
    });
    connected.await.ok().flatten().ok_or(seen)
}

fn name(chain_id: u64) -> String {
    format!("chain-{chain_id}")
}

fn pod_of(chain_id: u64) -> Wanted {
    Wanted::new(Selector::of_part(&name(chain_id)).to_string(), 1)
}
