//! An executor that starts after another one was killed. The killed ones are real processes.
#![expect(clippy::print_stdout, reason = "the test reads what its copy says")]

use std::{env, path::PathBuf, process::Stdio, sync::Arc};

use hourglass_component::keys::Address;
use hourglass_executor::performers::{DeployRequest, PerformerManager as _};
use kube::ResourceExt;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::performer_namespace::{PerformerNamespace, limits, manager, only, settings, soon, square, with_image};

/// Makes this binary an executor: kubeconfig, namespace and image, separated by spaces.
pub(crate) const ACT_AS_EXECUTOR: &str = "HOURGLASS_TEST_ACTS_AS_EXECUTOR";
const OTHER_AVS: Address = Address::repeat_byte(0x44);

/// Deploys two performers, reports that, and continues until it is killed.
pub(crate) async fn act_as_executor() {
    let arguments = env::var(ACT_AS_EXECUTOR).unwrap();
    let [kubeconfig, namespace, image] = arguments.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let request = with_image(image, &[]);
    let other = DeployRequest { avs: OTHER_AVS, ..request.clone() };
    let manager = manager(settings(PathBuf::from(kubeconfig), namespace, &[]), limits());
    manager.initialize().await.unwrap();
    for request in [request, other] {
        println!("{}", manager.deploy(request).await.unwrap().performer);
    }
    std::future::pending::<()>().await;
}

/// Starts an executor that deploys and is killed; returns the names of its performers.
async fn killed_executor(namespace: &PerformerNamespace) -> Vec<String> {
    let arguments = format!("{} {} {}", namespace.cluster.kubeconfig.display(), namespace.name(), namespace.image());
    let mut executor = Command::new(env::current_exe().unwrap())
        .env(ACT_AS_EXECUTOR, arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(executor.stdout.take().unwrap()).lines();
    let mut names = Vec::new();
    while names.len() < 2 {
        let line = soon("the executor deploys", lines.next_line()).await.unwrap().expect("it says what it deploys");
        names.extend(line.starts_with("performer-").then_some(line));
    }
    executor.kill().await.unwrap();
    assert_eq!(namespace.names().await, names, "performers outlive their executor");
    names
}

pub(crate) async fn a_killed_executor_s_performer_is_taken_over(namespace: Arc<PerformerNamespace>) {
    let names = killed_executor(&namespace).await;
    let uids = |namespace: Arc<PerformerNamespace>| async move {
        namespace.performers().await.iter().map(ResourceExt::uid).collect::<Vec<_>>()
    };
    let before = uids(Arc::clone(&namespace)).await;
    let request = namespace.performer(&[]);
    let configured = [request.clone(), DeployRequest { avs: OTHER_AVS, ..request }];
    let manager = manager(namespace.settings(&configured), limits());
    manager.initialize().await.unwrap();
    for request in configured {
        manager.deploy(request).await.unwrap();
    }
    assert_eq!(uids(Arc::clone(&namespace)).await, before, "the same objects");
    let generations: Vec<_> = namespace.performers().await.iter().map(|it| it.metadata.generation).collect();
    assert_eq!(generations, [Some(1), Some(1)], "nothing about them was changed");
    let listed: Vec<_> = manager.list().await.into_iter().map(|it| it.id.to_string()).collect();
    assert_eq!(listed, names, "under the same names");
    assert_eq!(square(&manager, 4).await.unwrap(), "0x10");
    soon("shutdown", manager.shutdown()).await;
    assert!(namespace.names().await.is_empty(), "what was taken over is removed like what was made");
}

pub(crate) async fn performers_that_are_not_configured_any_more_are_removed(namespace: Arc<PerformerNamespace>) {
    let before = killed_executor(&namespace).await;
    let request = namespace.performer(&[("TASK_DELAY_MS", "1")]);
    let manager = manager(namespace.settings(std::slice::from_ref(&request)), limits());
    manager.initialize().await.unwrap();
    manager.deploy(request).await.unwrap();
    let name = only(&manager).await.id.to_string();
    assert!(!before.contains(&name), "one has another environment, the other serves another AVS");
    crate::performer_namespace::eventually("only the new one is left", || async {
        (namespace.names().await == [name.clone()]).then_some(())
    })
    .await;
    manager.shutdown().await;
}
