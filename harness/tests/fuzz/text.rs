//! Texts from outside, as they are shown.

use hourglass_component::text::{cut, is_harmful, painted, safe, safe_json, safe_line, same_length};

use crate::mutate;

const WORDS: [&[u8]; 10] = [
    b"\x1b[31m",
    b"\x1b[",
    b"\x1b]0;",
    b"\r",
    b"\n",
    b"\xc2\x9b",
    b"\xe2\x80\xae",
    b"\xef\xbf\xbe",
    b"\xff",
    b"0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;m",
];

#[test]
fn every_text_is_shown_safely() {
    mutate::all_of("text", &WORDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let shown = safe(&text);
        assert!(!shown.contains(is_harmful), "{shown:?}");
        assert_eq!(safe(&painted(&text)), shown, "colours are all that differs");
        let line = safe_line(&text);
        assert!(!line.contains('\n') && !line.contains(is_harmful), "{line:?}");
        let same = same_length(&text);
        assert_eq!((same.len(), same.matches('\n').count()), (text.len(), text.matches('\n').count()));
        assert!(cut(&text, 10).len() <= 10 + 60);
        let json = safe_json(&text).unwrap().to_string();
        assert!(!json.contains(is_harmful), "{json:?}");
    });
}
