//! Checks of the AVSs of a topology and of their members: names, and weights of operators that serve several.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_component::document::{Pointer, Problem, Problems};
use hourglass_proto::limits::MAX_WEIGHT;

use super::avs::FIRST_AVS;
use super::model::{Operator, Topology};
use super::texts::ComponentRef;

/// Adds the problems of the AVSs of a topology at `at`.
pub(super) fn check(topology: &Topology, at: &Pointer, problems: &mut Problems) {
    operators(&topology.operators, &at.key("operators"), problems);
    let mut names = BTreeSet::new();
    for (index, avs) in topology.avss.iter().enumerate() {
        let at = at.key("avss").item(index);
        if avs.name == FIRST_AVS {
            problems.add(
                Problem::at_value(&at.key("name"), format!("`{FIRST_AVS}` is the name of the first AVS"))
                    .label("taken by the AVS of `topology.operators`")
                    .help("give this AVS another name"),
            );
        } else if !names.insert(&avs.name) {
            problems.add(
                Problem::at_value(&at.key("name"), format!("two AVSs are called `{}`", avs.name))
                    .label("the second one")
                    .help("give each AVS a name of its own"),
            );
        }
        operators(&avs.operators, &at.key("operators"), problems);
    }
    if problems.is_empty() && !topology.avss.is_empty() {
        weights(topology, at, problems);
        file_names(topology, at, problems);
    }
}

fn operators(operators: &[Operator], at: &Pointer, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    for (index, operator) in operators.iter().enumerate() {
        if !names.insert(&operator.name) {
            problems.add(
                Problem::at_value(&at.item(index).key("name"), format!("two operators are called `{}`", operator.name))
                    .label("the second one")
                    .help("give each operator a name of its own"),
            );
        }
    }
}

/// An operator's weights are parts of one magnitude: the contract refuses to allocate more than all of it.
fn weights(topology: &Topology, at: &Pointer, problems: &mut Problems) {
    let mut sums = BTreeMap::<&str, u64>::new();
    for member in topology.members_at(at) {
        let name = member.operator.name.as_str();
        let sum = sums.entry(name).or_default();
        *sum = sum.saturating_add(member.operator.weight);
        if *sum > MAX_WEIGHT {
            problems.add(
                Problem::at_value(
                    &member.at.key("weight"),
                    format!("the weights of `{name}` in all AVSs are more than {MAX_WEIGHT} together"),
                )
                .label("exceeds it")
                .help("give smaller weights; only their proportions within one AVS count"),
            );
        }
    }
}

