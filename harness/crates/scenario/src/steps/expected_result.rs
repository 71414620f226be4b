//! What the result of a task must be: exact bytes, values in the encoding of contracts, JSON, or a text that matches.

use std::fmt;

use hourglass_component::{
    document::{Pointer, Problem, Problems},
    text::readable,
};
use regex::Regex;
use serde_json::{Number, Value};

use super::abi::AbiValues;
use super::expect_verified::ExpectVerified;
use crate::allowed_errors::{compile, matches_everything, shortened};

/// What a result must be.
#[derive(Debug, Clone)]
pub enum ExpectedResult<'a> {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These values.
    Abi(&'a AbiValues),
    /// JSON that contains this.
    Json(&'a Value),
    /// UTF-8 text in which the expression matches.
    Matches(Regex),
}

/// The keys of which a step may have one.
const KEYS: [&str; 5] = ["result", "result_hex", "result_abi", "result_json", "result_matches"];

impl ExpectVerified {
    /// What the result must be; `None` when any result will do.
    pub fn expected_result(&self) -> Option<ExpectedResult<'_>> {
        let matches =
            || self.result_matches.as_deref().and_then(|text| compile(text).ok()).map(ExpectedResult::Matches);
        self.result_bytes()
            .map(ExpectedResult::Bytes)
            .or_else(|| self.result_abi.as_ref().map(ExpectedResult::Abi))
            .or_else(|| self.result_json.as_ref().map(ExpectedResult::Json))
            .or_else(matches)
    }

    /// Adds the problems of the keys about the result that other steps do not have.
    pub(super) fn check_expected_result(&self, at: &Pointer, problems: &mut Problems, warnings: &mut Problems) {
        if let Some(number) = self.result_json.as_ref().and_then(rounded) {
            warnings.add(
                Problem::at_value(&at.key("result_json"), format!("{number} cannot be told from numbers close to it"))
                    .label("too large to be compared exactly")
                    .help("compare its digits with `result_matches`"),
            );
        }
        let given = [
            self.result.is_some(),
            self.result_hex.is_some(),
            self.result_abi.is_some(),
            self.result_json.is_some(),
            self.result_matches.is_some(),
        ];
        let given: Vec<_> = KEYS.into_iter().zip(given).filter(|(_, given)| *given).map(|(key, _)| key).collect();
        // The first two have a check of their own.
        if let [first, .., second] = given.as_slice()
            && *second != "result_hex"
        {
            problems.add(
                Problem::at_key(&at.key(second), format!("both `{first}` and `{second}` are given"))
                    .label("a second time")
                    .help("keep one of the two"),
            );
        }
        if let Some(values) = &self.result_abi {
            values.check(&at.key("result_abi"), problems);
        }
        let Some(expression) = &self.result_matches else { return };
        let at = at.key("result_matches");
        match compile(expression) {
            Err(reason) => problems.add(
                Problem::at_value(
                    &at,
                    format!("`{}` is not a regular expression that can be used", shortened(expression)),
                )
                .label(reason)
                .help("a backslash before a character takes it literally"),
            ),
            Ok(compiled) if matches_everything(&compiled) => warnings.add(
                Problem::at_value(&at, "the expression matches any result that is text")
                    .label("tells nothing of the result")
                    .help("leave it out, or have it match what the result must be"),
            ),
            Ok(_) => {}
        }
    }
}

impl ExpectedResult<'_> {
    /// What was seen instead, if the result is not what it must be.
    pub fn mismatch(&self, result: &[u8]) -> Option<String> {
        let seen = || Some(format!("result {}", readable(result)));
        match self {
            Self::Bytes(expected) => {
                if expected == result {
                    None
                } else {
                    seen()
                }
            }
            Self::Abi(values) => match values.read() {
                // Decoders ignore bytes behind the values and in their padding, which a contract may not.
                Ok((_, expected)) if expected.encode() == result => None,
                Ok((function, expected)) => match function.decode(result) {
                    Some(decoded) if decoded != expected => Some(format!("{} {decoded}", values.types)),
                    Some(_) => Some(format!(
                        "result {}, which is decoded to the same values, and not the bytes of abi.encode, 0x{}",
                        readable(result),
                        hex::encode(expected.encode())
                    )),
                    None => Some(format!("result {}, which is no encoding of {}", readable(result), values.types)),
                },
                Err(error) => Some(error.to_string()),
            },
            Self::Json(expected) => match serde_json::from_slice::<Value>(result) {
                Ok(found) => different(expected, &found),
                Err(error) => Some(format!("result {}, which is no JSON: {error}", readable(result))),
            },
            Self::Matches(expression) => match std::str::from_utf8(result) {
                Ok(text) if expression.is_match(text) => None,
                _ => seen(),
            },
        }
    }
}

