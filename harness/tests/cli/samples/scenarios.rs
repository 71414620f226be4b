//! YAML samples: each is a scenario, a part of one, or a project file.

use std::{fs, path::Path};

use hourglass_test_support::{FILES, Sandbox, run};

use super::markdown::Document;
use crate::HARNESS;

/// Steps, which every scenario needs.
const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {}\n";
/// The documents whose YAML samples are scenarios; others show configurations of components and values of charts.
const DOCUMENTS: [&str; 2] = ["README.md", "CONTRIBUTING.md"];

#[test]
fn yaml_samples_are_scenarios_without_problems() {
    let samples: Vec<_> = DOCUMENTS
        .into_iter()
        .flat_map(|name| Document::named(name).blocks_of("yaml").cloned().collect::<Vec<_>>())
        .collect();
    assert!(samples.len() > 3, "the documents are not read: {samples:?}");
    for (number, sample) in samples.iter().enumerate() {
        let sandbox = Sandbox::new(HARNESS);
        let keys: serde_yaml::Mapping = serde_yaml::from_str(&sample.text).unwrap();
        if keys.contains_key("prepare") {
            assert_project(&sample.text);
            continue;
        }
        if keys.contains_key("contracts") || keys.contains_key("replace") {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/avs-counter");
            for name in ["CounterHook", "OpenRegistrar", "Registry", "RegistryV2"] {
                let artifact = format!("contracts/out/{name}.sol/{name}.json");
                let copy = sandbox.path(&artifact);
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(folder.join(&artifact), copy).unwrap();
            }
        }
        for script in keys.get("deploy_scripts").and_then(serde_yaml::Value::as_sequence).into_iter().flatten() {
            let named = |key: &str| script[key].as_sequence().unwrap().iter().map(|path| path.as_str().unwrap());
            for folder in named("inputs") {
                fs::create_dir_all(sandbox.path(FILES).join(folder)).unwrap();
            }
            sandbox.file(&format!("{FILES}/{}", named("run").next().unwrap()), "");
        }
        let steps = if keys.contains_key("steps") { "" } else { STEPS };
        let text = if keys.contains_key("name") {
            assert!(keys.contains_key("steps"), "{}: a scenario without steps", sample.place);
            sandbox.file(&format!("own/{}.yaml", keys["name"].as_str().unwrap()), &sample.text)
        } else {
            sandbox.scenario(&format!("part_{number}"), &format!("{}{steps}", sample.text))
        };
        let outcome = sandbox.run(&["lint".as_ref(), text.as_os_str()]);
        assert_eq!(outcome.status.code(), Some(0), "{}:\n{}{}", sample.place, outcome.stdout, outcome.stderr);
        outcome.assert_shows(&["1 scenario file: no problems"]);
    }
}

/// The project that `harness init` writes, with the sample as its project file.
#[track_caller]
fn assert_project(text: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path("project");
    sandbox.run(&["init".as_ref(), "--lang".as_ref(), "go".as_ref(), folder.as_os_str()]).assert_code(0);
    sandbox.file("project/harness.yaml", text);
    let outcome = run(sandbox.harness(&["lint"]).current_dir(&folder).env_remove("HARNESS_SCENARIOS"));
    outcome.assert_code(0).assert_shows(&["3 scenario files: no problems"]);
}
