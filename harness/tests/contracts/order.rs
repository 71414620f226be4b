//! The order of checks in `createTask` and `submitResult`: callers distinguish causes by the first check that fails.
//!
//! For every two consecutive checks both are violated, and the error must be that of the earlier one. Then only the
//! later one is violated, which proves that it was violated before.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, H256, U256},
};
use hourglass_proto::{
    certificate::EcdsaCertificate,
    contracts::{addresses as at, bindings as b},
    messages,
};

use crate::{
    fixture::{Fixture, RESULT, STALENESS},
    run::{Act, Case, case, provoke, send},
    support::certificate,
};

/// The storage slot of the mailbox's configurations by operator set, and the word of a configuration that has its
/// curve.
const CONFIGURATIONS: u64 = 5;
const CURVE_WORD: u64 = 1;

type Violation<A> = (&'static str, fn(&Fixture, &mut A));

#[tokio::test]
async fn anvil_create_task_checks_in_order() {
    let checks: [Violation<Creation>; 7] = [
        ("TaskMailbox.PayloadIsEmpty", |_, creation| creation.params.payload = Bytes::new()),
        ("TaskMailbox.ExecutorOperatorSetNotRegistered", |fixture, creation| {
            let call = fixture.contracts.mailbox.register_executor_operator_set(fixture.set.clone(), false);
            creation.acts.push(send(&fixture.accounts.avs, call));
        }),
        ("TaskMailbox.ExecutorOperatorSetTaskConfigNotSet", |fixture, creation| {
            creation.last.push(without_curve(fixture));
        }),
        ("TaskMailbox.CertificateStale", |fixture, creation| {
            creation.acts.extend(fixture.transport(&fixture.table(&fixture.set, STALENESS), 1));
        }),
        ("AVSTaskHook.TaskCreationRejected", |fixture, creation| {
            creation.acts.push(send(&fixture.accounts.deployer, fixture.contracts.hook.set_rejects_creation(true)));
        }),
        ("TaskMailbox.InvalidFeeReceiver", |fixture, creation| {
            creation.params.refund_collector = Address::zero();
            creation.acts.extend(fee(fixture));
        }),
        ("FeeToken.InsufficientAllowance", |fixture, creation| creation.acts.extend(fee(fixture))),
    ];
    let fixture = Fixture::start().await;
    let new = || Creation { params: fixture.task(), acts: Vec::new(), last: Vec::new() };
    in_order(&fixture, &checks, new, Creation::case).await;
}

#[tokio::test]
async fn anvil_submit_result_checks_in_order() {
    let checks: [Violation<Submission>; 8] = [
        ("TaskMailbox.InvalidTaskStatus", |_, submission| submission.created = false),
        ("TaskMailbox.TimestampAtCreation", |_, submission| submission.at_creation = true),
        ("AVSTaskHook.TaskResultRejected", |fixture, submission| {
            submission.acts.push(send(&fixture.accounts.deployer, fixture.contracts.hook.set_rejects_results(true)));
        }),
        ("TaskMailbox.InvalidReferenceTimestamp", |_, submission| submission.certificate.reference_timestamp += 1),
        ("TaskMailbox.InvalidMessageHash", |_, submission| submission.certificate.message_hash = H256::zero()),
        ("TaskMailbox.EmptyCertificateSignature", |_, submission| submission.certificate.signatures.clear()),
        ("ECDSACertificateVerifier.RootDisabled", |fixture, submission| {
            let call = fixture.contracts.updater.disable_root(fixture.reference_root.0);
            submission.acts.push(send(&fixture.accounts.deployer, call));
        }),
        ("TaskMailbox.ThresholdNotMet", |_, submission| {
            // One of four: no operator alone has two thirds of the weight.
            submission.certificate.signatures.truncate(65);
        }),
    ];
    let fixture = Fixture::start().await;
    let new = || Submission {
        certificate: certificate(fixture.reference, fixture.hash(), RESULT, &fixture.keys()),
        acts: Vec::new(),
        created: true,
        at_creation: false,
    };
    in_order(&fixture, &checks, new, Submission::case).await;
}

async fn in_order<A>(
    fixture: &Fixture,
    checks: &[Violation<A>],
    new: impl Fn() -> A,
    case: impl Fn(A, &Fixture, &'static str) -> Case,
) {
    let mut wrong = Vec::new();
    for pair in checks.windows(2) {
        let [(earlier, violate_earlier), (later, violate_later)] = pair else { unreachable!("windows of two") };
        let (mut both, mut alone) = (new(), new());
        violate_later(fixture, &mut both);
        violate_earlier(fixture, &mut both);
        violate_later(fixture, &mut alone);
        let both = provoke(fixture.l1(), &case(both, fixture, earlier)).await;
        wrong.extend(both.map(|found| format!("{earlier} comes before {later}, but {found}")));
        let alone = provoke(fixture.l1(), &case(alone, fixture, later)).await;
        wrong.extend(alone.map(|found| format!("{later} alone, but {found}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A `createTask` that may violate several rules.
struct Creation {
    params: b::TaskParams,
    acts: Vec<Act>,
    /// Done after the transactions, which would fail afterwards.
    last: Vec<Act>,
}

impl Creation {
    fn case(self, fixture: &Fixture, row: &'static str) -> Case {
        case(row, fixture.app(), fixture.contracts.mailbox.create_task(self.params))
            .after(self.acts)
            .after(self.last)
            .already_before()
    }
}

/// A `submitResult` that may violate several rules.
struct Submission {
    certificate: EcdsaCertificate,
    acts: Vec<Act>,
    created: bool,
    at_creation: bool,
}

impl Submission {
    fn case(self, fixture: &Fixture, row: &'static str) -> Case {
        let task = fixture.hash();
        let call = fixture.contracts.mailbox.submit_result(
            task.0,
            self.certificate.encode().into(),
            Bytes::from_static(RESULT),
        );
        let case = case(row, fixture.app(), call).after(self.acts).already_before();
        match (self.created, self.at_creation) {
            (true, false) => case.after([fixture.create()]),
            (true, true) => case.after([fixture.create()]).in_the_last_block(),
            (false, false) => case,
            // An unknown task has creation time zero.
            (false, true) => case.at_time(0),
        }
    }
}

/// A registered configuration that is half empty, a state that no transaction produces.
fn without_curve(fixture: &Fixture) -> Act {
    let key = encode(&[Token::Uint(set_key(&fixture.set)), Token::Uint(CONFIGURATIONS.into())]);
    let slot = U256::from_big_endian(messages::hash(&key).as_bytes()) + CURVE_WORD;
    let mut bytes = [0; 32];
    slot.to_big_endian(&mut bytes);
    Act::Store(at::TASK_MAILBOX, H256(bytes), H256::zero())
}

fn set_key(set: &b::OperatorSet) -> U256 {
    (U256::from_big_endian(set.avs.as_bytes()) << 96) | U256::from(set.id)
}

/// A fee without an allowance for it.
fn fee(fixture: &Fixture) -> [Act; 2] {
    let config = b::ExecutorOperatorSetTaskConfig { fee_token: at::FEE_TOKEN, ..fixture.config() };
    let call = fixture.contracts.mailbox.set_executor_operator_set_task_config(fixture.set.clone(), config);
    [send(&fixture.accounts.deployer, fixture.contracts.hook.set_fee(5)), send(&fixture.accounts.avs, call)]
}
