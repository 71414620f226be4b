//! YAML samples: each is a scenario, or a part of one.

use super::markdown::Document;
use crate::sandbox::Sandbox;

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
        let sandbox = Sandbox::new();
        let keys: serde_yaml::Mapping = serde_yaml::from_str(&sample.text).unwrap();
        let text = if keys.contains_key("name") {
            assert!(keys.contains_key("steps"), "{}: a scenario without steps", sample.place);
            sandbox.file(&format!("own/{}.yaml", keys["name"].as_str().unwrap()), &sample.text)
        } else {
            sandbox.scenario(&format!("part_{number}"), &format!("{}{STEPS}", sample.text))
        };
        let outcome = sandbox.run(&["lint".as_ref(), text.as_os_str()]);
        assert_eq!(outcome.status.code(), Some(0), "{}:\n{}{}", sample.place, outcome.stdout, outcome.stderr);
        outcome.assert_shows(&["1 scenario file: no problems"]);
    }
}