impl fmt::Display for ExpectedResult<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(expected) => write!(formatter, "result {}", readable(expected)),
            Self::Abi(values) => match values.read() {
                Ok((_, expected)) => write!(formatter, "{} {expected}", values.types),
                Err(error) => error.fmt(formatter),
            },
            Self::Json(expected) => write!(formatter, "JSON with {expected}"),
            Self::Matches(expression) => {
                write!(formatter, "a result that matches `{}`", shortened(expression.as_str()))
            }
        }
    }
}

/// Where `found` does not contain `expected`, and what is there. Keys that all begin with `/` are JSON pointers.
fn different(expected: &Value, found: &Value) -> Option<String> {
    let pointers =
        expected.as_object().filter(|entries| !entries.is_empty() && entries.keys().all(|key| key.starts_with('/')));
    let Some(pointers) = pointers else { return outside(expected, found, "") };
    pointers.iter().find_map(|(pointer, expected)| match found.pointer(pointer) {
        Some(found) => outside(expected, found, pointer),
        None => Some(format!("nothing at `{pointer}` of {found}")),
    })
}

/// Mappings may have more entries than are expected; anything else must be equal.
fn outside(expected: &Value, found: &Value, at: &str) -> Option<String> {
    let place = if at.is_empty() { "JSON" } else { at };
    match (expected, found) {
        (Value::Object(expected), Value::Object(entries)) => expected.iter().find_map(|(key, expected)| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            match entries.get(key) {
                Some(found) => outside(expected, found, &at),
                None => Some(format!("nothing at `{at}` of {found}")),
            }
        }),
        (Value::Array(expected), Value::Array(items)) if expected.len() == items.len() => {
            let mut pairs = expected.iter().zip(items).enumerate();
            pairs.find_map(|(index, (expected, found))| outside(expected, found, &format!("{at}/{index}")))
        }
        (Value::Number(expected), Value::Number(number)) if is_same(expected, number) => None,
        _ if expected == found => None,
        _ => Some(format!("{place} is {found}")),
    }
}

/// A number in `value` that is as large as an amount, and is rounded as a float: YAML has integers of 64 bits with a sign.
fn rounded(value: &Value) -> Option<&Number> {
    match value {
        Value::Number(number) => {
            let is_large = number.as_f64().is_some_and(|float| float.abs() >= 2_f64.powi(63));
            (number.as_i128().is_none() && is_large).then_some(number)
        }
        Value::Array(items) => items.iter().find_map(rounded),
        Value::Object(entries) => entries.values().find_map(rounded),
        _ => None,
    }
}

