//! Warnings about executors and aggregators of the user's: what scenarios ask of them that the public programs do not do.

use hourglass_component::document::{Pointer, Problem, Problems};

use super::model::{Components, ScenarioDocument, Topology};

/// What a program has to do, and what the public one does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    /// What a program has to do, after `this executor`.
    pub(super) has_to: &'static str,
    /// Where it finds what it needs for that, and what is known of the public program.
    pub(super) remedy: &'static str,
}

/// A signing key can be registered in one operator set alone, and the public programs have one key for all AVSs.
const KEYS_OF_EXECUTOR: Demand = Demand {
    has_to: "has to sign with a key for each AVS",
    remedy: "it finds them as `signingKey` in `avsPerformers`; the public executor has one key",
};
const KEYS_OF_AGGREGATOR: Demand = Demand {
    has_to: "has to sign with a key for each AVS",
    remedy: "it finds them as `signingKey` in `avss`; the public aggregator has one key",
};
const FILES: Demand = Demand {
    has_to: "has to give performers their `files`",
    remedy: "it finds them as `files` in `avsPerformers`; the public executor does not know that key: put the files into the performer's image",
};

/// What an executor has to do that signs for several AVSs.
pub(super) fn of_executor(topology: &Topology) -> Option<Demand> {
    (!topology.avss.is_empty()).then_some(KEYS_OF_EXECUTOR)
}

/// What an aggregator has to do that signs for several AVSs.
pub(super) fn of_aggregator(topology: &Topology) -> Option<Demand> {
    (!topology.avss.is_empty()).then_some(KEYS_OF_AGGREGATOR)
}

/// What an executor in a container has to do whose performers have files. As a process, a performer finds its files by a variable of
/// its environment, which every executor passes on.
pub(super) fn of_executor_with_files(components: &Components, topology: &Topology) -> Option<Demand> {
    let has_files =
        !components.performer.files.is_empty() || topology.performers().any(|(_, one)| !one.performer.files.is_empty());
    has_files.then_some(FILES)
}

/// Adds to `warnings` what the programs of the user's in a document have to do.
pub(super) fn check(document: &ScenarioDocument, warnings: &mut Problems) {
    let at = Pointer::from("/components");
    let ScenarioDocument { components, topology, .. } = document;
    let programs = [
        ("executor", &components.executor, of_executor(topology)),
        ("aggregator", &components.aggregator, of_aggregator(topology)),
    ];
    for (name, component, demand) in programs {
        let Some(Demand { has_to, remedy }) = demand else { continue };
        let given = [("command", component.command.is_some()), ("image", component.image.is_some())];
        for (key, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            let problem = Problem::at_value(&at.key(name).key(key), format!("this {name} {has_to}"));
            warnings.add(problem.label("serves several AVSs").help(remedy));
        }
    }
    if components.executor.image.is_some()
        && let Some(Demand { has_to, remedy }) = of_executor_with_files(components, topology)
    {
        // At the files: the executor may have another warning.
        let own = topology.members_at(&Pointer::from("/topology"));
        let own = own.into_iter().find(|member| !member.operator.performer.files.is_empty());
        let at = own.filter(|_| components.performer.files.is_empty()).map(|member| member.at.key("performer"));
        let at = at.unwrap_or_else(|| Pointer::from("/components/performer")).key("files");
        let problem = Problem::at_key(&at, format!("the executor of `components.executor.image` {has_to}"));
        warnings.add(problem.label("given by the executor").help(remedy));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_component::document::Report;
    use rstest::rstest;

    use crate::{Images, Loader, RuntimeKind, ScenarioFile};

    const ONE: &str = "{operators: [{name: alice}]}";
    const TWO: &str = "{operators: [{name: alice}], avss: [{name: second, operators: [{name: alice}]}]}";
    const FILES: &str = "{operators: [{name: alice, performer: {files: {/etc/avs/a: {text: a}}}}]}";
    const KEYS: &str = "this executor has to sign with a key for each AVS";
    const GIVES: &str = "the executor of `components.executor.image` has to give performers their `files`";

    fn load(topology: &str, components: &str) -> ScenarioFile {
        let text = format!(
            "name: own\ndescription: A test's own.\nruntimes: [docker, kubernetes]\nruntimes_because: There is an image.\n\
             components: {{{components}}}\ntopology: {topology}\nsteps: [{{create_task: {{payload: \"1\"}}}}, \
             {{expect_verified: {{}}}}]\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap()
    }

    #[rstest]
    #[case::executor(TWO, "executor: {image: mine}", &[KEYS])]
    #[case::aggregator(TWO, "aggregator: {image: mine}", &["this aggregator has to sign with a key for each AVS"])]
    #[case::performer(TWO, "performer: {image: mine}", &[])]
    #[case::one_avs(ONE, "executor: {image: mine}", &[])]
    #[case::files(FILES, "executor: {image: mine}", &[GIVES])]
    #[case::shared_files(ONE, "executor: {image: mine}, performer: {files: {/a/b: {text: a}}}", &[GIVES])]
    #[case::both(TWO, "executor: {image: mine}, performer: {files: {/a/b: {text: a}}}", &[KEYS, GIVES])]
    #[case::files_of_the_reference_executor(FILES, "aggregator: {image: mine}", &[])]
    #[case::as_a_process(FILES, "executor: {command: [mine]}", &[])]
    fn programs_of_the_user_have_to_do_what_public_ones_do_not(
        #[case] topology: &str,
        #[case] components: &str,
        #[case] expected: &[&str],
    ) {
        let warnings: Vec<_> = load(topology, components).warnings.iter().map(Report::one_line).collect();
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        assert!(warnings.iter().zip(expected).all(|(warning, words)| warning.contains(*words)), "{warnings:?}");
    }

    /// An image of the command line is no less the user's than one of the scenario.
    #[rstest]
    #[case::executor(TWO, &["--executor-image mine: this executor has to sign with a key for each AVS in docker::own"])]
    #[case::one_avs(ONE, &[])]
    #[case::files(FILES, &["--executor-image mine: this executor has to give performers their `files` in docker::own"])]
    fn images_of_the_command_line_are_warned_of(#[case] topology: &str, #[case] expected: &[&str]) {
        let images = Images { executor: Some("mine".to_owned()), ..Images::default() };
        let trials = images.over(load(topology, "").trials(&[RuntimeKind::Docker])).unwrap();
        let warnings = images.warnings(&trials);
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        assert!(warnings.iter().zip(expected).all(|(warning, words)| warning.contains(*words)), "{warnings:?}");
        assert_eq!(Images::default().warnings(&trials), [""; 0]);
    }
}
