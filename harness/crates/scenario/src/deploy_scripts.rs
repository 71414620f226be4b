//! Deploy scripts: programs of the user's that deploy contracts before the first task, and tell which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hourglass_component::{
    document::{Duration, Pointer, Problem, Problems},
    variables::RefusedVariable,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::no_time;
use super::model::{ScenarioDocument, texts};
use super::texts::Scalar;
use super::values::Chain;

/// How long a script may take unless it says so itself, in seconds.
const WITHIN: u64 = 600;

/// A program that deploys contracts before the first task, such as `.devkit/scripts/deployL1Contracts` of the public template. Its
/// last argument is the context document of that template as JSON: URLs of both chains, keys and addresses; the variable
/// `HARNESS_CONTEXT_FILE` names a file with it. It must write JSON: a list of `{"name": …, "address": …}`, or an object with such lists
/// as `deployed_l1_contracts` and `deployed_l2_contracts`. Names become snake case. What it has done to the chains is cached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployScript {
    /// Program and arguments. There is no shell, unless the program is one. It starts in the folder of this file.
    #[schemars(length(min = 1), extend("examples" = [[".devkit/scripts/deployL1Contracts"]]))]
    pub run: Vec<String>,
    /// The files and folders on which it depends. It runs again where one of them has changed.
    #[schemars(with = "Vec<String>", length(min = 1), extend("examples" = [["contracts/src", "contracts/script", ".devkit"]]))]
    pub inputs: Vec<PathBuf>,
    /// The contracts that steps name, in snake case: `hello_world_l1` for `HelloWorldL1`. It fails if one of them is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deploys: Vec<String>,
    /// The chain of the contracts where it writes a list.
    #[serde(default)]
    pub chain: Chain,
    /// Environment variables, added to those of the harness, `L1_RPC_URL` and `L2_RPC_URL`.
    #[serde(default, deserialize_with = "texts", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    pub environment: BTreeMap<String, String>,
    /// How long it may take. Default: ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// The folder in which it starts; unknown until the document is resolved.
    #[serde(skip)]
    pub folder: Option<PathBuf>,
}

impl DeployScript {
    /// How long it may take.
    pub fn limit(&self) -> Duration {
        self.within.unwrap_or(Duration::from_secs(WITHIN))
    }

    /// Its inputs as absolute paths, or relative to the current folder.
    pub fn input_paths(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.folder.clone().unwrap_or_default();
        self.inputs.iter().map(move |input| folder.join(input))
    }
}

/// Adds the problems of the deploy scripts of `document`, whose paths are relative to `folder` unless they have one.
pub(super) fn check(document: &ScenarioDocument, folder: &Path, problems: &mut Problems) {
    let at = Pointer::from("/deploy_scripts");
    let mut names: BTreeSet<&str> = document.contracts.keys().map(String::as_str).collect();
    for (index, script) in document.deploy_scripts.iter().flatten().enumerate() {
        let at = at.item(index);
        let folder = script.folder.as_deref().unwrap_or(folder);
        if let Some(program) = script.run.first().filter(|program| program.contains('/'))
            && !folder.join(program).is_file()
        {
            let message = format!("the program {} does not exist", folder.join(program).display());
            let problem = Problem::at_value(&at.key("run").item(0), message).label("no such file");
            problems.add(problem.help("name a file, from the folder of this file, or a program in PATH"));
        }
        for (index, input) in script.inputs.iter().enumerate().filter(|(_, input)| !folder.join(input).exists()) {
            let message = format!("the input {} does not exist", folder.join(input).display());
            let problem = Problem::at_value(&at.key("inputs").item(index), message).label("no such file or folder");
            problems.add(problem.help("name what the program reads; paths start at the folder of this file"));
        }
        for (index, name) in script.deploys.iter().enumerate() {
            check_name(name, names.insert(name), &at.key("deploys").item(index), problems);
        }
        if script.within.is_some_and(|within| within.is_zero()) {
            problems.add(no_time(&at.key("within"), "within"));
        }
    }
}

fn check_name(name: &str, is_new: bool, at: &Pointer, problems: &mut Problems) {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let problem = if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(fits) {
        Problem::at_value(at, format!("`{name}` cannot be the name of a contract"))
            .label("not in snake case")
            .help("write `hello_world_l1` for a contract that the program calls `HelloWorldL1`")
    } else if !is_new {
        Problem::at_value(at, format!("two contracts are called `{name}`"))
            .label("the second one")
            .help("keep one of them")
    } else if let Some(refused) = RefusedVariable::of(&name.to_uppercase()) {
        let message =
            format!("`{name}` cannot be the name of a contract: performers get its address as {}", name.to_uppercase());
        Problem::at_value(at, message).label(format!("that {refused}")).help("have the program give it another name")
    } else {
        return;
    };
    problems.add(problem);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use crate::Loader;

    fn problems(scripts: &str, step: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("deploy"), "").unwrap();
        let text = format!(
            "name: own\ndescription: A test's own.\ndeploy_scripts: [{scripts}]\nsteps:\n  - {step}\n  - create_task: {{payload: a}}\n  - expect_verified: {{}}\n"
        );
        match Loader::new().unwrap().parse(&folder.path().join("own.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    const CALL: &str = r#"call: {to: hello_world, function: "a() returns (uint8)", expect: ["1"]}"#;

    /// What a script deploys, steps can name, and its errors are not known before it has run.
    #[rstest]
    #[case::call("{run: [./deploy], inputs: [deploy], deploys: [hello_world]}", CALL)]
    #[case::of_the_harness(
        "{run: [./deploy], inputs: [deploy], deploys: [avs_task_hook, task_avs_registrar, hello_world]}",
        CALL
    )]
    #[case::error("{run: [sh, deploy], inputs: [deploy]}", "expect_rejected: {payload: a, error: SomeErrorOfTheirs}")]
    fn contracts_of_scripts_are_names_for_steps(#[case] scripts: &str, #[case] step: &str) {
        assert_eq!(problems(scripts, step), [""; 0]);
    }

    #[rstest]
    #[case::unnamed("{run: [./deploy], inputs: [deploy]}", "no contract is called `hello_world`")]
    #[case::no_inputs("{run: [./deploy], deploys: [hello_world]}", "inputs")]
    #[case::no_program("{run: [./deplyo], inputs: [deploy], deploys: [hello_world]}", "deplyo does not exist")]
    #[case::no_input("{run: [./deploy], inputs: [src], deploys: [hello_world]}", "src does not exist")]
    #[case::camel(
        "{run: [./deploy], inputs: [deploy], deploys: [hello_world, HelloL1]}",
        "`HelloL1` cannot be the name"
    )]
    #[case::twice(
        "{run: [./deploy], inputs: [deploy], deploys: [hello_world, hello_world]}",
        "two contracts are called"
    )]
    #[case::variable(
        "{run: [./deploy], inputs: [deploy], deploys: [hello_world, grpc_port]}",
        "performers get its address as GRPC_PORT"
    )]
    #[case::no_time("{run: [./deploy], inputs: [deploy], deploys: [hello_world], within: 0s}", "within")]
    fn mistakes_of_scripts_are_found_before_a_run(#[case] scripts: &str, #[case] message: &str) {
        let problems = problems(scripts, CALL);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message), "{problems:?}");
    }
}
