//! Whether a verified task was verified as it must be: once, with the right result, by operators of enough weight.

use std::collections::BTreeSet;

use hourglass_component::chain::{TaskStatus, VerifiedTask};
use hourglass_proto::{certificate::EcdsaCertificate, contracts::addresses::ECDSA_CERTIFICATE_VERIFIER, messages};

use super::{
    failure::StepFailure,
    world::{TrackedTask, World},
};
use crate::scenario::{ExpectVerified, Scenario};

/// What is wrong with a verified task: what was expected, and what is so instead.
pub(super) struct Finding {
    pub expected: String,
    pub seen: String,
}

/// Judges a task that the chain says is verified, by everything that the chain holds about it.
pub(super) async fn judge(
    world: &World,
    task: &TrackedTask,
    expect: &ExpectVerified,
) -> Result<Option<Finding>, StepFailure> {
    let client = world.environment.chain(task.chain).client();
    let head = client.head().await?;
    let from = world.environment.start_of(task.chain).min(head.number);
    let verified = client.tasks_verified(from, head.number).await?;
    let verified: Vec<_> = verified.into_iter().filter(|verified| verified.task == task.record.task).collect();
    let [verified] = verified.as_slice() else {
        return Ok(Some(finding("exactly one TaskVerified", format!("{} of them", verified.len()))));
    };
    let status = client.task_status(task.record.task).await?;
    if status != TaskStatus::Verified {
        return Ok(Some(finding("status VERIFIED on chain", format!("{status:?}"))));
    }
    Ok(result(expect, verified).or_else(|| certificate(world, expect, verified)))
}

fn result(expect: &ExpectVerified, verified: &VerifiedTask) -> Option<Finding> {
    let expected = expect.result_bytes()?;
    if expected == verified.result {
        return None;
    }
    Some(finding(format!("result {}", readable(&expected)), format!("result {}", readable(&verified.result))))
}

fn certificate(world: &World, expect: &ExpectVerified, verified: &VerifiedTask) -> Option<Finding> {
    let certificate = match EcdsaCertificate::decode(&verified.certificate) {
        Ok(certificate) => certificate,
        Err(error) => return Some(finding("an ECDSA certificate", error.to_string())),
    };
    let hash = messages::message_hash(verified.task, &verified.result);
    if certificate.message_hash != hash {
        return Some(finding(
            format!("a certificate over {hash:?}"),
            format!("one over {:?}", certificate.message_hash),
        ));
    }
    let signers = match certificate.signers(ECDSA_CERTIFICATE_VERIFIER) {
        Ok(signers) => signers,
        Err(error) => return Some(finding("signatures in ascending order of their signers", error.to_string())),
    };
    let unknown = signers.iter().find(|signer| world.environment.accounts.operator(**signer).is_none());
    if let Some(unknown) = unknown {
        return Some(finding("signers that are operators of the set", format!("a signature of {unknown:?}")));
    }
    let names: BTreeSet<_> = signers.iter().map(|signer| world.name_of(*signer)).collect();
    weight(&world.scenario, &names).or_else(|| wanted(expect, &names))
}

/// The contract checks this too; a user's own contracts might not.
fn weight(scenario: &Scenario, signers: &BTreeSet<String>) -> Option<Finding> {
    let total = scenario.topology.total_weight();
    let signed = scenario.topology.operators.iter().filter(|operator| signers.contains(&operator.name));
    let signed: u128 = signed.map(|operator| u128::from(operator.weight)).sum();
    let threshold = total * u128::from(scenario.topology.threshold) / 10_000;
    if signed >= threshold {
        return None;
    }
    Some(finding(format!("signers of at least {threshold} of {total}"), format!("{} with {signed}", list(signers))))
}

fn wanted(expect: &ExpectVerified, signers: &BTreeSet<String>) -> Option<Finding> {
    let missing = expect.signed_by.iter().find(|name| !signers.contains(*name));
    let unwanted = expect.not_signed_by.iter().find(|name| signers.contains(*name));
    let seen = || format!("signed by {}", list(signers));
    match (missing, unwanted) {
        (Some(name), _) => Some(finding(format!("a signature of {name}"), seen())),
        (None, Some(name)) => Some(finding(format!("no signature of {name}"), seen())),
        (None, None) => None,
    }
}

fn finding(expected: impl Into<String>, seen: impl Into<String>) -> Finding {
    Finding { expected: expected.into(), seen: seen.into() }
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// Bytes as text where they are printable, else in hexadecimal.
pub(super) fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(|character| !character.is_control()) => format!("{text:?}"),
        _ => format!("0x{} ({} bytes)", hex::encode(bytes), bytes.len()),
    }
}
