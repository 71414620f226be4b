//! The desired state of arbitrary performers, and snapshots of two examples.

mod any;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use k8s_openapi::{
    DeepMerge as _,
    api::core::v1::{Container, PodSpec},
};
use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;

use self::any::performer;
use super::{Reference, References, deployment, references, service};
use crate::api::{
    BASELINE, HardwareRequirements, PERFORMER_LABEL, POD_SECURITY_ANNOTATION, Performer, REFERENCES_ANNOTATION,
    TEE_LABEL, TEE_TYPE_LABEL, TEMPLATE_ANNOTATION,
};

static DNS_LABEL: LazyLock<Regex> = LazyLock::new(|| regex("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"));
static LABEL_VALUE: LazyLock<Regex> = LazyLock::new(|| regex("^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"));
static LABEL_KEY: LazyLock<Regex> =
    LazyLock::new(|| regex("^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

fn example(text: &str) -> Performer {
    let mut performer: Performer = serde_yaml::from_str(text).unwrap();
    performer.metadata.namespace = Some("provers".to_owned());
    performer.metadata.uid = Some("5d9ae5b4-0d3c-4a0e-9f7e-5c1f5c7f6a10".to_owned());
    performer
}

fn small() -> Performer {
    example(include_str!("../../../examples/small.yaml"))
}

fn full() -> Performer {
    example(include_str!("../../../examples/full.yaml"))
}

fn versions_of(performer: &Performer) -> References {
    references(performer).into_iter().map(|reference| (reference, "7".to_owned())).collect()
}

fn yaml(performer: &Performer) -> String {
    let deployment = deployment(performer, &versions_of(performer));
    [serde_yaml::to_string(&deployment).unwrap(), serde_yaml::to_string(&service(performer)).unwrap()].join("---\n")
}

/// A change of any owned field is noticed.
#[test]
fn a_small_performer_to_the_letter() {
    insta::assert_snapshot!(yaml(&small()));
}

/// Every field of the spec is in the objects.
#[test]
fn a_full_performer_to_the_letter() {
    insta::assert_snapshot!(yaml(&full()));
}

/// An image that runs as root must be able to if its user says so.
#[test]
fn baseline_leaves_the_user_to_the_image() {
    let mut performer = small();
    performer.metadata.annotations = Some(BTreeMap::from([(POD_SECURITY_ANNOTATION.to_owned(), BASELINE.to_owned())]));
    let pod = pod(&performer);
    let context = pod.security_context.clone().unwrap();
    assert_eq!((context.run_as_user, context.run_as_non_root), (None, None));
    let context = container(&pod).security_context.clone().unwrap();
    assert_eq!(context.read_only_root_filesystem, Some(false));
    assert_eq!(context.allow_privilege_escalation, Some(false), "no level of ours allows it");
}

/// The GPUs that a user counts on are requested, and no others.
#[rstest::rstest]
#[case::count_alone(None, Some(2), Some(("nvidia.com/gpu", "2")))]
#[case::kind_alone(Some("a100"), None, Some(("nvidia.com/a100", "1")))]
#[case::both(Some("a100"), Some(4), Some(("nvidia.com/a100", "4")))]
#[case::none_of_a_kind(Some("a100"), Some(0), None)]
#[case::nothing(None, None, None)]
fn gpus(#[case] kind: Option<&str>, #[case] count: Option<i32>, #[case] asked: Option<(&str, &str)>) {
    let mut performer = small();
    performer.spec.hardware_requirements = Some(HardwareRequirements {
        gpu_type: kind.map(str::to_owned),
        gpu_count: count,
        ..HardwareRequirements::default()
    });
    let resources = container(&pod(&performer)).resources.clone().unwrap_or_default();
    for amounts in [resources.limits, resources.requests] {
        let found = amounts.unwrap_or_default().into_iter().next();
        assert_eq!(found.as_ref().map(|(name, count)| (name.as_str(), count.0.as_str())), asked);
    }
}

/// A name in both lists, which only an API server without this CRD accepts, must not produce objects that cannot be
/// applied.
#[test]
fn duplicate_variable_keeps_the_value_from_elsewhere() {
    let mut performer = full();
    let config = performer.spec.config.as_mut().unwrap();
    config.environment.insert("MODEL".to_owned(), "plain".to_owned());
    let variables = container(&pod(&performer)).env.clone().unwrap();
    let named: Vec<_> = variables.iter().filter(|variable| variable.name == "MODEL").collect();
    assert!(matches!(named[..], [variable] if variable.value_from.is_some()), "{named:?}");
}

/// Templating tools write empty texts for values that are not set; Kubernetes refuses objects with empty names.
#[test]
fn empty_names_stand_for_none() {
    let mut performer = full();
    let spec = &mut performer.spec;
    spec.config.as_mut().unwrap().service_account_name = Some(String::new());
    let scheduling = spec.scheduling.as_mut().unwrap();
    (scheduling.runtime_class, scheduling.priority_class_name) = (Some(String::new()), Some(String::new()));
    let hardware = spec.hardware_requirements.as_mut().unwrap();
    (hardware.gpu_type, hardware.tee_type) = (Some(String::new()), Some(String::new()));
    let pod = pod(&performer);
    assert_eq!((&pod.service_account_name, pod.automount_service_account_token), (&None, Some(false)));
    assert_eq!((&pod.runtime_class_name, &pod.priority_class_name), (&None, &None));
    let labels = pod.node_selector.clone().unwrap();
    assert!(labels.contains_key(TEE_LABEL) && !labels.contains_key(TEE_TYPE_LABEL), "{labels:?}");
    let limits = container(&pod).resources.clone().unwrap().limits.unwrap();
    assert_eq!(limits.get("nvidia.com/gpu").map(|count| count.0.as_str()), Some("2"));
}

proptest! {
    /// A difference between two calls would be applied, and would replace pods, for ever.
    #[test]
    fn objects_depend_on_the_spec_alone(performer in performer(), version in "[0-9]{1,9}") {
        let references = versions_of(&performer);
        let mut read_back: Performer = serde_json::from_value(serde_json::to_value(&performer).unwrap()).unwrap();
        read_back.metadata.resource_version = Some(version);
        read_back.metadata.generation = Some(3);
        prop_assert_eq!(deployment(&performer, &references), deployment(&read_back, &references));
        prop_assert_eq!(service(&performer), service(&read_back));
    }

    /// A second apply changes nothing: entries of lists are identified as the API server identifies them.
    #[test]
    fn applying_twice_is_applying_once(performer in performer()) {
        let once = deployment(&performer, &versions_of(&performer));
        let mut twice = once.clone();
        twice.merge_from(once.clone());
        prop_assert_eq!(once, twice);
        let once = service(&performer);
        let mut twice = once.clone();
        twice.merge_from(once.clone());
        prop_assert_eq!(once, twice);
    }

    /// The operator would own nulls and empty collections, and would fight defaults of the API server.
    #[test]
    fn nothing_empty_is_applied(performer in performer()) {
        let objects = serde_json::json!([deployment(&performer, &References::default()), service(&performer)]);
        let mut empty = BTreeSet::new();
        collect_empty(&objects, "", &mut empty);
        empty.retain(|path| !path.ends_with("/emptyDir"));
        prop_assert!(empty.is_empty(), "{empty:?}");
    }

    /// The API server refuses all others.
    #[test]
    fn names_and_labels_are_valid(performer in performer()) {
        let deployment = deployment(&performer, &References::default());
        let service = service(&performer);
        let template = deployment.spec.clone().unwrap().template.metadata.unwrap();
        for object in [&deployment.metadata, &service.metadata] {
            prop_assert!(DNS_LABEL.is_match(object.name.as_ref().unwrap()), "{:?}", object.name);
        }
        for labels in [&deployment.metadata.labels, &service.metadata.labels, &template.labels] {
            for (label, text) in labels.as_ref().unwrap() {
                prop_assert!(LABEL_KEY.is_match(label) && LABEL_VALUE.is_match(text), "{label}={text}");
            }
        }
    }

    /// A Deployment whose selector misses its pods is refused; a Service whose selector misses them serves nothing.
    #[test]
    fn selectors_find_the_pods(performer in performer()) {
        let deployment = deployment(&performer, &References::default()).spec.unwrap();
        let labels = deployment.template.metadata.unwrap().labels.unwrap();
        let selectors = [deployment.selector.match_labels.unwrap(), service(&performer).spec.unwrap().selector.unwrap()];
        for selector in selectors {
            prop_assert_eq!(selector.keys().collect::<Vec<_>>(), vec![PERFORMER_LABEL]);
            prop_assert!(selector.iter().all(|(name, value)| labels.get(name) == Some(value)));
        }
    }

    /// A dropped variable would make tasks fail in Kubernetes alone.
    #[test]
    fn each_variable_is_in_the_container_once(performer in performer()) {
        let config = performer.spec.config.clone().unwrap_or_default();
        let variables = container(&pod(&performer)).env.clone().unwrap_or_default();
        let names: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
        prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let elsewhere: BTreeSet<&str> = config.environment_from.iter().map(|variable| variable.name.as_str()).collect();
        for name in &elsewhere {
            prop_assert!(names.contains(name), "{name} of {names:?}");
        }
        for (name, value) in config.environment.iter().filter(|(name, _)| !elsewhere.contains(name.as_str())) {
            let variable = variables.iter().find(|variable| variable.name == *name);
            prop_assert_eq!(variable.and_then(|variable| variable.value.as_ref()), Some(value));
        }
    }

    /// A mount without its volume is refused, and a volume without a mount keeps a pod waiting for nothing.
    #[test]
    fn each_file_is_mounted_from_its_secret(performer in performer()) {
        let pod = pod(&performer);
        let volumes: BTreeMap<_, _> = pod.volumes.iter().flatten().filter_map(|volume| {
            Some((volume.name.as_str(), volume.secret.as_ref()?.secret_name.as_deref()?))
        }).collect();
        let mounts = container(&pod).volume_mounts.iter().flatten().filter(|mount| mount.mount_path != "/tmp");
        let mounts: Vec<_> = mounts.map(|mount| {
            (mount.mount_path.as_str(), volumes[mount.name.as_str()], mount.sub_path.as_deref(), mount.read_only)
        }).collect();
        let files: Vec<_> = performer.spec.files.iter().map(|file| {
            let key = &file.secret_key_ref;
            (file.path.as_str(), key.name.as_str(), Some(key.key.as_str()), Some(true))
        }).collect();
        let used: BTreeSet<_> = mounts.iter().map(|(_, secret, ..)| *secret).collect();
        let there: BTreeSet<_> = volumes.values().copied().collect();
        prop_assert_eq!(used, there);
        prop_assert_eq!(mounts, files);
    }

    /// A pod keeps the values that it started with: only a new pod has the current value of a secret.
    #[test]
    fn a_changed_secret_replaces_the_pod(performer in performer(), other in "[a-z]{30}") {
        let references_of = references(&performer);
        let mut versions = versions_of(&performer);
        let before = deployment(&performer, &versions).spec.unwrap().template;
        versions.insert(Reference::Secret(other), "8");
        prop_assert_eq!(&deployment(&performer, &versions).spec.unwrap().template, &before, "of nobody's concern");
        for reference in references_of {
            let mut versions = versions.clone();
            versions.insert(reference, "8");
            let after = deployment(&performer, &versions).spec.unwrap().template;
            for annotation in [REFERENCES_ANNOTATION, TEMPLATE_ANNOTATION] {
                let [before, after] = [&before, &after].map(|template| {
                    template.metadata.as_ref().unwrap().annotations.as_ref().unwrap().get(annotation).cloned()
                });
                prop_assert_ne!(before, after);
            }
        }
    }

    /// Rights that a user does not ask for are not granted.
    #[test]
    fn pods_are_restricted(performer in performer()) {
        let pod = pod(&performer);
        let context = pod.security_context.clone().unwrap();
        prop_assert_eq!(context.run_as_non_root, Some(true));
        prop_assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
        let context = container(&pod).security_context.clone().unwrap();
        prop_assert_eq!(context.allow_privilege_escalation, Some(false));
        prop_assert_eq!(context.read_only_root_filesystem, Some(true));
        prop_assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));
        prop_assert!(pod.service_account_name.is_some() || pod.automount_service_account_token == Some(false));
    }
}

fn pod(performer: &Performer) -> PodSpec {
    deployment(performer, &References::default()).spec.unwrap().template.spec.unwrap()
}

fn container(pod: &PodSpec) -> &Container {
    let [container] = &pod.containers[..] else { panic!("{} containers", pod.containers.len()) };
    container
}

fn collect_empty(value: &Value, path: &str, empty: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, item)| collect_empty(item, &format!("{path}/{at}"), empty));
        }
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(name, field)| collect_empty(field, &format!("{path}/{name}"), empty));
        }
        Value::Null | Value::Array(_) | Value::Object(_) => {
            empty.insert(path.to_owned());
        }
        _ => {}
    }
}
