//! The deploy scripts of a repository made from the public AVS template, as `deploy_scripts` of its project file has them.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use heck::ToSnakeCase as _;
use hourglass_component::variables::RefusedVariable;

/// A deploy script of the template.
struct TemplateScript {
    program: &'static str,
    /// What it deploys, in a sentence for the project file.
    does: &'static str,
    /// The contract of the template that it deploys in every project, as steps name it.
    deploys: &'static str,
    /// The Foundry script of the project's own contracts, which it runs.
    own: &'static str,
}

const SCRIPTS: [TemplateScript; 2] = [
    TemplateScript {
        program: ".devkit/scripts/deployL1Contracts",
        does: "The registrar and the project's own contracts on L1.",
        deploys: "task_avs_registrar",
        own: "contracts/script/DeployMyL1Contracts.s.sol",
    },
    TemplateScript {
        program: ".devkit/scripts/deployL2Contracts",
        does: "The task hook and the project's own contracts on L2, and the task configuration of the AVS.",
        deploys: "avs_task_hook",
        own: "contracts/script/DeployMyL2Contracts.s.sol",
    },
];

/// What both scripts read, besides themselves. The folders of `.devkit/contracts/script` in which they write the addresses of each
/// environment are not among them: each run would make the next one deploy again. Libraries are submodules, whose versions are in
/// `foundry.lock`.
const INPUTS: [&str; 11] = [
    ".devkit/scripts/helpers",
    ".devkit/contracts/Makefile",
    ".devkit/contracts/foundry.toml",
    ".devkit/contracts/foundry.lock",
    ".devkit/contracts/src",
    ".devkit/contracts/script/deploy",
    ".devkit/contracts/script/setup",
    super::avs::CONTEXT,
    "contracts/foundry.toml",
    "contracts/src",
    "contracts/script",
];

/// The key `deploy_scripts` for the scripts that the repository in `folder` has; empty if it has none.
pub(super) fn section(folder: &Path) -> String {
    let inputs: Vec<_> = INPUTS.into_iter().filter(|input| folder.join(input).exists()).collect();
    let mut known = BTreeSet::new();
    let mut text = String::new();
    for script in SCRIPTS.iter().filter(|script| folder.join(script.program).is_file()) {
        let own = fs::read_to_string(folder.join(script.own)).unwrap_or_default();
        let names = std::iter::once(script.deploys.to_owned()).chain(told_names(&own));
        let deploys: Vec<_> = names.filter(|name| known.insert(name.clone())).collect();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "  # {}\n  - run: [{}]\n    deploys: [{}]\n    inputs:\n",
            script.does,
            script.program,
            deploys.join(", ")
        );
        for input in std::iter::once(&script.program).chain(&inputs) {
            let _ = writeln!(text, "      - {input}");
        }
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "\
# What the scripts of .devkit deploy before the first task. They run when the state of the chains is made, and again when one of
# `inputs` has changed. `deploys` has the contracts that steps can name: a script fails if it does not tell one of them.
deploy_scripts:
{text}"
    )
}

/// The names of the contracts that a Foundry script of the template tells as its output, as steps write them.
fn told_names(script: &str) -> impl Iterator<Item = String> {
    let code = script.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = code.flat_map(|line| line.split("Output({name: \"").skip(1)).filter_map(|rest| rest.split_once('"'));
    names.map(|(name, _)| name.to_snake_case()).filter(|name| is_name(name))
}

/// Whether a contract can have the name: the project file would be refused otherwise.
fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.chars().all(fits)
        && RefusedVariable::of(&name.to_uppercase()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_outputs() {
        let script = "\
            // outputs[0] = Output({name: \"CustomContractL1\", contractAddress: address(customContractL1)});\n\
            outputs[0] = Output({name: \"HelloWorldL1\", contractAddress: address(helloWorldL1)});\n\
            outputs[1] = Output({name: \"grpcPort\", contractAddress: a}); outputs[2] = Output({name: \"counter\", a: b});\n\
            string name: \"unrelated\"\n";
        assert_eq!(told_names(script).collect::<Vec<_>>(), ["hello_world_l1", "counter"]);
    }
}
