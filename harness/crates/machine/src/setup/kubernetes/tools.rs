//! Builds kind and Helm from their Go modules.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Stdio};

use hourglass_cluster::{FoundTool, Tool};

use super::{KubernetesSetup, KubernetesSetupError};
use crate::setup::{
    DockerSetupError,
    programs::{command, end_of},
};

/// The cost of an installation, for people who decide whether to wait; on two cores, with empty Go caches.
pub(super) fn cost(tool: Tool) -> &'static str {
    if tool == Tool::KIND { "about 30 s and 10 MB" } else { "about 3 min and 60 MB, and 1 GB in Go's own caches" }
}

/// Installs a tool into the harness's cache.
pub(super) async fn install(setup: &KubernetesSetup, tool: Tool) -> Result<FoundTool, KubernetesSetupError> {
    let package = format!("{}@{}", tool.module, tool.version);
    let go =
        setup.system.program("go").ok_or_else(|| KubernetesSetupError::NoGo { what: format!("install {tool}") })?;
    let program = tool.installed_in(&setup.cache);
    // `tools/PROGRAM-VERSION` in the cache: neither is the root.
    let folder = program.parent().unwrap_or(&program);
    let parent = folder.parent().unwrap_or(folder);
    let file = DockerSetupError::file;
    fs::create_dir_all(parent).map_err(file("make", parent))?;
    // Installed into a temporary folder and renamed: two concurrent installations do not see each other's partial
    // files.
    let prefix = format!("{tool}-");
    let aside =
        tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(file("make a folder in", parent))?;
    let output = command(&setup.system, &go)
        .args(["install", "-trimpath", "-ldflags=-s -w", &package])
        .env("GOBIN", aside.path())
        .env("CGO_ENABLED", "0")
        .current_dir(aside.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(file("run", &go))?;
    if !output.status.success() {
        let output = end_of(&String::from_utf8_lossy(&output.stderr));
        return Err(KubernetesSetupError::Install { package, output });
    }
    // The temporary folder is only for this user.
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(aside.path(), mode).map_err(file("share", aside.path()))?;
    if fs::rename(aside.path(), folder).is_err() {
        if let Ok(first) = tool.check_in(&[], &setup.cache).await {
            // Another process's program, which may be in use by now.
            return Ok(first);
        }
        fs::remove_dir_all(folder).map_err(file("remove", folder))?;
        fs::rename(aside.path(), folder).map_err(file("make", folder))?;
    }
    Ok(tool.check_in(&[], &setup.cache).await?)
}