/// Whether two numbers have one value: 1 and 1.0 do. Integers are compared as such, because amounts of tokens exceed what a float
/// distinguishes.
fn is_same(expected: &Number, found: &Number) -> bool {
    match (expected.as_i128(), found.as_i128()) {
        (Some(expected), Some(found)) => expected == found,
        // Written as an integer, it would be one that has more than 64 bits.
        (Some(_), None) if found.as_f64().is_some_and(|found| found.abs() >= 2_f64.powi(64)) => false,
        _ => expected.as_f64() == found.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_component::document::Report;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::Loader;

    #[rstest]
    #[case::subset(json!({"a": {"b": 1}}), r#"{"a": {"b": 1.0, "c": 2}, "d": 3}"#, None)]
    #[case::other_value(json!({"a": {"b": 1}}), r#"{"a": {"b": 2}}"#, Some("/a/b is 2"))]
    #[case::missing(json!({"a": {"b": 1}}), r#"{"a": {}}"#, Some("nothing at `/a/b` of {}"))]
    #[case::list(json!([1, {"a": 2}]), r#"[1, {"a": 2, "b": 3}]"#, None)]
    #[case::longer_list(json!([1]), "[1, 2]", Some("JSON is [1,2]"))]
    #[case::pointer(json!({"/a/1": "x", "/b~1c": true}), r#"{"a": [0, "x"], "b/c": true}"#, None)]
    #[case::pointer_to_nothing(json!({"/a/1": "x"}), r#"{"a": [0]}"#, Some("nothing at `/a/1` of {\"a\":[0]}"))]
    #[case::neighbour_of_a_large_number(
        json!({"wei": 1_000_000_000_000_000_000_u64}),
        r#"{"wei": 1000000000000000001}"#,
        Some("/wei is 1000000000000000001")
    )]
    #[case::integer_that_yaml_rounds(json!(1e19), "10000000000000000000", None)]
    #[case::neighbour_of_the_largest_integer(json!(u64::MAX), "18446744073709551616", Some("JSON is"))]
    #[case::large_number(json!(-9_007_199_254_740_993_i64), "-9007199254740993", None)]
    #[case::text_for_number(json!("1"), "1", Some("JSON is 1"))]
    #[case::no_json(json!(1), "hello", Some("no JSON"))]
    fn json_contains_what_is_expected(#[case] expected: Value, #[case] result: &str, #[case] seen: Option<&str>) {
        let mismatch = ExpectedResult::Json(&expected).mismatch(result.as_bytes());
        match (mismatch, seen) {
            (None, None) => {}
            (Some(mismatch), Some(seen)) => assert!(mismatch.contains(seen), "{mismatch}"),
            different => panic!("{different:?}"),
        }
    }

    #[test]
    fn values_of_contracts_are_compared_decoded() {
        let values = |values: [&str; 2]| AbiValues {
            types: "(uint256,string)".to_owned(),
            values: values.map(str::to_owned).to_vec(),
        };
        let (five, six) = (values(["5", "hello"]), values(["0x6", "hello"]));
        let encoded = five.encoded().unwrap();
        assert_eq!(encoded.len(), 128, "as abi.encode(uint256(5), \"hello\")");
        assert_eq!(ExpectedResult::Abi(&five).mismatch(&encoded), None);
        assert_eq!(ExpectedResult::Abi(&six).mismatch(&encoded).unwrap(), r#"(uint256,string) "5", "hello""#);
        assert!(ExpectedResult::Abi(&five).mismatch(b"hello").unwrap().contains("no encoding of (uint256,string)"));
        let longer = [encoded.as_slice(), &[0xff]].concat();
        let padded = [&encoded[..127], &[0xff]].concat();
        for other in [longer, padded] {
            let mismatch = ExpectedResult::Abi(&five).mismatch(&other).unwrap();
            assert!(mismatch.contains("not the bytes of abi.encode"), "{mismatch}");
        }
    }

    fn problems(steps: &str) -> Vec<String> {
        let text = format!("name: own\ndescription: A test's own.\nsteps:\n{steps}");
        match Loader::new().unwrap().parse(Path::new("own.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(Report::one_line).collect(),
        }
    }

    /// A mistake is reported at its position before anything is started.
    #[rstest]
    #[case::abi("result_abi: {types: '(uint256,string)', values: ['5', hello]}", "")]
    #[case::json("result_json: {a: [1, {b: null}], '/c': x}", "")]
    #[case::matches("result_matches: '^0x'", "")]
    #[case::types(
        "result_abi: {types: uint7, values: ['5']}",
        "own.yaml:5:43: `uint7` is no list of types (not in brackets)"
    )]
    #[case::count("result_abi: {types: '(uint8,bool)', values: ['5']}", "1 values for 2 types")]
    #[case::value("result_abi: {types: (uint8), values: ['256']}", "`256` is not a value of the type `uint8`")]
    #[case::expression("result_matches: '('", "not a regular expression")]
    #[case::two("result: a, result_json: {}", "both `result` and `result_json` are given")]
    fn mistakes_are_reported_at_their_positions(#[case] keys: &str, #[case] expected: &str) {
        let found = problems(&format!("  - create_task: {{payload: a}}\n  - expect_verified: {{{keys}}}\n"));
        assert!(if expected.is_empty() { found.is_empty() } else { found[0].contains(expected) }, "{found:?}");
    }

    #[test]
    fn a_number_that_is_rounded_is_a_warning() {
        let warnings = |number: &str| {
            let text = format!(
                "name: own\ndescription: A test's own.\nsteps:\n  - create_task: {{payload: a}}\n  - expect_verified: {{result_json: \
                 {{wei: [{number}]}}}}\n"
            );
            let file = Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap();
            file.warnings.iter().map(Report::one_line).collect::<Vec<_>>()
        };
        assert_eq!(warnings("9223372036854775807"), [""; 0]);
        assert_eq!(warnings("0.25"), [""; 0]);
        let found = warnings("10000000000000000000");
        assert!(found.len() == 1 && found[0].contains("cannot be told from numbers close to it"), "{found:?}");
    }

    #[rstest]
    #[case::good("payload_abi: {types: '(uint256)', values: ['5']}", "")]
    #[case::values("payload_abi: {types: '(uint256)', values: [five]}", "`five` is not a value of the type `uint256`")]
    #[case::two("payload: a, payload_abi: {types: '(bool)', values: ['true']}", "both `payload` and `payload_abi`")]
    fn payloads_of_contracts_are_checked(#[case] keys: &str, #[case] expected: &str) {
        let found = problems(&format!("  - create_task: {{{keys}}}\n  - expect_verified: {{}}\n"));
        assert!(if expected.is_empty() { found.is_empty() } else { found[0].contains(expected) }, "{found:?}");
    }

    #[test]
    fn a_text_is_matched_anywhere() {
        let matches = ExpectedResult::Matches(Regex::new("^0x[0-9a-f]{2}$").unwrap());
        assert_eq!(matches.mismatch(b"0x1f"), None);
        assert_eq!(matches.mismatch(b"0x1g").unwrap(), "result \"0x1g\"");
        assert_eq!(matches.mismatch(&[0xff]).unwrap(), "result 0xff (1 bytes)");
    }
}
