//! A strategy for arbitrary performers.

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, LocalObjectReference, SecretKeySelector};
use proptest::{collection, option, prelude::*};

use crate::api::{
    EnvironmentSource, EnvironmentVariable, FileKeySelector, HardwareRequirements, Performer, PerformerConfig,
    PerformerFile, PerformerSpec, PullPolicy, Scheduling,
};

/// Every performer that the API server accepts, and some versions and duplicates that it may refuse.
pub(super) fn performer() -> impl Strategy<Value = Performer> {
    let name = "[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?";
    let more = (option::of(scheduling()), option::of(hardware()), collection::vec(pull_secret(), 0..4), files());
    let spec = ("0x[0-9a-fA-F]{40}", "[a-z]{1,9}(:[a-z0-9.]{1,9})?", pull_policy(), option::of(".{0,70}"));
    (name, spec, option::of(config()), more).prop_map(|(name, (avs, image, policy, version), config, more)| {
        let (scheduling, hardware_requirements, image_pull_secrets, files) = more;
        let spec = PerformerSpec {
            avs_address: avs,
            image,
            image_pull_policy: policy,
            version,
            config,
            scheduling,
            hardware_requirements,
            image_pull_secrets,
            files,
            resources: None,
        };
        let mut performer = Performer::new(&name, spec);
        performer.metadata.namespace = Some("default".to_owned());
        performer
    })
}

fn pull_policy() -> impl Strategy<Value = PullPolicy> {
    prop_oneof![Just(PullPolicy::Always), Just(PullPolicy::Never), Just(PullPolicy::IfNotPresent)]
}

fn pull_secret() -> impl Strategy<Value = LocalObjectReference> {
    "[a-c]".prop_map(|name| LocalObjectReference { name })
}

fn files() -> impl Strategy<Value = Vec<PerformerFile>> {
    collection::btree_map("/f(/[a-z]{1,5}){1,3}", ("[a-c]", "[a-z]{1,5}"), 0..6).prop_map(|files| {
        let file = |(path, (name, key))| PerformerFile { path, secret_key_ref: FileKeySelector { name, key } };
        files.into_iter().map(file).collect()
    })
}

fn config() -> impl Strategy<Value = PerformerConfig> {
    let lists = (collection::vec(".{0,9}", 0..3), collection::vec("/[a-z]{1,9}", 0..2));
    let environment = collection::btree_map("[A-D][A-Z_]{0,2}", ".{0,20}", 0..8);
    let from = collection::vec(("[A-D][A-Z_]{0,2}", source()), 0..8);
    let account = option::of("[a-z]{1,9}");
    (option::of(1..=u16::MAX), environment, from, lists, account).prop_map(
        |(grpc_port, environment, from, lists, account)| {
            let named = |(name, value_from)| EnvironmentVariable { name, value_from };
            let (args, command) = lists;
            PerformerConfig {
                grpc_port,
                environment,
                environment_from: from.into_iter().map(named).collect(),
                args,
                command,
                service_account_name: account,
            }
        },
    )
}

fn source() -> impl Strategy<Value = EnvironmentSource> {
    prop_oneof![
        ("[a-c]", "[a-z]{1,5}").prop_map(|(name, key)| EnvironmentSource {
            secret_key_ref: Some(SecretKeySelector { name, key, optional: None }),
            config_map_key_ref: None,
        }),
        ("[a-c]", "[a-z]{1,5}").prop_map(|(name, key)| EnvironmentSource {
            secret_key_ref: None,
            config_map_key_ref: Some(ConfigMapKeySelector { name, key, optional: Some(true) }),
        }),
    ]
}

fn scheduling() -> impl Strategy<Value = Scheduling> {
    (collection::btree_map("[a-d]", "[a-z]{0,5}", 0..4), option::of("[a-z]{1,9}")).prop_map(|(node_selector, class)| {
        Scheduling { node_selector, priority_class_name: class.clone(), runtime_class: class, ..Scheduling::default() }
    })
}

fn hardware() -> impl Strategy<Value = HardwareRequirements> {
    let labels = collection::btree_map("[a-d]", "[a-z]{0,5}", 0..4);
    let gpus = (option::of("[a-z0-9]{1,9}"), option::of(0..9));
    (gpus, any::<bool>(), option::of("[a-z]{1,9}"), labels).prop_map(|(gpus, tee_required, tee_type, custom_labels)| {
        let (gpu_type, gpu_count) = gpus;
        HardwareRequirements { gpu_type, gpu_count, tee_required, tee_type, custom_labels }
    })
}
