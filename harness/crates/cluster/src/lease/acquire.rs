//! Finds, heals, replaces or makes a cluster, and holds it.

use std::{ops::Deref, time::Instant};

use hourglass_engine::Engine;
use hourglass_reaper::RunId;

use super::{
    LeaseRequest,
    discard::{Removal, discard, is_in},
    holders::Held,
    idle::make_room,
    lock::Locked,
    locks::Locks,
};
use crate::{
    Cluster, ClusterError, ClusterFolder, ClusterFolders, ClusterName, ClusterState, Fingerprint, Progress,
    Provider as _, Stage,
    heal::heal,
    health,
    kind::{Kind, node_image_id},
};

/// A cluster that nobody removes while this exists; others use it as well, each in namespaces of its own.
///
/// The lease ends when this is dropped; if the process is killed, the kernel ends it.
#[derive(Debug)]
pub struct Lease {
    /// Its name.
    pub name: ClusterName,
    /// The fingerprint that all matching clusters share.
    pub fingerprint: Fingerprint,
    /// Where it comes from.
    pub source: LeaseSource,
    cluster: Cluster,
    _held: Held,
}

/// Where a leased cluster comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseSource {
    /// It existed.
    Warm,
    /// It existed, and was made usable again.
    Healed,
    /// It was made.
    Made,
}

impl Lease {
    /// A cluster that matches the request: a healthy one, else one that can be healed, else a new one. Clusters that
    /// nobody needs are removed on the way; `progress` receives messages about what takes time.
    ///
    /// Any number of processes may ask at once: one of them makes the cluster, and the others wait for it.
    pub async fn acquire(
        engine: &Engine,
        folders: &ClusterFolders,
        request: &LeaseRequest,
        progress: &Progress<'_>,
    ) -> Result<Self, ClusterError> {
        let image = node_image_id(engine, &request.spec.node_image).await?;
        let fingerprint = request.spec.fingerprint(&image);
        let acquisition = Acquisition { engine, folders, locks: Locks::of(folders), request, fingerprint, progress };
        acquisition.make_room().await;
        let began = Instant::now();
        let lease = acquisition.find_or_make().await?;
        tracing::info!(cluster = %lease.name, source = ?lease.source, elapsed = ?began.elapsed(), "cluster leased");
        acquisition.extend_idle_time(&lease).await?;
        Ok(lease)
    }
}

impl Deref for Lease {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

struct Acquisition<'a> {
    engine: &'a Engine,
    folders: &'a ClusterFolders,
    locks: Locks,
    request: &'a LeaseRequest,
    fingerprint: Fingerprint,
    progress: &'a Progress<'a>,
}

/// The result of the attempt to heal a cluster.
enum Rescue {
    /// It is healthy again.
    Healed(Box<Lease>),
    /// It is gone.
    Gone,
    /// It can neither be healed nor removed: what is wrong with it, and who uses it.
    Kept { why: String, by: String },
}

