//! Inputs that are nearly valid: files of the corpus with parts changed, repeated, moved and cut off.
//!
//! The first check of every reader refuses random bytes. An input that breaks a reader resembles a valid one.

use std::{fs, path::Path, sync::Once, time::Duration};

use bolero::{TypeGenerator, check};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

/// How long a target runs unless `HARNESS_FUZZ_SECONDS` is set.
const SECONDS: u64 = 5;
/// The largest input, in bytes.
const LARGEST: usize = 64 << 10;
/// How much processor time one input may take, without optimisation; beside other tests it waits for a processor as well.
const WITHIN: Duration = Duration::from_secs(10);
/// How much memory the process may use, in bytes; a process that uses more is ended, and with it the test.
const MEMORY: u64 = 2 << 30;

/// Runs `read` on mutated files of `corpus/NAME`.
pub(crate) fn all_of(name: &str, words: &[&[u8]], read: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    static LIMIT: Once = Once::new();
    LIMIT.call_once(|| {
        let maximum = getrlimit(Resource::Data).maximum;
        let current = Some(maximum.map_or(MEMORY, |maximum| maximum.min(MEMORY)));
        setrlimit(Resource::Data, Rlimit { current, maximum }).unwrap();
    });
    let seeds = seeds(name);
    for seed in &seeds {
        timed(&read, seed);
    }
    let seconds = std::env::var("HARNESS_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    check!().with_test_time(Duration::from_secs(seconds)).with_max_len(1 << 12).with_type::<Mutated>().for_each(
        |bent| {
            timed(&read, &bent.input(&seeds, words));
        },
    );
}

fn timed(read: &impl Fn(&[u8]), input: &[u8]) {
    let started = processor_time();
    read(input);
    let taken = processor_time().saturating_sub(started);
    assert!(taken < WITHIN, "{taken:?} for {:?}", String::from_utf8_lossy(input));
}

/// That of this thread so far.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no files", folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A file of the corpus, by a number modulo their count, and its changes.
#[derive(Debug, Clone, TypeGenerator)]
struct Mutated {
    seed: u16,
    changes: Vec<Change>,
}

/// A change; positions and lengths are modulo the length of the input.
#[derive(Debug, Clone, TypeGenerator)]
enum Change {
    /// Replaces bytes.
    Put(u16, Vec<u8>),
    /// Inserts a keyword of the format.
    Insert(u16, u16),
    /// Removes a part.
    Remove(u16, u16),
    /// Repeats a part.
    Repeat(u16, u8, u8),
    /// Copies a part to another position.
    Copy(u16, u8, u16),
    /// Flips a bit.
    Flip(u16, u8),
    /// Inserts a part of another file.
    Splice(u16, u16, u16, u8),
    /// Replaces a line by another one.
    Lines(u16, u16),
}

impl Mutated {
    fn input(&self, seeds: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = seeds[usize::from(self.seed) % seeds.len()].clone();
        for change in &self.changes {
            change.apply(&mut bytes, seeds, words);
            bytes.truncate(LARGEST);
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]]) {
        let position = |at: u16, bytes: &[u8]| usize::from(at) % (bytes.len() + 1);
        let part = |at: u16, length: usize, bytes: &[u8]| {
            let start = position(at, bytes);
            start..(start + length).min(bytes.len())
        };
        match self {
            Self::Put(at, new) => {
                let range = part(*at, new.len(), bytes);
                bytes.splice(range, new.iter().copied());
            }
            Self::Insert(at, word) => {
                let (at, word) = (position(*at, bytes), words[usize::from(*word) % words.len()]);
                bytes.splice(at..at, word.iter().copied());
            }
            Self::Remove(at, length) => {
                let range = part(*at, usize::from(*length), bytes);
                bytes.drain(range);
            }
            Self::Repeat(at, length, times) => {
                let range = part(*at, usize::from(*length), bytes);
                let repeated = bytes[range.clone()].repeat(usize::from(*times) + 2);
                bytes.splice(range, repeated);
            }
            Self::Copy(from, length, to) => {
                let copied = bytes[part(*from, usize::from(*length), bytes)].to_vec();
                let to = position(*to, bytes);
                bytes.splice(to..to, copied);
            }
            Self::Flip(at, bit) => {
                let at = position(*at, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Splice(seed, from, at, length) => {
                let other = &seeds[usize::from(*seed) % seeds.len()];
                let spliced = other[part(*from, usize::from(*length), other)].to_vec();
                let at = position(*at, bytes);
                bytes.splice(at..at, spliced);
            }
            Self::Lines(one, other) => {
                let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    let (one, other) = (usize::from(*one) % lines.len(), usize::from(*other) % lines.len());
                    let line = lines[other].clone();
                    lines[one] = line;
                    *bytes = lines.concat();
                }
            }
        }
    }
}
