//! Who uses an entry of the cache: a process of ours that says so by a lock, or any process that was started from it or
//! with it, such as chains that were kept and harnesses of other versions.

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

/// Says that this process uses an entry from now on, for as long as it lives.
pub fn hold(entry: &Path) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if held.iter().any(|(path, _)| path == entry) {
        return;
    }
    // In a cache that cannot be written to nothing is removed either.
    if let Ok(file) = File::open(entry) {
        let _ = file.set_modified(SystemTime::now());
        if file.try_lock_shared().is_ok() {
            held.push((entry.to_owned(), file));
        }
    }
}

/// What cannot be taken away while it is there: an entry that nobody uses, so that nobody can begin to.
pub(super) struct Unused(#[expect(dead_code, reason = "held, not looked at")] File);

/// The entry, where neither a lock nor a process speaks against taking it away.
pub(super) fn take(entry: &Path, processes: &Processes) -> Option<Unused> {
    let file = File::open(entry).ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        Ok(()) => (!processes.use_of(entry)).then_some(Unused(file)),
    }
}

/// What processes of this user were started from and with, and what is mounted.
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
            // Those of other users say nothing.
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