impl Acquisition<'_> {
    async fn make_room(&self) {
        match make_room(self.engine, self.folders, &self.fingerprint).await {
            Ok(cleaned) => {
                for cleaned in cleaned.iter().filter(|cleaned| cleaned.removal == Removal::Done) {
                    (self.progress)(&format!("removed cluster {}: {}", cleaned.name, cleaned.why));
                }
            }
            // A fault of one cluster does not keep anybody from another.
            Err(error) => (self.progress)(&error.to_string()),
        }
    }

    async fn find_or_make(&self) -> Result<Lease, ClusterError> {
        if let Some(lease) = self.healthy().await? {
            return Ok(lease);
        }
        let decision = self.locks.decision(&self.fingerprint);
        let alone = if let Some(alone) = decision.try_exclusive()? {
            alone
        } else {
            (self.progress)("waiting for another process that makes or heals such a cluster");
            // All that waited look for the new cluster at once, instead of one after the other.
            drop(decision.shared().await?);
            if let Some(lease) = self.healthy().await? {
                return Ok(lease);
            }
            decision.exclusive().await?
        };
        self.decide(&alone).await
    }

    /// A cluster that can be used as it is. Blocks nobody.
    async fn healthy(&self) -> Result<Option<Lease>, ClusterError> {
        for name in self.candidates()? {
            let folder = self.folders.folder_of(&name);
            if self.usable(&folder)?.is_none() {
                continue;
            }
            let Some(gate) = self.locks.gate(&name).try_shared()? else { continue };
            // The state may have changed while this waited for the gate.
            let Some(state) = self.usable(&folder)? else { continue };
            let held = self.hold(&name).await?;
            drop(gate);
            if let Ok(cluster) = health::check(&self.kind(&name), &state).await {
                return Ok(Some(self.lease(name, cluster, held, LeaseSource::Warm)));
            }
        }
        Ok(None)
    }

    async fn decide(&self, _alone: &Locked) -> Result<Lease, ClusterError> {
        if let Some(lease) = self.healthy().await? {
            return Ok(lease);
        }
        self.warn()?;
        for name in self.candidates()? {
            let gate = self.locks.gate(&name).exclusive().await?;
            match self.rescue(&name).await? {
                Rescue::Healed(lease) => return Ok(*lease),
                Rescue::Gone if self.request.name.is_some() => return self.make(name, gate).await,
                Rescue::Gone => gate.remove()?,
                Rescue::Kept { why, by } if self.request.name.is_some() => {
                    return Err(ClusterError::InUse { name: name.to_string(), why, by });
                }
                Rescue::Kept { why, by } => (self.progress)(&format!("cluster {name} is left alone, {by}: {why}")),
            }
        }
        let name = ClusterName::of_run(&RunId::generate());
        let gate = self.locks.gate(&name).exclusive().await?;
        self.make(name, gate).await
    }

    /// Makes a cluster healthy, or removes it. The caller must hold the gate exclusively.
    async fn rescue(&self, name: &ClusterName) -> Result<Rescue, ClusterError> {
        let folder = self.folders.folder_of(name);
        let Some(state) = folder.state()? else { return Ok(Rescue::Gone) };
        is_in(self.engine, &state)?;
        let why = if state.stage == Stage::Usable {
            if state.fingerprint != self.fingerprint {
                return Err(ClusterError::Unlike { name: name.to_string(), found: described(&state) });
            }
            let held = self.hold(name).await?;
            let kind = self.kind(name);
            match health::check(&kind, &state).await {
                Ok(cluster) => {
                    return Ok(Rescue::Healed(Box::new(self.lease(name.clone(), cluster, held, LeaseSource::Warm))));
                }
                Err(unfit) => (self.progress)(&format!("healing cluster {name}: {unfit}")),
            }
            match heal(self.engine, &kind, &folder, &state).await {
                Ok(cluster) => {
                    return Ok(Rescue::Healed(Box::new(self.lease(name.clone(), cluster, held, LeaseSource::Healed))));
                }
                Err(unfit) => unfit.to_string(),
            }
        } else {
            "its making or removal was broken off".to_owned()
        };
        (self.progress)(&format!("replacing cluster {name}: {why}"));
        match discard(self.engine, self.folders, &self.locks, name).await? {
            Removal::Done => Ok(Rescue::Gone),
            Removal::LeftAlone(by) => Ok(Rescue::Kept { why, by }),
        }
    }

    async fn make(&self, name: ClusterName, gate: Locked) -> Result<Lease, ClusterError> {
        (self.progress)(&format!("making cluster {name}"));
        let cluster = match self.kind(&name).create(&self.request.spec, self.progress).await {
            Ok(cluster) => cluster,
            Err(error) => {
                // The error that led here is the one to report, and the state of what remains is stored.
                let folder = self.folders.folder_of(&name);
                let _ = (!folder.path().exists()).then(|| gate.remove());
                return Err(error);
            }
        };
        let held = self.hold(&name).await?;
        let folder = self.folders.folder_of(&name);
        if let Some(state) = folder.state()? {
            folder.keep(&ClusterState { idle: Some(self.request.idle), ..state })?;
        }
        Ok(self.lease(name, cluster, held, LeaseSource::Made))
    }

    /// Keeps the cluster for as long as requested, unless it is kept longer anyway.
    async fn extend_idle_time(&self, lease: &Lease) -> Result<(), ClusterError> {
        let folder = self.folders.folder_of(&lease.name);
        let is_short = |state: &ClusterState| state.idle.is_none_or(|idle| idle < self.request.idle);
        if !folder.state()?.is_some_and(|state| is_short(&state)) {
            return Ok(());
        }
        // A holder of the gate waits for no holder of the lease.
        let _gate = self.locks.gate(&lease.name).exclusive().await?;
        match folder.state()?.filter(is_short) {
            Some(state) => folder.keep(&ClusterState { idle: Some(self.request.idle), ..state }),
            None => Ok(()),
        }
    }

    /// The named cluster, else all that match, whatever is wrong with them.
    fn candidates(&self) -> Result<Vec<ClusterName>, ClusterError> {
        if let Some(name) = &self.request.name {
            return Ok(vec![name.clone()]);
        }
        let names = self.folders.names()?.into_iter();
        let alike = names.filter(|name| {
            let state = self.folders.folder_of(name).state();
            state.is_ok_and(|state| state.is_some_and(|state| self.suits(&state)))
        });
        Ok(alike.collect())
    }

    /// Reports clusters whose state cannot be read.
    fn warn(&self) -> Result<(), ClusterError> {
        for name in self.folders.names()? {
            if let Err(error) = self.folders.folder_of(&name).state() {
                (self.progress)(&format!("cluster {name} is not looked at: {error}; `harness gc` removes it"));
            }
        }
        Ok(())
    }

    fn usable(&self, folder: &ClusterFolder) -> Result<Option<ClusterState>, ClusterError> {
        let state = match folder.state() {
            Err(_) if self.request.name.is_none() => None,
            state => state?,
        };
        Ok(state.filter(|state| state.stage == Stage::Usable && self.suits(state)))
    }

    fn suits(&self, state: &ClusterState) -> bool {
        state.fingerprint == self.fingerprint && is_in(self.engine, state).is_ok()
    }

    fn kind(&self, name: &ClusterName) -> Kind {
        Kind::new(self.engine.clone(), self.folders, name.clone())
    }

    async fn hold(&self, name: &ClusterName) -> Result<Held, ClusterError> {
        Held::take(&self.locks, name, self.request.run.as_deref()).await
    }

    fn lease(&self, name: ClusterName, cluster: Cluster, held: Held, source: LeaseSource) -> Lease {
        Lease { name, fingerprint: self.fingerprint.clone(), source, cluster, _held: held }
    }
}

/// `kindest/node:v1.34.4 with 1 worker (fingerprint 0123456789abcdef)`
fn described(state: &ClusterState) -> String {
    let (spec, fingerprint) = (&state.spec, &state.fingerprint);
    let workers = match spec.workers {
        1 => "1 worker".to_owned(),
        workers => format!("{workers} workers"),
    };
    format!("{} with {workers} (fingerprint {fingerprint})", spec.node_image)
}
