//! Errors of `TaskMailbox`, of its hook and of its fee token.

use std::time::Duration;

use ethers::types::{Address, Bytes, H256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::{Fixture, RESULT, STALENESS},
    run::{Act, Case, case, send},
    support::certificate,
};

/// The address of a mailbox that nobody initialized.
const FRESH: Address = ethers::types::H160([0xaa; 20]);

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [creation(fixture), fees(fixture), results(fixture), configuration(fixture), administration(fixture)]
        .into_iter()
        .flatten()
        .collect()
}

fn creation(fixture: &Fixture) -> Vec<Case> {
    let (mailbox, hook) = (&fixture.contracts.mailbox, &fixture.contracts.hook);
    let (deployer, avs) = (&fixture.accounts.deployer, &fixture.accounts.avs);
    let create = || mailbox.create_task(fixture.task());
    let only = |creator| send(deployer, hook.set_only_creator(creator));
    let unknown = b::TaskParams { executor_operator_set: fixture.other(9), ..fixture.task() };
    vec![
        case(
            "TaskMailbox.PayloadIsEmpty",
            fixture.app(),
            mailbox.create_task(b::TaskParams { payload: Bytes::new(), ..fixture.task() }),
        ),
        case("TaskMailbox.ExecutorOperatorSetNotRegistered", fixture.app(), mailbox.create_task(unknown)),
        case("TaskMailbox.ExecutorOperatorSetNotRegistered", fixture.app(), create())
            .after([send(avs, mailbox.register_executor_operator_set(fixture.set.clone(), false))]),
        case("TaskMailbox.CertificateStale", fixture.app(), create())
            .after(fixture.transport(&fixture.table(&fixture.set, STALENESS), 1)),
        case("TaskMailbox.InvalidTaskCreator", fixture.app(), create()).after([only(fixture.deployer())]),
        case("AVSTaskHook.InvalidTaskCreator", fixture.app(), create()).after([only(fixture.avs())]),
        case("AVSTaskHook.TaskCreationRejected", fixture.app(), create())
            .after([send(deployer, hook.set_rejects_creation(true))]),
    ]
}

fn fees(fixture: &Fixture) -> Vec<Case> {
    let (mailbox, token) = (&fixture.contracts.mailbox, &fixture.contracts.token);
    let app = &fixture.accounts.app;
    let create = || mailbox.create_task(fixture.task());
    let nobody = b::TaskParams { refund_collector: Address::zero(), ..fixture.task() };
    let approve = || send(app, token.approve(at::TASK_MAILBOX, 5.into()));
    let mint = || send(app, token.mint(fixture.app(), 5.into()));
    vec![
        case("TaskMailbox.InvalidFeeReceiver", fixture.app(), create()).after(fee(fixture, Address::zero())),
        case("TaskMailbox.InvalidFeeReceiver", fixture.app(), mailbox.create_task(nobody))
            .after(fee(fixture, fixture.avs())),
        case("FeeToken.InsufficientAllowance", fixture.app(), create())
            .after(fee(fixture, fixture.avs()))
            .after([mint()]),
        case("FeeToken.InsufficientBalance", fixture.app(), create())
            .after(fee(fixture, fixture.avs()))
            .after([approve()]),
        case("TaskMailbox.OnlyRefundCollector", fixture.avs(), mailbox.refund_fee(fixture.hash().0))
            .after([fixture.create(), Act::Warp(Duration::from_secs(3601))])
            .already_before(),
        case("TaskMailbox.FeeAlreadyRefunded", fixture.app(), mailbox.refund_fee(fixture.hash().0)).after([
            fixture.create(),
            Act::Warp(Duration::from_secs(3601)),
            send(app, mailbox.refund_fee(fixture.hash().0)),
        ]),
        case("TaskMailbox.InvalidTaskStatus", fixture.app(), mailbox.refund_fee(fixture.hash().0))
            .after([fixture.create()])
            .with("3, 1"),
    ]
}

/// A fee of 5 tokens a task, for `collector`.
fn fee(fixture: &Fixture, collector: Address) -> [Act; 2] {
    let config =
        b::ExecutorOperatorSetTaskConfig { fee_token: at::FEE_TOKEN, fee_collector: collector, ..fixture.config() };
    let configure = fixture.contracts.mailbox.set_executor_operator_set_task_config(fixture.set.clone(), config);
    [send(&fixture.accounts.deployer, fixture.contracts.hook.set_fee(5)), send(&fixture.accounts.avs, configure)]
}

