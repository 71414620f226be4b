//! Machines of which only the folders are invented: their programs are those in their PATH.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::Bounding;

/// A machine without an engine, and with the programs that a test puts there.
struct Machine {
    root: TempDir,
    system: System,
}

impl Machine {
    /// Debian, as root.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("bin")).unwrap();
        fs::write(at("os-release"), "ID=debian\n").unwrap();
        let system = System {
            os_release: at("os-release"),
            configuration: at("etc/daemon.json"),
            wrapper: at("local/runc-bounded"),
            log: at("dockerd.log"),
            path: vec![at("bin")],
            root: true,
            systemd: false,
            bounding: Some(Bounding { missing: vec!["CAP_SYS_RESOURCE".to_owned()] }),
            engine: EngineAddress::Socket("/var/run/docker.sock".into()),
            command: "harness setup docker".to_owned(),
            free: |_| None,
        };
        Self { root, system }
    }

    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.root.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn configuration(&self, text: &str) {
        fs::create_dir_all(self.system.configuration.parent().unwrap()).unwrap();
        fs::write(&self.system.configuration, text).unwrap();
    }

    fn plan(&self) -> Result<Vec<Planned>, DockerSetupError> {
        plan(&self.system, Err(EngineError::NotThere { address: self.system.engine.clone() }))
    }

    fn actions(&self) -> Vec<Option<Action>> {
        self.plan().unwrap().into_iter().map(|step| step.action).collect()
    }

    /// The files on the machine besides the programs.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_bare_machine_gets_everything_in_an_order_that_works() {
    let machine = Machine::new();
    let packages = Action::Packages(vec!["docker.io", "iptables"]);
    // The packages start the engine if services are managed: the files that it reads must exist by then.
    let expected = [Action::Wrapper, Action::Configuration, packages, Action::Start].map(Some);
    assert_eq!(machine.actions(), expected);
}

#[test]
fn completed_steps_are_not_repeated() {
    let mut machine = Machine::new();
    machine.program("dockerd", "");
    assert_eq!(machine.actions()[2], Some(Action::Packages(vec!["iptables"])));
    machine.program("iptables", "");
    assert_eq!(machine.actions()[2], None);
    wrapper::write(&machine.system.wrapper).unwrap();
    configuration::write(&machine.system.configuration, &machine.system.wrapper).unwrap();
    assert_eq!(machine.actions(), [None, None, None, Some(Action::Start)]);
    machine.system.bounding = Some(Bounding::default());
    assert_eq!(machine.actions(), [None, Some(Action::Start)], "a full set needs no wrapper");
}

#[tokio::test]
async fn the_wrapper_is_written_whole_and_executable() {
    let machine = Machine::new();
    perform(&machine.system, &Action::Wrapper, &mut |_| {}).await.unwrap();
    let metadata = fs::metadata(&machine.system.wrapper).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o755);
    assert_eq!(
        fs::read_dir(machine.system.wrapper.parent().unwrap()).unwrap().count(),
        1,
        "something is left beside it"
    );
}

/// Packages are needed only if they are missing: an engine may be started on any distribution.
#[test]
fn an_unknown_distribution_gets_a_list_of_missing_packages() {
    let machine = Machine::new();
    fs::write(&machine.system.os_release, "ID=fedora\nPRETTY_NAME=\"Fedora Linux 41\"\n").unwrap();
    let error = machine.plan().unwrap_err().to_string();
    assert!(
        error.starts_with("failed to install docker.io and iptables on Fedora Linux 41: only Debian, Ubuntu"),
        "{error}"
    );
    machine.program("dockerd", "");
    machine.program("iptables", "");
    assert_eq!(machine.actions().last(), Some(&Some(Action::Start)));
}

/// A file of somebody else is never changed; the rest is done, and the two keys are named.
#[test]
fn a_configuration_of_somebody_else_is_not_changed() {
    let machine = Machine::new();
    machine.configuration("{\"debug\": true}");
    let actions = machine.actions();
    let Some(Action::Merge(keys)) = &actions[1] else { panic!("{actions:?}") };
    assert!(keys.contains("\"default-runtime\":\"bounded\"") && keys.contains("local/runc-bounded"), "{keys}");
    assert_eq!(actions.last(), Some(&Some(Action::Start)), "an engine is started all the same");
    machine.configuration("{\"debug\": true,}");
    assert!(matches!(machine.plan(), Err(DockerSetupError::BrokenConfiguration { .. })));
}

