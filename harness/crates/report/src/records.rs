//! The harness's own records: on standard error as text for people, and in the folder of each trial.
//!
//! Without `-v` and `RUST_LOG` nothing is shown; the logs of trials are written in any case.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use hourglass_component::text::{painted, safe, safe_line};
use hourglass_runner::TrialLog;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::Directive,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::takes_colour;

/// The variable that selects the records to show, in the syntax of `tracing_subscriber::EnvFilter`.
pub const RECORDS_VARIABLE: &str = "RUST_LOG";

/// Whether records are shown on standard error.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// `RUST_LOG` cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the variable {RECORDS_VARIABLE}: `{directive}` does not say which records are meant")]
pub struct RecordsError {
    /// The part of the value that cannot be read, safe to show.
    pub directive: String,
}

impl RecordsError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        "write directives such as `info` or `hourglass_runtime=debug`, with commas between them, or unset the variable"
    }
}

/// Starts the records of this process. `RUST_LOG` selects the records on standard error, else the number of `-v` does:
/// 1 shows what the harness's crates do, 2 how they do it and what other crates do. A second call in a process changes
/// nothing.
pub fn start(verbosity: u8) -> Result<(), RecordsError> {
    let named = env::var_os(RECORDS_VARIABLE).filter(|value| !value.is_empty());
    let shown = named.is_some() || verbosity > 0;
    let filter = filter(named, verbosity)?;
    let colour = takes_colour(&io::stderr());
    let layer = fmt::layer().with_ansi(colour).with_writer(Records { colour }).with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(layer).with(TrialLog::layer());
    // A program with a subscriber keeps it. Records of libraries that use `log` cost time, so they are enabled only for
    // display.
    let started =
        if shown { subscriber.try_init().is_ok() } else { tracing::subscriber::set_global_default(subscriber).is_ok() };
    SHOWN.fetch_or(shown && started, Ordering::Relaxed);
    Ok(())
}

/// Whether records are shown on standard error; transient lines would disturb them.
pub(crate) fn are_shown() -> bool {
    SHOWN.load(Ordering::Relaxed)
}

fn filter(named: Option<OsString>, verbosity: u8) -> Result<EnvFilter, RecordsError> {
    let Some(named) = named else {
        return Ok(EnvFilter::new(match verbosity {
            0 => "off",
            1 => "hourglass=info",
            // The WebSocket client reports every closed connection as an error of its own; the code that uses it
            // reports what it means.
            _ => "info,hourglass=debug,ethers_providers=off",
        }));
    };
    let refused = |directive: &OsStr| RecordsError { directive: safe_line(&directive.to_string_lossy()).into_owned() };
    let text = named.to_str().ok_or_else(|| refused(&named))?;
    // Split as EnvFilter does it, which does not report the part that it cannot parse.
    let mut directives = text.split(',').filter(|directive| !directive.is_empty());
    if let Some(wrong) = directives.find(|directive| directive.parse::<Directive>().is_err()) {
        return Err(refused(OsStr::new(wrong)));
    }
    EnvFilter::builder().parse(text).map_err(|_| refused(&named))
}

/// Standard error for records: one on a line, without terminal control characters other than colours.
#[derive(Debug, Clone, Copy)]
struct Records {
    colour: bool,
}

impl Records {
    /// A record as it is shown. It contains names and texts from others.
    fn shown(self, record: &str) -> String {
        let record = record.strip_suffix('\n').unwrap_or(record);
        let safe = if self.colour { painted(record) } else { safe(record) };
        format!("{}\n", safe.replace('\n', "\\n"))
    }
}

impl Write for Records {
    /// Accepts a whole record, as the layer writes it.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let shown = self.shown(&String::from_utf8_lossy(record));
        io::stderr().write_all(shown.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for Records {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(None, 0, "off")]
    #[case(None, 1, "hourglass=info")]
    #[case(None, 2, "hourglass=debug,ethers_providers=off,info")]
    #[case(None, 9, "hourglass=debug,ethers_providers=off,info")]
    #[case(Some("warn"), 2, "warn")]
    #[case(Some("hourglass_chain=trace,kube=debug"), 0, "hourglass_chain=trace,kube=debug")]
    #[case(Some("[component{name=aggregator}]=debug"), 1, "[component{name=aggregator}]=debug")]
    fn the_variable_wins_over_the_option(#[case] named: Option<&str>, #[case] verbosity: u8, #[case] expected: &str) {
        let filter = filter(named.map(OsString::from), verbosity).unwrap().to_string();
        let sorted = |text: &str| {
            let mut directives: Vec<_> = text.split(',').map(str::to_owned).collect();
            directives.sort();
            directives
        };
        assert_eq!(sorted(&filter), sorted(expected));
    }

    #[rstest::rstest]
    #[case("nonsense[", "nonsense[")]
    #[case("info,hourglass=loud", "hourglass=loud")]
    #[case("a=b=c\u{1b}[2J", "a=b=c\\u{1b}[2J")]
    fn an_invalid_directive_is_named_in_the_error(#[case] named: &str, #[case] directive: &str) {
        let error = filter(Some(named.into()), 0).unwrap_err();
        assert_eq!(error.directive, directive);
        assert!(error.to_string().contains(RECORDS_VARIABLE), "{error}");
    }

    #[test]
    fn a_record_is_one_line_without_control_characters() {
        let record = "\u{1b}[32m INFO\u{1b}[0m lost\nERROR \u{1b}[2J\u{202e}\n";
        assert_eq!(Records { colour: false }.shown(record), " INFO lost\\nERROR \\u{1b}[2J\\u{202e}\n");
        let painted = "\u{1b}[32m INFO\u{1b}[0m lost\\nERROR \\u{1b}[2J\\u{202e}\n";
        assert_eq!(Records { colour: true }.shown(record), painted);
    }
}
