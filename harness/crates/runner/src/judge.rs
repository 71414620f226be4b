//! Whether a verified task was verified as it must be: once, with the right result, by operators of enough weight.

use std::collections::BTreeSet;

use hourglass_component::{
    chain::{TaskStatus, VerifiedTask},
    keys::Address,
};
use hourglass_proto::{certificate::EcdsaCertificate, contracts::addresses::ECDSA_CERTIFICATE_VERIFIER, messages};
use hourglass_scenario::{ExpectVerified, Scenario};

use super::world::{TrackedTask, World};

/// What is wrong with a verified task: the expected and the observed state.
pub(super) struct Finding {
    pub expected: String,
    pub seen: String,
}

impl Finding {
    fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into() }
    }
}

/// Judges a task by its status and by every result that its chain has verified.
pub(super) fn judge(
    world: &World,
    expect: &ExpectVerified,
    task: &TrackedTask,
    status: TaskStatus,
    verified: &[VerifiedTask],
) -> Option<Finding> {
    let [verified] = verified else {
        return Some(Finding::new("exactly one TaskVerified", format!("{} of them", verified.len())));
    };
    if status != TaskStatus::Verified {
        return Some(Finding::new("status VERIFIED on chain", format!("{status:?}")));
    }
    result(expect, verified).or_else(|| certificate(world, expect, task, verified))
}

fn result(expect: &ExpectVerified, verified: &VerifiedTask) -> Option<Finding> {
    let expected = expect.expected_result()?;
    let seen = expected.mismatch(&verified.result)?;
    Some(Finding::new(expected.to_string(), seen))
}

fn certificate(world: &World, expect: &ExpectVerified, task: &TrackedTask, verified: &VerifiedTask) -> Option<Finding> {
    let certificate = match EcdsaCertificate::decode(&verified.certificate) {
        Ok(certificate) => certificate,
        Err(error) => return Some(Finding::new("an ECDSA certificate", error.to_string())),
    };
    let hash = messages::message_hash(verified.task, &verified.result);
    if certificate.message_hash != hash {
        let seen = format!("one over {:?}", certificate.message_hash);
        return Some(Finding::new(format!("a certificate over {hash:?}"), seen));
    }
    let signers = match certificate.signers(ECDSA_CERTIFICATE_VERIFIER) {
        Ok(signers) => signers,
        Err(error) => return Some(Finding::new("signatures in ascending order of their signers", error.to_string())),
    };
    let avs = task.avs.as_deref();
    let members = world.scenario.topology.members(avs);
    let accounts = &world.environment.accounts;
    // An operator signs for each of its AVSs with another key.
    let is_member = |signer: &Address| {
        let mut keys = members.iter().filter_map(|member| accounts.signing_key(&member.name, avs));
        keys.any(|key| key.address() == *signer)
    };
    if let Some(other) = signers.iter().find(|signer| !is_member(signer)) {
        let seen = match accounts.operator(*other) {
            Some(operator) if members.iter().any(|member| member.name == operator.name) => {
                format!("a signature of {} with its key for another AVS", operator.name)
            }
            Some(operator) => format!("a signature of {}", operator.name),
            None => format!("a signature of {other:?}"),
        };
        return Some(Finding::new("signers that are operators of the set", seen));
    }
    let names: BTreeSet<_> = signers.iter().map(|signer| world.name_of(*signer)).collect();
    weight(&world.scenario, avs, &names).or_else(|| wanted(expect, &names))
}

/// The contract checks this too; a user's own contracts might not.
fn weight(scenario: &Scenario, avs: Option<&str>, signers: &BTreeSet<String>) -> Option<Finding> {
    let topology = &scenario.topology;
    let total = topology.total_weight(avs);
    let signed = topology.members(avs).iter().filter(|operator| signers.contains(&operator.name));
    let signed: u128 = signed.map(|operator| u128::from(operator.weight)).sum();
    let threshold = total * u128::from(topology.threshold_of(avs)) / 10_000;
    if signed >= threshold {
        return None;
    }
    let seen = format!("{} with {signed}", list(signers));
    Some(Finding::new(format!("signers of at least {threshold} of {total}"), seen))
}

fn wanted(expect: &ExpectVerified, signers: &BTreeSet<String>) -> Option<Finding> {
    let missing = expect.signed_by.iter().find(|name| !signers.contains(*name));
    let unwanted = expect.not_signed_by.iter().find(|name| signers.contains(*name));
    let seen = || format!("signed by {}", list(signers));
    match (missing, unwanted) {
        (Some(name), _) => Some(Finding::new(format!("a signature of {name}"), seen())),
        (None, Some(name)) => Some(Finding::new(format!("no signature of {name}"), seen())),
        (None, None) => None,
    }
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}
