//! Installs programs of Foundry's from npm into the cache.

use std::{
    env::consts::{ARCH, OS},
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use hourglass_base::{ProcessGroupGuard, reach_loopback_directly};
use hourglass_component::timeout::timeout;
use tokio::process::Command;

use super::{
    ANVIL_VERSION, SetupError,
    atomic_entry::AtomicEntry,
    discover::{SCOPE, binary_in},
};

/// How long npm may take for some tens of megabytes; a registry that stalls would block a run for ever.
const INSTALLED_WITHIN: Duration = Duration::from_mins(10);
const MAKING: &str = ".installing-";
/// The prefix of the folders of earlier versions, before six letters, and the age after which no installation in one
/// can still run.
const MAKING_BEFORE: &str = "anvil-";
const ABANDONED_AFTER: Duration = Duration::from_hours(1);

/// Installs the package of a program into a folder of the cache. An existing folder without the binary is replaced.
pub(super) async fn install(npm: &Path, folder: &Path, program: &str) -> Result<(), SetupError> {
    let aside = AtomicEntry::beside(folder, MAKING)?;
    remove_abandoned(folder.parent().unwrap_or(folder));
    let package = format!("{}@{ANVIL_VERSION}", package_of(program, OS, ARCH));
    let failed = |reason: String| SetupError::Install { package: package.clone(), folder: folder.to_owned(), reason };
    let mut command = Command::new(npm);
    command
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"])
        .arg(aside.path())
        .args([package.as_str(), "--engine-strict=false"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    reach_loopback_directly(command.as_std_mut());
    let child = command.spawn().map_err(SetupError::file(npm))?;
    let group = ProcessGroupGuard::of(child.id());
    let late = |_| failed(format!("it did not end within {}", humantime::format_duration(INSTALLED_WITHIN)));
    let ended = timeout(INSTALLED_WITHIN, child.wait_with_output()).await.map_err(late)?;
    let output = ended.map_err(SetupError::file(npm))?;
    group.has_ended();
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    if binary_in(aside.path(), program).is_none() {
        return Err(failed("the package has no binary for this platform".to_owned()));
    }
    aside.publish(folder, |folder| binary_in(folder, program).is_some())
}

/// The package with the executable of a program for a platform, by Rust's names for both. It says that it needs Node.js 20, which an
/// executable does not; as an optional dependency of the general package, npm with an older Node.js leaves it out and succeeds.
fn package_of(program: &str, system: &str, architecture: &str) -> String {
    let system = if system == "macos" { "darwin" } else { system };
    match architecture {
        "x86_64" => format!("{SCOPE}/{program}-{system}-amd64"),
        "aarch64" => format!("{SCOPE}/{program}-{system}-arm64"),
        _ => format!("{SCOPE}/{program}"),
    }
}

/// Removes what interrupted earlier versions of the harness left.
fn remove_abandoned(tools: &Path) {
    let entries = fs::read_dir(tools).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_name().to_str().is_some_and(is_of_before)) {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > ABANDONED_AFTER) {
            // Another process may be removing it as well.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_of_before(name: &str) -> bool {
    let letters = name.strip_prefix(MAKING_BEFORE);
    letters.is_some_and(|letters| letters.len() == 6 && letters.chars().all(|letter| letter.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("anvil", "linux", "x86_64", "@foundry-rs/anvil-linux-amd64")]
    #[case("cast", "linux", "aarch64", "@foundry-rs/cast-linux-arm64")]
    #[case("anvil", "macos", "aarch64", "@foundry-rs/anvil-darwin-arm64")]
    #[case("forge", "linux", "riscv64", "@foundry-rs/forge")]
    fn the_package_of_the_platform_is_installed(
        #[case] program: &str,
        #[case] system: &str,
        #[case] architecture: &str,
        #[case] package: &str,
    ) {
        assert_eq!(package_of(program, system, architecture), package);
    }
}
