//! The management service of an executor, called with its operator's signature, as steps use it: performers are listed, deployed and
//! removed.

use std::{collections::BTreeMap, fmt, time::Duration};

use hourglass_cluster::reach::Reached;
use hourglass_component::{
    auth, health,
    keys::{Address, EcdsaKey},
    timeout::timeout,
};
use hourglass_proto::services::v1::{
    DeployArtifactRequest, ListPerformersRequest, Performer, PerformerEnv, RemovePerformerRequest,
    executor_management_service_client::ExecutorManagementServiceClient,
};
use hourglass_scenario::{ComponentRef, GrpcCode};
use tokio::time::sleep;
use tonic::{Status, transport::Channel};

use super::{Ends, RuntimeError, performers::pauses};

/// The status of a performer that takes tasks, in the words of executors.
const IN_SERVICE: &str = "InService";

/// The address of an executor for this machine, as long as this is held.
#[derive(Debug)]
pub struct ExecutorAddress {
    /// The address, as `127.0.0.1:9090`.
    pub address: String,
    /// The connection that leads there, if there is none without it.
    pub(super) _forward: Option<Reached>,
}

/// Why a call was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code of the answer, or of what prevented one.
    pub code: GrpcCode,
    /// Its text.
    pub message: String,
    /// The executor did not answer within the time of the call, and may still do what it was asked.
    pub is_late: bool,
}

/// A performer, as its executor lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerformer {
    /// The executor's id of it.
    pub id: String,
    /// The id of its process, container or pod; empty if it has none.
    pub resource: String,
    /// Its role in the executor's words: `InService` or `Staged`.
    pub status: String,
    /// Whether its health service says SERVING.
    pub is_healthy: bool,
}

/// What is deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Repository and digest of an image; without it, the configured deployment is repeated.
    pub image: Option<(String, String)>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

/// The management service of the executor of one operator.
#[derive(Debug)]
pub struct ExecutorManagement {
    performer: ComponentRef,
    key: EcdsaKey,
    avs: Address,
    client: ExecutorManagementServiceClient<Channel>,
    ends: Ends,
    _address: ExecutorAddress,
}

/// A deployment or removal whose result is not known. If it is dropped before, no end of the performer counts any more.
#[derive(Debug)]
struct Replacement {
    ends: Ends,
    performer: ComponentRef,
    before: Vec<Vec<String>>,
    is_settled: bool,
}

impl ExecutorManagement {
    /// The service at an address, for the performers of `operator`'s executor and this AVS; `ends` learns which of them a call
    /// ends.
    pub fn new(
        address: ExecutorAddress,
        operator: &str,
        key: EcdsaKey,
        avs: Address,
        ends: Ends,
    ) -> Result<Self, RuntimeError> {
        let performer = ComponentRef::performer(operator);
        let channel = health::channel(&address.address).map_err(|source| RuntimeError::Health {
            component: ComponentRef::Executor(operator.to_owned()),
            source,
        })?;
        let client = ExecutorManagementServiceClient::new(channel);
        Ok(Self { performer, key, avs, client, ends, _address: address })
    }

    /// The performers of the AVS.
    pub async fn list(&self) -> Result<Vec<ListedPerformer>, Refusal> {
        let listed = listed(self.client.clone(), &self.key, format!("{:?}", self.avs)).await?;
        Ok(listed.into_iter().map(ListedPerformer::from).collect())
    }

    /// The ids of each performer of the AVS.
    async fn ids(&self) -> Result<Vec<Vec<String>>, Refusal> {
        Ok(self.list().await?.iter().map(ListedPerformer::ids).collect())
    }

    /// Waits until the executor lists what `done` finds; else returns what it listed last. No event tells of a change.
    pub async fn wait_until<T>(
        &self,
        within: Duration,
        mut done: impl FnMut(&[ListedPerformer]) -> Option<T>,
    ) -> Result<T, String> {
        let mut seen = "its executor has not answered".to_owned();
        let found = timeout(within, async {
            for pause in pauses() {
                match self.list().await {
                    Ok(performers) => {
                        if let Some(found) = done(&performers) {
                            return Some(found);
                        }
                        seen = described(&performers);
                    }
                    Err(refusal) => seen = format!("its executor says {refusal}"),
                }
                sleep(pause).await;
            }
            None
        });
        found.await.ok().flatten().ok_or(seen)
    }

