//! One warm cluster for many processes: it is made once, healed, never removed while in use, and leaves nothing.
#![expect(clippy::print_stderr, reason = "moments of kills are said so that they can be repeated")]

use std::{
    collections::{BTreeSet, HashMap},
    env, fs, slice, thread,
    time::Duration,
};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RestartContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};
use hourglass_harness::{
    cluster::{
        ClusterError, ClusterFolders, ClusterName, ClusterState, Lease, LeaseRequest, LeaseSource, Removal, Stage,
        clean, kind::delete, remove,
    },
    engine::Engine,
};
use hourglass_test_support::{LIMIT, block_on, eventually};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use tempfile::TempDir;

use crate::racer::{Racer, request};

const RACERS: usize = 30;
const SEED: &str = "LEASE_TEST_SEED";

/// Folders of a test's own; clusters that are left in them are removed at the end.
struct LeaseFolders {
    engine: Engine,
    folders: ClusterFolders,
    _root: TempDir,
}

impl LeaseFolders {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let engine = block_on(Engine::connect()).unwrap();
        Self { engine, folders: ClusterFolders::below(root.path()), _root: root }
    }

    fn acquire(&self, request: &LeaseRequest) -> Result<Lease, ClusterError> {
        block_on(Lease::acquire(&self.engine, &self.folders, request, &|_| {}))
    }

    /// The state of the only cluster, once its creation has begun.
    fn in_the_making(&self) -> ClusterState {
        eventually(LIMIT, || {
            let names = self.folders.names().unwrap();
            let state = names.first().and_then(|name| self.folders.folder_of(name).state().unwrap());
            state.filter(|state| state.stage == Stage::Creating).ok_or(names)
        })
        .unwrap()
    }

    /// The names of all containers and networks of clusters with these names.
    fn things(&self, names: &BTreeSet<ClusterName>) -> Vec<String> {
        let docker = self.engine.docker();
        let mut things = Vec::new();
        for kind_name in names.iter().map(ClusterName::in_kind) {
            let labelled = HashMap::from([("label", vec![format!("io.x-k8s.kind.cluster={kind_name}")])]);
            let containers = ListContainersOptionsBuilder::new().all(true).filters(&labelled).build();
            let containers = block_on(docker.list_containers(Some(containers))).unwrap();
            things.extend(containers.into_iter().flat_map(|container| container.names.unwrap_or_default()));
            let called = HashMap::from([("name", vec![kind_name])]);
            let networks = ListNetworksOptionsBuilder::new().filters(&called).build();
            let networks = block_on(docker.list_networks(Some(networks))).unwrap();
            things.extend(networks.into_iter().filter_map(|network| network.name));
        }
        things
    }
}

impl Drop for LeaseFolders {
    fn drop(&mut self) {
        for name in self.folders.names().unwrap() {
            block_on(delete(&self.engine, &name, &self.folders.folder_of(&name))).unwrap();
        }
    }
}

pub(crate) fn racing_processes_share_one_cluster() {
    let seed = env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("moments of the kills: {SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let test_folders = LeaseFolders::new();
    let mut racers: Vec<_> = (0..RACERS).map(|_| Racer::start(&test_folders.folders)).collect();
    racers.shuffle(&mut random);

    // Making a cluster takes longer than that.
    let begun = test_folders.in_the_making();
    thread::sleep(Duration::from_millis(random.random_range(0..8000)));
    let maker = begun.owner.clone().unwrap().pid;
    let maker = racers.iter().position(|racer| racer.pid() == maker).unwrap();
    racers.remove(maker).kill();
    let mut all = BTreeSet::from([begun.name]);
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(random.random_range(0..2000)));
        // Mostly waiting processes, perhaps the next one that makes the cluster.
        all.extend(test_folders.folders.names().unwrap());
        racers.pop().unwrap().kill();
    }
    for _ in 0..2 {
        let mut holder = racers.pop().unwrap();
        holder.leased();
        holder.kill();
    }

    let leased: BTreeSet<_> = racers.iter_mut().map(Racer::leased).collect();
    assert_eq!(racers.len(), RACERS - 5);
    assert_eq!(leased.len(), 1, "clusters were made side by side, {SEED}={seed}: {leased:?}");
    let name: ClusterName = leased.first().unwrap().parse().unwrap();
    assert_eq!(test_folders.folders.names().unwrap(), slice::from_ref(&name), "{SEED}={seed}");
    all.insert(name.clone());
    let kind_name = name.in_kind();
    assert_eq!(test_folders.things(&all), [format!("/{kind_name}-control-plane"), kind_name], "{SEED}={seed}");

    // Its idle time is zero, and yet it must not be removed while others use it.
    let removal = block_on(remove(&test_folders.engine, &test_folders.folders, &name)).unwrap();
    assert!(matches!(&removal, Removal::LeftAlone(by) if by.contains("22 others")), "{removal:?}");
    let cleaned = block_on(clean(&test_folders.engine, &test_folders.folders, false)).unwrap();
    assert!(matches!(cleaned.as_slice(), [one] if one.removal == removal), "{cleaned:?}");
    let last = racers.pop().unwrap();
    racers.into_iter().for_each(Racer::give_back);
    let by = format!("in use by process {}", last.pid());
    let removal = block_on(remove(&test_folders.engine, &test_folders.folders, &name)).unwrap();
    assert!(matches!(&removal, Removal::LeftAlone(said) if said.starts_with(&by)), "{removal:?}");
    last.give_back();

    let cleaned = block_on(clean(&test_folders.engine, &test_folders.folders, false)).unwrap();
    assert!(matches!(cleaned.as_slice(), [one] if one.removal == Removal::Done), "{cleaned:?}");
    assert_eq!(test_folders.things(&all), [] as [String; 0], "left behind, {SEED}={seed}");
    assert_eq!(test_folders.folders.names().unwrap(), []);
}

