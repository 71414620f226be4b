//! Finds the devnet that a command is about.

use hourglass_reaper::{DEVNET_FILE, Owner, RunDir};
use hourglass_runner::RunFolders;

use super::{
    DevnetError,
    document::{DEVNET_KIND, DevnetDocument},
};
use crate::cli::CliError;

/// The running devnet whose name begins so; without a name, the only one.
pub(in crate::cli) fn find(name: Option<&str>) -> Result<DevnetDocument, CliError> {
    let folders = RunFolders::locate();
    folders.check()?;
    let running = folders.runs().into_iter().filter(is_running).collect();
    let dir = chosen(name, running, &folders)?;
    let path = dir.folder.join(DEVNET_FILE);
    let read = hourglass_base::DocumentKind::text_of(&path).and_then(|text| DEVNET_KIND.parse(&path, 1, &text));
    Ok(read.map_err(DevnetError::from)?)
}

fn chosen(name: Option<&str>, mut running: Vec<RunDir>, folders: &RunFolders) -> Result<RunDir, DevnetError> {
    if running.is_empty() {
        return Err(DevnetError::NotRunning { root: folders.root().to_owned() });
    }
    let names = |dirs: &[RunDir]| dirs.iter().map(|dir| dir.run.to_string()).collect::<Vec<_>>();
    if let Some(name) = name {
        let known = names(&running);
        running.retain(|dir| !name.is_empty() && dir.run.as_str().starts_with(name));
        if running.is_empty() {
            return Err(DevnetError::Unknown { name: name.to_owned(), known });
        }
    }
    match running.len() {
        1 => Ok(running.swap_remove(0)),
        _ => Err(DevnetError::Several { known: names(&running) }),
    }
}

/// Whether it is a devnet whose process lives, or that was kept. What its supervisor is ending is none any more.
fn is_running(dir: &RunDir) -> bool {
    dir.devnet.is_some() && dir.owner.as_ref().is_none_or(Owner::is_alive)
}
