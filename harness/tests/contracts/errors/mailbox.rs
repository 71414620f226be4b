//! Errors of `TaskMailbox`, of its hook and of its fee token.

use std::time::Duration;

use ethers::types::{Address, Bytes, H256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    run::{Act, Case, case, send},
    support::certificate,
    world::{RESULT, STALENESS, World},
};

/// The address of a mailbox that nobody initialized.
const FRESH: Address = ethers::types::H160([0xaa; 20]);

pub(crate) fn cases(world: &World) -> Vec<Case> {
    [creation(world), fees(world), results(world), configuration(world), administration(world)]
        .into_iter()
        .flatten()
        .collect()
}

fn creation(world: &World) -> Vec<Case> {
    let (mailbox, hook) = (&world.contracts.mailbox, &world.contracts.hook);
    let (deployer, avs) = (&world.accounts.deployer, &world.accounts.avs);
    let create = || mailbox.create_task(world.task());
    let only = |creator| send(deployer, hook.set_only_creator(creator));
    let unknown = b::TaskParams { executor_operator_set: world.other(9), ..world.task() };
    vec![
        case(
            "TaskMailbox.PayloadIsEmpty",
            world.app(),
            mailbox.create_task(b::TaskParams { payload: Bytes::new(), ..world.task() }),
        ),
        case("TaskMailbox.ExecutorOperatorSetNotRegistered", world.app(), mailbox.create_task(unknown)),
        case("TaskMailbox.ExecutorOperatorSetNotRegistered", world.app(), create())
            .after([send(avs, mailbox.register_executor_operator_set(world.set.clone(), false))]),
        case("TaskMailbox.CertificateStale", world.app(), create())
            .after(world.transport(&world.table(&world.set, STALENESS), 1)),
        case("TaskMailbox.InvalidTaskCreator", world.app(), create()).after([only(world.deployer())]),
        case("AVSTaskHook.InvalidTaskCreator", world.app(), create()).after([only(world.avs())]),
        case("AVSTaskHook.TaskCreationRejected", world.app(), create())
            .after([send(deployer, hook.set_rejects_creation(true))]),
    ]
}

fn fees(world: &World) -> Vec<Case> {
    let (mailbox, token) = (&world.contracts.mailbox, &world.contracts.token);
    let app = &world.accounts.app;
    let create = || mailbox.create_task(world.task());
    let nobody = b::TaskParams { refund_collector: Address::zero(), ..world.task() };
    let approve = || send(app, token.approve(at::TASK_MAILBOX, 5.into()));
    let mint = || send(app, token.mint(world.app(), 5.into()));
    vec![
        case("TaskMailbox.InvalidFeeReceiver", world.app(), create()).after(fee(world, Address::zero())),
        case("TaskMailbox.InvalidFeeReceiver", world.app(), mailbox.create_task(nobody)).after(fee(world, world.avs())),
        case("FeeToken.InsufficientAllowance", world.app(), create()).after(fee(world, world.avs())).after([mint()]),
        case("FeeToken.InsufficientBalance", world.app(), create()).after(fee(world, world.avs())).after([approve()]),
        case("TaskMailbox.OnlyRefundCollector", world.avs(), mailbox.refund_fee(world.hash().0))
            .after([world.create(), Act::Warp(Duration::from_secs(3601))])
            .already_before(),
        case("TaskMailbox.FeeAlreadyRefunded", world.app(), mailbox.refund_fee(world.hash().0)).after([
            world.create(),
            Act::Warp(Duration::from_secs(3601)),
            send(app, mailbox.refund_fee(world.hash().0)),
        ]),
        case("TaskMailbox.InvalidTaskStatus", world.app(), mailbox.refund_fee(world.hash().0))
            .after([world.create()])
            .with("3, 1"),
    ]
}

/// A fee of 5 tokens a task, for `collector`.
fn fee(world: &World, collector: Address) -> [Act; 2] {
    let config =
        b::ExecutorOperatorSetTaskConfig { fee_token: at::FEE_TOKEN, fee_collector: collector, ..world.config() };
    let configure = world.contracts.mailbox.set_executor_operator_set_task_config(world.set.clone(), config);
    [send(&world.accounts.deployer, world.contracts.hook.set_fee(5)), send(&world.accounts.avs, configure)]
}

