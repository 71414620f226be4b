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
    place::{self, Container, EngineObjects},
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
    let (place, run) = (EngineObjects::new(), Run::new());
    let strangers = Strangers::make(&place);
    let mut harness = Acting::start(&run.id, &[(ENGINE, &place.address())]);
    harness.wait_until_supervised();
    let network = objects(&place, &run);
    // A container of others that monitors the run's network.
    place.connect(&strangers.guest, &network);

    harness.kill();

    eventually(GONE_WITHIN, || same(&strangers.names, &place.names())).unwrap();
    eventually(GONE_WITHIN, || none(traces(&run.id))).unwrap();
    assert!(place.runs(&strangers.guest), "the container of a stranger on the run's network was ended");
    assert!(place.runs(&strangers.container), "the container of a stranger was ended");
}

/// An engine that is stopped in the middle of a run and started again must not hide the run's objects.
fn docker_objects_are_removed_when_the_engine_is_back() {
    let (place, run) = (EngineObjects::new(), Run::new());
    let proxy = Proxy::to(Path::new(&place.address()));
    let mut harness = Acting::start(&run.id, &[(ENGINE, proxy.socket().to_str().unwrap())]);
    harness.wait_until_supervised();
    objects(&place, &run);
    let made = place.names();
    proxy.stop();

    harness.kill();

    eventually(GONE_WITHIN, || some(processes_of(&run.id).unwrap().is_empty())).unwrap();
    assert_eq!(place.names(), made, "they were removed without the engine that was named: the test proves nothing");
    assert_eq!(traces(&run.id).len(), 1, "the supervisor has given up: {:?}", traces(&run.id));
    proxy.start();
    eventually(GONE_WITHIN, || same(&BTreeSet::new(), &place.names())).unwrap();
    eventually(GONE_WITHIN, || none(traces(&run.id))).unwrap();
}

fn docker_leftovers_of_an_orderly_end_are_reported() {
    let (place, run) = (EngineObjects::new(), Run::new());
    let supervisor = Supervisor::start(&run.id, &with_engine(&place)).unwrap();
    let clean = supervisor.finish().unwrap();
    assert_eq!(clean.leftovers, [], "a run that has nothing in the engine was blamed for a leak");

    let supervisor = Supervisor::start(&run.id, &with_engine(&place)).unwrap();
    objects(&place, &run);
    let made = place.names();
    let report = supervisor.finish().unwrap();
    let reported: BTreeSet<_> = report.leftovers.iter().map(name).collect();
    assert_eq!(reported, made, "what was left behind is not what was reported");
    assert_eq!(place.names(), BTreeSet::new());
}

fn docker_objects_are_removed_without_a_supervisor_too() {
    let (place, run) = (EngineObjects::new(), Run::new());
    let supervisor = Supervisor::start(&run.id, &with_engine(&place)).unwrap();
    objects(&place, &run);
    let pid = Pid::from_raw(supervisor.pid().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let error = supervisor.finish().unwrap_err();
    assert!(matches!(error, ReaperError::SupervisorGone { .. }), "{error:?}");
    assert_eq!(place.names(), BTreeSet::new(), "the supervisor was killed, and nobody took its place");
}

/// The objects of a run, as a user's own executor leaves them: some of them without the harness's labels. Returns its
/// network.
pub(crate) fn objects(place: &EngineObjects, run: &Run) -> String {
    objects_labelled(place, "run", &Labels::new(run.id.clone(), "docker::square"))
}

/// The same with other labels.
pub(crate) fn objects_labelled(place: &EngineObjects, prefix: &str, labels: &Labels) -> String {
    let labels = labels.to_map();
    let name = |name: &str| format!("{prefix}-{name}");
    let network = place.network(&name("network"), &labels);
    let volume = place.volume(&name("volume"), &labels);
    let on_network = || Container { network: Some(&network), ..Container::default() };
    place.start(&name("executor"), &Container { labels: labels.clone(), volume: Some(&volume), ..on_network() });
    place.pause(&place.start(&name("paused"), &Container { labels: labels.clone(), ..on_network() }));
    place.create(&name("created"), &Container { labels, ..Container::default() });
    place.start(&name("performer"), &on_network());
    place.kill(&place.start(&name("performer-that-ended"), &on_network()));
    place.create(&name("performer-to-be-started"), &on_network());
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
    pub(crate) fn make(place: &EngineObjects) -> Self {
        let network = place.network("strange-network", &place::Labels::default());
        place.volume("strange-volume", &place::Labels::default());
        let container = place.start("stranger", &Container::default());
        let guest = place.start("guest", &Container { network: Some(&network), ..Container::default() });
        Self { names: place.names(), container, guest }
    }
}

fn with_engine(place: &EngineObjects) -> SupervisorOptions {
    SupervisorOptions {
        targets: SweepTargets { engine: Some(EngineAddress::parse(&place.address())), cluster: None },
        ..options()
    }
}

fn name(leftover: &LeakedResource) -> String {
    match leftover {
        LeakedResource::Process(process) => process.to_string(),
        LeakedResource::Container(container) => container.name.clone(),
        LeakedResource::Network(network) => network.name.clone(),
        LeakedResource::Volume(name) | LeakedResource::Namespace(name) => name.clone(),
    }
}

fn same(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{found:#?} is there, not {expected:#?}")) }
}
