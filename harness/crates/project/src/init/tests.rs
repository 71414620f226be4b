//! What is written, and what is left alone.

use std::fs;

use hourglass_scenario::{Curve, Loader, Project, RuntimeKind, project_schema_text, schema_text};

use super::*;

fn request(folder: &Path, language: Option<Language>) -> InitRequest<'_> {
    let schemas = Schemas { project: project_schema_text().unwrap(), scenario: schema_text().unwrap() };
    InitRequest { folder, language, schemas }
}

/// The scenarios of the folder, loaded as `harness run` loads them.
fn load(folder: &Path) -> Vec<hourglass_scenario::Trial> {
    let project = std::sync::Arc::new(Project::load(&folder.join("harness.yaml")).unwrap());
    let mut loader = Loader::of(Some(std::sync::Arc::clone(&project))).unwrap();
    let mut files: Vec<_> = fs::read_dir(project.scenarios()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|path| loader.load(path).unwrap().trials(&[RuntimeKind::Process])).collect()
}

/// A pass, a negative scenario with its proof, and a matrix.
#[rstest::rstest]
fn a_new_project_has_a_performer_and_three_scenarios(
    #[values(Language::Go, Language::Rust, Language::Js, Language::Python)] language: Language,
) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("new");
    let done = init(&request(&folder, Some(language))).unwrap();
    assert_eq!((done.kind, &*done.notices), (ProjectKind::New(language), &[][..]));
    assert!(done.files.iter().all(|path| folder.join(path).is_file()), "{:?}", done.files);
    let trials = load(&folder);
    assert!(trials.iter().all(|trial| trial.scenario.components.performer.command.is_some()));
    assert!(trials.iter().any(|trial| trial.without_fault().is_some()));
    let of_matrix = trials.iter().filter(|trial| trial.scenario.name == "payloads").count();
    assert_eq!((of_matrix, trials.len()), (6, 8));
}

/// What is there is found, and nothing is lost.
#[test]
fn a_folder_with_files_keeps_them() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("package.json"), "{}").unwrap();
    fs::create_dir(root.path().join(".vscode")).unwrap();
    fs::write(root.path().join(".vscode/settings.json"), "{}").unwrap();
    let done = init(&request(root.path(), None)).unwrap();
    assert_eq!(done.kind, ProjectKind::New(Language::Js));
    assert_eq!(done.notices, ["left as it is: .vscode/settings.json"]);
    assert_eq!(fs::read_to_string(root.path().join(".vscode/settings.json")).unwrap(), "{}");

    fs::remove_dir_all(root.path().join("performer")).unwrap();
    let error = init(&request(root.path(), None)).unwrap_err();
    assert!(error.to_string().contains("harness.yaml, scenarios/answers.yaml"), "{error}");
    assert!(!root.path().join("performer").exists(), "nothing is written if a file exists");
}

const CONTEXT: &str = r#"
operatorSets:
  - {id: 0, curve_type: "BN254", strategies: ["0x01"]}
  - {id: 1, curve_type: "ECDSA"}
aggregator: {operatorSetId: 0, operators: [{address: "0x02", socket: "aggregator:9000"}]}
executor:
  operatorSetId: 1
  operators: [{address: "0x03", socket: "executor:9090"}]
mailbox: {taskSla: 45}
"#;

fn avs(context: &str) -> (tempfile::TempDir, Result<Initialized, InitError>) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".hourglass/context")).unwrap();
    fs::write(root.path().join(avs::CONTEXT), context).unwrap();
    fs::write(root.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let done = init(&request(root.path(), None));
    (root, done)
}

/// Operators, curve and time limit are those of the template's devnet.
#[test]
fn a_repository_of_the_template_gets_a_project_file() {
    let (root, done) = avs(CONTEXT);
    let done = done.unwrap();
    assert_eq!((done.kind, &*done.notices), (ProjectKind::Avs, &[][..]));
    assert!(!root.path().join("performer").exists(), "it has its own performer");
    let trials = load(root.path());
    assert_eq!(trials.len(), 6);
    let topology = &trials[0].scenario.topology;
    assert_eq!(topology.task_sla, hourglass_component::document::Duration::from_secs(45));
    assert_eq!(topology.operators.iter().map(|operator| &*operator.name).collect::<Vec<_>>(), ["executor"]);
    assert_eq!(topology.curve, Curve::Ecdsa);

    let error = init(&request(root.path(), Some(Language::Go))).unwrap_err();
    assert!(matches!(error, InitError::HasPerformer { .. }), "{error}");
}

