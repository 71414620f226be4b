//! `--logs`: the output of components on standard error while trials run.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use hourglass_component::text::safe_line;
use hourglass_runner::OutputObserver;

/// How many lines wait to be written. A component that floods must neither wait for a slow terminal nor fill the memory.
const WAITING: usize = 4_096;

/// The lines that are being shown; none at all without `--logs`.
pub(super) struct LiveLogs {
    lines: SyncSender<Option<String>>,
    writer: JoinHandle<()>,
}

impl LiveLogs {
    /// Begins to show them; the observer belongs into the settings of trials.
    pub(super) fn start() -> io::Result<(Self, OutputObserver)> {
        let (lines, receiver) = sync_channel(WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let writer = {
            let left_out = Arc::clone(&left_out);
            thread::Builder::new().name("logs".to_owned()).spawn(move || {
                // If standard error cannot be written, nothing can report it.
                let _ = write_all(&receiver, &left_out, &mut io::stderr());
            })?
        };
        let sender = lines.clone();
        let observer = OutputObserver(Arc::new(move |trial, component, line| {
            if sender.try_send(Some(shown(trial, &component.to_string(), &line.to_string()))).is_err() {
                left_out.fetch_add(1, Ordering::Relaxed);
            }
        }));
        Ok((Self { lines, writer }, observer))
    }

    /// Waits until all lines so far are written.
    pub(super) fn finish(self) {
        if self.lines.send(None).is_ok() {
            let _ = self.writer.join();
        }
    }
}

/// `process::square aggregator | the line`
fn shown(trial: &str, component: &str, line: &str) -> String {
    format!("{} {} | {}\n", safe_line(trial), safe_line(component), safe_line(line))
}

/// Writes lines until the last, and how many were left out before each.
fn write_all(lines: &Receiver<Option<String>>, left_out: &AtomicU64, output: &mut impl io::Write) -> io::Result<()> {
    let write_left_out = |output: &mut dyn io::Write| match left_out.swap(0, Ordering::Relaxed) {
        0 => Ok(()),
        count => writeln!(output, "{count} lines are left out here: they came faster than they could be shown"),
    };
    while let Ok(Some(line)) = lines.recv() {
        write_left_out(output)?;
        output.write_all(line.as_bytes())?;
    }
    write_left_out(output)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that a component writes controls the terminal or looks like the line of another.
    #[test]
    fn lines_are_made_safe() {
        let line = shown("process::own", "executor/alice", "a\u{1b}[2Jb\nprocess::own aggregator | forged");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.starts_with("process::own executor/alice | a") && !line.contains('\u{1b}'), "{line}");
    }

    #[test]
    fn lines_that_are_left_out_are_counted_where_they_are_missing() {
        let (sender, receiver) = sync_channel(4);
        for line in [Some("one\n".to_owned()), Some("two\n".to_owned()), None] {
            sender.send(line).unwrap();
        }
        let mut text = Vec::new();
        write_all(&receiver, &AtomicU64::new(3), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("3 lines are left out here") && text.ends_with("one\ntwo\n"), "{text}");
    }
}