    /// Deploys a performer, and waits until the executor says that it is in service. Its end within `within` is that of the
    /// wait: the executor may go on.
    pub async fn deploy(&self, deployment: &Deployment, within: Duration) -> Result<(), Refusal> {
        let replacement = self.begin().await?;
        let deployed = limited(within, async {
            let mut client = self.client.clone();
            let auth = auth::to_executor(&mut client, &self.key).await?;
            let (registry_url, digest) = deployment.image.clone().unwrap_or_default();
            let variable = |(name, value): (&String, &String)| PerformerEnv {
                name: name.clone(),
                value: value.clone(),
                ..PerformerEnv::default()
            };
            let env = deployment.environment.iter().map(variable).collect();
            let avs_address = format!("{:?}", self.avs);
            let request = DeployArtifactRequest { avs_address, registry_url, digest, env, auth, kubernetes: None };
            client.deploy_artifact(request).await.map(tonic::Response::into_inner)
        });
        let deployed = deployed.await;
        self.settle(replacement, deployed.as_ref().is_ok_and(|answer| answer.success)).await;
        let answer = deployed?;
        succeeded(answer.success, answer.message)
    }

    /// Removes a performer, and waits until it has ended.
    pub async fn remove(&self, id: &str, within: Duration) -> Result<(), Refusal> {
        let replacement = self.begin().await?;
        let removed = limited(within, async {
            let mut client = self.client.clone();
            let auth = auth::to_executor(&mut client, &self.key).await?;
            let request = RemovePerformerRequest { performer_id: id.to_owned(), auth };
            client.remove_performer(request).await.map(tonic::Response::into_inner)
        });
        let removed = removed.await;
        self.settle(replacement, false).await;
        let answer = removed?;
        succeeded(answer.success, answer.message)
    }

    async fn begin(&self) -> Result<Replacement, Refusal> {
        let before = self.ids().await?;
        self.ends.begin_replacement(&self.performer, &before);
        Ok(Replacement { ends: self.ends.clone(), performer: self.performer.clone(), before, is_settled: false })
    }

    /// The executor has answered: what it lists now must run. One that does not answer any more has the performers that it had.
    async fn settle(&self, mut replacement: Replacement, started: bool) {
        let staying = self.ids().await.unwrap_or_else(|_| std::mem::take(&mut replacement.before));
        replacement.is_settled = true;
        replacement.ends.settle_replacement(&replacement.performer, Some(&staying), started);
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_settled {
            self.ends.settle_replacement(&self.performer, None, false);
        }
    }
}

impl ListedPerformer {
    /// Whether it takes tasks.
    pub fn is_in_service(&self) -> bool {
        self.status == IN_SERVICE
    }

    /// The ids under which its end may be reported.
    fn ids(&self) -> Vec<String> {
        [&self.id, &self.resource].into_iter().filter(|id| !id.is_empty()).cloned().collect()
    }
}

impl From<Performer> for ListedPerformer {
    fn from(performer: Performer) -> Self {
        let Performer { performer_id: id, container_id: resource, status, application_healthy, .. } = performer;
        Self { id, resource, status, is_healthy: application_healthy }
    }
}

impl fmt::Display for ListedPerformer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = if self.is_healthy { "healthy" } else { "not healthy" };
        write!(formatter, "{} with status {}, {health}", self.id, self.status)
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self { code: GrpcCode::from_number(status.code() as i32), message: status.message().to_owned(), is_late: false }
    }
}

impl Refusal {
    /// Whether the executor has refused with this code.
    pub fn has(&self, code: GrpcCode) -> bool {
        self.code == code && !self.is_late
    }

    /// What happened to the call, in a sentence.
    pub fn described(&self) -> String {
        if self.is_late { self.message.clone() } else { format!("its executor refuses it with {self}") }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

/// The performers of an executor, in a sentence.
fn described(performers: &[ListedPerformer]) -> String {
    let all: Vec<_> = performers.iter().map(ToString::to_string).collect();
    if all.is_empty() {
        "its executor has no performer".to_owned()
    } else {
        format!("its executor has {}", all.join("; "))
    }
}

/// All performers of an executor; of one AVS, if its address is not empty.
pub(super) async fn listed(
    mut client: ExecutorManagementServiceClient<Channel>,
    key: &EcdsaKey,
    avs_address: String,
) -> Result<Vec<Performer>, Status> {
    let auth = auth::to_executor(&mut client, key).await?;
    let answer = health::answered(client.list_performers(ListPerformersRequest { avs_address, auth })).await?;
    Ok(answer.into_inner().performers)
}

async fn limited<T>(within: Duration, call: impl Future<Output = Result<T, Status>>) -> Result<T, Refusal> {
    let late = || {
        let message = format!("no answer within {}", humantime::format_duration(within));
        Refusal { code: GrpcCode::DeadlineExceeded, message, is_late: true }
    };
    timeout(within, call).await.map_err(|_| late())?.map_err(Refusal::from)
}

/// The protocol has a flag beside the codes of gRPC; a server that only clears it has refused for a reason without code.
fn succeeded(success: bool, message: String) -> Result<(), Refusal> {
    if success { Ok(()) } else { Err(Refusal { code: GrpcCode::Unknown, message, is_late: false }) }
}
