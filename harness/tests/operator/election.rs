//! Of several operators one acts, and another one takes over when it ends.

use std::time::{Duration, Instant};

use hourglass_operator::api::Performer;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    controller::cause,
    operator_namespace::{WITHIN, block_on},
    operator_test::{OperatorTest, written_for_nowhere},
};

pub(crate) fn standby_takes_over_when_the_leader_ends() {
    let test = OperatorTest::new();
    let quick = json!({"leaderElection": {"leaseDuration": "6s", "renewDeadline": "5s", "retryPeriod": "1s"}});
    let first = test.operator_with(&quick).leads();
    let slow = json!({"leaderElection": {"leaseDuration": "60s", "renewDeadline": "50s", "retryPeriod": "1s"}});
    let second = test.operator_with(&slow);
    second.answers(200, "standing by while");
    assert_eq!(first.readiness(), (200, "ok: leading\n".to_owned()));
    let leader = |operator: &crate::process::Operator| operator.sum("hourglass_operator_leader", &[]);
    assert_eq!((leader(&first), leader(&second)), (1.0, 0.0));
    first.kill();
    let begun = Instant::now();
    second.says("leading");
    let took = begun.elapsed();
    eprintln!("the lease of an operator that was killed is taken over after {took:?}");
    // The Lease is valid for six seconds after its last renewal.
    assert!(took > Duration::from_secs(3) && took < Duration::from_secs(12), "{took:?}");
    explained(&test, "p");
    // An operator that ends in order gives the Lease back: nobody waits.
    let third = test.operator_with(&quick);
    third.answers(200, "standing by");
    let begun = Instant::now();
    assert!(second.terminate().success(), "an operator that is asked to end does so without an error");
    third.says("leading");
    eprintln!("the lease of an operator that was ended is taken over after {:?}", begun.elapsed());
    // The Lease would have been valid for a minute.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    explained(&test, "q");
    let lease = block_on(test.api::<Lease>().get("operator")).unwrap().spec.unwrap();
    assert_eq!(lease.lease_transitions, Some(2), "{lease:?}");
}

/// Two operators that act at once are worse than none.
pub(crate) fn leader_without_its_lease_ends() {
    let test = OperatorTest::new();
    let operator = test.operator();
    let spec = json!({"holderIdentity": "somebody-else", "leaseDurationSeconds": 60});
    let patch = Patch::Merge(json!({ "spec": spec }));
    block_on(test.api::<Lease>().patch("operator", &PatchParams::default(), &patch)).unwrap();
    let (status, log) = operator.ends();
    assert!(!status.success(), "{log}");
    let lease = block_on(test.api::<Lease>().get("operator")).unwrap();
    assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some("somebody-else"), "it is left alone");
}

/// An operator completes what it has begun before it ends.
pub(crate) fn terminated_operator_finishes_its_reconciles() {
    let test = OperatorTest::new();
    let operator = test.operator();
    block_on(async {
        for number in 0..20 {
            test.namespace.apply_performer(&written_for_nowhere(&format!("p{number}"))).await.unwrap();
        }
        // It gives the Lease back, even if the Lease has changed since its renewal.
        let touched = Patch::Merge(json!({"metadata": {"annotations": {"example.com/touched": "yes"}}}));
        test.api::<Lease>().patch("operator", &PatchParams::default(), &touched).await.unwrap();
    });
    assert!(operator.terminate().success());
    block_on(async {
        let released = await_condition(test.api::<Lease>(), "operator", |lease: Option<&Lease>| {
            lease.is_some_and(|lease| lease.spec.as_ref().is_some_and(|spec| spec.holder_identity.is_none()))
        });
        timeout(WITHIN, released).await.unwrap().unwrap();
        let performers = test.api::<Performer>().list(&ListParams::default()).await.unwrap();
        for performer in performers {
            assert!(
                performer.finalizers().is_empty() || performer.status.is_some(),
                "{} was begun and not finished",
                performer.name_any()
            );
        }
    });
}

fn explained(test: &OperatorTest, name: &str) {
    block_on(async {
        test.namespace.apply_performer(&written_for_nowhere(name)).await.unwrap();
        test.until(name, "explained", |performer| cause(performer).is_some()).await;
    });
}
