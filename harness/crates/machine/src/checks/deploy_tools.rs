//! The tools that the deploy scripts of a project call. A trial without deploy scripts needs none of them, so that one that is absent is
//! a warning.

use hourglass_base::{Check, Topic};
use hourglass_chain::DeployTool;

use super::{NONE, programs::origin};
use crate::{Known, ToolFacts};

/// Stands for all tools where the project cannot be read.
const SCRIPTS: Topic = Topic { name: "deploy-scripts", needed_by: NONE };

pub(super) fn all(tools: &Known<Vec<ToolFacts>>) -> Vec<Check> {
    match tools {
        Ok(tools) => tools.iter().map(check).collect(),
        Err(unknown) => vec![SCRIPTS.unknown(unknown)],
    }
}

fn check(facts: &ToolFacts) -> Check {
    let topic = Topic { name: facts.tool.as_str(), needed_by: NONE };
    match &facts.found {
        Err(unknown) => topic.unknown(unknown),
        Ok(Some(found)) => {
            let location = format!("at {} ({})", found.path.display(), origin(found.found_in));
            match &found.version {
                Ok(version) => topic.ok(format!("{version} {location}")),
                Err(reason) => topic.warning(format!("{location} does not run: {reason}"), remedy(facts.tool)),
            }
        }
        Ok(None) if facts.is_named => {
            topic.warning("not found, and deploy scripts of the project name it", remedy(facts.tool))
        }
        Ok(None) => topic.ok("not found; no deploy script of the project names it"),
    }
}

fn remedy(tool: DeployTool) -> &'static str {
    match tool {
        DeployTool::Forge | DeployTool::Cast => {
            "`harness setup foundry` installs it from npm; or install Foundry (https://getfoundry.sh)"
        }
        DeployTool::Yq => {
            "install it from https://github.com/mikefarah/yq; packages of some systems have another program"
        }
        DeployTool::Jq => "install the package `jq` of this system",
        DeployTool::Make => "install the package `make` of this system",
    }
}

#[cfg(test)]
mod tests {
    use hourglass_base::Verdict;
    use hourglass_chain::FoundIn;

    use super::*;
    use crate::{FoundTool, Unknown};

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be absent")]
    fn found(version: Result<&str, &str>) -> Option<FoundTool> {
        let version = version.map(str::to_owned).map_err(str::to_owned);
        Some(FoundTool { path: "/opt/forge".into(), found_in: FoundIn::Foundry, version })
    }

    #[rstest::rstest]
    #[case::there(true, found(Ok("1.7.1")), Verdict::Ok, "1.7.1 at /opt/forge (Foundry's folder)")]
    #[case::broken(true, found(Err("exec format error")), Verdict::Warning, "does not run: exec format error")]
    #[case::absent(true, None, Verdict::Warning, "not found, and deploy scripts of the project name it")]
    #[case::not_named(false, None, Verdict::Ok, "not found; no deploy script of the project names it")]
    fn a_tool_that_scripts_name_and_do_not_find_is_a_warning(
        #[case] is_named: bool,
        #[case] found: Option<FoundTool>,
        #[case] verdict: Verdict,
        #[case] says: &str,
    ) {
        let facts = DeployTool::ALL.map(|tool| ToolFacts { tool, is_named, found: Ok(found.clone()) }).to_vec();
        let checks = all(&Ok(facts));
        assert_eq!(checks.len(), 5);
        for check in checks {
            assert_eq!(check.verdict, verdict, "{check:?}");
            assert!(check.finding.contains(says), "{check:?}");
            assert_eq!(check.remedy.is_none(), verdict == Verdict::Ok, "a finding without a remedy: {check:?}");
        }
    }

    #[test]
    fn a_project_without_deploy_scripts_has_no_rows() {
        assert!(all(&Ok(Vec::new())).is_empty());
        let unread = all(&Err(Unknown::Untold("failed to read `harness.yaml`: 2 problems".to_owned())));
        assert_eq!((unread.len(), unread[0].name, unread[0].verdict), (1, "deploy-scripts", Verdict::Warning));
    }
}