pub(crate) fn restarted_cluster_is_healed_and_warm_cluster_is_reused() {
    let test_folders = LeaseFolders::new();
    let request = LeaseRequest { idle: Duration::from_hours(1), ..request() };
    let made = test_folders.acquire(&request).unwrap();
    assert_eq!(made.source, LeaseSource::Made);
    let name = made.name.clone();
    let node = block_on(made.nodes()).unwrap().remove(0).container;
    drop(made);
    assert_eq!(test_folders.acquire(&request).unwrap().source, LeaseSource::Warm);

    let docker = test_folders.engine.docker();
    block_on(docker.restart_container(&node, Some(RestartContainerOptionsBuilder::new().t(5).build()))).unwrap();
    let restarted = test_folders.acquire(&request).unwrap();
    assert_eq!((&restarted.name, restarted.source), (&name, LeaseSource::Healed));
    // A process that uses it does not prevent others from healing it.
    block_on(docker.stop_container(&node, Some(StopContainerOptionsBuilder::new().t(5).build()))).unwrap();
    let stopped = test_folders.acquire(&request).unwrap();
    assert_eq!((&stopped.name, stopped.source), (&name, LeaseSource::Healed));
    assert_eq!(test_folders.acquire(&request).unwrap().source, LeaseSource::Warm);

    // A cluster that cannot be healed is not replaced while others use it.
    let named = LeaseRequest { name: Some(name.clone()), ..request.clone() };
    block_on(delete_node(&test_folders, &node));
    let refused = test_folders.acquire(&named).unwrap_err();
    assert!(matches!(refused, ClusterError::InUse { .. }), "{refused}");
    assert!(refused.remedy().is_some());
}

pub(crate) fn cluster_of_another_spec_or_with_a_broken_state_file_is_refused() {
    let test_folders = LeaseFolders::new();
    let made = test_folders.acquire(&request()).unwrap();
    let name = made.name.clone();
    let named = LeaseRequest { name: Some(name.clone()), ..request() };
    let mut unlike = named.clone();
    unlike.spec.contents.insert("chart".to_owned(), "1".to_owned());
    let refused = test_folders.acquire(&unlike).unwrap_err();
    assert!(matches!(refused, ClusterError::Unlike { .. }), "runs that want different clusters met: {refused}");
    assert!(refused.remedy().unwrap().contains(&format!("harness down {name}")));

    fs::write(test_folders.folders.folder_of(&name).state_file(), "{").unwrap();
    let refused = test_folders.acquire(&named).unwrap_err();
    assert!(matches!(refused, ClusterError::State { .. }), "{refused}");
    assert!(refused.remedy().unwrap().contains("harness gc"));
    let cleaned = block_on(clean(&test_folders.engine, &test_folders.folders, false)).unwrap();
    assert!(matches!(cleaned.as_slice(), [one] if one.removal != Removal::Done), "removed from under us: {cleaned:?}");
    drop(made);
    let cleaned = block_on(clean(&test_folders.engine, &test_folders.folders, false)).unwrap();
    assert!(matches!(cleaned.as_slice(), [one] if one.removal == Removal::Done), "{cleaned:?}");
    assert_eq!(test_folders.things(&BTreeSet::from([name])), [] as [String; 0]);
}

async fn delete_node(test_folders: &LeaseFolders, node: &str) {
    let options = bollard::query_parameters::RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    test_folders.engine.docker().remove_container(node, Some(options)).await.unwrap();
}
