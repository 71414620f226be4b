//! Releases of a small chart.

use std::{fs, path::Path};

use hourglass_harness::cluster::{
    OwnNamespace,
    helm::{Helm, HelmError, Release, ReleaseStage},
};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::operator_cluster::{GONE_WITHIN, OperatorCluster, block_on};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\n\
    data: {said: \"{{ .Values.said }}\"}\n";
const SCHEMA: &str = r#"{"type": "object", "properties": {"said": {"type": "string", "maxLength": 9}}}"#;

fn chart() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    write("Chart.yaml", "apiVersion: v2\nname: small\nversion: 0.1.0\n");
    write("values.yaml", "said: nothing\n");
    write("values.schema.json", SCHEMA);
    write("templates/map.yaml", MAP);
    folder
}

fn release(namespace: &OwnNamespace, chart: &Path, values: Value) -> Release {
    Release { name: "small".to_owned(), namespace: namespace.name().to_owned(), chart: chart.to_owned(), values }
}

fn said(namespace: &OwnNamespace) -> Option<String> {
    let map = block_on(namespace.api::<ConfigMap>().get_opt("small")).unwrap()?;
    Some(map.data.unwrap_or_default().remove("said").unwrap_or_default())
}

pub(crate) fn release_is_installed_upgraded_rolled_back_and_removed() {
    let cluster = OperatorCluster::take();
    let (namespace, chart) = (cluster.namespace(), chart());
    let helm = block_on(Helm::of(&cluster.lease)).unwrap();
    let first = release(&namespace, chart.path(), json!({ "said": "one" }));
    let second = release(&namespace, chart.path(), json!({ "said": "two" }));
    let status = || block_on(first.status(&helm)).unwrap().map(|status| (status.revision, status.stage));
    assert_eq!((status(), said(&namespace)), (None, None));
    block_on(first.install(&helm)).unwrap();
    assert_eq!((status(), said(&namespace).as_deref()), (Some((1, ReleaseStage::Deployed)), Some("one")));
    block_on(second.install(&helm)).unwrap();
    assert_eq!((status(), said(&namespace).as_deref()), (Some((2, ReleaseStage::Deployed)), Some("two")));
    block_on(second.roll_back(&helm, None)).unwrap();
    assert_eq!((status(), said(&namespace).as_deref()), (Some((3, ReleaseStage::Deployed)), Some("one")));
    block_on(first.uninstall(&helm)).unwrap();
    assert_eq!((status(), said(&namespace)), (None, None));
    block_on(first.uninstall(&helm)).unwrap();
    block_on(namespace.remove(GONE_WITHIN)).unwrap();
}

pub(crate) fn values_against_the_schema_are_named_and_nothing_is_installed() {
    let cluster = OperatorCluster::take();
    let (namespace, chart) = (cluster.namespace(), chart());
    let helm = block_on(Helm::of(&cluster.lease)).unwrap();
    let release = release(&namespace, chart.path(), json!({ "said": "much too long" }));
    let error = block_on(release.install(&helm)).unwrap_err();
    assert!(matches!(&error, HelmError::Failed { said, .. } if said.contains("/said")), "{error:?}");
    assert!(error.to_string().contains(&release.to_string()), "{error} does not name the release");
    assert_eq!((block_on(release.status(&helm)).unwrap(), said(&namespace)), (None, None));
    block_on(namespace.remove(GONE_WITHIN)).unwrap();
}
