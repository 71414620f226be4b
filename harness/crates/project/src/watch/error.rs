//! Why files cannot be watched.

use std::path::PathBuf;

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system reports no changes.
    #[error("failed to start watching files")]
    Start(#[source] notify_debouncer_full::notify::Error),
    /// The system reports no changes in a folder.
    #[error("failed to watch {folder}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: notify_debouncer_full::notify::Error,
    },
    /// A folder has more files than can be compared each time.
    #[error("failed to watch {folder}: it has more than {most} files", folder = folder.display())]
    Large {
        /// The folder.
        folder: PathBuf,
        /// The limit.
        most: usize,
    },
}

impl WatchError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Start(_) | Self::Folder { .. } => {
                "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, or end other programs \
                 that watch files"
            }
            Self::Large { .. } => "name what is not a source in .gitignore, or the sources in `inputs` of `prepare`",
        }
    }
}
