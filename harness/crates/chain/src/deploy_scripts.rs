//! Deploy scripts: programs of the user's that deploy contracts when a state is prepared, and tell which.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use ethers::{providers::Middleware as _, types::Address};
use heck::ToSnakeCase as _;
use hourglass_base::{ProcessGroupGuard, last_lines, reach_loopback_directly, shown_command};
use hourglass_component::{chain::Artifact, timeout::timeout, variables::RefusedVariable};
use hourglass_proto::contracts::addresses::{L1_CHAIN_ID, L2_CHAIN_ID};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::{process::Command, time::sleep};
use walkdir::WalkDir;

use super::{
    Accounts, ChainControl, ChainTopology, DeployedContract, SetupError, context_document::context_document,
    handed_keys::without_keys, tools::search_path,
};

/// The variable with the path of the context document.
pub const CONTEXT_VARIABLE: &str = "HARNESS_CONTEXT_FILE";
/// The most that a script may tell, in bytes.
const LONGEST: u64 = 1 << 20;
/// The largest artefact that is read for its errors, in bytes.
const LARGEST_ARTIFACT: u64 = 64 << 20;
/// How long to wait before a lock that another process has is tried again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A program of the user's that deploys contracts. It gets the context document, with the URLs of both chains, keys of accounts and
/// addresses, as its last argument and as a file, and writes JSON: a list of `{name, address}`, or an object with such lists as
/// `deployed_l1_contracts` and `deployed_l2_contracts`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeployScript {
    /// Program and arguments.
    pub run: Vec<String>,
    /// Environment variables, added to those of the harness.
    pub environment: BTreeMap<String, String>,
    /// The chain of the contracts in a list.
    pub chain_id: u64,
    /// The names of contracts that it must tell, in snake case.
    pub deploys: Vec<String>,
    /// Files and folders on which it depends, in `folder`.
    pub inputs: Vec<PathBuf>,
    /// Where it starts.
    #[serde(skip)]
    pub folder: PathBuf,
    /// How long it may take.
    #[serde(skip)]
    pub within: Duration,
}

/// What a script writes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    List(Vec<ToldContract>),
    Chains {
        #[serde(default)]
        deployed_l1_contracts: Option<Vec<ToldContract>>,
        #[serde(default)]
        deployed_l2_contracts: Option<Vec<ToldContract>>,
    },
}

#[derive(Debug, Deserialize)]
struct ToldContract {
    name: String,
    #[serde(alias = "contractAddress", alias = "contract_address")]
    address: Address,
    /// The artefact, whose errors steps can name.
    #[serde(default)]
    abi: Option<PathBuf>,
}

/// Runs the scripts in their order; returns what they have deployed.
pub(super) async fn run_all(
    chains: [&ChainControl; 2],
    topology: &ChainTopology,
    accounts: &Accounts,
    mut deployed: Vec<DeployedContract>,
) -> Result<Vec<DeployedContract>, SetupError> {
    for script in &topology.deploy_scripts {
        let context = context_document(chains, topology, accounts, &deployed).to_string();
        let contracts = script.run(chains, &context).await.map_err(|error| without_keys(error, accounts))?;
        for contract in contracts {
            // A later script may replace what an earlier one has deployed.
            deployed.retain(|earlier| earlier.name != contract.name);
            deployed.push(contract);
        }
    }
    Ok(deployed)
}

/// Makes the errors of contracts known that scripts have deployed.
pub(super) fn add_errors(deployed: &[DeployedContract]) {
    for path in deployed.iter().filter_map(|contract| contract.artifact.as_ref()) {
        let is_small =
            fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST_ARTIFACT);
        // It may be gone since, and then nothing but the names of its errors is missing.
        if let Some(Ok(artifact)) = is_small.then(|| fs::read(path).ok()).flatten().map(|json| Artifact::parse(&json)) {
            artifact.add_errors();
        }
    }
}

