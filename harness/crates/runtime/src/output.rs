//! The destinations of container output: a file for each component, the timeline, and the lines that errors quote.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use hourglass_base::private;
use hourglass_component::timeout::timeout;
use tokio_util::task::TaskTracker;

use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, LOG_BEGINNING, LOG_END, LastLines, Line, Timeline};

/// How large the file of one component may become, in bytes; the same as for a process.
const FILE_LIMIT: u64 = LOG_BEGINNING + LOG_END;

/// How long to wait for the rest of all output at the end of a trial.
const REST_WITHIN: Duration = Duration::from_secs(20);
/// How recent the last line must be for more to be expected.
const RECENTLY: Duration = Duration::from_secs(1);

/// The output of one component or chain.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    /// `None` if it cannot be written.
    file: Option<File>,
    /// How many bytes were written into it.
    written: u64,
    /// How many bytes did not fit.
    left_out: u64,
    component: Option<ComponentRef>,
    timeline: Timeline,
    last: LastLines,
    /// When the last line came.
    latest: Arc<Mutex<Instant>>,
}

/// The outputs of a trial's components that are being read.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Vec<(ComponentRef, Weak<Mutex<Instant>>)>>);

impl UnderWay {
    /// Adds one, until it is dropped.
    pub(super) fn add(&self, output: &Output) {
        let Some(component) = output.component.clone() else { return };
        let mut outputs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outputs.retain(|(_, latest)| latest.strong_count() > 0);
        outputs.push((component, Arc::downgrade(&output.latest)));
    }

    /// Waits until all readers are done. Their writers must have ended; output that does not end must not block the
    /// rest.
    pub(super) async fn finish(&self, readers: &TaskTracker, timeline: &Timeline) {
        readers.close();
        if timeout(REST_WITHIN, readers.wait()).await.is_err() {
            self.note_unread(timeline);
        }
    }

    /// Records that outputs which still receive lines are not read to the end. An output without new lines may have
    /// ended without a notice from the engine.
    fn note_unread(&self, timeline: &Timeline) {
        for (component, latest) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let Some(latest) = latest.upgrade() else { continue };
            if latest.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < RECENTLY {
                timeline.record_line(component, &Line::unread());
            }
        }
    }
}

impl Output {
    /// The output of `name`, as `executor/alice`; its file in the folder is appended to. A name that is not a
    /// component, such as a chain, is left out of the timeline.
    pub(super) fn of(name: &str, folder: &Path, timeline: &Timeline, last: LastLines) -> Self {
        let path = folder.join(format!("{}.log", name.replace('/', "-")));
        let file = private::append(&path);
        let written = file.as_ref().ok().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
        let (component, timeline) = (component(name), timeline.clone());
        let latest = Arc::new(Mutex::new(Instant::now()));
        let mut output = Self { path, file: None, written, left_out: 0, component, timeline, last, latest };
        match file {
            Ok(file) => output.file = Some(file),
            Err(error) => output.tell(&error),
        }
        output
    }

    /// Takes a line.
    pub(super) fn push(&mut self, line: &Line) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.last.push(&line.text);
        self.write(line);
        if let Some(component) = &self.component {
            self.timeline.record_line(component, line);
        }
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let text = format!("{line}\n");
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.written + length > FILE_LIMIT {
            self.left_out += length;
        } else if let Err(error) = file.write_all(text.as_bytes()) {
            self.file = None;
            self.tell(&error);
        } else {
            self.written += length;
        }
    }

    /// The timeline has the lines as well. The trial itself detects a full disk.
    fn tell(&self, error: &std::io::Error) {
        let message = format!("{} is not written any more: {error}", self.path.display());
        self.timeline.record(Event::of_harness(message));
    }
}

/// Says at the end of the file what is missing in it.
impl Drop for Output {
    fn drop(&mut self) {
        if let Some(file) = self.file.as_mut().filter(|_| self.left_out > 0) {
            // Its size also shows that it is cut.
            let _ = writeln!(file, "[{} more bytes are left out by the harness]", self.left_out);
        }
    }
}

/// The prefix of a chain's name; its id follows.
pub(super) const CHAIN_PREFIX: &str = "chain-";

/// `None` for a chain. A performer that a user's executor starts need not be named after an operator.
pub(super) fn component(name: &str) -> Option<ComponentRef> {
    match name.parse() {
        Ok(component) => Some(component),
        Err(_) => name.strip_prefix("performer/").map(|name| ComponentRef::performer(name.replace('/', "-"))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hourglass_timeline::LINE_LIMIT;

    use super::*;

    #[test]
    fn a_file_is_bounded_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::of("aggregator", folder.path(), &Timeline::default(), LastLines::default());
        let line = Line { text: "x".repeat(LINE_LIMIT), dropped: 5, began: None, gap: false };
        for _ in 0..1100 {
            output.push(&line);
        }
        drop(output);
        let text = fs::read_to_string(folder.path().join("aggregator.log")).unwrap();
        assert!(u64::try_from(text.len()).unwrap() < FILE_LIMIT + 100, "{} bytes", text.len());
        assert!(text.lines().next().unwrap().ends_with("x … (cut: 5 more bytes of this line are left out)"));
        assert!(text.lines().last().unwrap().ends_with(" more bytes are left out by the harness]"));
    }

    /// Unread output may contain an error: the trial cannot be judged.
    #[test]
    fn output_that_still_comes_at_the_end_is_noted_as_unread() {
        let (folder, timeline, under_way) = (tempfile::tempdir().unwrap(), Timeline::default(), UnderWay::default());
        let output = |name: &str| {
            let output = Output::of(name, folder.path(), &timeline, LastLines::default());
            under_way.add(&output);
            output
        };
        let (mut flooding, silent) = (output("performer/alice"), output("performer/bob"));
        drop(output("aggregator"));
        let _chain = output("chain-31337");
        *silent.latest.lock().unwrap() -= 2 * RECENTLY;
        flooding.push(&Line { text: "y".to_owned(), dropped: 0, began: None, gap: false });
        under_way.note_unread(&timeline);
        let unjudged: Vec<_> = timeline.unjudged().into_iter().map(|(component, _)| component.to_string()).collect();
        assert_eq!(unjudged, ["performer/alice"]);
        let told = timeline.read(|events| {
            let told = events.iter().map(|event| (event.source.to_string(), event.message.clone()));
            told.filter(|(_, message)| message.contains("not read")).collect::<Vec<_>>()
        });
        let expected = "the rest of the output was not read".to_owned();
        assert_eq!(told, [("performer/alice".to_owned(), expected)], "whoever reads the timeline must know");
    }

    #[test]
    fn an_unwritable_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let timeline = Timeline::default();
        let mut output = Output::of("aggregator", &folder.path().join("gone"), &timeline, LastLines::default());
        output.push(&Line { text: "said".to_owned(), dropped: 0, began: None, gap: false });
        let told: Vec<_> = timeline.read(|events| events.iter().map(|event| event.message.clone()).collect());
        assert!(told[0].contains("aggregator.log is not written any more: "), "{told:?}");
        assert_eq!(told[1], "said", "the timeline has the line");
    }
}
