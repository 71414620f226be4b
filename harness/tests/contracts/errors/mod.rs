//! Every custom error is provoked: a table of calls and of the actions before each, one file for each contract family.
//!
//! The table must have a row for every error of every contract's ABI, so an error without a test fails.

mod keys;
mod mailbox;
mod operators;
mod permissions;
mod registry;
mod releases;
mod slashing;
mod stake;
mod tables;
mod verifiers;

use std::collections::BTreeSet;

use hourglass_proto::contracts::{bindings as b, errors};

use super::{
    fixture::Fixture,
    run::{Case, provoke},
};

#[tokio::test]
async fn anvil_every_custom_error_is_provoked_by_name() {
    let fixture = Fixture::start().await;
    let cases: Vec<Case> = [
        mailbox::cases,
        verifiers::cases,
        tables::cases,
        keys::cases,
        operators::cases,
        slashing::cases,
        stake::cases,
        permissions::cases,
        releases::cases,
        registry::cases,
    ]
    .into_iter()
    .flat_map(|cases| cases(&fixture))
    .collect();

    let rows: BTreeSet<String> = cases.iter().map(|case| case.row.to_owned()).collect();
    assert_eq!(rows, declared(), "the rows of the table are the errors of the contracts' interfaces");
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| Some(row.split_once('.')?.1)).collect();
    assert_eq!(names, errors::names().into_iter().collect(), "every error that can be named is provoked");

    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(provoke(fixture.l1(), case).await);
    }
    assert!(wrong.is_empty(), "{} of {} calls:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// `Contract.Error` for every error of every interface.
fn declared() -> BTreeSet<String> {
    let contracts = [
        ("TaskMailbox", &b::TASKMAILBOX_ABI),
        ("ECDSACertificateVerifier", &b::ECDSACERTIFICATEVERIFIER_ABI),
        ("BN254CertificateVerifier", &b::BN254CERTIFICATEVERIFIER_ABI),
        ("OperatorTableUpdater", &b::OPERATORTABLEUPDATER_ABI),
        ("KeyRegistrar", &b::KEYREGISTRAR_ABI),
        ("AllocationManager", &b::ALLOCATIONMANAGER_ABI),
        ("DelegationManager", &b::DELEGATIONMANAGER_ABI),
        ("CrossChainRegistry", &b::CROSSCHAINREGISTRY_ABI),
        ("ECDSATableCalculator", &b::ECDSATABLECALCULATOR_ABI),
        ("BN254TableCalculator", &b::BN254TABLECALCULATOR_ABI),
        ("TaskAVSRegistrar", &b::TASKAVSREGISTRAR_ABI),
        ("AVSTaskHook", &b::AVSTASKHOOK_ABI),
        ("FeeToken", &b::FEETOKEN_ABI),
        ("PermissionController", &b::PERMISSIONCONTROLLER_ABI),
        ("StrategyManager", &b::STRATEGYMANAGER_ABI),
        ("StakeStrategy", &b::STAKESTRATEGY_ABI),
        ("ReleaseManager", &b::RELEASEMANAGER_ABI),
    ];
    let of = |(contract, abi): (&str, &ethers::abi::Abi)| {
        abi.errors.keys().map(|error| format!("{contract}.{error}")).collect::<Vec<_>>()
    };
    contracts.into_iter().flat_map(|(contract, abi)| of((contract, &**abi))).collect()
}