/// Locks for as long as the result lives: scripts write into their folders, so that two of them must not run at the same time.
pub(super) async fn lock(topology: &ChainTopology) -> Result<Option<File>, SetupError> {
    let Some(DeployScript { folder, .. }) = topology.deploy_scripts.first() else { return Ok(None) };
    let file = File::open(folder).map_err(SetupError::file(folder))?;
    let within = topology.deploy_scripts.iter().map(|script| script.within).sum();
    // There is no event for a file lock, and a thread that waits for one cannot be interrupted.
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE);
    let locked = async {
        for pause in pauses.without_max_times().build() {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => sleep(pause).await,
                done => return done,
            }
        }
        Err(TryLockError::WouldBlock)
    };
    match timeout(within, locked).await {
        Ok(Ok(())) => Ok(Some(file)),
        Ok(Err(error)) => Err(SetupError::File { path: folder.clone(), source: error.into() }),
        Err(_) => {
            let what = format!("another process that runs the deploy scripts of {}", folder.display());
            Err(SetupError::Timeout { what, within })
        }
    }
}

impl DeployScript {
    /// Adds the content of the inputs to a digest.
    pub(super) fn hash_inputs(&self, hash: &mut Sha256) -> Result<(), SetupError> {
        for input in &self.inputs {
            for entry in WalkDir::new(self.folder.join(input)).sort_by_file_name() {
                let entry = entry.map_err(|error| {
                    let path = error.path().unwrap_or(input).to_owned();
                    SetupError::File { path, source: error.into() }
                })?;
                let path = entry.path();
                hash.update(path.strip_prefix(&self.folder).unwrap_or(path).as_os_str().as_encoded_bytes());
                // The content of a file counts behind a link as well; folders behind links may lead in circles.
                let is_link = entry.path_is_symlink();
                if is_link && let Ok(target) = fs::read_link(path) {
                    hash.update(target.as_os_str().as_encoded_bytes());
                }
                if entry.file_type().is_file() || is_link && fs::metadata(path).is_ok_and(|target| target.is_file()) {
                    let mut file = File::open(path).map_err(SetupError::file(path))?;
                    hash.update(file.metadata().map_err(SetupError::file(path))?.len().to_be_bytes());
                    std::io::copy(&mut file, hash).map_err(SetupError::file(path))?;
                }
            }
        }
        Ok(())
    }