/// The example's own project file says what is read of its context.
#[test]
fn the_example_has_the_topology_of_its_context() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/avs-counter");
    let (root, done) = avs(&fs::read_to_string(example.join(avs::CONTEXT)).unwrap());
    assert_eq!(done.unwrap().notices, [""; 0]);
    let [written, example] =
        [root.path(), example.as_path()].map(|folder| Project::load(&folder.join("harness.yaml")).unwrap().document);
    assert_eq!(written.topology, example.topology);
    assert_eq!(written.components.performer.port, example.components.performer.port);
}

/// Writes the files of the template that deploy contracts, as far as `init` looks at them.
fn write_deploy_scripts(folder: &Path, scripts: &[&str]) {
    let own = "outputs[0] = Output({name: \"HelloWorldL1\", contractAddress: address(helloWorldL1)});\n";
    let files = [
        (".devkit/contracts/foundry.toml", ""),
        (".devkit/contracts/script/deploy/DeployAVSL1Contracts.s.sol", ""),
        (".devkit/contracts/script/devnet/output/deploy_avs_l1_output.json", "{}"),
        ("contracts/src/l1-contracts/HelloWorldL1.sol", ""),
        ("contracts/script/DeployMyL1Contracts.s.sol", own),
    ];
    for (path, text) in files.into_iter().chain(scripts.iter().map(|script| (*script, "#!/bin/sh\n"))) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Trials are about the contracts that the repository itself deploys, and steps can name them.
#[test]
fn a_repository_of_the_template_deploys_its_contracts() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".hourglass/context")).unwrap();
    fs::write(root.path().join(avs::CONTEXT), CONTEXT).unwrap();
    fs::write(root.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let scripts = [".devkit/scripts/deployL1Contracts", ".devkit/scripts/deployL2Contracts"];
    write_deploy_scripts(root.path(), &scripts);
    let done = init(&request(root.path(), None)).unwrap();
    assert!(matches!(&done.notices[..], [only] if only.contains("forge, cast, jq, yq and make")), "{:?}", done.notices);
    let scenario = load(root.path()).remove(0).scenario;
    let [l1, l2] = &scenario.deploy_scripts[..] else { panic!("{:?}", scenario.deploy_scripts) };
    assert_eq!([&l1.run[..], &l2.run[..]], scripts.map(|script| vec![script.to_owned()]));
    assert_eq!(l1.deploys, ["task_avs_registrar", "hello_world_l1"]);
    assert_eq!(l2.deploys, ["avs_task_hook"]);
    let inputs = [
        ".devkit/scripts/deployL1Contracts",
        ".devkit/contracts/foundry.toml",
        ".devkit/contracts/script/deploy",
        avs::CONTEXT,
        "contracts/src",
        "contracts/script",
    ];
    assert_eq!(l1.inputs, inputs.map(PathBuf::from), "what is there, without the folder that the scripts write into");
}

#[rstest::rstest]
#[case::l1(".devkit/scripts/deployL1Contracts")]
#[case::l2(".devkit/scripts/deployL2Contracts")]
fn a_repository_with_one_of_the_scripts_has_only_that(#[case] script: &str) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".hourglass/context")).unwrap();
    fs::write(root.path().join(avs::CONTEXT), CONTEXT).unwrap();
    write_deploy_scripts(root.path(), &[script]);
    init(&request(root.path(), None)).unwrap();
    let scenario = load(root.path()).remove(0).scenario;
    assert_eq!(scenario.deploy_scripts.iter().map(|script| script.run[0].as_str()).collect::<Vec<_>>(), [script]);
}

#[test]
fn what_the_project_file_cannot_say_is_told() {
    let context = CONTEXT.replace("{id: 1, curve_type: \"ECDSA\"}", "{id: 1, curve_type: bls}").replace(
        "operators: [{address: \"0x03\", socket: \"executor:9090\"}]",
        "operators: [{socket: 'A.b:1'}, {socket: 'a.b:2'}]",
    );
    let (root, done) = avs(&context);
    let notices = done.unwrap().notices.join("\n");
    assert!(notices.contains("BN254") && notices.contains("has 2 executors"), "{notices}");
    assert_eq!(load(root.path())[0].scenario.topology.operators[0].name, "a-b");
}

#[test]
fn a_repository_without_a_dockerfile_is_tested_as_processes() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(".hourglass/context")).unwrap();
    fs::write(root.path().join(avs::CONTEXT), CONTEXT).unwrap();
    let done = init(&request(root.path(), None)).unwrap();
    assert!(done.notices[0].contains("no Dockerfile"), "{:?}", done.notices);
    assert!(load(root.path())[0].scenario.components.performer.build.is_none());
}

#[test]
fn a_context_that_cannot_be_read_is_named() {
    let (_root, done) = avs("operatorSets: 3\n");
    let error = done.unwrap_err();
    assert!(error.to_string().contains("devnet.yaml"), "{error}");
}