/// Logs and containers are named after components, with `-` for `/`.
fn file_names(topology: &Topology, at: &Pointer, problems: &mut Problems) {
    let mut known = BTreeMap::new();
    for member in topology.members_at(at) {
        let component = ComponentRef::Performer(member.performer());
        if let Some(first) = known.insert(component.file_name(), component.clone()) {
            problems.add(
                Problem::at_value(
                    &member.at.key("name"),
                    format!("the logs of `{first}` and `{component}` would have one name"),
                )
                .label("the second one")
                .help("rename an operator or an AVS"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::{ComponentRef, Loader, PerformerRef, Scenario};

    const STEPS: &str = "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n";

    fn load(topology: &str, steps: &str) -> Result<Scenario, Vec<String>> {
        let text = format!("name: own\ndescription: A test's own.\ntopology: {topology}\n{steps}");
        match Loader::new().unwrap().parse(Path::new("own.yaml"), text) {
            Ok(file) => Ok((*file.variants[0].scenario).clone()),
            Err(error) => Err(error.reports().iter().map(hourglass_component::document::Report::one_line).collect()),
        }
    }

    const TWO: &str = "{operators: [{name: alice}, {name: bob}], \
                       avss: [{name: second, operators: [{name: alice}, {name: carol}]}]}";

    #[rstest]
    #[case::first("{avss: [{name: avs, operators: [{name: a}]}]}", "`avs` is the name of the first AVS")]
    #[case::twice(
        "{avss: [{name: b, operators: [{name: a}]}, {name: b, operators: [{name: a}]}]}",
        "two AVSs are called `b`"
    )]
    #[case::operators("{avss: [{name: b, operators: [{name: a}, {name: a}]}]}", "two operators are called `a`")]
    #[case::none("{avss: [{name: b, operators: []}]}", "operators")]
    #[case::without_operators("{avss: [{name: b}]}", "operators")]
    #[case::weights(
        "{operators: [{name: a, weight: 1}], avss: [{name: b, operators: [{name: a, weight: 1000000000000000000}]}]}",
        "the weights of `a` in all AVSs are more than 1000000000000000000 together"
    )]
    #[case::files(
        "{operators: [{name: a-b}], avss: [{name: b, operators: [{name: a}]}]}",
        "the logs of `performer/a-b` and `performer/a/b` would have one name"
    )]
    #[case::sla("{avss: [{name: b, task_sla: 0s, operators: [{name: a}]}]}", "the task SLA must be whole seconds")]
    #[case::curve(
        "{avss: [{name: b, curve: bn254, operators: [{name: a}]}]}",
        "the curve `bn254` is not supported yet"
    )]
    #[case::port(
        "{operators: [{name: a, performer: {port: 8080}}], avss: [{name: b, operators: [{name: a, performer: {port: 8080}}]}]}",
        "the performers of `a` and `a/b` would both listen on port 8080 of one machine"
    )]
    fn mistakes_of_avss_are_found_before_a_run(#[case] topology: &str, #[case] expected: &str) {
        let problems = load(topology, STEPS).expect_err("it has a mistake");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }

    #[rstest]
    #[case::avs("{create_task: {payload: \"1\", avs: secnd}}", "there is no AVS called `secnd`")]
    #[case::member(
        "{create_task: {payload: \"1\", avs: second}}, {expect_verified: {signed_by: [bob]}}",
        "`bob` is no operator of the AVS `second`"
    )]
    #[case::member_of_first(
        "{create_task: {payload: \"1\"}}, {expect_verified: {not_signed_by: [carol]}}",
        "`carol` is no operator of the AVS `avs`"
    )]
    #[case::performer("{kill: {component: performer/carol}}", "there is no performer called `performer/carol`")]
    #[case::performer_of_avs(
        "{kill: {component: performer/bob/second}}",
        "there is no performer called `performer/bob/second`"
    )]
    #[case::executor("{kill: {component: executor/dave}}", "there is no operator called `dave`")]
    #[case::deployed("{deploy_performer: {operator: carol}}", "`carol` is no operator of the AVS `avs`")]
    #[case::removed("{remove_performer: {operator: carol}}", "`carol` is no operator of the AVS `avs`")]
    #[case::listed("{expect_performers: {operator: carol, count: 1}}", "`carol` is no operator of the AVS `avs`")]
    #[case::deployed_by_nobody("{deploy_performer: {operator: dave}}", "there is no operator called `dave`")]
    fn steps_mean_avss_and_members_that_exist(#[case] steps: &str, #[case] expected: &str) {
        let steps =
            format!("steps: [{steps}, {{create_task: {{as: t, payload: \"1\"}}}}, {{expect_verified: {{task: t}}}}]\n");
        let problems = load(TWO, &steps).expect_err("it has a mistake");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }

    #[test]
    fn an_operator_of_two_avss_has_one_executor_and_two_performers() {
        let steps = "steps: [{create_task: {payload: \"1\", avs: avs}}, {kill: {component: performer/alice/second}}, \
                     {kill: {component: executor/carol}}, {expect_verified: {signed_by: [bob]}}]\n";
        let scenario = load(TWO, steps).unwrap();
        let topology = &scenario.topology;
        assert_eq!(topology.operator_names(), ["alice", "bob", "carol"]);
        let performers: Vec<_> = topology.performers().map(|(performer, _)| performer.to_string()).collect();
        assert_eq!(performers, ["alice", "bob", "alice/second", "carol/second"]);
        assert_eq!((topology.threshold_of(Some("second")), topology.avss[0].threshold), (6667, Some(6667)));
        let component: ComponentRef = "performer/alice/second".parse().unwrap();
        assert_eq!(component, ComponentRef::Performer(PerformerRef::of_avs("alice", Some("second"))));
        assert_eq!((component.operator(), component.file_name().as_str()), (Some("alice"), "performer-alice-second"));
    }
}
