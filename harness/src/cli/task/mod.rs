//! `harness task`: creates and shows tasks of a running devnet.
//!
//! `client` talks to its chains, `document` says what a task is.

mod client;
pub(super) mod document;

use std::time::Duration;

use hourglass_base::ExitStatus;
use hourglass_component::{chain::TaskStatus, keys::H256};
use hourglass_scenario::Chain;

use super::{
    CliError, Output,
    devnet::{DevnetError, document::DevnetDocument, find::find},
    format::Format,
    list::json,
    notice,
    values::duration,
};
use client::TaskClient;
use document::TaskDocument;

/// Tasks of a running devnet
#[derive(Debug, clap::Subcommand)]
pub enum TaskCommand {
    /// Creates a task, and writes its hash
    Create(CreateArgs),
    /// Creates a task, waits until it is verified, and writes its result
    ///
    /// Exit codes: 0 it was verified; 1 it was not in time, it expired, or the mailbox refused it; 3 a chain does not answer.
    Call(CallArgs),
    /// Shows a task: its status, creator, deadline, payload, result and certificate
    Show(ShowTaskArgs),
}

/// The arguments of `harness task create`.
#[derive(Debug, Clone, clap::Args)]
pub struct CreateArgs {
    /// What the performers get
    #[command(flatten)]
    pub new: NewTaskArgs,
    /// Which devnet, and how to write
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The arguments of `harness task call`.
#[derive(Debug, Clone, clap::Args)]
pub struct CallArgs {
    /// What the performers get
    #[command(flatten)]
    pub new: NewTaskArgs,
    /// How long it may take until it is verified
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub within: Duration,
    /// Which devnet, and how to write
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The arguments of `harness task show`.
#[derive(Debug, Clone, clap::Args)]
pub struct ShowTaskArgs {
    /// The hash of the task
    #[arg(value_name = "TASK", value_parser = hash)]
    pub task: H256,
    /// The chain that it is on [default: the one that knows it]
    #[arg(long, value_enum)]
    pub chain: Option<Chain>,
    /// Which devnet, and how to write
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A task to create.
#[derive(Debug, Clone, clap::Args)]
pub struct NewTaskArgs {
    /// What the performers get: text as it is written, or bytes with --payload-hex
    #[arg(value_name = "PAYLOAD")]
    pub payload: String,
    /// The payload is in hexadecimal, with or without 0x
    #[arg(long)]
    pub payload_hex: bool,
    /// The chain that it is created on
    #[arg(long, value_enum, default_value_t)]
    pub chain: Chain,
}

/// Which devnet, and how to write.
#[derive(Debug, Clone, clap::Args)]
pub struct CommonArgs {
    /// The devnet, by its run id or the beginning of it [default: the only one that is running]
    #[arg(long, value_name = "RUN", env = "HARNESS_DEVNET")]
    pub devnet: Option<String>,
    /// How to write it. JSON has `version`, `devnet`, `chain`, `chain_id`, `task`, `status`, `creator`, `created`, `deadline`,
    /// `avs`, `operator_set`, `payload`, `result`, `certificate` and `signers`; `harness schema task` describes it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs a command, and writes to `out` what came of it.
pub async fn run(command: &TaskCommand, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    match command {
        TaskCommand::Create(args) => create(args, out).await,
        TaskCommand::Call(args) => call(args, out).await,
        TaskCommand::Show(args) => show(args, out).await,
    }
}

async fn create(CreateArgs { new, common }: &CreateArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let payload = new.bytes()?;
    let devnet = common.devnet()?;
    let client = TaskClient::connect(&devnet, new.chain).await?;
    let task = client.create(payload).await?;
    match common.format {
        Format::Text => writeln!(out, "{task:?}")?,
        Format::Json => {
            let info = client.info(task).await?.ok_or_else(|| unknown(&devnet, Some(new.chain), task))?;
            json(&TaskDocument::of(&devnet, new.chain, task, &info), out)?;
        }
    }
    Ok(ExitStatus::Passed)
}

async fn call(CallArgs { new, within, common }: &CallArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let payload = new.bytes()?;
    let devnet = common.devnet()?;
    let client = TaskClient::connect(&devnet, new.chain).await?;
    let task = client.create(payload).await?;
    let info = client.ended(task, *within).await?.ok_or_else(|| unknown(&devnet, Some(new.chain), task))?;
    common.write(&TaskDocument::of(&devnet, new.chain, task, &info), out)?;
    let how = match info.status {
        TaskStatus::Verified => return Ok(ExitStatus::Passed),
        TaskStatus::Expired => "has expired without a result".to_owned(),
        _ => format!("was not verified within {}", humantime::format_duration(*within)),
    };
    notice(&format!("task {task:?} {how}; what the components say about it is in {}/logs", devnet.folder));
    Ok(ExitStatus::Failed)
}

async fn show(
    ShowTaskArgs { task, chain, common }: &ShowTaskArgs,
    out: &mut impl Output,
) -> Result<ExitStatus, CliError> {
    let devnet = common.devnet()?;
    let chains = chain.map_or_else(|| vec![Chain::L2, Chain::L1], |chain| vec![chain]);
    for chain in chains {
        if let Some(info) = TaskClient::connect(&devnet, chain).await?.info(*task).await? {
            common.write(&TaskDocument::of(&devnet, chain, *task, &info), out)?;
            return Ok(ExitStatus::Passed);
        }
    }
    Err(unknown(&devnet, *chain, *task).into())
}

fn unknown(devnet: &DevnetDocument, chain: Option<Chain>, task: H256) -> DevnetError {
    let chains = chain.map_or("either chain", Chain::as_str);
    DevnetError::UnknownTask { task, chains, devnet: devnet.run.clone() }
}

impl NewTaskArgs {
    fn bytes(&self) -> Result<Vec<u8>, CliError> {
        if !self.payload_hex {
            return Ok(self.payload.clone().into_bytes());
        }
        let digits = self.payload.strip_prefix("0x").unwrap_or(&self.payload);
        hex::decode(digits).map_err(|error| {
            CliError::Usage(format!(
                "failed to read the payload as hexadecimal: {error}; two digits a byte are expected, such as 0x04ff"
            ))
        })
    }
}

impl CommonArgs {
    fn devnet(&self) -> Result<DevnetDocument, CliError> {
        find(self.devnet.as_deref())
    }

    fn write(&self, task: &TaskDocument, out: &mut impl Output) -> Result<(), CliError> {
        match self.format {
            Format::Json => json(task, out),
            Format::Text => Ok(write!(out, "{}", task.text())?),
        }
    }
}

fn hash(text: &str) -> Result<H256, String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
        .map_err(|_| "it is no hash: 64 hexadecimal digits are expected, with or without 0x".to_owned())?;
    Ok(H256(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::text("0x04", false, Ok(vec![48, 120, 48, 52]))]
    #[case::hexadecimal("0x04ff", true, Ok(vec![4, 255]))]
    #[case::without_prefix("04FF", true, Ok(vec![4, 255]))]
    #[case::odd("0x4", true, Err("Odd number of digits"))]
    #[case::no_digit("0xzz", true, Err("Invalid character"))]
    fn a_payload_is_text_or_bytes(
        #[case] payload: &str,
        #[case] payload_hex: bool,
        #[case] expected: Result<Vec<u8>, &str>,
    ) {
        let new = NewTaskArgs { payload: payload.to_owned(), payload_hex, chain: Chain::L2 };
        match (new.bytes(), expected) {
            (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (bytes, expected) => panic!("{bytes:?} in place of {expected:?}"),
        }
    }
}