fn results(fixture: &Fixture) -> Vec<Case> {
    let (mailbox, hook) = (&fixture.contracts.mailbox, &fixture.contracts.hook);
    let task = fixture.hash();
    let keys = fixture.keys();
    let submit = |certificate: Bytes, result: &'static [u8]| {
        mailbox.submit_result(task.0, certificate, Bytes::from_static(result))
    };
    let good = || submit(fixture.encoded(&keys), RESULT);
    let other_table = certificate(fixture.reference + 1, task, RESULT, &keys).encode();
    let status = "TaskMailbox.InvalidTaskStatus";
    let verified = [fixture.create(), send(&fixture.accounts.aggregator, good())];
    vec![
        case(status, fixture.app(), good()).with("1, 0"),
        case(status, fixture.app(), good()).after(verified).with("1, 2"),
        case(status, fixture.app(), good())
            .after([fixture.create(), Act::Warp(Duration::from_secs(3601))])
            .with("1, 3"),
        case(status, fixture.app(), mailbox.get_task_result(task.0)).after([fixture.create()]).with("2, 1"),
        case("TaskMailbox.TimestampAtCreation", fixture.app(), good()).after([fixture.create()]).in_the_last_block(),
        case("AVSTaskHook.TaskResultRejected", fixture.app(), good())
            .after([fixture.create(), send(&fixture.accounts.deployer, hook.set_rejects_results(true))]),
        case("TaskMailbox.InvalidReferenceTimestamp", fixture.app(), submit(other_table.into(), RESULT))
            .after([fixture.create()]),
        case("TaskMailbox.InvalidMessageHash", fixture.app(), submit(fixture.encoded(&keys), b"0x11"))
            .after([fixture.create()]),
        case("TaskMailbox.EmptyCertificateSignature", fixture.app(), submit(fixture.encoded(&[]), RESULT))
            .after([fixture.create()]),
        // 30 + 20 + 10 of 100, where 66 are required.
        case("TaskMailbox.ThresholdNotMet", fixture.app(), submit(fixture.encoded(&keys[1..]), RESULT))
            .after([fixture.create()]),
    ]
}

fn configuration(fixture: &Fixture) -> Vec<Case> {
    let mailbox = &fixture.contracts.mailbox;
    let set = |config| mailbox.set_executor_operator_set_task_config(fixture.set.clone(), config);
    let refused = |row, config| case(row, fixture.avs(), set(config));
    let consensus = |consensus_type, value: &[u8]| b::ExecutorOperatorSetTaskConfig {
        consensus: b::Consensus { consensus_type, value: value.to_vec().into() },
        ..fixture.config()
    };
    let bps = |bps: u64| H256::from_low_u64_be(bps).0;
    let not_set = "TaskMailbox.ExecutorOperatorSetTaskConfigNotSet";
    let value = "TaskMailbox.InvalidConsensusValue";
    vec![
        refused(not_set, b::ExecutorOperatorSetTaskConfig { curve_type: 0, ..fixture.config() }),
        refused(not_set, b::ExecutorOperatorSetTaskConfig { task_hook: Address::zero(), ..fixture.config() }),
        refused(not_set, b::ExecutorOperatorSetTaskConfig { task_sla: 0, ..fixture.config() }),
        case(not_set, fixture.avs(), mailbox.register_executor_operator_set(fixture.other(9), true)),
        refused(
            "TaskMailbox.TaskSLAExceedsMaximum",
            b::ExecutorOperatorSetTaskConfig { task_sla: 7 * 24 * 3600 + 1, ..fixture.config() },
        ),
        refused(value, consensus(1, &bps(10_001))),
        refused(value, consensus(1, &bps(1)[..31])),
        refused(value, consensus(0, &bps(1))),
        case("TaskMailbox.InvalidOperatorSetOwner", fixture.deployer(), set(fixture.config())),
        case(
            "TaskMailbox.InvalidOperatorSetOwner",
            fixture.deployer(),
            mailbox.register_executor_operator_set(fixture.set.clone(), false),
        ),
    ]
}

fn administration(fixture: &Fixture) -> Vec<Case> {
    let mailbox = &fixture.contracts.mailbox;
    let fresh = b::TaskMailbox::new(FRESH, mailbox.client());
    let uninitialized = || [Act::Place(FRESH, b::TASKMAILBOX_DEPLOYED_BYTECODE.clone())];
    let (owner, nobody) = (fixture.deployer(), Address::zero());
    vec![
        case("TaskMailbox.InvalidFeeSplit", owner, mailbox.set_fee_split(10_001)),
        case("TaskMailbox.InvalidFeeSplit", owner, fresh.initialize(owner, 10_001, owner)).after(uninitialized()),
        case("TaskMailbox.InvalidAddressZero", owner, mailbox.set_fee_split_collector(nobody)),
        case("TaskMailbox.InvalidAddressZero", owner, fresh.initialize(owner, 0, nobody)).after(uninitialized()),
    ]
}
