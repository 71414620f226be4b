//! Checks of the keys that only performers have.

use std::{
    collections::BTreeMap,
    path::{Component as Part, Path},
};

use hourglass_base::RuntimeKind;
use hourglass_component::document::{Pointer, Problem, Problems};

use super::avs::Member;
use super::model::{Component, ScenarioDocument};
use super::own_image::Build;
use super::performer_files;
use super::resolve::folder_of;
use super::select::BUILTIN;
use super::steps::{StepDocument, StepPurpose};
use super::texts::{ComponentRef, PerformerRef};

/// Adds every problem of the performers of `document`, and of such keys of other components.
pub(super) fn check(document: &ScenarioDocument, path: &Path, problems: &mut Problems) {
    let components = Pointer::from("/components");
    for (name, component) in
        [("executor", &document.components.executor), ("aggregator", &document.components.aggregator)]
    {
        only_of_performers(component, &components.key(name), problems);
    }
    ports(document, problems);
    let shared = &document.components.performer;
    let members = document.topology.members_at(&Pointer::from("/topology"));
    let operators = members.iter().map(|Member { at, operator, .. }| {
        (&operator.performer, shared.overlaid_with(&operator.performer), at.key("performer"))
    });
    let performers = operators.chain([(shared, shared.clone(), components.key("performer"))]);
    let runtimes = document.runtimes.as_deref().unwrap_or(&RuntimeKind::ALL);
    for (given, merged, at) in performers {
        image(given, &merged, &at, problems);
        let folder = (!path.starts_with(BUILTIN)).then(|| folder_of(path));
        performer_files::check(given, &merged, folder, &at, problems);
        if let Some(build) = &given.build {
            files_of(build, folder_of(path), &at.key("build"), problems);
        }
        if let Some(address) = &given.address {
            running(given, address, &at, problems);
            if runtimes.iter().any(|kind| kind.capabilities().isolates_components) {
                in_containers(&at.key("address"), problems);
            }
        }
    }
    faults(document, &document.steps, &Pointer::from("/steps"), problems);
}

/// There is one image, and only a registry's can be pulled.
fn image(given: &Component, merged: &Component, at: &Pointer, problems: &mut Problems) {
    if given.image.is_some() && given.build.is_some() {
        problems.add(
            Problem::at_key(&at.key("build"), "an image is either built or given by its name")
                .label("beside `image`")
                .help("take one of `image` and `build` away"),
        );
    } else if given.pull.is_some() && merged.image.is_none() {
        problems.add(
            Problem::at_key(&at.key("pull"), "there is no `image` that could be pulled")
                .label("without `image`")
                .help("add `image`, or take `pull` away"),
        );
    }
}

/// A build that cannot find its files fails minutes later.
fn files_of(build: &Build, folder: &Path, at: &Pointer, problems: &mut Problems) {
    let context = folder.join(&build.context);
    if !context.is_dir() {
        let message = format!("there is no folder {}", context.display());
        let help = "a context is relative to the folder of its file";
        return problems.add(Problem::at_value(&at.key("context"), message).label("no folder").help(help));
    }
    let dockerfile = Path::new(&build.dockerfile);
    let inside = dockerfile.components().all(|part| matches!(part, Part::Normal(_)));
    // Defaults have no place in the file.
    let at_dockerfile = |message: String| {
        if build.dockerfile == "Dockerfile" {
            Problem::at_key(at, message)
        } else {
            Problem::at_value(&at.key("dockerfile"), message)
        }
    };
    if !inside {
        problems.add(
            at_dockerfile(format!(
                "the Dockerfile `{}` is not written as a path inside of the context",
                build.dockerfile
            ))
            .label("leads out of it")
            .help("the engine gets only files of the context: choose a context that has the Dockerfile"),
        );
    } else if !context.join(dockerfile).is_file() {
        problems.add(
            at_dockerfile(format!("there is no file {}", context.join(dockerfile).display()))
                .label("no file")
                .help("a Dockerfile is relative to the context"),
        );
    }
}

