//! Prepared states of both chains, kept in the cache under the fingerprint of their inputs.
//!
//! An entry contains the digest of each of its files, so that a damaged one is detected.

use std::{
    fs,
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use hourglass_base::{
    blocking,
    cache::{cache_folder, hold},
};
use hourglass_component::timeout::timeout;
use hourglass_proto::contracts::{addresses as at, bindings as b};
use hourglass_reaper::RunId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    AnvilBinary, AnvilProcess, AnvilSettings, ChainTopology, DeployedContract, SetupError,
    atomic_entry::AtomicEntry,
    deploy_scripts,
    deployment::{self},
};

/// Raise this when the set-up transactions change.
const FORMAT: u32 = 5;
const MANIFEST: &str = "manifest.json";
const MAKING: &str = "making-";
/// How long the end of a chain that does not answer is waited for, when something else has failed.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
const FILES: [&str; 2] = ["l1.json", "l2.json"];

/// States that Anvil can load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedState {
    /// L1's.
    pub l1: PathBuf,
    /// L2's.
    pub l2: PathBuf,
    /// Whether it had to be created.
    pub made: bool,
    /// The contracts of the user's in it.
    pub contracts: Vec<DeployedContract>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Manifest {
    digests: [String; 2],
    contracts: Vec<DeployedContract>,
}

/// The prepared state of a topology: from the cache, or created with two chains that are stopped again.
pub async fn prepare(binary: &AnvilBinary, topology: &ChainTopology, run: &RunId) -> Result<PreparedState, SetupError> {
    prepare_in(&cache_folder()?, binary, topology, run).await
}

/// Does the same as [`prepare`] with another cache folder.
pub async fn prepare_in(
    cache: &Path,
    binary: &AnvilBinary,
    topology: &ChainTopology,
    run: &RunId,
) -> Result<PreparedState, SetupError> {
    let state = found_or_made(cache, binary, topology, run).await?;
    deploy_scripts::add_errors(&state.contracts);
    Ok(state)
}

async fn found_or_made(
    cache: &Path,
    binary: &AnvilBinary,
    topology: &ChainTopology,
    run: &RunId,
) -> Result<PreparedState, SetupError> {
    let inputs = (binary.clone(), topology.clone());
    // This reads the inputs of deploy scripts.
    let fingerprint = blocking(move || fingerprint(&inputs.0, &inputs.1)).await?;
    let entry = cache.join("state").join(fingerprint);
    let [l1, l2] = FILES.map(|file| entry.join(file));
    let found = entry.clone();
    let cached = move || {
        let manifest = whole(&found);
        if manifest.is_some() {
            hold(&found);
        }
        manifest
    };
    // This reads files of megabytes.
    if let Some(Manifest { contracts, .. }) = blocking(cached.clone()).await {
        tracing::debug!(entry = %entry.display(), "the chain state is in the cache");
        return Ok(PreparedState { l1, l2, made: false, contracts });
    }
    // Another process may have made it while this one waited for the folder of the scripts.
    let lock = deploy_scripts::lock(topology).await?;
    if lock.is_some()
        && let Some(Manifest { contracts, .. }) = blocking(cached).await
    {
        return Ok(PreparedState { l1, l2, made: false, contracts });
    }
    tracing::info!(entry = %entry.display(), "the chain state is not in the cache and is made");
    let aside = AtomicEntry::beside(&entry, MAKING)?;
    let (states, contracts) = make(binary, topology, run, aside.path()).await?;
    let digests = states.each_ref().map(|state| digest(state));
    for (file, state) in FILES.into_iter().zip(&states) {
        write(&aside.path().join(file), state)?;
    }
    let manifest = serde_json::to_vec(&Manifest { digests, contracts: contracts.clone() }).unwrap_or_default();
    write(&aside.path().join(MANIFEST), &manifest)?;
    aside.publish(&entry, |entry| whole(entry).is_some())?;
    hold(&entry);
    drop(lock);
    Ok(PreparedState { l1, l2, made: true, contracts })
}

