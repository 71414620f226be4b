//! Reads a gate: `METRIC.STATISTIC SIDE/SIDE OPERATOR NUMBER`, `METRIC.STATISTIC SIDE/baseline OPERATOR NUMBER`, or
//! `METRIC.STATISTIC SIDE OPERATOR VALUE` with a unit.

use crate::{
    metrics::{self, Meaning},
    model::{Side, Unit},
};

use super::{BASELINE, Divisor, Gate, GateError, Operator, Statistic};

/// The units of values, and how many of the metric's own unit each is.
const TIMES: [(&str, f64); 2] = [("ms", 1.0), ("s", 1e3)];
const PROCESSOR_TIMES: [(&str, f64); 2] = [("ms", 1e-3), ("s", 1.0)];
const SIZES: [(&str, f64); 3] = [("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)];
const RATES: [(&str, f64); 1] = [("/s", 1.0)];
const GAS: [(&str, f64); 1] = [("gas", 1.0)];

pub(super) fn gate(text: &str, sides: &[Side; 2], with_baseline: bool) -> Result<Gate, GateError> {
    let mut reader = Reader { text, at: 0 };
    let (metric, statistic, meaning) = reader.quantity()?;
    let side = reader.side(sides)?;
    reader.blanks();
    let by = if reader.take("/") { Some(reader.divisor(sides, &side, with_baseline)?) } else { None };
    reader.blanks();
    let operators = Operator::ALL.into_iter();
    let Some((_, operator)) = operators.into_iter().find(|(word, _)| reader.take(word)) else {
        return reader.fail("expected `<=`, `<`, `>=` or `>`");
    };
    let limit = reader.limit(by.is_none().then_some(meaning.unit))?;
    reader.blanks();
    if !reader.rest().is_empty() {
        return reader.fail("expected the end of the gate");
    }
    Ok(Gate { text: text.to_owned(), metric, statistic, side, by, operator, limit, unit: meaning.unit })
}

struct Reader<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, word: &str) -> bool {
        let is = self.rest().starts_with(word);
        self.at += if is { word.len() } else { 0 };
        is
    }

    /// The characters up to the first that ends a word.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> (usize, &'a str) {
        self.blanks();
        let start = self.at;
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        self.at += length;
        (start, &self.text[start..self.at])
    }

    fn fail<T>(&self, problem: impl Into<String>) -> Result<T, GateError> {
        self.fail_at(self.at, problem)
    }

    fn fail_at<T>(&self, byte: usize, problem: impl Into<String>) -> Result<T, GateError> {
        let at = self.text[..byte].chars().count() + 1;
        Err(GateError { text: self.text.to_owned(), at, problem: problem.into() })
    }

    /// The metric with its statistic, which is behind the last point.
    fn quantity(&mut self) -> Result<(String, Statistic, Meaning), GateError> {
        let (start, word) = self.word(char::is_whitespace);
        let statistics = Statistic::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
        let Some((metric, statistic)) = word.rsplit_once('.') else {
            return self.fail_at(start, format!("expected a metric and one of {statistics}, as in `verified.median`"));
        };
        let Some((_, statistic)) = Statistic::ALL.into_iter().find(|(name, _)| *name == statistic) else {
            return self.fail_at(start + metric.len() + 1, format!("expected one of {statistics}"));
        };
        let Some(meaning) = metrics::meaning(metric) else {
            return self.fail_at(start, format!("no metric is called `{metric}`"));
        };
        Ok((metric.to_owned(), statistic, meaning))
    }

    fn name(&mut self) -> (usize, &'a str) {
        self.word(|character| character.is_whitespace() || "/<>=".contains(character))
    }

    fn side(&mut self, sides: &[Side; 2]) -> Result<String, GateError> {
        let (start, name) = self.name();
        if sides.iter().any(|side| side.name == name) {
            return Ok(name.to_owned());
        }
        self.fail_at(start, format!("expected one of the sides `{}` and `{}`", sides[0].name, sides[1].name))
    }

    fn divisor(&mut self, sides: &[Side; 2], side: &str, with_baseline: bool) -> Result<Divisor, GateError> {
        let (start, name) = self.name();
        match name {
            BASELINE if with_baseline => Ok(Divisor::Baseline),
            BASELINE => self.fail_at(start, "there is no baseline; name its file with `--baseline`"),
            name if name != side && sides.iter().any(|side| side.name == name) => Ok(Divisor::Side(name.to_owned())),
            _ => self.fail_at(start, format!("expected the other side, or `{BASELINE}`")),
        }
    }

    /// A number, with a unit if it is a value of the metric rather than a ratio.
    fn limit(&mut self, unit: Option<Unit>) -> Result<f64, GateError> {
        let (start, digits) = self.word(|character| !(character.is_ascii_digit() || character == '.'));
        let Ok(number) = digits.parse::<f64>() else { return self.fail_at(start, "expected a number") };
        let (start, suffix) = self.word(char::is_whitespace);
        let units: &[_] = match unit {
            None if suffix.is_empty() => return Ok(number),
            None => return self.fail_at(start, "expected no unit: the figure is a ratio"),
            Some(Unit::Milliseconds) => &TIMES,
            Some(Unit::ProcessorSeconds) => &PROCESSOR_TIMES,
            Some(Unit::Bytes) => &SIZES,
            Some(Unit::TasksPerSecond) => &RATES,
            Some(Unit::Gas) => &GAS,
        };
        if let Some((_, factor)) = units.iter().find(|(name, _)| *name == suffix) {
            return Ok(number * factor);
        }
        let names = units.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        self.fail_at(start, format!("expected the unit {names}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sides(names: [&str; 2]) -> [Side; 2] {
        names.map(|name| Side { name: name.to_owned(), runtime: name.split('#').next().unwrap().to_owned() })
    }

    fn read(text: &str) -> Result<Gate, GateError> {
        gate(text, &sides(["docker", "kubernetes"]), true)
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a gate has in its place")]
    fn side(name: &str) -> Option<Divisor> {
        Some(Divisor::Side(name.to_owned()))
    }

    #[rstest::rstest]
    #[case("verified.p95 kubernetes/docker <= 1.5", "verified", Statistic::P95, side("docker"), Operator::AtMost, 1.5)]
    #[case(
        " verified.median  docker / kubernetes>0.5 ",
        "verified",
        Statistic::Median,
        side("kubernetes"),
        Operator::Above,
        0.5
    )]
    #[case(
        "verified.max docker/baseline < 1.1",
        "verified",
        Statistic::Max,
        Some(Divisor::Baseline),
        Operator::Below,
        1.1
    )]
    #[case(
        "phase.chain_state.median docker <= 60ms",
        "phase.chain_state",
        Statistic::Median,
        None,
        Operator::AtMost,
        60.0
    )]
    #[case("verified.median docker<=0.06s", "verified", Statistic::Median, None, Operator::AtMost, 60.0)]
    #[case(
        "cpu.executor/alice.min docker <= 500 ms",
        "cpu.executor/alice",
        Statistic::Min,
        None,
        Operator::AtMost,
        0.5
    )]
    #[case("memory.l1.p95 docker <= 2MiB", "memory.l1", Statistic::P95, None, Operator::AtMost, 2_097_152.0)]
    #[case("throughput.median docker >= 90/s", "throughput", Statistic::Median, None, Operator::AtLeast, 90.0)]
    fn gates_are_read(
        #[case] text: &str,
        #[case] metric: &str,
        #[case] statistic: Statistic,
        #[case] by: Option<Divisor>,
        #[case] operator: Operator,
        #[case] limit: f64,
    ) {
        let gate = read(text).unwrap();
        assert_eq!((gate.metric.as_str(), gate.statistic, gate.by, gate.operator), (metric, statistic, by, operator));
        assert!((gate.limit - limit).abs() < 1e-9 && gate.text == text, "{}", gate.limit);
    }

    #[test]
    fn both_sides_may_be_of_one_runtime() {
        let gate = gate("verified.median docker#2/docker <= 1.1", &sides(["docker", "docker#2"]), false).unwrap();
        assert_eq!((gate.side.as_str(), gate.by), ("docker#2", side("docker")));
    }

    #[rstest::rstest]
    #[case::nothing("", 1, "expected a metric")]
    #[case::no_statistic("verified docker < 1ms", 1, "expected a metric")]
    #[case::other_statistic("verified.p90 docker < 1ms", 10, "`p95`")]
    #[case::other_metric("verifed.p95 docker < 1ms", 1, "no metric is called `verifed`")]
    #[case::no_side("verified.p95 <= 1.5", 14, "one of the sides `docker` and `kubernetes`")]
    #[case::other_side("verified.p95 process/docker <= 1.5", 14, "one of the sides")]
    #[case::same_side("verified.p95 docker/docker <= 1.5", 21, "the other side, or `baseline`")]
    #[case::no_operator("verified.p95 docker/kubernetes 1.5", 32, "expected `<=`")]
    #[case::equals("verified.p95 docker/kubernetes == 1.5", 32, "expected `<=`")]
    #[case::no_number("verified.p95 docker/kubernetes <= x", 35, "expected a number")]
    #[case::two_points("verified.p95 docker/kubernetes <= 1.5.2", 35, "expected a number")]
    #[case::unit_of_a_ratio("verified.p95 docker/kubernetes <= 60ms", 37, "the figure is a ratio")]
    #[case::no_unit("verified.p95 docker <= 60", 26, "the unit `ms` or `s`")]
    #[case::other_unit("verified.p95 docker <= 60MiB", 26, "the unit `ms` or `s`")]
    #[case::more("verified.p95 docker/kubernetes <= 1.5 and", 39, "a ratio")]
    #[case::not_only_ascii("verified.p95 dockér <= 60ms", 14, "one of the sides")]
    fn errors_name_the_place(#[case] text: &str, #[case] at: usize, #[case] problem: &str) {
        let error = read(text).unwrap_err();
        assert!(error.at == at && error.problem.contains(problem), "{error}");
    }

    #[test]
    fn a_baseline_must_be_given() {
        let error = gate("verified.p95 docker/baseline < 1.1", &sides(["docker", "kubernetes"]), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to read the gate `verified.p95 docker/baseline < 1.1` at character 21: there is no baseline; name its \
             file with `--baseline`"
        );
    }

    proptest! {
        /// Whatever a user writes is a gate or an error at a place within it or at its end.
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            if let Err(error) = read(&text) {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.at));
            }
        }

        #[test]
        fn almost_gates_do_not_panic(text in "(verified|cpu\\.l1|x)?\\.?(p95|max)? ?(docker|baseline)?/?(kubernetes|é)? ?(<=|>|=)? ?[0-9.]{0,4}(ms|s|MiB)?") {
            let _ = read(&text);
        }
    }
}
