//! `deploy_performer`.

use std::collections::BTreeMap;

use hourglass_component::document::{Duration, Pointer, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GrpcCode;
use super::check::StepCheck;
use super::defaults::default_action_within;
use super::definition::{NewPerformer, StepDefinition, StepProperties, StepRuntimes};
use crate::check_components;
use crate::model::texts;
use crate::texts::Scalar;

/// Deploys another performer through the management service of an operator's executor, with the operator's signature. The
/// executor starts it, puts it in service when it is healthy, and then ends the previous one, whose end is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployPerformer {
    /// The operator, one of the first AVS; the step is about its performers for that AVS.
    pub operator: String,
    /// The name by which later steps mean this performer.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    #[schemars(title = "performer name", regex(pattern = "^[a-z][a-z0-9_-]*$"), extend("examples" = ["green"]))]
    pub alias: Option<String>,
    /// Environment variables, over those of the configured performer; with an image, all that it has besides those that the
    /// executor sets.
    #[serde(default, deserialize_with = "texts", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    pub environment: BTreeMap<String, String>,
    /// The image by repository and digest. The engine or the nodes must have it. Default: the configured performer again. Not for
    /// the process runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "image with its digest", regex(pattern = "^[^@\\s]+@sha256:[0-9a-f]{64}$"), extend("examples" = ["registry.example/performer@sha256:…"]))]
    pub image: Option<String>,
    /// What the step waits for.
    #[serde(default)]
    pub until: DeployedUntil,
    /// The code with which the executor must refuse the deployment. Default: it must succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_refused: Option<GrpcCode>,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// How far a deployment is when its step is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeployedUntil {
    /// The performer is in service and healthy.
    #[default]
    InService,
    /// The executor lists the performer; the deployment goes on during the next steps.
    Staged,
}

impl DeployPerformer {
    /// Repository and digest of the image.
    pub fn artifact(&self) -> Option<(&str, &str)> {
        self.image.as_deref()?.split_once('@')
    }
}

impl StepDefinition for DeployPerformer {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn key_runtimes(&self) -> Vec<(&'static str, StepRuntimes)> {
        self.image.iter().map(|_| ("image", StepRuntimes::Containers)).collect()
    }

    fn deploys(&self) -> Option<NewPerformer<'_>> {
        let alias = self.alias.as_deref().filter(|_| self.expect_refused.is_none());
        alias.map(|alias| NewPerformer { alias, operator: &self.operator })
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        check.operator_of_first(&self.operator, &at.key("operator"));
        check_components::variables(&self.environment, true, &at.key("environment"), check.problems);
        let pointless = [("as", self.alias.is_some()), ("until", self.until == DeployedUntil::Staged)];
        for (key, is_given) in pointless {
            if is_given && self.expect_refused.is_some() {
                check.problems.add(
                    Problem::at_key(&at.key(key), format!("`{key}` is about a performer that is not to exist"))
                        .label("of a deployment that is refused")
                        .help(format!("take `{key}` or `expect_refused` away")),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::Loader;

    fn problems(steps: &str) -> Vec<String> {
        let text = format!(
            "name: deploys\ndescription: A test's own.\ntopology: {{operators: [{{name: alice}}, {{name: bob}}]}}\nsteps:\n{steps}"
        );
        match Loader::new().unwrap().parse(Path::new("deploys.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    const NAMED: &str =
        "  - deploy_performer: {operator: alice, as: green, environment: {TASK_DELAY_MS: 5}, until: staged}\n";

    #[rstest]
    #[case::named("  - expect_performers: {operator: alice, count: 1, performers: {green: in_service}}\n")]
    #[case::removed("  - remove_performer: {operator: alice, performer: green}\n")]
    #[case::refused("  - deploy_performer: {operator: alice, expect_refused: ALREADY_EXISTS}\n")]
    fn valid_steps_load(#[case] step: &str) {
        assert_eq!(problems(&format!("{NAMED}{step}")), [""; 0]);
    }

    #[rstest]
    #[case::operator("deploy_performer: {operator: alise}", "no operator called `alise`", "did you mean `alice`?")]
    #[case::removed_operator("remove_performer: {operator: bib}", "no operator called `bib`", "did you mean `bob`?")]
    #[case::code(
        "deploy_performer: {operator: alice, expect_refused: ALREADY_EXIST}",
        "`ALREADY_EXIST`",
        "did you mean `ALREADY_EXISTS`?"
    )]
    #[case::performer(
        "remove_performer: {operator: alice, performer: gren}",
        "no earlier step deploys a performer called `gren`",
        "did you mean `green`?"
    )]
    #[case::expected_performer(
        "expect_performers: {operator: alice, performers: {blue: in_service}}",
        "no earlier step deploys a performer called `blue`",
        "green"
    )]
    #[case::other_operator(
        "remove_performer: {operator: bob, performer: green}",
        "the performer `green` is one of alice",
        "say `operator: alice`"
    )]
    #[case::again(
        "deploy_performer: {operator: alice, as: green}",
        "two steps deploy a performer called `green`",
        "another name"
    )]
    #[case::on_processes(
        "deploy_performer: {operator: alice, image: 'p@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
        "the process runtime does not have `image` of `deploy_performer`",
        "say `runtimes: [docker, kubernetes]`"
    )]
    #[case::tag("deploy_performer: {operator: alice, image: 'p:1'}", "`p:1`", "image with its digest")]
    #[case::variable(
        "deploy_performer: {operator: alice, environment: {GRPC_PORT: 1}}",
        "the variable `GRPC_PORT` is set by the executor",
        "take it away"
    )]
    #[case::name_of_a_refused_one(
        "deploy_performer: {operator: alice, as: x, expect_refused: INTERNAL}",
        "`as` is about a performer that is not to exist",
        "take `as` or `expect_refused` away"
    )]
    #[case::nothing("expect_performers: {operator: alice}", "expects nothing", "`count` or `performers`")]
    fn invalid_steps_do_not_load(#[case] step: &str, #[case] message: &str, #[case] remedy: &str) {
        let problems = problems(&format!("{NAMED}  - {step}\n"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message) && problems[0].contains(remedy), "{problems:?}");
    }

    /// Branches run concurrently: one cannot name what another deploys, and each name stands for one performer.
    #[test]
    fn a_branch_does_not_know_the_performers_of_another() {
        let branches = |second: &str| {
            problems(&format!(
                "  - parallel:\n      - deploy_performer: {{operator: alice, as: green}}\n      - {second}\n"
            ))
        };
        let unknown = branches("remove_performer: {operator: alice, performer: green}");
        assert!(unknown.len() == 1 && unknown[0].contains("no earlier step deploys"), "{unknown:?}");
        let twice = branches("deploy_performer: {operator: bob, as: green}");
        assert!(twice.len() == 1 && twice[0].contains("two steps deploy"), "{twice:?}");
    }
}
