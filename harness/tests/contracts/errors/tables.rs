//! `OperatorTableUpdater`: roots, tables under them, the generator.

use ethers::types::{Bytes, H256};
use hourglass_proto::contracts::bindings as b;

use crate::{
    fixture::Fixture,
    run::{Case, case, send},
    support::{Call, confirm, leaf},
};

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [roots(fixture), tables(fixture), proofs(fixture), administration(fixture)].into_iter().flatten().collect()
}

fn roots(fixture: &Fixture) -> Vec<Case> {
    let updater = &fixture.contracts.updater;
    let root = H256::repeat_byte(3);
    let forged = updater.confirm_global_table_root(b::Bn254Certificate::default(), root.0, fixture.reference + 1, 1);
    vec![
        case(
            "OperatorTableUpdater.GlobalTableRootInFuture",
            fixture.app(),
            confirm(updater, root, fixture.reference + 10_000_000, 1),
        ),
        case("OperatorTableUpdater.GlobalTableRootStale", fixture.app(), confirm(updater, root, fixture.reference, 1)),
        case("OperatorTableUpdater.InvalidMessageHash", fixture.app(), forged),
    ]
}

/// Updates `table` with its own root, which must be that of `after`.
fn update(fixture: &Fixture, table: &Bytes, after: u32) -> Call<()> {
    update_under(fixture, leaf(table), table, after, 0, &[])
}

fn update_under(fixture: &Fixture, root: H256, table: &Bytes, after: u32, index: u32, proof: &[u8]) -> Call<()> {
    let proof = Bytes::from(proof.to_vec());
    fixture.contracts.updater.update_operator_table(fixture.reference + after, root.0, index, proof, table.clone())
}

fn tables(fixture: &Fixture) -> Vec<Case> {
    let (first, second) = (fixture.table(&fixture.set, 1000), fixture.table(&fixture.set, 2000));
    let (one, two) = (leaf(&first), leaf(&second));
    let generators = fixture.table(&b::OperatorSet { avs: fixture.deployer(), id: 0 }, 0);
    let curveless = fixture.table_of(&fixture.set, 0, 0, Vec::new());
    let both = || [fixture.confirm(one, 1), fixture.confirm(two, 2)];
    let later_first = send(&fixture.accounts.deployer, update(fixture, &second, 2));
    vec![
        case("OperatorTableUpdater.InvalidRoot", fixture.app(), update(fixture, &first, 1)),
        case("OperatorTableUpdater.InvalidOperatorSet", fixture.app(), update(fixture, &generators, 1))
            .after([fixture.confirm(leaf(&generators), 1)]),
        case("OperatorTableUpdater.InvalidCurveType", fixture.app(), update(fixture, &curveless, 1))
            .after([fixture.confirm(leaf(&curveless), 1)]),
        case(
            "OperatorTableUpdater.InvalidCurveType",
            fixture.app(),
            fixture.contracts.updater.get_certificate_verifier(0),
        ),
        case("OperatorTableUpdater.TableUpdateForPastTimestamp", fixture.app(), update(fixture, &first, 1))
            .after(both())
            .after([later_first]),
        case("OperatorTableUpdater.InvalidGlobalTableRoot", fixture.app(), update(fixture, &first, 2)).after(both()),
    ]
}

fn proofs(fixture: &Fixture) -> Vec<Case> {
    let table = fixture.table(&fixture.set, 1000);
    let root = leaf(&table);
    let confirmed = || [fixture.confirm(root, 1)];
    let other = fixture.table(&fixture.set, 2000);
    vec![
        case(
            "OperatorTableUpdater.InvalidOperatorSetProof",
            fixture.app(),
            update_under(fixture, root, &other, 1, 0, &[]),
        )
        .after(confirmed()),
        case(
            "OperatorTableUpdater.InvalidProofLength",
            fixture.app(),
            update_under(fixture, root, &table, 1, 0, &[0; 31]),
        )
        .after(confirmed()),
        case("OperatorTableUpdater.InvalidIndex", fixture.app(), update_under(fixture, root, &table, 1, 2, &[0; 32]))
            .after(confirmed()),
        case("OperatorTableUpdater.EmptyRoot", fixture.app(), update_under(fixture, H256::zero(), &table, 1, 0, &[]))
            .after([fixture.confirm(H256::zero(), 1)]),
    ]
}

fn administration(fixture: &Fixture) -> Vec<Case> {
    let updater = &fixture.contracts.updater;
    let owner = fixture.deployer();
    let generator = b::OperatorSet { avs: owner, id: 0 };
    let info = b::Bn254OperatorSetInfo::default;
    let bn254 = fixture.other(7);
    let root = fixture.bn254_table(&bn254, 0);
    let hash = ethers::utils::keccak256("GENERATOR_GLOBAL_TABLE_ROOT");
    vec![
        case("OperatorTableUpdater.InvalidRoot", owner, updater.disable_root([9; 32])),
        case("OperatorTableUpdater.CannotDisableGeneratorRoot", owner, updater.disable_root(hash)),
        case("OperatorTableUpdater.InvalidGenerator", owner, updater.update_generator(generator, info())),
        case("OperatorTableUpdater.InvalidGenerator", owner, updater.update_generator(bn254, info()))
            .after(fixture.transport(&root, 1)),
        case(
            "OperatorTableUpdater.InvalidConfirmationThreshold",
            owner,
            updater.set_global_root_confirmation_threshold(10_001),
        ),
    ]
}
