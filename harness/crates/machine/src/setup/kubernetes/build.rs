//! Builds the node image from its sources.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    path::Path,
    process::Stdio,
};

use hourglass_base::blocking;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::{KubernetesSetup, KubernetesSetupError, request::SOURCES};
use crate::setup::{
    DockerSetupError, State, Step,
    programs::{command, end_of, install},
};

/// The cost of a build, for people who decide whether to wait (fixtures/node-image/README.md).
pub(super) const COST: &str = "about 10 min on two cores and 4 GB of disk the first time";
const LOCK: &str = "lock";
const SPACE: u64 = 4_000_000_000;
/// The programs that it calls, and the Debian packages that contain them.
const PROGRAMS: [(&str, &str); 2] = [("debootstrap", "debootstrap"), ("docker", "docker.io")];

/// Builds the image into the engine, and reports each stage. Stages that were finished before are not repeated.
pub(super) async fn build(setup: &KubernetesSetup, tell: &mut impl FnMut(&Step)) -> Result<(), KubernetesSetupError> {
    let image = || setup.image.clone();
    let script = setup.script();
    if setup.source.is_some() && !script.is_file() {
        return Err(KubernetesSetupError::NoSource { image: image(), script });
    }
    if !setup.system.root {
        return Err(KubernetesSetupError::NotRoot { image: image(), command: setup.system.command.clone() });
    }
    if setup.system.program("go").is_none() {
        return Err(KubernetesSetupError::NoGo { what: format!("build {}", setup.image) });
    }
    let folder = setup.stages();
    fs::create_dir_all(&folder).map_err(DockerSetupError::file("make", &folder))?;
    let _lock = lock(&folder, tell).await?;
    enough_space(setup, &folder)?;
    if setup.source.is_none() {
        write_sources(&folder.join(SOURCES))?;
    }
    programs(setup, tell).await?;
    run(setup, &script, &folder, tell).await
}

/// Replaces those of another version.
fn write_sources(folder: &Path) -> Result<(), KubernetesSetupError> {
    let removed = fs::remove_dir_all(folder).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let written = removed.and_then(|()| hourglass_node_image::write_to(folder));
    Ok(written.map_err(DockerSetupError::file("write", folder))?)
}

/// Keeps two builds from removing each other's stages.
async fn lock(folder: &Path, tell: &mut impl FnMut(&Step)) -> Result<File, KubernetesSetupError> {
    let path = folder.join(LOCK);
    let fail = || DockerSetupError::file("lock", &path);
    let file = File::create(&path).map_err(fail())?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::Error(error)) => return Err(fail()(error).into()),
        Err(TryLockError::WouldBlock) => {}
    }
    let why = "its stages will be used".to_owned();
    tell(&Step { state: State::Doing, what: "wait for another process that builds the image".to_owned(), why });
    Ok(blocking(move || file.lock().map(|()| file)).await.map_err(fail())?)
}

/// A build that was finished before needs almost no space.
fn enough_space(setup: &KubernetesSetup, folder: &Path) -> Result<(), KubernetesSetupError> {
    let Some(free) = (setup.system.free)(folder) else { return Ok(()) };
    let entries = fs::read_dir(folder).map_err(DockerSetupError::file("list", folder))?;
    let is_stage = |name: OsString| name != LOCK && name != SOURCES;
    let kept = entries.filter_map(Result::ok).any(|entry| is_stage(entry.file_name()));
    if kept || free >= SPACE {
        return Ok(());
    }
    let (image, folder) = (setup.image.clone(), folder.to_owned());
    Err(KubernetesSetupError::NoSpace { image, folder, free, needed: SPACE })
}

async fn programs(setup: &KubernetesSetup, tell: &mut impl FnMut(&Step)) -> Result<(), KubernetesSetupError> {
    let lacking = PROGRAMS.into_iter().filter(|(program, _)| setup.system.program(program).is_none());
    let (programs, packages): (Vec<_>, Vec<_>) = lacking.unzip();
    if programs.is_empty() {
        return Ok(());
    }
    if let Some(distribution) = setup.system.unlike_debian() {
        return Err(KubernetesSetupError::NoPrograms { image: setup.image.clone(), programs, distribution });
    }
    let why = format!("there is no {}", programs.join(" and no "));
    let what = format!("install {} with apt-get", packages.join(" and "));
    tell(&Step { state: State::Doing, what, why });
    Ok(install(&setup.system, &packages).await?)
}

async fn run(
    setup: &KubernetesSetup,
    script: &Path,
    folder: &Path,
    tell: &mut impl FnMut(&Step),
) -> Result<(), KubernetesSetupError> {
    let fail = || DockerSetupError::file("run", script);
    let mut child = prepared(setup, script, folder).spawn().map_err(fail())?;
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Some(line) = lines.next_line().await.map_err(fail())? {
            if let Some(stage) = stage_in(&line) {
                let what = format!("build {}", setup.image);
                tell(&Step { state: State::Doing, what, why: stage.to_owned() });
            }
            said.push_str(&line);
            said.push('\n');
        }
    }
    let status = child.wait().await.map_err(fail())?;
    if status.success() {
        return Ok(());
    }
    Err(KubernetesSetupError::Build {
        image: setup.image.clone(),
        script: script.to_owned(),
        status: status.to_string(),
        output: end_of(&said),
    })
}

/// In the harness's process group: an interruption at a terminal reaches it too, and it cleans up.
fn prepared(setup: &KubernetesSetup, script: &Path, folder: &Path) -> Command {
    let mut command = command(&setup.system, script);
    command.env("CACHE_DIR", folder).env("IMAGE", &setup.image);
    command.env_remove("DOCKER_CONTEXT").envs(setup.system.engine.variable());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// `compiling CoreDNS` of `12:34:56 compiling CoreDNS`; other lines come from the programs that it calls.
fn stage_in(line: &str) -> Option<&str> {
    let (time, stage) = line.split_once(' ')?;
    let digit = |(at, letter): (usize, char)| if at % 3 == 2 { letter == ':' } else { letter.is_ascii_digit() };
    (time.len() == 8 && time.chars().enumerate().all(digit)).then_some(stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("12:34:56 compiling CoreDNS", Some("compiling CoreDNS"))]
    #[case("go: downloading k8s.io/kubernetes v1.34.4", None)]
    #[case("E: Failed getting release file", None)]
    #[case("", None)]
    fn stages_are_distinguished_from_program_output(#[case] line: &str, #[case] stage: Option<&str>) {
        assert_eq!(stage_in(line), stage);
    }
}
