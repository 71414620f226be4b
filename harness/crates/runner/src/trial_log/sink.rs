//! The destination of one trial's records: they are held until the trial has a folder, then they are written to a file.

use std::{
    fs::File,
    io::{self, Write as _},
    mem,
    path::Path,
    sync::{Mutex, PoisonError},
};

use hourglass_base::private;

use super::{TrialLog, json::remark};

/// The log of one trial.
#[derive(Debug, Default)]
pub(super) struct Sink(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    destination: Destination,
    /// How many bytes it has accepted.
    taken: usize,
    /// How many records did not fit.
    left_out: u64,
}

#[derive(Debug)]
enum Destination {
    /// The trial has no folder.
    Held(String),
    File(File),
    /// The file cannot be written to.
    Lost,
}

impl Default for Destination {
    fn default() -> Self {
        Self::Held(String::new())
    }
}

impl Sink {
    /// Writes the held records, and from now on every record, to a new file.
    pub(super) fn open(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let Destination::Held(held) = mem::replace(&mut state.destination, Destination::Lost) else { return Ok(()) };
        let mut file = private::create(path)?;
        file.write_all(held.as_bytes())?;
        if mem::take(&mut state.left_out) > 0 {
            let text = "records were left out here: more were made before the trial had a folder than are held";
            file.write_all(remark(text.to_owned()).as_bytes())?;
        }
        state.destination = Destination::File(file);
        Ok(())
    }

    /// Writes a record, which ends with a line feed, unless there is no space for it.
    pub(super) fn write(&self, line: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let (limit, full) = match &state.destination {
            Destination::Held(_) => (TrialLog::HELD_LIMIT, None),
            Destination::File(_) => {
                (TrialLog::LIMIT, Some(format!("the log ends here, at its limit of {} bytes", TrialLog::LIMIT)))
            }
            Destination::Lost => return,
        };
        // After the first record that is left out, all others are too: the log has no gaps.
        if state.left_out > 0 || state.taken + line.len() > limit {
            state.left_out += 1;
            if let Some(full) = full.filter(|_| state.left_out == 1) {
                state.destination.append(&remark(full));
            }
            return;
        }
        state.taken += line.len();
        state.destination.append(line);
    }

    /// Records how many were left out.
    pub(super) fn close(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = mem::take(&mut state.left_out);
        if left_out > 0 && matches!(state.destination, Destination::File(_)) {
            state.destination.append(&remark(format!("{left_out} records were left out")));
        }
        state.destination = Destination::Lost;
    }
}

impl Destination {
    fn append(&mut self, line: &str) {
        match self {
            Self::Held(held) => held.push_str(line),
            Self::File(file) => {
                // The trial itself detects a full disk; a second attempt could follow a partial line.
                if file.write_all(line.as_bytes()).is_err() {
                    *self = Self::Lost;
                }
            }
            Self::Lost => {}
        }
    }
}