/// The harness does not start a performer that runs already, so that it decides nothing about it.
fn running(given: &Component, address: &str, at: &Pointer, problems: &mut Problems) {
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse().ok());
    if port.is_none_or(|port: u16| port == 0) || address.contains(['/', ' ']) {
        problems.add(
            Problem::at_value(&at.key("address"), format!("`{address}` is no address of a performer"))
                .label("not HOST:PORT")
                .help("write a host and a port, as `127.0.0.1:8080`"),
        );
    }
    let set = [
        ("command", given.command.is_some()),
        ("image", given.image.is_some()),
        ("build", given.build.is_some()),
        ("pull", given.pull.is_some()),
        ("port", given.port.is_some()),
        ("memory", given.memory.is_some()),
        ("cpus", given.cpus.is_some()),
        ("environment_from", given.environment_from.is_some()),
        ("environment", !given.environment.is_empty()),
        ("files", !given.files.is_empty()),
    ];
    for (key, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
        problems.add(
            Problem::at_key(&at.key(key), format!("a performer that runs already cannot be given `{key}`"))
                .label("beside `address`")
                .help("take it away, or take `address` away to have the performer started"),
        );
    }
}

fn in_containers(at: &Pointer, problems: &mut Problems) {
    problems.add(
        Problem::at_key(at, "only the process runtime can use a performer that runs already")
            .label("not for containers")
            .help(
                "say `runtimes: [process]`, and why in `runtimes_because`: in Docker and Kubernetes, executors have networks \
                 of their own, where they start their performers",
            ),
    );
}

/// A fault in a performer that runs already would hit a program that is not the trial's.
fn faults(document: &ScenarioDocument, steps: &[StepDocument], at: &Pointer, problems: &mut Problems) {
    let shared = &document.components.performer;
    let runs_already = |performer: &PerformerRef| {
        let operator = document.topology.member(performer);
        operator.is_some_and(|operator| shared.overlaid_with(&operator.performer).address.is_some())
    };
    for (index, step) in steps.iter().enumerate() {
        let at = at.item(index);
        let kinds = step.kinds();
        for kind in kinds.iter().filter(|kind| kind.properties().purpose == StepPurpose::Fault) {
            for (key, component) in kind.components() {
                let ComponentRef::Performer(performer) = component else { continue };
                if runs_already(performer) {
                    problems.add(
                        Problem::at_value(
                            &at.key(kind.key()).key(key),
                            format!("`{component}` runs already, and is not the trial's to `{}`", kind.key()),
                        )
                        .label("given by its `address`")
                        .help("take the step away, or take `address` away to have the performer started"),
                    );
                }
            }
        }
        faults(document, step.parallel.as_deref().unwrap_or_default(), &at.key("parallel"), problems);
    }
}

fn only_of_performers(component: &Component, at: &Pointer, problems: &mut Problems) {
    for key in component.keys_of_performers() {
        problems.add(
            Problem::at_key(&at.key(key), format!("only a performer has `{key}`"))
                .label("not of this component")
                .help("take it away, or move it to a performer"),
        );
    }
}

