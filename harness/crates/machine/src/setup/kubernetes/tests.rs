//! Machines of which only the folders are invented: their programs are those in their PATH.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use hourglass_cluster::{FoundTool, Tool, ToolError};
use tempfile::TempDir;

use super::{
    build::build,
    plan::{Action, Found, Planned, carry_out, plan},
    tools::install,
    *,
};
use crate::{
    NodeImage,
    setup::{State, Step, System},
};

const IMAGE: &str = "kindest/node:v9.9.9";

/// A machine with Go and no other requirement of clusters.
struct Machine {
    root: TempDir,
    setup: KubernetesSetup,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["bin", "cache", "source"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::write(at("os-release"), "ID=debian\n").unwrap();
        let system = System {
            os_release: at("os-release"),
            path: vec![at("bin")],
            root: true,
            command: "harness setup kubernetes".to_owned(),
            free: |_| Some(5 << 30),
            ..System::this()
        };
        let setup = KubernetesSetup {
            system,
            path: vec![at("bin")],
            cache: at("cache"),
            image: IMAGE.to_owned(),
            archive: None,
            source: Some(at("source")),
        };
        let machine = Self { root, setup };
        machine.program("bin/go", "exit 1");
        machine
    }

    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn plan(&self, found: &Found) -> Vec<Planned> {
        plan(&self.setup, found).unwrap()
    }

    /// The result of a build, and its reports.
    async fn build(&self) -> (Result<(), KubernetesSetupError>, Vec<String>) {
        let mut told = Vec::new();
        let built = build(&self.setup, &mut |step| told.push(step.to_string())).await;
        (built, told)
    }

    /// All files below the folder, to detect changes.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.root.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                files.push(path);
            }
        }
        files.sort();
        files
    }
}

fn nothing() -> Found {
    Found { tools: [Tool::KIND, Tool::HELM].map(|tool| (tool, Err(ToolError::NotFound { tool }))), image: None }
}

fn everything() -> Found {
    let there = |tool: Tool| FoundTool { path: PathBuf::from("/opt").join(tool.program), version: "9.9.9".to_owned() };
    let image = NodeImage { id: "sha256:0123456789abcdef".to_owned(), size: 400 << 20 };
    Found { tools: [Tool::KIND, Tool::HELM].map(|tool| (tool, Ok(there(tool)))), image: Some(image) }
}

fn actions(steps: &[Planned]) -> Vec<Option<Action>> {
    steps.iter().map(|step| step.action.clone()).collect()
}

#[test]
fn a_bare_machine_gets_everything_the_quickest_way_first() {
    let machine = Machine::new();
    let expected = [Action::Install(Tool::KIND), Action::Install(Tool::HELM), Action::Pull, Action::Build].map(Some);
    assert_eq!(actions(&machine.plan(&nothing())), expected);
}

/// A named archive is deliberate: a registry is not asked for another image.
#[test]
fn with_an_archive_nothing_is_pulled_or_built() {
    let mut machine = Machine::new();
    machine.setup.archive = Some("/a.tar".into());
    assert_eq!(actions(&machine.plan(&nothing()))[2..], [Some(Action::Load("/a.tar".into()))]);
}

