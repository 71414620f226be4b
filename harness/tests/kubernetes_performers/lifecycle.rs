//! Performers are deployed, replaced, ended and removed.

use std::{collections::BTreeMap, slice, sync::Arc, time::Duration};

use futures::future::join_all;
use hourglass_component::{causes::with_causes, keys::Address};
use hourglass_executor::performers::{
    DeployRequest, KubernetesSettings, Limits, PerformerError, PerformerManager as _, PodSettings, Role,
};
use hourglass_operator::api::Performer;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt as _,
    api::{DeleteParams, ListParams},
};

use crate::performer_namespace::{
    AVS, LIMIT, Manager, NEVER, PerformerNamespace, eventually, limits, manager, only, soon, square, square_of,
    with_image,
};

pub(crate) async fn a_deployed_performer_runs_tasks_and_is_listed(namespace: Arc<PerformerNamespace>) {
    let manager = namespace.manager();
    manager.initialize().await.unwrap();
    let deployment = manager.deploy(namespace.performer(&[])).await.unwrap();
    assert_eq!(square(&manager, 4).await.unwrap(), "0x10");
    let status = only(&manager).await;
    assert_eq!((status.id.clone(), status.role, status.avs), (deployment.performer, Role::InService, AVS));
    assert!(status.resource_healthy && status.application_healthy, "{status:?}");
    assert_eq!(namespace.names().await, [status.id.to_string()], "the object has the performer's name");
    let pod = namespace.api::<Pod>().get(&status.resource_id.unwrap()).await.unwrap();
    assert_eq!(pod.labels()["hourglass.eigenlayer.io/performer"], status.id.to_string(), "the resource is the pod");
    soon("shutdown", manager.shutdown()).await;
    assert!(namespace.names().await.is_empty(), "nothing is left after the end");
}

pub(crate) async fn deployment_replaces_drains_and_removes_the_previous_one(namespace: Arc<PerformerNamespace>) {
    let manager = namespace.manager();
    manager.deploy(namespace.performer(&[("TASK_DELAY_MS", "10000")])).await.unwrap();
    let old = only(&manager).await.id.to_string();
    let (slow, ()) = tokio::join!(square(&manager, 3), async {
        manager.deploy(namespace.performer(&[("TASK_WRONG_RESULT", "true")])).await.unwrap();
        assert_eq!(square(&manager, 3).await.unwrap(), "0x0a", "new tasks go to the new performer");
        assert!(namespace.names().await.contains(&old), "the old one finishes what it has");
    });
    assert_eq!(slow.unwrap(), "0x09", "by the old performer");
    eventually("the old performer is removed", || async { (!namespace.names().await.contains(&old)).then_some(()) })
        .await;
    assert_eq!(namespace.names().await, [only(&manager).await.id.to_string()]);
    manager.shutdown().await;
}

/// Long before a deployment's time is over, with the message of the kubelet.
pub(crate) async fn missing_image_is_named_and_leaves_the_old_performer_in_service(namespace: Arc<PerformerNamespace>) {
    let pods = BTreeMap::from([(AVS, PodSettings { image_pull_policy: NEVER, ..PodSettings::default() })]);
    let manager = manager(KubernetesSettings { pods, ..namespace.settings(&[]) }, limits());
    let first = manager.deploy(namespace.performer(&[])).await.unwrap();
    let missing = with_image("hourglass-harness/no-such-performer:v1", &[]);
    let error = manager.deploy(missing).await.unwrap_err();
    assert!(matches!(error, PerformerError::GaveUp { .. }), "{error}");
    let error = with_causes(&error);
    assert!(error.contains("ErrImageNeverPull") && error.contains("no-such-performer:v1"), "{error}");
    assert_eq!(only(&manager).await.id, first.performer);
    assert_eq!(namespace.names().await, [first.performer.to_string()], "the new one is gone");
    assert_eq!(square(&manager, 4).await.unwrap(), "0x10");
    manager.shutdown().await;
}

