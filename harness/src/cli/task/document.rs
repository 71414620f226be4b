//! A task of a devnet as its mailbox has it.

use std::fmt::Write as _;

use hourglass_base::Version;
use hourglass_component::{
    chain::{TaskInfo, TaskStatus},
    keys::H256,
    text::readable,
};
use hourglass_scenario::Chain;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::devnet::document::DevnetDocument;

/// A task as its mailbox has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Task of a devnet")]
pub(in crate::cli) struct TaskDocument {
    version: Version<1>,
    /// The devnet, by its run id.
    devnet: String,
    /// The chain whose mailbox has it.
    chain: Chain,
    /// The id of that chain.
    chain_id: u64,
    /// The hash of the task.
    task: String,
    /// Its status.
    status: Status,
    /// The address of the account that created it.
    creator: String,
    /// Chain time of its creation, in seconds.
    created: u64,
    /// Last second of chain time in which a result counts.
    deadline: u64,
    /// The address of the AVS.
    avs: String,
    /// The operator set that executes it.
    operator_set: u32,
    /// What the performers get.
    payload: Content,
    /// Its result; null until it is verified.
    result: Option<Content>,
    /// The ABI encoding of its certificate, in hexadecimal; null until it is verified.
    certificate: Option<String>,
    /// Who signed the certificate; null if there is none, or none that can be decoded.
    signers: Option<Vec<Signer>>,
}

/// The status of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It waits for its result.
    Created,
    /// Its result is on the chain.
    Verified,
    /// Its deadline passed without a result.
    Expired,
    /// The mailbox does not know it.
    Unknown,
}

/// Bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Content {
    /// In hexadecimal.
    hex: String,
    /// As text; null if they are not printable.
    text: Option<String>,
}

/// Who signed a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Signer {
    /// The operator; null for a signer that is none of the devnet's.
    operator: Option<String>,
    /// The address.
    address: String,
}

impl TaskDocument {
    /// The document of a task.
    pub(super) fn of(devnet: &DevnetDocument, chain: Chain, task: H256, info: &TaskInfo) -> Self {
        let signers = info
            .signers()
            .map(|signers| signers.into_iter().map(|address| Signer::of(devnet, &format!("{address:?}"))));
        let is_verified = info.status == TaskStatus::Verified;
        Self {
            version: Version,
            devnet: devnet.run.clone(),
            chain,
            chain_id: devnet.chain(chain).chain_id,
            task: format!("{task:?}"),
            status: Status::of(info.status),
            creator: format!("{:?}", info.creator),
            created: info.created,
            deadline: info.deadline,
            avs: format!("{:?}", info.set.avs),
            operator_set: info.set.id,
            payload: Content::of(&info.payload),
            result: is_verified.then(|| Content::of(&info.result)),
            certificate: is_verified.then(|| format!("0x{}", hex::encode(&info.certificate))),
            signers: signers.map(Iterator::collect),
        }
    }

    /// For people: a line for each fact.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:11} {value}");
        };
        line("task", &format!("{} on {} of devnet {}", self.task, self.chain, self.devnet));
        line("status", self.status.word());
        line("creator", &self.creator);
        line("created", &format!("{} s of chain time", self.created));
        line("deadline", &format!("{} s of chain time", self.deadline));
        line("payload", &self.payload.shown());
        if let Some(result) = &self.result {
            line("result", &result.shown());
        }
        if let Some(signers) = &self.signers {
            let names = signers.iter().map(|signer| signer.operator.as_deref().unwrap_or(&signer.address));
            line("signed by", &names.collect::<Vec<_>>().join(", "));
        }
        if let Some(certificate) = &self.certificate {
            line("certificate", certificate);
        }
        text
    }
}

impl Status {
    fn of(status: TaskStatus) -> Self {
        match status {
            TaskStatus::None => Self::Unknown,
            TaskStatus::Created => Self::Created,
            TaskStatus::Verified => Self::Verified,
            TaskStatus::Expired => Self::Expired,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Verified => "VERIFIED",
            Self::Expired => "EXPIRED",
            Self::Unknown => "NONE",
        }
    }
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        let is_text = |text: &&str| !text.is_empty() && !text.chars().any(char::is_control);
        let text = std::str::from_utf8(bytes).ok().filter(is_text).map(str::to_owned);
        Self { hex: format!("0x{}", hex::encode(bytes)), text }
    }

    /// In hexadecimal, and as text if it is one.
    fn shown(&self) -> String {
        match &self.text {
            Some(text) => format!("{}  {}", self.hex, readable(text.as_bytes())),
            None => self.hex.clone(),
        }
    }
}

impl Signer {
    fn of(devnet: &DevnetDocument, address: &str) -> Self {
        Self { operator: devnet.operator(address).map(str::to_owned), address: address.to_owned() }
    }
}
