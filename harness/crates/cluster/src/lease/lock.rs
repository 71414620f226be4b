//! Locks that the kernel releases when their holder is gone, however it ended.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Instant, SystemTime},
};

use tokio::sync::oneshot;

use crate::ClusterError;

/// A file that processes lock; the first lock creates it.
#[derive(Debug, Clone)]
pub(crate) struct LockFile {
    path: PathBuf,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    file: File,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Exclusive,
    Shared,
}

impl LockFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Waits until nobody else holds it.
    pub(crate) async fn exclusive(&self) -> Result<Locked, ClusterError> {
        self.wait(Mode::Exclusive).await
    }

    /// Waits until nobody holds it exclusively.
    pub(crate) async fn shared(&self) -> Result<Locked, ClusterError> {
        self.wait(Mode::Shared).await
    }

    /// `None` if somebody holds it.
    pub(crate) fn try_exclusive(&self) -> Result<Option<Locked>, ClusterError> {
        self.attempt(Mode::Exclusive)
    }

    /// `None` if somebody holds it exclusively.
    pub(crate) fn try_shared(&self) -> Result<Option<Locked>, ClusterError> {
        self.attempt(Mode::Shared)
    }

    /// When it was used last; `None` if it does not exist.
    pub(crate) fn used(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok()
    }

    /// Waits on a thread that nobody joins: a caller that gives up waiting must not be blocked by it, and a lock that
    /// comes too late is released at once.
    async fn wait(&self, mode: Mode) -> Result<Locked, ClusterError> {
        if let Some(locked) = self.attempt(mode)? {
            return Ok(locked);
        }
        let (sender, receiver) = oneshot::channel();
        let file = self.clone();
        let spawned = thread::Builder::new().name("lock".to_owned()).spawn(move || drop(sender.send(file.block(mode))));
        spawned.map_err(ClusterError::file("lock", &self.path))?;
        let ended = |_| ClusterError::file("lock", &self.path)(io::ErrorKind::Interrupted.into());
        let (began, path) = (Instant::now(), self.path.display());
        tracing::debug!(%path, ?mode, "waiting for the lock");
        let locked = receiver.await.map_err(ended)?;
        tracing::debug!(%path, elapsed = ?began.elapsed(), "the wait for the lock is over");
        locked
    }

    fn block(&self, mode: Mode) -> Result<Locked, ClusterError> {
        self.lock_with(|file| {
            loop {
                let locked = match mode {
                    Mode::Exclusive => file.lock(),
                    Mode::Shared => file.lock_shared(),
                };
                match locked {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    locked => return locked.map(|()| true),
                }
            }
        })
        // A wait ends with the lock or an error.
        .and_then(|locked| {
            locked.ok_or_else(|| ClusterError::file("lock", &self.path)(io::ErrorKind::WouldBlock.into()))
        })
    }

    fn attempt(&self, mode: Mode) -> Result<Option<Locked>, ClusterError> {
        self.lock_with(|file| {
            let locked = match mode {
                Mode::Exclusive => file.try_lock(),
                Mode::Shared => file.try_lock_shared(),
            };
            match locked {
                Ok(()) => Ok(true),
                Err(TryLockError::WouldBlock) => Ok(false),
                Err(TryLockError::Error(error)) => Err(error),
            }
        })
    }

    /// A file that was removed before it was locked protects nothing any more: the caller opens the next one.
    fn lock_with(&self, lock: impl Fn(&File) -> io::Result<bool>) -> Result<Option<Locked>, ClusterError> {
        let lock_once = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            loop {
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path)?;
                if !lock(&file)? {
                    return Ok(None);
                }
                if is_at(&file, &self.path)? {
                    return Ok(Some(file));
                }
            }
        };
        let file = lock_once().map_err(ClusterError::file("lock", &self.path))?;
        Ok(file.map(|file| Locked { file, path: self.path.clone() }))
    }
}

impl Locked {
    /// Sets the time of its last use.
    pub(crate) fn touch(&self) -> Result<(), ClusterError> {
        self.file.set_modified(SystemTime::now()).map_err(ClusterError::file("touch", &self.path))
    }

    /// Removes the file. The caller must hold it exclusively: otherwise others would hold a lock that nobody can see.
    pub(crate) fn remove(self) -> Result<(), ClusterError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ClusterError::file("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        there => there.map(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn lock_file() -> (tempfile::TempDir, LockFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = LockFile::new(folder.path().join("locks").join("a.lock"));
        (folder, file)
    }

    /// The holder of a lease must not lose its cluster to a process that asks for the lock.
    #[test]
    fn a_shared_lock_excludes_an_exclusive_one() {
        let (_folder, file) = lock_file();
        let one = file.try_shared().unwrap().unwrap();
        let other = file.try_shared().unwrap().unwrap();
        assert!(file.try_exclusive().unwrap().is_none());
        drop(one);
        assert!(file.try_exclusive().unwrap().is_none(), "the second holder was forgotten");
        drop(other);
        let alone = file.try_exclusive().unwrap().unwrap();
        assert!(file.try_shared().unwrap().is_none());
        drop(alone);
    }

    /// Two processes with locks on two files of one name would both believe to hold it exclusively.
    #[tokio::test]
    async fn a_waiter_for_a_removed_file_locks_the_next_one() {
        let (_folder, file) = lock_file();
        let first = file.try_exclusive().unwrap().unwrap();
        let waiting = tokio::spawn({
            let file = file.clone();
            async move { file.exclusive().await }
        });
        // It opens the file that is removed below, or the next one: in both cases it must get the lock of the next one.
        tokio::task::yield_now().await;
        first.remove().unwrap();
        let second = waiting.await.unwrap().unwrap();
        assert!(is_at(&second.file, &second.path).unwrap(), "it holds a file that nobody else can see");
        assert!(file.try_shared().unwrap().is_none());
    }

    /// A wait that was given up must not take the lock from others later.
    #[tokio::test]
    async fn an_abandoned_wait_leaves_the_lock_to_others() {
        let (_folder, file) = lock_file();
        let held = file.try_exclusive().unwrap().unwrap();
        assert!(timeout(Duration::from_millis(20), file.exclusive()).await.is_err());
        drop(held);
        timeout(Duration::from_secs(10), file.exclusive()).await.unwrap().unwrap();
    }
}