pub(crate) async fn unhealthy_performer_is_removed(namespace: Arc<PerformerNamespace>) {
    let manager = manager(namespace.settings(&[]), Limits { start: Duration::from_secs(8), ..limits() });
    let error = manager.deploy(namespace.performer(&[("PERFORMER_NOT_READY", "true")])).await.unwrap_err();
    assert!(matches!(error, PerformerError::Unhealthy { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("pod performer-"), "the operator's words: {error}");
    assert!(namespace.names().await.is_empty() && manager.list().await.is_empty());
    manager.shutdown().await;
}

/// The cluster starts another pod; the performer stays the same.
pub(crate) async fn a_killed_pod_comes_back_and_no_task_is_lost(namespace: Arc<PerformerNamespace>) {
    let manager = namespace.manager();
    manager.deploy(namespace.performer(&[("TASK_DELAY_MS", "2000")])).await.unwrap();
    let before = only(&manager).await;
    let pod = before.resource_id.unwrap();
    let (running, ()) = tokio::join!(square(&manager, 3), async {
        let at_once = DeleteParams::default().grace_period(0);
        drop(namespace.api::<Pod>().delete(&pod, &at_once).await.unwrap());
    });
    assert_eq!(running.unwrap(), "0x09", "the task that it had is run again");
    let after = only(&manager).await;
    assert_eq!((after.id, after.restarts), (before.id, 0));
    assert_ne!(after.resource_id, Some(pod), "another pod");
    manager.shutdown().await;
}

pub(crate) async fn removed_performer_is_recreated(namespace: Arc<PerformerNamespace>) {
    let manager = namespace.manager();
    manager.deploy(namespace.performer(&[])).await.unwrap();
    let name = only(&manager).await.id.to_string();
    let performers = namespace.api::<Performer>();
    let before = performers.get(&name).await.unwrap().uid();
    drop(performers.delete(&name, &DeleteParams::default()).await.unwrap());
    let another = || async {
        let found = performers.get_opt(&name).await.unwrap()?;
        (found.uid() != before && found.status.is_some_and(|status| status.ready)).then_some(())
    };
    eventually("another object of the same name is ready", another).await;
    assert_eq!(square(&manager, 4).await.unwrap(), "0x10");
    assert_eq!(only(&manager).await.restarts, 1);
    manager.shutdown().await;
}

pub(crate) async fn deployments_and_removals_at_the_same_time_leave_nothing(namespace: Arc<PerformerNamespace>) {
    let manager = namespace.manager();
    let turns = (1..=3).map(|number| {
        let (manager, request) = (Arc::clone(&manager), namespace.performer(&[]));
        async move {
            let avs = Address::repeat_byte(number);
            let request = DeployRequest { avs, ..request };
            let first = manager.deploy(request.clone()).await.unwrap().performer;
            // One is deployed while the other is removed.
            let (second, removed) = tokio::join!(manager.deploy(request), manager.remove(&first));
            removed.unwrap();
            assert_eq!(square_of(&manager, avs, 4).await.unwrap(), "0x10");
            manager.remove(&second.unwrap().performer).await.unwrap();
        }
    });
    soon("all of them come and go", join_all(turns)).await;
    assert!(namespace.names().await.is_empty() && manager.list().await.is_empty());
    manager.shutdown().await;
}

pub(crate) async fn executors_do_not_affect_each_other(namespace: Arc<PerformerNamespace>) {
    let one = namespace.manager();
    let deployed = one.deploy(namespace.performer(&[])).await.unwrap().performer.to_string();
    let labels = BTreeMap::from([("test".to_owned(), "two".to_owned())]);
    let other_operator = KubernetesSettings { operator: AVS, ..namespace.settings(&[]) };
    for settings in [KubernetesSettings { labels, ..namespace.settings(&[]) }, other_operator] {
        let other = manager(settings, limits());
        other.initialize().await.unwrap();
        other.shutdown().await;
    }
    assert_eq!(namespace.names().await, slice::from_ref(&deployed));
    assert_eq!(square(&one, 4).await.unwrap(), "0x10");
    one.shutdown().await;
}

/// Executors of the same AVS know nothing of each other: each creates and removes only its own performers, at any time.
pub(crate) async fn executors_of_one_avs_deploy_and_end_side_by_side(namespace: Arc<PerformerNamespace>) {
    let elsewhere = namespace.another_namespace().await;
    let here = [0x33, 0x34, 0x35].map(Address::repeat_byte);
    let here = here.map(|operator| KubernetesSettings { operator, ..namespace.settings(&[]) });
    let there = KubernetesSettings { namespace: elsewhere.name().to_owned(), ..namespace.settings(&[]) };
    let managers: Vec<_> = here.into_iter().chain([there]).map(|settings| manager(settings, limits())).collect();
    let serve = |manager: &Manager| {
        let (manager, request) = (Arc::clone(manager), namespace.performer(&[]));
        async move {
            manager.initialize().await.unwrap();
            manager.deploy(request.clone()).await.unwrap();
            manager.deploy(request).await.unwrap();
            assert_eq!(square(&manager, 4).await.unwrap(), "0x10");
        }
    };
    soon("all of them deploy and replace", join_all(managers.iter().map(serve))).await;
    let replaced = || async { (namespace.names().await.len() == 3).then_some(()) };
    eventually("each has one performer", replaced).await;

    managers[0].shutdown().await;
    assert_eq!(namespace.names().await.len(), 2, "its own is gone");
    for other in &managers[1..] {
        assert_eq!(square(other, 5).await.unwrap(), "0x19", "the others' stay in service");
        assert_eq!(only(other).await.restarts, 0);
    }
    join_all(managers[1..].iter().map(|manager| manager.shutdown())).await;
    let left = elsewhere.api::<Performer>().list(&ListParams::default()).await.unwrap().items;
    assert!(left.is_empty(), "{left:?}");
    elsewhere.remove(LIMIT).await.unwrap();
}
