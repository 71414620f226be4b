//! Output of components as entries of the timeline: the writer of the output controls these bytes.

use hourglass_component::text::is_harmful;
use hourglass_harness::{
    scenario::ComponentRef,
    timeline::{LINE_LIMIT, Lines, Source, Timeline, parse},
};
use jiff::Timestamp;

use crate::mutate;

const WORDS: [&[u8]; 12] = [
    b"{\"level\":\"error\"",
    b"\"message\":\"",
    b"\"event\":\"task_signed\",",
    b"\"timestamp\":\"-009999-01-01T00:00:00Z\",",
    b"\"task_hash\":\"0x00\",",
    b"\"ts\":1e400,",
    b"\\u001b[2J\\ud800",
    b"\x1b[31m",
    b"\r\n",
    b"\xff\xfe",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    &[b'x'; 4096],
];

#[test]
fn any_output_becomes_entries_that_are_safe_to_show() {
    let components = ["aggregator", "executor/alice", "performer/alice"].map(|name| name.parse().unwrap());
    mutate::all_of("log", &WORDS, |bytes| {
        let (mut lines, timeline) = (Lines::default(), Timeline::default());
        let mut kept = Vec::new();
        // The first byte decides in which pieces the output arrives.
        for mut piece in bytes.chunks(usize::from(bytes.first().copied().unwrap_or_default()) + 1) {
            kept.extend(std::iter::from_fn(|| lines.take(&mut piece)));
        }
        kept.extend(lines.rest());
        for line in &kept {
            assert!(line.text.len() <= 3 * LINE_LIMIT && !line.text.contains('\n'), "a line with an end within");
            for component in &components {
                let entries = parse(component, line);
                assert!(!entries.is_empty(), "a line without an entry");
                for entry in entries {
                    assert_eq!(entry.source, Source::Component(component.clone()), "the output of another");
                    if matches!(component, ComponentRef::Performer(_)) {
                        assert_eq!((entry.event, entry.task_hash), (None, None), "a performer speaks of tasks");
                    }
                }
                timeline.record_line(component, line);
            }
        }
        for text in timeline.last_lines(None, 100, Timestamp::UNIX_EPOCH) {
            assert!(!text.contains(is_harmful) && !text.contains('\n'), "{text:?}");
        }
    });
}
