//! The output of the performers of one executor: a file that the executor opens for them, followed from here.
//!
//! The file is not next to those of other components: a performer knows the path of its own output, and only what is
//! written there counts as its output. In the folder of logs, a link has the name that it has on every runtime.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use hourglass_component::timeout::timeout;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use hourglass_scenario::{ComponentRef, PerformerRef};
use hourglass_timeline::{LastLines, Line, LogFolder, TailError, Timeline};

/// How many bytes at the end of a file are read for its last lines.
const END: u64 = 64 << 10;

/// How long reading the rest may take when nobody writes any more: enough for some gigabytes.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// The output of an operator's successive performers.
#[derive(Debug)]
pub(super) struct PerformerOutput {
    path: PathBuf,
    ended: CancellationToken,
    reading: AbortOnDropHandle<()>,
    component: ComponentRef,
    timeline: Timeline,
}

impl PerformerOutput {
    /// Creates the file in `folder`, with a link to it among `logs`, and follows it.
    pub(super) fn follow(
        performer: &PerformerRef,
        folder: &LogFolder,
        logs: &LogFolder,
        timeline: &Timeline,
    ) -> Result<Self, TailError> {
        let ended = CancellationToken::new();
        let component = ComponentRef::Performer(performer.clone());
        let name = format!("{}.log", performer.file_name());
        let (_, mut lines) = folder.file(&name, ended.clone())?;
        let path = folder.path().join(&name);
        let link = logs.path().join(format!("{}.log", component.file_name()));
        symlink(&path, &link).map_err(|source| TailError::File { path: link, source })?;
        let timeline = timeline.clone();
        let recorded = (component.clone(), timeline.clone());
        let reading = async move {
            while let Some(line) = lines.next_line().await {
                timeline.record_line(&component, &line);
            }
        };
        let reading = tokio::spawn(reading.in_current_span());
        let (component, timeline) = recorded;
        Ok(Self { path, ended, reading: AbortOnDropHandle::new(reading), component, timeline })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it to its end; its writers must have ended. If the end could not be read in time, that is recorded.
    pub(super) async fn finish(self) {
        self.ended.cancel();
        // A panic of it would be one of the timeline.
        if timeout(READ_WITHIN, self.reading).await.is_err() {
            self.timeline.record_line(&self.component, &Line::unread());
        }
    }
}

/// The last lines of a file, indented: the reader of an ended process may be behind.
pub(super) fn last_lines(path: &Path) -> String {
    let (end, is_whole) = end_of(path).unwrap_or_default();
    let last = if is_whole { LastLines::default() } else { LastLines::of_end() };
    end.lines().for_each(|line| last.push(line));
    last.to_string()
}

/// The end of a file, and whether that is all of it.
fn end_of(path: &Path) -> io::Result<(String, bool)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), length <= END))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use hourglass_timeline::Event;

    use super::*;

    /// A performer's output is read to the end, under its own name only, and is not next to another component's file.
    #[tokio::test]
    async fn a_performers_output_is_recorded_under_its_own_name() {
        let root = tempfile::tempdir().unwrap();
        let logs = LogFolder::create(&root.path().join("logs")).unwrap();
        let folder = logs.beside(&root.path().join("performers")).unwrap();
        let timeline = Timeline::default();
        let output = PerformerOutput::follow(&PerformerRef::of("alice"), &folder, &logs, &timeline).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(output.path()).unwrap();
        writeln!(file, r#"{{"level":"ERROR","message":"lost","event":"task_signed"}}"#).unwrap();
        let first = |events: &[Event]| events.first().cloned();
        let seen = timeline.wait_until(std::time::Duration::from_secs(20), first).await.expect("seen as it is written");
        assert_eq!((seen.source.to_string().as_str(), seen.event), ("performer/alice", None));
        write!(file, "no line feed").unwrap();
        assert_eq!(last_lines(output.path()).lines().last(), Some("  no line feed"));
        output.finish().await;
        assert_eq!(timeline.read(|events| events.last().unwrap().message.clone()), "no line feed");
        let linked = fs::read_to_string(root.path().join("logs/performer-alice.log")).unwrap();
        assert!(linked.ends_with("no line feed"), "{linked}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is there");
    }
}