    async fn run(&self, chains: [&ChainControl; 2], context: &str) -> Result<Vec<DeployedContract>, SetupError> {
        let mut document = tempfile::NamedTempFile::new().map_err(SetupError::file(env::temp_dir()))?;
        document.write_all(context.as_bytes()).map_err(SetupError::file(document.path()))?;
        let output = || tempfile::tempfile().map_err(SetupError::file(env::temp_dir()));
        let copy = |file: &File| file.try_clone().map_err(SetupError::file(env::temp_dir()));
        let (mut stdout, mut stderr) = (output()?, output()?);
        let Some((program, arguments)) = self.run.split_first() else { return Ok(Vec::new()) };
        let program = if program.contains('/') { self.folder.join(program) } else { program.into() };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(context)
            .env(CONTEXT_VARIABLE, document.path())
            .env("L1_RPC_URL", chains[0].client().url())
            .env("L2_RPC_URL", chains[1].client().url())
            .envs(search_path())
            .envs(&self.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(copy(&stdout)?)
            .stderr(copy(&stderr)?)
            .process_group(0)
            .kill_on_drop(true);
        reach_loopback_directly(command.as_std_mut());
        let mut child =
            command.spawn().map_err(|error| self.failed(format!("it cannot be started: {error}"), String::new()))?;
        let group = ProcessGroupGuard::of(child.id());
        let Ok(ended) = timeout(self.within, child.wait()).await else {
            drop(group);
            let reason = format!("it did not end within {}", humantime::format_duration(self.within));
            return Err(self.failed(reason, last_lines(&mut stderr)));
        };
        let status = ended.map_err(|error| self.failed(error.to_string(), String::new()))?;
        // What it has started would stay when the chains have ended.
        group.end_the_rest();
        if !status.success() {
            return Err(self.failed(format!("it ended with {status}"), last_lines(&mut stderr)));
        }
        let deployed = self.read(&mut stdout)?;
        for contract in &deployed {
            self.check(contract, chains).await?;
        }
        let untold = self.deploys.iter().filter(|name| !deployed.iter().any(|contract| contract.name == **name));
        let untold: Vec<_> = untold.map(String::as_str).collect();
        if !untold.is_empty() {
            let told = deployed.iter().map(|contract| contract.name.as_str()).collect::<Vec<_>>().join(", ");
            let told = if told.is_empty() { "no contracts".to_owned() } else { told };
            let reason = format!("`deploys` names {}, and it has told {told}", untold.join(", "));
            return Err(self.failed(reason, last_lines(&mut stderr)));
        }
        tracing::info!(command = shown_command(&self.run), contracts = deployed.len(), "a deploy script has run");
        Ok(deployed)
    }

    /// What the script has told: its whole output, or the end of it behind words for people.
    fn read(&self, stdout: &mut File) -> Result<Vec<DeployedContract>, SetupError> {
        let mut text = String::new();
        let read = stdout.rewind().and_then(|()| stdout.take(LONGEST + 1).read_to_string(&mut text));
        read.map_err(|error| self.failed(format!("its output cannot be read: {error}"), String::new()))?;
        if text.len() as u64 > LONGEST {
            return Err(self.failed(format!("it has written more than {LONGEST} bytes"), last_lines(stdout)));
        }
        let told = told(text.trim_start_matches('\u{feff}')).ok_or_else(|| {
            let reason = "it has not written the list of its contracts as JSON, such as \
                          [{\"name\": \"counter\", \"address\": \"0x…\"}]";
            self.failed(reason.to_owned(), last_lines(stdout))
        })?;
        let contract = |chain_id: u64| {
            move |ToldContract { name, address, abi }: ToldContract| DeployedContract {
                name: name.to_snake_case(),
                chain_id,
                address,
                role: None,
                artifact: abi.map(|path| self.folder.join(path)),
            }
        };
        let contracts: Vec<_> = match told {
            Told::List(contracts) => contracts.into_iter().map(contract(self.chain_id)).collect(),
            Told::Chains { deployed_l1_contracts, deployed_l2_contracts } => {
                let l1 = deployed_l1_contracts.into_iter().flatten().map(contract(L1_CHAIN_ID));
                l1.chain(deployed_l2_contracts.into_iter().flatten().map(contract(L2_CHAIN_ID))).collect()
            }
        };
        // Steps and performers could mean one of them only.
        let mut names = BTreeSet::new();
        match contracts.iter().find(|contract| !names.insert(contract.name.as_str())) {
            Some(DeployedContract { name, .. }) => {
                Err(self.failed(format!("it has told two contracts called `{name}`"), String::new()))
            }
            None => Ok(contracts),
        }
    }

    /// Checks that a contract is there, and that performers can have its address as a variable.
    async fn check(&self, contract: &DeployedContract, chains: [&ChainControl; 2]) -> Result<(), SetupError> {
        let DeployedContract { name, chain_id, address, .. } = contract;
        if let Some(refused) = RefusedVariable::of(&name.to_uppercase()) {
            let reason =
                format!("performers would get the contract `{name}` as {}: that {refused}", name.to_uppercase());
            return Err(self.failed(reason, String::new()));
        }
        let Some(chain) = chains.into_iter().find(|chain| chain.chain_id() == *chain_id) else { return Ok(()) };
        let code = chain.client().provider().get_code(*address, None).await;
        let code = code.map_err(|error| chain.client().fail("the code of a contract", error))?;
        if code.is_empty() {
            let reason = format!("it has told `{name}` at {address:?}, where chain {chain_id} has no contract");
            return Err(self.failed(reason, String::new()));
        }
        Ok(())
    }

    fn failed(&self, reason: String, output: String) -> SetupError {
        SetupError::DeployScript { command: shown_command(&self.run), reason, output }
    }
}

/// The list in an output, which may have words for people in front of it, and which begins a line.
fn told(text: &str) -> Option<Told> {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let told = starts
        .filter(|start| text[*start..].trim_start_matches([' ', '\t']).starts_with(['[', '{']))
        .find_map(|start| serde_json::from_str(&text[start..]).ok())?;
    let says_nothing =
        |told: &Told| matches!(told, Told::Chains { deployed_l1_contracts: None, deployed_l2_contracts: None });
    Some(told).filter(|told| !says_nothing(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[{"name": "counter", "address": "0x000000000000000000000000000000000000beef"}]"#;

    fn script() -> DeployScript {
        DeployScript {
            run: vec!["deploy".to_owned()],
            environment: BTreeMap::new(),
            chain_id: L2_CHAIN_ID,
            deploys: Vec::new(),
            inputs: Vec::new(),
            folder: PathBuf::new(),
            within: Duration::from_secs(1),
        }
    }

    fn read(text: &str) -> Result<Vec<String>, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let told = script().read(&mut file).map_err(|error| error.to_string())?;
        Ok(told.into_iter().map(|contract| format!("{} on {}", contract.name, contract.chain_id)).collect())
    }

    #[rstest::rstest]
    #[case::alone(LIST)]
    #[case::behind_words(&format!("Warning: a\n[info] b\n{LIST}\n"))]
    #[case::on_several_lines_behind_words(&format!("Warning: a\n{}", LIST.replace('{', "\n  {\n")))]
    #[case::windows(&format!("\u{feff}{}\r\n", LIST.replace('{', "\r\n{")))]
    #[case::two_values(&format!("{{\"gas\": 1}}\n{LIST}\n"))]
    fn the_list_is_found_in_the_output(#[case] text: &str) {
        assert_eq!(read(text), Ok(vec!["counter on 31338".to_owned()]));
    }

    #[rstest::rstest]
    #[case::nothing("", "has not written the list")]
    #[case::words("done\n", "has not written the list")]
    #[case::something_else(r#"{"status": "failed"}"#, "has not written the list")]
    #[case::one_name_twice(&LIST.replace(']', &LIST.replacen('[', ",", 1)), "two contracts called `counter`")]
    #[case::one_name_on_both_chains(
        &format!(r#"{{"deployed_l1_contracts": {LIST}, "deployed_l2_contracts": {LIST}}}"#),
        "two contracts called `counter`"
    )]
    fn other_output_is_an_error(#[case] text: &str, #[case] message: &str) {
        let error = read(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    /// A state that is cached although a source has changed would be a false pass.
    #[test]
    fn an_input_behind_a_link_counts() {
        let (project, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let source = other.path().join("Hook.sol");
        fs::create_dir(project.path().join("src")).unwrap();
        std::os::unix::fs::symlink(&source, project.path().join("src/Hook.sol")).unwrap();
        let script = DeployScript { inputs: vec!["src".into()], folder: project.path().to_owned(), ..script() };
        let digest = || {
            let mut hash = Sha256::new();
            script.hash_inputs(&mut hash).unwrap();
            hash.finalize()
        };
        let broken = digest();
        fs::write(&source, "one").unwrap();
        let one = digest();
        fs::write(&source, "two").unwrap();
        let two = digest();
        assert!(broken != one && one != two && digest() == two);
    }

    #[test]
    fn an_object_may_have_the_contracts_of_one_chain() {
        let text = format!(r#"{{"deployed_l1_contracts": {LIST}}}"#);
        assert_eq!(read(&text), Ok(vec!["counter on 31337".to_owned()]));
    }
}
