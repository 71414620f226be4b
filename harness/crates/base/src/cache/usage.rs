//! Which processes use an entry of the cache: a process of the harness that holds a lock on it, or any process that was
//! started from it or with it, such as kept chains and harnesses of other versions.

use std::{
    ffi::OsStr,
    fs::{self, File, TryLockError},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// The locks of this process, which end with it.
static HELD: Mutex<Vec<(PathBuf, File)>> = Mutex::new(Vec::new());

/// Marks an entry as used by this process, for as long as it lives.
pub fn hold(entry: &Path) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if held.iter().any(|(path, _)| path == entry) {
        return;
    }
    // In a read-only cache nothing is removed either.
    if let Ok(file) = File::open(entry) {
        let _ = file.set_modified(SystemTime::now());
        if file.try_lock_shared().is_ok() {
            held.push((entry.to_owned(), file));
        }
    }
}

/// An unused entry, locked so that nobody can begin to use it before it is removed.
pub(super) struct Unused(#[expect(dead_code, reason = "held, not looked at")] File);

/// Locks the entry, if neither a lock nor a process uses it.
pub(super) fn take(entry: &Path, processes: &Processes) -> Option<Unused> {
    let file = File::open(entry).ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        Ok(()) => (!processes.use_of(entry)).then_some(Unused(file)),
    }
}

/// The programs and arguments of this user's processes, and the mounts.
pub(super) struct Processes {
    texts: Vec<Vec<u8>>,
}

impl Processes {
    pub(super) fn look() -> Self {
        let own = std::process::id().to_string();
        let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        let processes = processes.filter(|entry| {
            let name = entry.file_name();
            name != OsStr::new(&own) && name.as_bytes().iter().all(u8::is_ascii_digit)
        });
        let mut texts = vec![fs::read("/proc/self/mountinfo").unwrap_or_default()];
        for process in processes.map(|entry| entry.path()) {
            // The processes of other users cannot be read.
            let program = fs::read_link(process.join("exe")).unwrap_or_default();
            texts.push(program.into_os_string().into_encoded_bytes());
            texts.push(fs::read(process.join("cmdline")).unwrap_or_default());
        }
        Self { texts }
    }

    fn use_of(&self, entry: &Path) -> bool {
        let path = entry.as_os_str().as_bytes();
        self.texts.iter().any(|text| text.windows(path.len()).any(|window| window == path))
    }
}
