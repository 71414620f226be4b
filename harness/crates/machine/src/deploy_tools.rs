//! The tools of deploy scripts: whether the scripts of a project name them, and where they are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures::future::join_all;
use hourglass_chain::DeployTool;
use hourglass_scenario::{DeployScript, Project};

use super::{
    Known, ToolFacts,
    gather::{LIMIT, aside, untold, version_of},
};

/// The largest script that is read for the tools that it names, in bytes.
const LARGEST: u64 = 256 << 10;
/// The extensions of scripts; others, such as those of contracts, are not read.
const EXTENSIONS: [&str; 9] = ["sh", "bash", "mk", "js", "mjs", "cjs", "ts", "py", "rb"];

/// The facts about each tool, for the project of this file or of the current folder; none if it has no deploy scripts.
pub(super) async fn look(project: Option<PathBuf>) -> Known<Vec<ToolFacts>> {
    let named = aside(LIMIT, move || named_by(project.as_deref())).await?;
    let Some(named) = named else { return Ok(Vec::new()) };
    let facts = DeployTool::ALL.map(|tool| {
        let is_named = named.contains(&tool);
        async move { ToolFacts { tool, is_named, found: found(tool).await } }
    });
    Ok(join_all(facts).await)
}

async fn found(tool: DeployTool) -> Known<Option<super::FoundTool>> {
    let Some((path, found_in)) = aside(LIMIT, move || tool.find().map_err(untold)).await? else { return Ok(None) };
    let version = version_of(&path).await;
    Ok(Some(super::FoundTool { path, found_in, version }))
}

/// The tools that the deploy scripts of the project name; `None` if it has no deploy scripts.
fn named_by(project: Option<&Path>) -> Known<Option<Vec<DeployTool>>> {
    let project = Project::locate(project, &[]).map_err(untold)?;
    let scripts = project.and_then(|project| project.document.deploy_scripts.clone()).unwrap_or_default();
    if scripts.is_empty() {
        return Ok(None);
    }
    let texts: Vec<_> = scripts.iter().flat_map(texts).collect();
    let is_named = |tool: &DeployTool| texts.iter().any(|text| names(text, tool.as_str()));
    Ok(Some(DeployTool::ALL.into_iter().filter(is_named).collect()))
}

/// The command of a script, and the texts of the scripts among its arguments and its inputs. What cannot be read names nothing.
fn texts(script: &DeployScript) -> Vec<String> {
    let folder = script.folder.clone().unwrap_or_default();
    let arguments = script.run.iter().map(|argument| folder.join(argument));
    let mut files = Vec::new();
    for path in arguments.chain(script.input_paths()) {
        if path.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().filter_map(Result::ok);
            files.extend(entries.map(|entry| entry.path()));
        } else {
            files.push(path);
        }
    }
    let is_script = |path: &PathBuf| {
        let is_text = path.extension().is_none_or(|extension| EXTENSIONS.iter().any(|known| extension == *known));
        is_text && path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST)
    };
    let read = files.into_iter().filter(is_script).filter_map(|path| fs::read(path).ok());
    let read = read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    std::iter::once(script.run.join(" ")).chain(read).collect()
}

/// Whether a text has the name of a program as a word, or at the end of one in camel case, as `ensureForge`.
fn names(text: &str, program: &str) -> bool {
    let (first, rest) = program.split_at(1);
    let capitalized = first.to_ascii_uppercase() + rest;
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| word == program || word.ends_with(&capitalized))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("forge script X --broadcast", "forge", true)]
    #[case("ensureForge", "forge", true)]
    #[case("forge script X --broadcast", "cast", false)]
    #[case("x=$(cast nonce)", "cast", true)]
    #[case("remake", "make", false)]
    fn a_tool_is_named_by_a_word(#[case] text: &str, #[case] program: &str, #[case] expected: bool) {
        assert_eq!(names(text, program), expected);
    }

    /// Scripts, helpers beside them and Makefiles name tools; contracts do not.
    #[test]
    fn the_tools_of_a_project_are_those_that_its_scripts_name() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let project = root.path().join("harness.yaml");
        fs::create_dir(root.path().join("scenarios")).unwrap();
        fs::write(&project, "scenarios: scenarios\n").unwrap();
        assert_eq!(named_by(Some(&project)).unwrap(), None);
        write("deploy", "source helpers/helpers.sh; make all");
        write("helpers/helpers.sh", "function ensureJq() { command -v jq; }");
        write("Makefile", "all:\n\tforge script A.s.sol\n");
        write("contracts/A.s.sol", "// cast yq");
        let scripts = "deploy_scripts: [{run: [./deploy], inputs: [helpers, Makefile, contracts]}]\n";
        fs::write(&project, format!("scenarios: scenarios\n{scripts}")).unwrap();
        let expected = vec![DeployTool::Forge, DeployTool::Jq, DeployTool::Make];
        assert_eq!(named_by(Some(&project)).unwrap(), Some(expected));
        fs::write(&project, "deploy_scripts: 3\n").unwrap();
        named_by(Some(&project)).unwrap_err();
    }
}
