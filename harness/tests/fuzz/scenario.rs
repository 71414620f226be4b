//! Scenario files: each loads, or is refused with problems that have places and can be shown.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use hourglass_harness::scenario::{Loader, RuntimeKind};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::mutate;

const WORDS: &[&[u8]] = &[
    b"${",
    b"}",
    b"${a}",
    b"$${",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!str ",
    b"? ",
    b": ",
    b"- ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"|\n",
    b">\n",
    b"\"",
    b"'",
    b"---\n",
    b"...\n",
    b"%YAML 1.1\n",
    b"\t",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    "\u{2028}é".as_bytes(),
    b"0x10",
    b"1e999",
    b"~",
    b"999999999d",
    b"99999999999999999999",
    b"-1",
];

#[test]
fn any_scenario_file_loads_or_is_refused() {
    // Compiling the schema takes longer than reading a file.
    let loader = Mutex::new(Loader::new().unwrap());
    mutate::all_of("scenario", WORDS, |bytes| {
        // Files are read as text first; a file that is no text is refused there.
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        // Places are those of the text that is shown, which has no byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = loader.lock().unwrap_or_else(PoisonError::into_inner).parse(Path::new("square.yaml"), text);
        match read {
            Ok(file) => {
                for trial in file.trials(&RuntimeKind::ALL) {
                    assert!(trial.without_fault().is_none_or(|proof| proof.proof));
                }
            }
            Err(error) => {
                let reports = error.reports();
                assert!(!reports.is_empty() && reports.len() <= error.count(), "{error:?}");
                for report in reports {
                    assert!(text.get(report.span.clone()).is_some(), "{report:?} lies outside of {text:?}");
                }
                let mut shown = String::new();
                let theme = GraphicalTheme::unicode_nocolor();
                GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut shown, &error).unwrap();
                assert!(shown.len() < 1 << 20, "{} bytes are shown of {}", shown.len(), text.len());
            }
        }
    });
}