#[tokio::test]
async fn completed_steps_are_not_repeated() {
    let mut machine = Machine::new();
    machine.setup.archive = Some("/nowhere.tar".into());
    fs::remove_file(machine.root.path().join("bin/go")).unwrap();
    let steps = machine.plan(&everything());
    let mut told = Vec::new();
    carry_out(&machine.setup, steps, false, &mut |step| told.push(step.to_string())).await.unwrap();
    insta::assert_snapshot!(told.join("\n"), @r"
    done   kind: 9.9.9 at /opt/kind
    done   helm: 9.9.9 at /opt/helm
    done   node image kindest/node:v9.9.9: 0123456789ab, 400.0 MiB
    ");
}

/// A rehearsal reports the cost, and changes nothing.
#[tokio::test]
async fn a_rehearsal_reports_the_cost_and_changes_nothing() {
    let machine = Machine::new();
    let before = machine.files();
    let mut told: Vec<Step> = Vec::new();
    carry_out(&machine.setup, machine.plan(&nothing()), true, &mut |step| told.push(step.clone())).await.unwrap();
    assert!(told.iter().all(|step| step.state == State::Would), "{told:?}");
    for (step, cost) in told.iter().zip(["30 s and 10 MB", "3 min and 60 MB", "1 GB", "10 min on two cores and 4 GB"]) {
        assert!(step.why.contains(cost), "{step}");
    }
    assert_eq!(machine.files(), before);
}

#[test]
fn without_go_the_error_names_the_alternatives() {
    let machine = Machine::new();
    fs::remove_file(machine.root.path().join("bin/go")).unwrap();
    let error = plan(&machine.setup, &nothing()).unwrap_err();
    assert!(error.to_string().starts_with("failed to install kind: there is no Go on PATH"), "{error}");
    assert!(error.remedy().unwrap().contains("https://go.dev/dl"));
}

/// Stands in for Go: the test checks what happens to a program that it has built.
#[tokio::test]
async fn concurrent_installations_give_the_same_program() {
    let machine = Machine::new();
    let kind = "printf '#!/bin/sh\\necho kind v0.33.0 go1.26.8 linux/amd64\\n' > $GOBIN/kind; chmod +x $GOBIN/kind";
    machine.program("bin/go", &format!("echo \"$*\" > {}/called; {kind}", machine.root.path().display()));
    let (one, two) = tokio::join!(install(&machine.setup, Tool::KIND), install(&machine.setup, Tool::KIND));
    let one = one.unwrap();
    assert_eq!(one, two.unwrap());
    assert_eq!(one.path, Tool::KIND.installed_in(&machine.setup.cache));
    let called = fs::read_to_string(machine.root.path().join("called")).unwrap();
    assert!(called.trim_end().ends_with("sigs.k8s.io/kind@v0.33.0"), "{called}");
    assert_eq!(fs::read_dir(machine.setup.cache.join("tools")).unwrap().count(), 1, "something is left beside it");
}

/// A program that does not work, for instance a partial one, is replaced.
#[tokio::test]
async fn a_broken_installation_is_replaced() {
    let machine = Machine::new();
    machine.program("cache/tools/kind-v0.33.0/kind", "exit 1");
    machine.program("bin/go", "printf '#!/bin/sh\\necho kind v0.33.0\\n' > $GOBIN/kind; chmod +x $GOBIN/kind");
    assert_eq!(install(&machine.setup, Tool::KIND).await.unwrap().version, "0.33.0");
}

#[tokio::test]
async fn go_output_is_in_the_error() {
    let machine = Machine::new();
    machine.program("bin/go", "echo 'dial tcp: no route to host' >&2; exit 1");
    let error = install(&machine.setup, Tool::HELM).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("helm.sh/helm/v3/cmd/helm@v3.22.0") && text.contains("no route to host"), "{text}");
    assert!(error.remedy().unwrap().contains("GOPROXY"));
    assert_eq!(fs::read_dir(machine.setup.cache.join("tools")).unwrap().count(), 0, "nothing half-installed is left");
}

#[tokio::test]
async fn a_build_reports_its_stages_and_keeps_them_in_the_cache() {
    let machine = Machine::new();
    machine.program("bin/debootstrap", "");
    machine.program("bin/docker", "");
    let script = "echo go: downloading >&2; echo 12:34:56 compiling everything >&2; echo $IMAGE > $CACHE_DIR/stage";
    machine.program("source/build", script);
    let (built, told) = machine.build().await;
    built.unwrap();
    assert_eq!(told, [format!("doing  build {IMAGE}: compiling everything")]);
    let stage = fs::read_to_string(machine.setup.cache.join("node-image/stage")).unwrap();
    assert_eq!(stage.trim_end(), IMAGE);
}

/// A harness that was installed without its repository can build the image as well.
#[tokio::test]
async fn a_build_without_a_named_source_uses_the_embedded_one() {
    let mut machine = Machine::new();
    machine.program("bin/debootstrap", "");
    machine.program("bin/docker", "");
    machine.setup.source = None;
    let sources = machine.setup.cache.join("node-image/sources");
    fs::create_dir_all(&sources).unwrap();
    fs::write(sources.join("of-another-version"), "").unwrap();
    // This machine's Go fails, so that the build ends with its first stage.
    let error = machine.build().await.0.unwrap_err();
    assert!(
        matches!(&error, KubernetesSetupError::Build { script, .. } if *script == sources.join("build")),
        "{error}"
    );
    assert!(sources.join("overlay/usr/local/bin/entrypoint").is_file());
    assert!(!sources.join("of-another-version").exists(), "sources of two versions are mixed");
}

/// Missing requirements are found before minutes are spent, and the output of a failed build is in the error.
#[tokio::test]
async fn an_impossible_build_is_reported_with_its_remedy() {
    let mut machine = Machine::new();
    let says = async |machine: &Machine| {
        let error = machine.build().await.0.unwrap_err();
        format!("{error}\n{}", error.remedy().unwrap_or_default())
    };
    assert!(says(&machine).await.contains("--node-image-source"));
    machine.program("source/build", "echo 12:34:56 compiling >&2; echo out of cheese >&2; exit 7");
    machine.setup.system.root = false;
    assert!(says(&machine).await.contains("run `sudo harness setup kubernetes`"));
    machine.setup.system.root = true;
    fs::write(&machine.setup.system.os_release, "ID=fedora\n").unwrap();
    assert!(says(&machine).await.contains("there is no debootstrap and no docker, and only Debian's"));
    machine.program("bin/debootstrap", "");
    machine.program("bin/docker", "");
    machine.setup.system.free = |_| Some(3 << 30);
    assert!(says(&machine).await.contains("3.0 GiB are free below"));
    // What an earlier build has left there makes the rest smaller.
    fs::write(machine.setup.cache.join("node-image/stage"), "").unwrap();
    let text = says(&machine).await;
    assert!(text.contains("ended with exit status: 7") && text.contains("    out of cheese"), "{text}");
    assert!(text.contains("the stages that were finished are kept"), "{text}");
}
