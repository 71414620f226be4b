//! `OperatorTableUpdater`: roots, tables under them, the generator.

use ethers::types::{Bytes, H256};
use hourglass_proto::contracts::bindings as b;

use crate::{
    run::{Case, case, send},
    support::{Call, confirm, leaf},
    world::World,
};

pub(crate) fn cases(world: &World) -> Vec<Case> {
    [roots(world), tables(world), proofs(world), administration(world)].into_iter().flatten().collect()
}

fn roots(world: &World) -> Vec<Case> {
    let updater = &world.contracts.updater;
    let root = H256::repeat_byte(3);
    let forged = updater.confirm_global_table_root(b::Bn254Certificate::default(), root.0, world.reference + 1, 1);
    vec![
        case(
            "OperatorTableUpdater.GlobalTableRootInFuture",
            world.app(),
            confirm(updater, root, world.reference + 10_000_000, 1),
        ),
        case("OperatorTableUpdater.GlobalTableRootStale", world.app(), confirm(updater, root, world.reference, 1)),
        case("OperatorTableUpdater.InvalidMessageHash", world.app(), forged),
    ]
}

/// Updates `table` with its own root, which must be that of `after`.
fn update(world: &World, table: &Bytes, after: u32) -> Call<()> {
    update_under(world, leaf(table), table, after, 0, &[])
}

fn update_under(world: &World, root: H256, table: &Bytes, after: u32, index: u32, proof: &[u8]) -> Call<()> {
    let proof = Bytes::from(proof.to_vec());
    world.contracts.updater.update_operator_table(world.reference + after, root.0, index, proof, table.clone())
}

fn tables(world: &World) -> Vec<Case> {
    let (first, second) = (world.table(&world.set, 1000), world.table(&world.set, 2000));
    let (one, two) = (leaf(&first), leaf(&second));
    let generators = world.table(&b::OperatorSet { avs: world.deployer(), id: 0 }, 0);
    let curveless = world.table_of(&world.set, 0, 0, Vec::new());
    let both = || [world.confirm(one, 1), world.confirm(two, 2)];
    let later_first = send(&world.accounts.deployer, update(world, &second, 2));
    vec![
        case("OperatorTableUpdater.InvalidRoot", world.app(), update(world, &first, 1)),
        case("OperatorTableUpdater.InvalidOperatorSet", world.app(), update(world, &generators, 1))
            .after([world.confirm(leaf(&generators), 1)]),
        case("OperatorTableUpdater.InvalidCurveType", world.app(), update(world, &curveless, 1))
            .after([world.confirm(leaf(&curveless), 1)]),
        case("OperatorTableUpdater.InvalidCurveType", world.app(), world.contracts.updater.get_certificate_verifier(0)),
        case("OperatorTableUpdater.TableUpdateForPastTimestamp", world.app(), update(world, &first, 1))
            .after(both())
            .after([later_first]),
        case("OperatorTableUpdater.InvalidGlobalTableRoot", world.app(), update(world, &first, 2)).after(both()),
    ]
}

fn proofs(world: &World) -> Vec<Case> {
    let table = world.table(&world.set, 1000);
    let root = leaf(&table);
    let confirmed = || [world.confirm(root, 1)];
    let other = world.table(&world.set, 2000);
    vec![
        case("OperatorTableUpdater.InvalidOperatorSetProof", world.app(), update_under(world, root, &other, 1, 0, &[]))
            .after(confirmed()),
        case("OperatorTableUpdater.InvalidProofLength", world.app(), update_under(world, root, &table, 1, 0, &[0; 31]))
            .after(confirmed()),
        case("OperatorTableUpdater.InvalidIndex", world.app(), update_under(world, root, &table, 1, 1, &[]))
            .after(confirmed()),
        case("OperatorTableUpdater.EmptyRoot", world.app(), update_under(world, H256::zero(), &table, 1, 0, &[]))
            .after([world.confirm(H256::zero(), 1)]),
    ]
}

fn administration(world: &World) -> Vec<Case> {
    let updater = &world.contracts.updater;
    let owner = world.deployer();
    let generator = b::OperatorSet { avs: owner, id: 0 };
    let info = b::Bn254OperatorSetInfo::default;
    let bn254 = world.other(7);
    let root = world.bn254_table(&bn254, 0);
    let hash = ethers::utils::keccak256("GENERATOR_GLOBAL_TABLE_ROOT");
    vec![
        case("OperatorTableUpdater.InvalidRoot", owner, updater.disable_root([9; 32])),
        case("OperatorTableUpdater.CannotDisableGeneratorRoot", owner, updater.disable_root(hash)),
        case("OperatorTableUpdater.InvalidGenerator", owner, updater.update_generator(generator, info())),
        case("OperatorTableUpdater.InvalidGenerator", owner, updater.update_generator(bn254, info()))
            .after(world.transport(&root, 1)),
        case(
            "OperatorTableUpdater.InvalidConfirmationThreshold",
            owner,
            updater.set_global_root_confirmation_threshold(10_001),
        ),
    ]
}