async fn make(
    binary: &AnvilBinary,
    topology: &ChainTopology,
    run: &RunId,
    folder: &Path,
) -> Result<([Vec<u8>; 2], Vec<DeployedContract>), SetupError> {
    let work = folder.join("work");
    let settings = |chain_id| AnvilSettings { chain_id, state: None, folder: work.clone() };
    let (l1, l2) = (settings(at::L1_CHAIN_ID), settings(at::L2_CHAIN_ID));
    let (l1, l2) = tokio::try_join!(AnvilProcess::start(binary, &l1, run), AnvilProcess::start(binary, &l2, run))?;
    let deploying = Box::pin(deployment::deploy(l1.control(), l2.control(), topology));
    let contracts = unless_ended([&l1, &l2], deploying).await?;
    let (first, second) = tokio::try_join!(l1.control().dump(), l2.control().dump())?;
    tokio::join!(l1.stop(), l2.stop());
    fs::remove_dir_all(&work).map_err(SetupError::file(work))?;
    Ok(([first, second], contracts))
}

/// The result of `making`, or the end of a chain: a deploy script may wait for a chain that is gone until its time is up.
async fn unless_ended<T>(
    chains: [&AnvilProcess; 2],
    making: impl Future<Output = Result<T, SetupError>>,
) -> Result<T, SetupError> {
    let [l1, l2] = chains;
    let mut ended = pin!(async {
        let (chain, (end, output)) = tokio::select! {
            ended = l1.ended() => (l1, ended),
            ended = l2.ended() => (l2, ended),
        };
        SetupError::Ended { chain_id: chain.control().chain_id(), end: end.to_string(), output }
    });
    let error = tokio::select! {
        biased;
        ended = &mut ended => return Err(ended),
        made = making => match made {
            Ok(made) => return Ok(made),
            Err(error) => error,
        },
    };
    // A script may notice earlier than this process that its chain is gone, and fail for that.
    let cause = async {
        let (first, second) = (l1.control().client(), l2.control().client());
        tokio::select! {
            biased;
            ended = &mut ended => Some(ended),
            Ok(_) = async { tokio::try_join!(first.answers(), second.answers()) } => None,
        }
    };
    Err(timeout(ENDED_WITHIN, cause).await.ok().flatten().unwrap_or(error))
}

/// What an entry says of itself, unless a part of it is missing or damaged.
fn whole(entry: &Path) -> Option<Manifest> {
    let manifest = fs::read(entry.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    manifest.filter(|manifest| {
        FILES
            .iter()
            .zip(&manifest.digests)
            .all(|(file, expected)| fs::read(entry.join(file)).is_ok_and(|state| digest(&state) == *expected))
    })
}

/// The inputs of a state: set-up, contracts, topology, the accounts of the user's secret, and the Anvil that dumps and
/// loads it.
fn fingerprint(binary: &AnvilBinary, topology: &ChainTopology) -> Result<String, SetupError> {
    let metadata = fs::metadata(&binary.path).map_err(SetupError::file(&binary.path))?;
    let mut hash = Sha256::new();
    hash.update(FORMAT.to_be_bytes());
    // The file itself has 100 MB; a new version has another size.
    hash.update(metadata.len().to_be_bytes());
    for (address, code) in deployment::code() {
        hash.update(address.as_bytes());
        hash.update(code.as_ref());
    }
    if topology.contracts.iter().any(|contract| contract.proxy.is_some()) {
        hash.update(&b::PROXYADMIN_BYTECODE);
        hash.update(&b::TRANSPARENTPROXY_BYTECODE);
    }
    hash.update(serde_json::to_vec(topology).unwrap_or_default());
    for script in &topology.deploy_scripts {
        script.hash_inputs(&mut hash)?;
    }
    // The addresses follow from the secret, and are public.
    for address in topology.accounts().addresses() {
        hash.update(address.as_bytes());
    }
    Ok(hex::encode(&hash.finalize()[..16]))
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SetupError> {
    fs::write(path, bytes).map_err(SetupError::file(path))
}
