//! Existing clusters that cannot be used: each is reported with its remedy before anything is created.

use std::net::TcpListener;

use hourglass_test_support::Sandbox;

use crate::HARNESS;

/// A kubeconfig with one context for this server.
fn kubeconfig(sandbox: &Sandbox, context: &str, server: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {context}\ncontexts:\n  - name: {context}\n    context: {{cluster: lab, \
         user: me}}\nclusters:\n  - name: lab\n    cluster: {{server: \"{server}\"}}\nusers:\n  - name: me\n    user: {{token: \
         t}}\n"
    );
    sandbox.file("kubeconfig", &text).display().to_string()
}

/// An address without a listener.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("https://{}", listener.local_addr().unwrap())
}

#[test]
fn missing_kubeconfig_exits_with_3() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "kubernetes::square", "--kubeconfig", "/nonexistent"]);
    outcome.assert_code(3).assert_complains(&["failed to use kubeconfig /nonexistent", "No such file", "remedy: "]);
    sandbox.assert_nothing_left();
}

#[test]
fn missing_context_exits_with_3() {
    let sandbox = Sandbox::new(HARNESS);
    let path = kubeconfig(&sandbox, "lab", &nowhere());
    let outcome = sandbox.run(&["run", "kubernetes::square", "--kubeconfig", &path, "--context", "other"]);
    outcome.assert_code(3).assert_complains(&[&format!("kubeconfig {path}, context other"), "get-contexts"]);
    sandbox.assert_nothing_left();
}

#[test]
fn unreachable_api_server_exits_with_3() {
    let sandbox = Sandbox::new(HARNESS);
    let path = kubeconfig(&sandbox, "lab", &nowhere());
    let outcome = sandbox.run(&["run", "kubernetes::square", "--kubeconfig", &path]);
    outcome.assert_code(3).assert_complains(&[
        "waiting for an answer of the API server of cluster lab",
        "refused",
        &path,
    ]);
    sandbox.assert_nothing_left();
}

/// A forgotten current context must not decide where trials run.
#[test]
fn production_context_must_be_named() {
    let sandbox = Sandbox::new(HARNESS);
    let path = kubeconfig(&sandbox, "avs-prod", &nowhere());
    let outcome = sandbox.run(&["run", "kubernetes::square", "--kubeconfig", &path]);
    outcome.assert_code(3).assert_complains(&["avs-prod", "looks like production", "--context avs-prod"]);
    let outcome = sandbox.run(&["gc", "--kubeconfig", &path]);
    outcome.assert_code(3).assert_complains(&["looks like production"]);
    let outcome = sandbox.run(&["run", "kubernetes::square", "--kubeconfig", &path, "--context", "avs-prod"]);
    outcome.assert_code(3).assert_complains(&["waiting for an answer of the API server"]);
    sandbox.assert_nothing_left();
}

#[test]
fn unused_cluster_option_exits_with_2() {
    let sandbox = Sandbox::new(HARNESS);
    let path = kubeconfig(&sandbox, "lab", &nowhere());
    let outcome = sandbox.run(&["run", "square", "--kubeconfig", &path]);
    outcome.assert_code(2).assert_complains(&["use --kubeconfig", "--runtime kubernetes"]);
    sandbox.assert_nothing_left();
}