/// Processes of one machine share its ports.
fn ports(document: &ScenarioDocument, problems: &mut Problems) {
    let shared = |kind: &RuntimeKind| !kind.capabilities().isolates_components;
    let runtimes = document.runtimes.as_deref().unwrap_or(&RuntimeKind::ALL);
    if !runtimes.iter().any(shared) || problems.touch(&Pointer::from("/runtimes")) {
        return;
    }
    let mut known = BTreeMap::<u16, PerformerRef>::new();
    for member in document.topology.members_at(&Pointer::from("/topology")) {
        let (operator, second) = (member.operator, member.performer());
        let Some(port) = operator.performer.port.or(document.components.performer.port) else { continue };
        let Some(first) = known.get(&port) else {
            known.insert(port, second);
            continue;
        };
        let at = match operator.performer.port {
            Some(_) => member.at.key("performer"),
            None => Pointer::from("/components/performer"),
        };
        problems.add(
            Problem::at_key(
                &at.key("port"),
                format!("the performers of `{first}` and `{second}` would both listen on port {port} of one machine"),
            )
            .label("not twice as a process")
            .help(
                "say `runtimes: [docker, kubernetes]`, where each performer has a network of its own, and why in \
                 `runtimes_because`; or have the performer listen on the port in GRPC_PORT, and leave `port` out",
            ),
        );
        // One problem of a shared port is enough.
        if operator.performer.port.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;
    use crate::{Loader, Pull, Scenario};

    const PROCESSES: &str = "runtimes: [process]\nruntimes_because: A test's own.\n";
    const CONTAINERS: &str = "runtimes: [docker, kubernetes]\nruntimes_because: A test's own.\n";

    /// The problems of a scenario in a folder that has a context called `avs`; or the scenario.
    fn load(rest: &str) -> Result<Scenario, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("avs/docker")).unwrap();
        fs::create_dir_all(folder.path().join("scenarios")).unwrap();
        fs::write(folder.path().join("avs/variables.env"), "MODEL=small\nSIZE=1.10\n").unwrap();
        fs::write(folder.path().join("avs/refused.env"), "GRPC_PORT=1\n").unwrap();
        for name in ["avs/Dockerfile", "avs/docker/own.Dockerfile"] {
            fs::write(folder.path().join(name), "FROM scratch\n").unwrap();
        }
        let steps = if rest.contains("steps:") {
            ""
        } else {
            "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n"
        };
        let text = format!("name: own\ndescription: A test's own.\n{rest}\n{steps}");
        let path = folder.path().join("scenarios/own.yaml");
        let loaded = Loader::new().unwrap().parse(&path, text);
        let loaded = loaded.map_err(|error| {
            error.reports().iter().map(hourglass_component::document::Report::one_line).collect::<Vec<_>>()
        });
        Ok(Scenario::clone(&loaded?.variants[0].scenario))
    }

    /// Every mistake is found before a run, and is the only one that is told.
    #[rstest]
    #[case::of_executor("components: {executor: {port: 8080}}", "only a performer has `port`")]
    #[case::of_aggregator("components: {aggregator: {address: \"a:1\"}}", "only a performer has `address`")]
    #[case::one_port(
        "components: {performer: {port: 8080}}\ntopology: {operators: [{name: a}, {name: b}]}",
        "the performers of `a` and `b` would both listen on port 8080 of one machine"
    )]
    #[case::one_port_of_two(
        "topology: {operators: [{name: a, performer: {port: 8080}}, {name: b, performer: {port: 8080}}]}",
        "the performers of `a` and `b` would both listen on port 8080 of one machine"
    )]
    #[case::port("components: {performer: {port: 0}}", "from 1 to 65535")]
    #[case::image_and_build(
        "components: {performer: {command: [a], image: b, build: {context: ../avs}}}",
        "an image is either built or given by its name"
    )]
    #[case::pull("components: {performer: {pull: always}}", "there is no `image` that could be pulled")]
    #[case::pull_of_build(
        "components: {performer: {command: [a], build: {context: ../avs}, pull: always}}",
        "there is no `image` that could be pulled"
    )]
    #[case::no_context("components: {performer: {command: [a], build: {context: ../other}}}", "there is no folder ")]
    #[case::no_dockerfile(
        "components: {performer: {command: [a], build: {context: ../avs/docker}}}",
        "there is no file "
    )]
    #[case::other_dockerfile(
        "components: {performer: {command: [a], build: {context: ../avs, dockerfile: mine}}}",
        "there is no file "
    )]
    #[case::dockerfile_outside(
        "components: {performer: {command: [a], build: {context: ../avs/docker, dockerfile: ../Dockerfile}}}",
        "the Dockerfile `../Dockerfile` is not written as a path inside of the context"
    )]
    #[case::build_on_processes(
        "components: {performer: {build: {context: ../avs}}}",
        "the process runtime has no images"
    )]
    #[case::address_in_containers(
        "components: {performer: {address: \"127.0.0.1:8080\"}}",
        "only the process runtime can use a performer that runs already"
    )]
    #[case::no_file("components: {performer: {environment_from: ../other}}", "failed to read ")]
    #[case::refused_variable(
        "components: {performer: {environment_from: ../avs/refused.env}}",
        "the variable `GRPC_PORT` of this file is set by the executor"
    )]
    #[case::no_port("PROCESSES\ncomponents: {performer: {address: localhost}}", "`localhost` is no address")]
    #[case::url("PROCESSES\ncomponents: {performer: {address: \"http://a:1\"}}", "`http://a:1` is no address")]
    #[case::port_zero("PROCESSES\ncomponents: {performer: {address: \"a:0\"}}", "`a:0` is no address")]
    #[case::address_and_command(
        "PROCESSES\ncomponents: {performer: {address: \"a:1\", command: [a]}}",
        "a performer that runs already cannot be given `command`"
    )]
    #[case::address_and_environment(
        "PROCESSES\ncomponents: {performer: {address: \"a:1\", environment: {A: 1}}}",
        "a performer that runs already cannot be given `environment`"
    )]
    #[case::killed(
        "PROCESSES\ncomponents: {performer: {address: \"a:1\"}}\n\
         steps: [{kill: {component: performer/operator}}, {create_task: {payload: \"1\"}}, {expect_verified: {}}]",
        "`performer/operator` runs already, and is not the trial's to `kill`"
    )]
    #[case::paused_beside(
        "PROCESSES\ncomponents: {performer: {address: \"a:1\"}}\nsteps: [{create_task: {payload: \"1\"}}, \
         {parallel: [{pause: {component: performer/operator}}, {expect_verified: {}}]}]",
        "`performer/operator` runs already, and is not the trial's to `pause`"
    )]
    fn mistakes_are_found_before_a_run(#[case] rest: &str, #[case] expected: &str) {
        let problems = load(&rest.replace("PROCESSES\n", PROCESSES)).expect_err("it has a mistake");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }

    #[test]
    fn performers_of_every_kind_are_accepted() {
        let build = "{context: ../avs, dockerfile: docker/own.Dockerfile, target: a, args: {VERSION: 1.10}}";
        for rest in [
            "components: {performer: {port: 8080}}".to_owned(),
            format!(
                "{CONTAINERS}components: {{performer: {{port: 8080}}}}\ntopology: {{operators: [{{name: a}}, {{name: b}}]}}"
            ),
            "topology: {operators: [{name: a, performer: {port: 8080}}, {name: b, performer: {port: 8081}}]}"
                .to_owned(),
            format!("{CONTAINERS}components: {{performer: {{image: a, pull: missing}}}}"),
            format!("{PROCESSES}components: {{performer: {{address: \"a:1\"}}}}"),
        ] {
            load(&rest).unwrap();
        }
        let scenario = load(&format!("components: {{performer: {{command: [a], build: {build}}}}}")).unwrap();
        let performer = &scenario.topology.operators[0].performer;
        let build = performer.build.as_ref().unwrap();
        assert!(build.context.is_absolute() && build.context.ends_with("scenarios/../avs"), "{build:?}");
        assert_eq!((build.args["VERSION"].as_str(), build.target.as_deref()), ("1.10", Some("a")));
    }

    /// What stands in the scenario prevails over a file, and what an operator has over what all have.
    #[test]
    fn variables_of_a_file_come_first() {
        let scenario = load(
            "components: {performer: {environment_from: ../avs/variables.env, environment: {SIZE: 2}}}\n\
             topology: {operators: [{name: a}, {name: b, performer: {environment: {MODEL: large}}}]}",
        );
        let of = |scenario: &Scenario, index: usize| scenario.topology.operators[index].performer.environment.clone();
        let variables =
            |model: &str| [("MODEL", model), ("SIZE", "2")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let scenario = scenario.unwrap();
        assert_eq!((of(&scenario, 0), of(&scenario, 1)), (variables("small"), variables("large")));
    }

    /// An operator's program replaces that of all, however each is given.
    #[test]
    fn a_program_given_in_one_way_replaces_one_given_in_another() {
        let build =
            || Some(Build { context: "c".into(), dockerfile: "d".to_owned(), target: None, args: BTreeMap::new() });
        let from_context = Component { build: build(), ..Component::default() };
        let named = Component { image: Some("i".to_owned()), pull: Some(Pull::Always), ..Component::default() };
        let running = Component { address: Some("a:1".to_owned()), ..Component::default() };
        let started = Component { command: Some(vec!["c".to_owned()]), port: Some(1), ..Component::default() };
        assert_eq!(named.overlaid_with(&from_context), from_context, "what is built is not pulled");
        assert_eq!(from_context.overlaid_with(&named), named);
        assert_eq!(started.overlaid_with(&running), running);
        assert_eq!(running.overlaid_with(&started), started);
        assert_eq!(running.overlaid_with(&Component::default()), running);
        let both = started.overlaid_with(&from_context);
        assert_eq!((both.command, both.build, both.port), (started.command, build(), Some(1)));
    }
}
