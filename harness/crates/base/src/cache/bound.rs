//! The size limit of the cache.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    entries::{self, Entry, weigh},
    usage::{Processes, take},
};

/// Entries that were used this recently stay: a trial that is being prepared has not yet started what it has found.
const RECENT: Duration = Duration::from_hours(1);
/// The prefix of an entry that is being removed.
const GOING: &str = ".going-";

/// An entry that was removed from the cache, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its former path.
    pub path: PathBuf,
    /// Bytes of its files.
    pub size: u64,
    /// When it was used last.
    pub used: SystemTime,
}

/// The result of applying the limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// The removed entries, the one that was unused for longest first.
    pub dropped: Vec<Dropped>,
    /// The size of the cache afterwards, in bytes.
    pub size: u64,
}

/// Removes the entries that were unused for longest until the cache holds at most `limit` bytes. Entries that are in
/// use, or were used within the hour, stay. A rehearsal only reports.
pub fn keep_within(cache: &Path, limit: u64, rehearsal: bool) -> io::Result<Bound> {
    keep_within_at(cache, limit, rehearsal, SystemTime::now())
}

fn keep_within_at(cache: &Path, limit: u64, rehearsal: bool, now: SystemTime) -> io::Result<Bound> {
    let mut bound = Bound { dropped: Vec::new(), size: entries::size(cache) };
    if bound.size <= limit {
        return Ok(bound);
    }
    let processes = Processes::look();
    for entry in entries::all(cache) {
        if bound.size <= limit {
            break;
        }
        let is_recent = |used: SystemTime| now.duration_since(used).unwrap_or_default() < RECENT;
        if is_recent(entry.used) {
            continue;
        }
        let Some(_unused) = take(&entry.path, &processes) else { continue };
        // A process may have begun to use it, and ended, since the check.
        if weigh(&entry.path).is_ok_and(|(_, used)| is_recent(used)) {
            continue;
        }
        if !rehearsal {
            remove(&entry.path)?;
        }
        bound.size = bound.size.saturating_sub(entry.size);
        let Entry { path, size, used } = entry;
        bound.dropped.push(Dropped { path, size, used });
    }
    Ok(bound)
}

/// Renamed first, so that nobody finds a partial entry.
fn remove(path: &Path) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(GOING);
    name.push(path.file_name().unwrap_or_default());
    let going = path.with_file_name(name);
    fs::rename(path, &going)?;
    if going.is_dir() { fs::remove_dir_all(&going) } else { fs::remove_file(&going) }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read as _, Write as _},
        process::{Child, Command, Stdio},
    };

    use tempfile::TempDir;

    use super::*;
    use crate::cache::hold;

    const HOUR: Duration = Duration::from_hours(1);

    /// A cache with entries of a kilobyte each, and the hours since their last use.
    fn cache(entries: &[(&str, u32)]) -> TempDir {
        let cache = tempfile::tempdir().unwrap();
        for (name, hours) in entries {
            let entry = cache.path().join(name);
            fs::create_dir_all(&entry).unwrap();
            let file = entry.join("file");
            fs::write(&file, [0; 1000]).unwrap();
            for path in [&file, &entry] {
                File::open(path).unwrap().set_modified(SystemTime::now() - *hours * HOUR).unwrap();
            }
        }
        cache
    }

    fn dropped(cache: &TempDir, limit: u64) -> Vec<String> {
        let bound = keep_within(cache.path(), limit, false).unwrap();
        let names = bound.dropped.iter().map(|dropped| dropped.path.strip_prefix(cache.path()).unwrap());
        names.map(|name| name.display().to_string()).collect()
    }

    #[test]
    fn least_recently_used_entries_are_removed_first_and_no_more_than_needed() {
        let cache =
            cache(&[("tools/a", 2), ("state/b", 9), ("clusters/_failed/c", 5), ("images/d", 3), ("clusters/e", 99)]);
        assert_eq!(dropped(&cache, 5000), [""; 0]);
        assert_eq!(dropped(&cache, 3500), ["state/b", "clusters/_failed/c"]);
        assert!(!cache.path().join("state/b").exists() && cache.path().join("tools/a").exists());
        assert_eq!(dropped(&cache, 0), ["images/d", "tools/a"], "a cluster's folder goes with the cluster");
    }

    #[test]
    fn entries_used_within_the_hour_are_kept() {
        let cache = cache(&[("tools/a", 0), ("state/b", 9)]);
        assert_eq!(dropped(&cache, 0), ["state/b"]);
        assert_eq!(keep_within(cache.path(), 0, false).unwrap().size, 1000, "what is left is told");
    }

    #[test]
    fn locked_entries_are_kept_and_count_as_used() {
        let cache = cache(&[("tools/a", 9), ("tools/b", 9)]);
        let entry = cache.path().join("tools/a");
        hold(&entry);
        // Whatever the clock says: the lock alone is enough.
        let later = SystemTime::now() + 10 * HOUR;
        let bound = keep_within_at(cache.path(), 0, false, later).unwrap();
        assert_eq!(
            bound.dropped.iter().map(|dropped| &dropped.path).collect::<Vec<_>>(),
            [&cache.path().join("tools/b")]
        );
        assert!(weigh(&entry).unwrap().1 > SystemTime::now() - HOUR);
    }

    /// `cat`, once it answers: a process that is starting has no command line yet.
    fn answering(program: &Path, arguments: &[&Path]) -> Child {
        let mut command = Command::new(program);
        let mut child = command.arg("-").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        child
    }

    /// A kept chain outlives its harness, and harnesses of other versions hold no locks.
    #[test]
    fn entries_used_by_running_processes_are_kept() {
        let cache = cache(&[("tools/a", 9), ("state/b", 9), ("state/c", 9)]);
        let program = cache.path().join("tools/a/cat");
        // Copied by another process: a concurrent test may pass the file descriptor that this one writes to on to its
        // child, and then the copy cannot be run.
        assert!(Command::new("cp").args(["/bin/cat".as_ref(), program.as_path()]).status().unwrap().success());
        let mut started = answering(&program, &[]);
        let mut with = answering("cat".as_ref(), &[&cache.path().join("state/b/file")]);
        let bound = keep_within_at(cache.path(), 0, false, SystemTime::now() + 10 * HOUR);
        for child in [&mut started, &mut with] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let dropped: Vec<_> = bound.unwrap().dropped.into_iter().map(|dropped| dropped.path).collect();
        assert_eq!(dropped, [cache.path().join("state/c")]);
    }

    #[test]
    fn a_rehearsal_removes_nothing() {
        let cache = cache(&[("tools/a", 9)]);
        let bound = keep_within(cache.path(), 0, true).unwrap();
        assert_eq!((bound.dropped.len(), bound.size), (1, 0));
        assert!(cache.path().join("tools/a").exists());
    }
}
