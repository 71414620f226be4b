//! The charts of this repository, and Helm.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hourglass_harness::cluster::Tool;
use serde::Deserialize as _;
use serde_yaml::Value;

/// The version that charts are rendered for: without a cluster, Helm assumes a version of its own, which may be old.
pub(crate) const KUBERNETES: &str = "1.34";

/// A chart of this repository.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chart {
    Operator,
    Executor,
}

impl Chart {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Operator => "hourglass-operator",
            Self::Executor => "hourglass-executor",
        }
    }

    pub(crate) fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../operator/charts").join(self.name())
    }
}

/// A file of values from the folder of these tests.
pub(crate) fn values(name: &str) -> String {
    format!("--values={}/tests/charts/values/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

/// Helm without any configuration of the machine: no repositories, no plugins, no cluster.
pub(crate) fn helm<I>(arguments: I) -> Command
where
    I: IntoIterator<Item: AsRef<std::ffi::OsStr>>,
{
    let mut command = Command::new(Tool::HELM.find().unwrap());
    command.args(arguments).env_remove("KUBECONFIG");
    for variable in ["HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME", "HELM_PLUGINS"] {
        command.env(variable, "/nonexistent");
    }
    command
}

/// The objects that Helm renders of a chart as release `trial` in namespace `release_namespace`, in any order.
#[track_caller]
pub(crate) fn objects(chart: Chart, arguments: &[&str]) -> Vec<Value> {
    let output = template(chart, arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let documents = serde_yaml::Deserializer::from_slice(&output.stdout);
    let objects = documents.map(|document| Value::deserialize(document).unwrap());
    // A template that renders nothing leaves an empty document.
    objects.filter(|object| !object.is_null()).collect()
}

/// The message of Helm when it refuses values.
#[track_caller]
pub(crate) fn refusal(chart: Chart, arguments: &[&str]) -> String {
    let output = template(chart, arguments);
    assert!(!output.status.success(), "{arguments:?} were taken");
    text(&output.stderr)
}

fn template(chart: Chart, arguments: &[&str]) -> Output {
    let mut command = helm(["template", "trial"]);
    command.arg(chart.folder()).args(["--namespace", "place", "--kube-version", KUBERNETES]);
    command.args(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The only object of a kind.
#[track_caller]
pub(crate) fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let object = found.next();
    assert!(object.is_some() && found.next().is_none(), "not exactly one {kind}");
    object.unwrap()
}