fn results(world: &World) -> Vec<Case> {
    let (mailbox, hook) = (&world.contracts.mailbox, &world.contracts.hook);
    let task = world.hash();
    let keys = world.keys();
    let submit = |certificate: Bytes, result: &'static [u8]| {
        mailbox.submit_result(task.0, certificate, Bytes::from_static(result))
    };
    let good = || submit(world.encoded(&keys), RESULT);
    let other_table = certificate(world.reference + 1, task, RESULT, &keys).encode();
    let status = "TaskMailbox.InvalidTaskStatus";
    let verified = [world.create(), send(&world.accounts.aggregator, good())];
    vec![
        case(status, world.app(), good()).with("1, 0"),
        case(status, world.app(), good()).after(verified).with("1, 2"),
        case(status, world.app(), good()).after([world.create(), Act::Warp(Duration::from_secs(3601))]).with("1, 3"),
        case(status, world.app(), mailbox.get_task_result(task.0)).after([world.create()]).with("2, 1"),
        case("TaskMailbox.TimestampAtCreation", world.app(), good()).after([world.create()]).in_the_last_block(),
        case("AVSTaskHook.TaskResultRejected", world.app(), good())
            .after([world.create(), send(&world.accounts.deployer, hook.set_rejects_results(true))]),
        case("TaskMailbox.InvalidReferenceTimestamp", world.app(), submit(other_table.into(), RESULT))
            .after([world.create()]),
        case("TaskMailbox.InvalidMessageHash", world.app(), submit(world.encoded(&keys), b"0x11"))
            .after([world.create()]),
        case("TaskMailbox.EmptyCertificateSignature", world.app(), submit(world.encoded(&[]), RESULT))
            .after([world.create()]),
        // 30 + 20 + 10 of 100, where 66 are required.
        case("TaskMailbox.ThresholdNotMet", world.app(), submit(world.encoded(&keys[1..]), RESULT))
            .after([world.create()]),
    ]
}

fn configuration(world: &World) -> Vec<Case> {
    let mailbox = &world.contracts.mailbox;
    let set = |config| mailbox.set_executor_operator_set_task_config(world.set.clone(), config);
    let refused = |row, config| case(row, world.avs(), set(config));
    let consensus = |consensus_type, value: &[u8]| b::ExecutorOperatorSetTaskConfig {
        consensus: b::Consensus { consensus_type, value: value.to_vec().into() },
        ..world.config()
    };
    let bps = |bps: u64| H256::from_low_u64_be(bps).0;
    let not_set = "TaskMailbox.ExecutorOperatorSetTaskConfigNotSet";
    let value = "TaskMailbox.InvalidConsensusValue";
    vec![
        refused(not_set, b::ExecutorOperatorSetTaskConfig { curve_type: 0, ..world.config() }),
        refused(not_set, b::ExecutorOperatorSetTaskConfig { task_hook: Address::zero(), ..world.config() }),
        refused(not_set, b::ExecutorOperatorSetTaskConfig { task_sla: 0, ..world.config() }),
        case(not_set, world.avs(), mailbox.register_executor_operator_set(world.other(9), true)),
        refused(
            "TaskMailbox.TaskSLAExceedsMaximum",
            b::ExecutorOperatorSetTaskConfig { task_sla: 7 * 24 * 3600 + 1, ..world.config() },
        ),
        refused("TaskMailbox.InvalidConsensusType", consensus(2, &bps(1))),
        refused(value, consensus(1, &bps(10_001))),
        refused(value, consensus(1, &bps(1)[..31])),
        refused(value, consensus(0, &bps(1))),
        refused("TaskMailbox.InvalidCurveType", b::ExecutorOperatorSetTaskConfig { curve_type: 3, ..world.config() }),
        case("TaskMailbox.InvalidOperatorSetOwner", world.deployer(), set(world.config())),
        case(
            "TaskMailbox.InvalidOperatorSetOwner",
            world.deployer(),
            mailbox.register_executor_operator_set(world.set.clone(), false),
        ),
    ]
}

fn administration(world: &World) -> Vec<Case> {
    let mailbox = &world.contracts.mailbox;
    let fresh = b::TaskMailbox::new(FRESH, mailbox.client());
    let place = || [Act::Place(FRESH, b::TASKMAILBOX_DEPLOYED_BYTECODE.clone())];
    let (owner, nobody) = (world.deployer(), Address::zero());
    vec![
        case("TaskMailbox.InvalidFeeSplit", owner, mailbox.set_fee_split(10_001)),
        case("TaskMailbox.InvalidFeeSplit", owner, fresh.initialize(owner, 10_001, owner)).after(place()),
        case("TaskMailbox.InvalidAddressZero", owner, mailbox.set_fee_split_collector(nobody)),
        case("TaskMailbox.InvalidAddressZero", owner, fresh.initialize(owner, 0, nobody)).after(place()),
    ]
}
