//! Objects of runs in an engine, beside objects of others, which must survive.

use std::{collections::BTreeSet, path::Path, time::Duration};

use hourglass_harness::{
    engine::EngineAddress,
    reaper::{Labels, LeakedResource, ReaperError, Supervisor, SupervisorOptions, SweepTargets, processes_of},
};
use hourglass_test_support::{Test, eventually, tests};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    acting::{Acting, ENGINE, Run, none, options, some, traces},
    engine_objects::{self, Container, EngineObjects},
    proxy::Proxy,
};

/// How long after the kill anything may be left.
const GONE_WITHIN: Duration = Duration::from_secs(15);

/// The tests of this file.
pub(crate) fn tests() -> [Test; 4] {
    tests![
        docker_objects_of_a_killed_run_are_removed_and_no_others,
        docker_objects_are_removed_when_the_engine_is_back,
        docker_leftovers_of_an_orderly_end_are_reported,
        docker_objects_are_removed_without_a_supervisor_too,
    ]
}

fn docker_objects_of_a_killed_run_are_removed_and_no_others() {
    let (engine_objects, run) = (EngineObjects::new(), Run::new());
    let strangers = Strangers::make(&engine_objects);
    let mut harness = Acting::start(&run.id, &[(ENGINE, &engine_objects.address())]);
    harness.wait_until_supervised();
    let network = objects(&engine_objects, &run);
    // A container of others that monitors the run's network.
    engine_objects.connect(&strangers.guest, &network);

    harness.kill();

    eventually(GONE_WITHIN, || same(&strangers.names, &engine_objects.names())).unwrap();
    eventually(GONE_WITHIN, || none(traces(&run.id))).unwrap();
    assert!(engine_objects.runs(&strangers.guest), "the container of a stranger on the run's network was ended");
    assert!(engine_objects.runs(&strangers.container), "the container of a stranger was ended");
}

/// An engine that is stopped in the middle of a run and started again must not hide the run's objects.
fn docker_objects_are_removed_when_the_engine_is_back() {
    let (engine_objects, run) = (EngineObjects::new(), Run::new());
    let proxy = Proxy::to(Path::new(&engine_objects.address()));
    let mut harness = Acting::start(&run.id, &[(ENGINE, proxy.socket().to_str().unwrap())]);
    harness.wait_until_supervised();
    objects(&engine_objects, &run);
    let made = engine_objects.names();
    proxy.stop();

    harness.kill();

    eventually(GONE_WITHIN, || some(processes_of(&run.id).unwrap().is_empty())).unwrap();
    assert_eq!(
        engine_objects.names(),
        made,
        "they were removed without the engine that was named: the test proves nothing"
    );
    assert_eq!(traces(&run.id).len(), 1, "the supervisor has given up: {:?}", traces(&run.id));
    proxy.start();
    eventually(GONE_WITHIN, || same(&BTreeSet::new(), &engine_objects.names())).unwrap();
    eventually(GONE_WITHIN, || none(traces(&run.id))).unwrap();
}

fn docker_leftovers_of_an_orderly_end_are_reported() {
    let (engine_objects, run) = (EngineObjects::new(), Run::new());
    let supervisor = Supervisor::start(&run.id, &with_engine(&engine_objects)).unwrap();
    let clean = supervisor.finish().unwrap();
    assert_eq!(clean.leftovers, [], "a run that has nothing in the engine was blamed for a leak");

    let supervisor = Supervisor::start(&run.id, &with_engine(&engine_objects)).unwrap();
    objects(&engine_objects, &run);
    let made = engine_objects.names();
    let report = supervisor.finish().unwrap();
    let reported: BTreeSet<_> = report.leftovers.iter().map(name).collect();
    assert_eq!(reported, made, "what was left behind is not what was reported");
    assert_eq!(engine_objects.names(), BTreeSet::new());
}

fn docker_objects_are_removed_without_a_supervisor_too() {
    let (engine_objects, run) = (EngineObjects::new(), Run::new());
    let supervisor = Supervisor::start(&run.id, &with_engine(&engine_objects)).unwrap();
    objects(&engine_objects, &run);
    let pid = Pid::from_raw(supervisor.pid().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let error = supervisor.finish().unwrap_err();
    assert!(matches!(error, ReaperError::SupervisorGone { .. }), "{error:?}");
    assert_eq!(engine_objects.names(), BTreeSet::new(), "the supervisor was killed, and nobody took its place");
}

/// The objects of a run, as a user's own executor leaves them: some of them without the harness's labels. Returns its
/// network.
pub(crate) fn objects(engine_objects: &EngineObjects, run: &Run) -> String {
    objects_labelled(engine_objects, "run", &Labels::new(run.id.clone(), "docker::square"))
}

/// The same with other labels.
pub(crate) fn objects_labelled(engine_objects: &EngineObjects, prefix: &str, labels: &Labels) -> String {
    let labels = labels.to_map();
    let name = |name: &str| format!("{prefix}-{name}");
    let network = engine_objects.network(&name("network"), &labels);
    let volume = engine_objects.volume(&name("volume"), &labels);
    let on_network = || Container { network: Some(&network), ..Container::default() };
    engine_objects
        .start(&name("executor"), &Container { labels: labels.clone(), volume: Some(&volume), ..on_network() });
    engine_objects.pause(&engine_objects.start(&name("paused"), &Container { labels: labels.clone(), ..on_network() }));
    engine_objects.create(&name("created"), &Container { labels, ..Container::default() });
    engine_objects.start(&name("performer"), &on_network());
    engine_objects.kill(&engine_objects.start(&name("performer-that-ended"), &on_network()));
    engine_objects.create(&name("performer-to-be-started"), &on_network());
    network
}

/// Objects that belong to no run.
pub(crate) struct Strangers {
    /// The names of all of them.
    pub(crate) names: BTreeSet<String>,
    pub(crate) container: String,
    /// A container on a network of its own.
    pub(crate) guest: String,
}

impl Strangers {
    pub(crate) fn make(engine_objects: &EngineObjects) -> Self {
        let network = engine_objects.network("strange-network", &engine_objects::Labels::default());
        engine_objects.volume("strange-volume", &engine_objects::Labels::default());
        let container = engine_objects.start("stranger", &Container::default());
        let guest = engine_objects.start("guest", &Container { network: Some(&network), ..Container::default() });
        Self { names: engine_objects.names(), container, guest }
    }
}

fn with_engine(engine_objects: &EngineObjects) -> SupervisorOptions {
    SupervisorOptions {
        targets: SweepTargets { engine: Some(EngineAddress::parse(&engine_objects.address())), cluster: None },
        ..options()
    }
}

fn name(leftover: &LeakedResource) -> String {
    match leftover {
        LeakedResource::Process(process) => process.to_string(),
        LeakedResource::Container(container) => container.name.clone(),
        LeakedResource::Network(network) => network.name.clone(),
        LeakedResource::Volume(name) | LeakedResource::Namespace(name) | LeakedResource::ObjectsIn(name) => {
            name.clone()
        }
    }
}

fn same(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{found:#?} is there, not {expected:#?}")) }
}
