//! Text and numbers of a page.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use hourglass_component::text::{cut, safe, safe_line};

/// The limit of a name or a line, in bytes.
const LINE: usize = 1 << 10;

/// Text from outside that is safe of control characters. The templates escape it.
///
/// The views hold nothing else from outside, so that no text reaches a page another way.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(String);

impl Text {
    /// One line: a name, a place, a message.
    pub(super) fn line(text: &str) -> Self {
        Self::line_within(text, LINE)
    }

    /// One line of at most `limit` bytes and a remark.
    pub(super) fn line_within(text: &str, limit: usize) -> Self {
        Self(cut(&safe_line(text), limit).into_owned())
    }

    /// Lines of at most `limit` bytes and a remark.
    pub(super) fn lines_within(text: &str, limit: usize) -> Self {
        Self(cut(&safe(text), limit).into_owned())
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes that the text takes in a page, with the escapes of the templates.
    pub(super) fn cost(&self) -> usize {
        let escaped = self.0.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'')).count();
        self.0.len() + escaped * 4
    }
}

impl Display for Text {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A time in the unit that shows it with three digits or four.
pub(super) fn time(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    if milliseconds < 10.0 {
        format!("{milliseconds:.2} ms")
    } else if milliseconds < 100.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        crate::block::time(duration)
    }
}

/// [`time`] of milliseconds.
pub(super) fn time_of(milliseconds: f64) -> String {
    time(Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default())
}

/// An amount of memory in binary units.
pub(super) fn memory(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.1} MiB") } else { format!("{:.2} GiB", mebibytes / 1024.0) }
}

/// The words that differ, between those that both sides begin and end with alike.
pub(super) fn difference(one: &str, other: &str) -> [Marked; 2] {
    let alike = |pairs: &mut dyn Iterator<Item = (char, char)>| {
        pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum::<usize>()
    };
    let begin = alike(&mut one.chars().zip(other.chars()));
    let begin = one[..begin].rfind(char::is_whitespace).map_or(0, |at| at + width_at(one, at));
    let end = alike(&mut one[begin..].chars().rev().zip(other[begin..].chars().rev()));
    let begins_a_word = |side: &str| {
        let before = &side[begin..side.len() - end];
        before.is_empty() || before.ends_with(char::is_whitespace)
    };
    let end = if begins_a_word(one) && begins_a_word(other) {
        end
    } else {
        one[one.len() - end..].find(char::is_whitespace).map_or(0, |at| end - at)
    };
    [one, other].map(|side| Marked {
        before: side[..begin].to_owned(),
        different: side[begin..side.len() - end].to_owned(),
        after: side[side.len() - end..].to_owned(),
    })
}

fn width_at(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// A text with a part that is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) before: String,
    pub(super) different: String,
    pub(super) after: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("0x10", "0x11", ["0x10", "0x11"])]
    #[case("started, finished", "started, failed, finished", ["", "failed, "])]
    #[case("started, ended", "started, ended, ended", ["", "ended, "])]
    #[case("es ist ä", "es ist äö", ["ä", "äö"])]
    #[case("aa a", "a a", ["aa", "a"])]
    fn what_differs_is_marked(#[case] one: &str, #[case] other: &str, #[case] marked: [&str; 2]) {
        let sides = difference(one, other);
        assert_eq!(sides.clone().map(|side| side.different), marked.map(str::to_owned));
        let whole = sides.map(|side| side.before + &side.different + &side.after);
        assert_eq!(whole, [one, other].map(str::to_owned));
    }

    #[rstest::rstest]
    #[case(0.0, "0.00 ms")]
    #[case(31.94, "31.9 ms")]
    #[case(842.4, "842 ms")]
    #[case(3120.0, "3.12 s")]
    fn times_have_a_fitting_unit(#[case] milliseconds: f64, #[case] text: &str) {
        assert_eq!(time_of(milliseconds), text);
    }
}
