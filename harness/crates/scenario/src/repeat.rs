//! Trials that run several times.

use super::trial::Trial;

/// What separates the name of a trial from the number of its repetition.
const NUMBER: char = '#';

/// Each trial so many times, `process::square#1` to `process::square#3`: one round of all after the other. A single time
/// leaves them as they are.
pub fn repeated(trials: Vec<Trial>, times: usize) -> Vec<Trial> {
    if times <= 1 {
        return trials;
    }
    let rounds = (1..=times).flat_map(|round| {
        trials.iter().map(move |trial| Trial { name: format!("{}{NUMBER}{round}", trial.name), ..trial.clone() })
    });
    rounds.collect()
}

/// The name of the trial without the number of its repetition.
pub fn without_number(name: &str) -> &str {
    match name.rsplit_once(NUMBER) {
        Some((trial, number)) if !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) => trial,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Loader, RuntimeKind};

    #[test]
    fn each_repetition_has_a_name_of_its_own() {
        let text = "name: own\ndescription: Own.\nmatrix: {payload: [a, b]}\nsteps:\n  - create_task: {payload: \"${payload}\"}\n  - expect_verified: {}\n";
        let trials = Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[RuntimeKind::Process]);
        let names = |trials: &[Trial]| trials.iter().map(|trial| trial.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&repeated(trials.clone(), 1)), names(&trials));
        let expected = ["payload_a#1", "payload_b#1", "payload_a#2", "payload_b#2"];
        let expected = expected.map(|name| format!("process::own::{name}"));
        let twice = repeated(trials.clone(), 2);
        assert_eq!(names(&twice), expected);
        assert!(twice.iter().all(|trial| names(&trials).contains(&without_number(&trial.name).to_owned())));
    }

    #[rstest::rstest]
    #[case("process::own#12", "process::own")]
    #[case("process::own", "process::own")]
    #[case("own#", "own#")]
    #[case("own#x", "own#x")]
    fn a_number_is_taken_off(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(without_number(name), expected);
    }
}