#[test]
fn a_remote_engine_is_not_set_up() {
    let mut machine = Machine::new();
    machine.system.engine = EngineAddress::Remote("tcp://10.0.0.1:2375".to_owned());
    let error = machine.plan().unwrap_err().to_string();
    assert!(error.contains("tcp://10.0.0.1:2375, which DOCKER_HOST or a context"), "{error}");
}

#[test]
fn a_forbidden_engine_is_not_taken_for_a_missing_one() {
    let machine = Machine::new();
    let address = machine.system.engine.clone();
    let error = plan(&machine.system, Err(EngineError::Forbidden { address })).unwrap_err().to_string();
    assert!(error.contains("usermod -aG docker"), "{error}");
}

/// The output of apt-get is what helps: without a network it names the host that it cannot reach.
#[tokio::test]
async fn apt_output_is_in_the_error() {
    let machine = Machine::new();
    machine.program("apt-get", "echo \"Temporary failure resolving ($1)\" >&2; exit 100");
    let packages = Action::Packages(vec!["docker.io"]);
    let error = perform(&machine.system, &packages, &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.starts_with("failed to install docker.io with apt-get (exit status: 100)"), "{error}");
    for call in ["resolving (update)", "resolving (install)"] {
        assert!(error.contains(call), "{error}");
    }
}

/// A third party's list that cannot be updated does not keep the packages from being installed.
#[tokio::test]
async fn a_stale_package_list_is_tolerated() {
    let machine = Machine::new();
    let list = machine.root.path().join("installed");
    machine.program("apt-get", &format!("[ \"$1\" = install ] && echo \"$*\" > {}", list.display()));
    install(&machine.system, &["docker.io", "iptables"]).await.unwrap();
    let arguments = fs::read_to_string(list).unwrap();
    assert!(arguments.contains("-y") && arguments.trim_end().ends_with("docker.io iptables"), "{arguments}");
}

/// The log of an engine that ends says why; nobody must wait a minute for it.
#[tokio::test]
async fn the_log_of_an_ended_engine_is_shown() {
    let mut machine = Machine::new();
    machine.system.engine = EngineAddress::Socket(machine.root.path().join("docker.sock"));
    machine.program("dockerd", "echo 'failed to mount overlay: operation not permitted' >&2; exit 1");
    machine.system.path.push("/usr/bin".into());
    let error = start::start(&machine.system).await.unwrap_err().to_string();
    assert!(error.contains("ended with exit status: 1") && error.contains("failed to mount overlay"), "{error}");
}

/// A rehearsal changes nothing, even for root.
#[tokio::test]
async fn a_rehearsal_changes_nothing() {
    let mut machine = Machine::new();
    let apt = machine.root.path().join("apt-was-called");
    machine.program("apt-get", &format!("touch {}", apt.display()));
    let before = machine.files();
    let steps = machine.plan().unwrap();
    let mut told = Vec::new();
    carry_out(&machine.system, steps.clone(), true, &mut |step| told.push(step.state)).await.unwrap();
    assert_eq!(told, [State::Would; 4]);
    assert_eq!(machine.files(), before);
    machine.system.root = false;
    carry_out(&machine.system, steps.clone(), true, &mut |_| {}).await.unwrap();
    let refused = carry_out(&machine.system, steps, false, &mut |_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("`sudo harness setup docker`"), "{refused}");
    assert_eq!(machine.files(), before);
}

/// A machine that has everything needs no root to say so.
#[tokio::test]
async fn a_complete_machine_needs_no_root() {
    let mut machine = Machine::new();
    machine.system.root = false;
    let steps = vec![Planned { what: "packages".to_owned(), why: "are there".to_owned(), action: None }];
    let mut told = Vec::new();
    carry_out(&machine.system, steps, false, &mut |step| told.push(step.to_string())).await.unwrap();
    assert_eq!(told, ["done   packages: are there"]);
}

/// The keys are in the error, because adding them remains to be done.
#[tokio::test]
async fn remaining_manual_steps_are_an_error_at_the_end() {
    let machine = Machine::new();
    machine.configuration("{\"debug\": true}");
    let steps = wrapping(&machine.system, "CAP_SYS_RESOURCE").unwrap();
    let error = carry_out(&machine.system, steps, false, &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("daemon.json is not ours") && error.contains("\"default-runtime\":\"bounded\""), "{error}");
    assert!(wrapper::is_there(&machine.system.wrapper), "the rest was not done");
    assert_eq!(fs::read_to_string(&machine.system.configuration).unwrap(), "{\"debug\": true}");
}
