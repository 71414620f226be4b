//! Whether an object of the cluster matches what was applied.

use serde_json::Value;

/// Whether `actual` has everything that `desired` has. Fields that the API server or others added do not count.
///
/// The elements of a list of objects may be in any order; lists of plain values, such as arguments, are compared as a
/// whole. The API server leaves out a `false` that is the default.
pub(super) fn covers(actual: &Value, desired: &Value) -> bool {
    match (actual, desired) {
        (Value::Object(actual), Value::Object(desired)) => desired.iter().all(|(key, desired)| match actual.get(key) {
            Some(actual) => covers(actual, desired),
            None => desired == &Value::Bool(false),
        }),
        (Value::Array(actual), Value::Array(desired)) if desired.iter().any(Value::is_object) => {
            desired.iter().all(|desired| actual.iter().any(|actual| covers(actual, desired)))
        }
        (actual, desired) => actual == desired,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::defaults_of_the_api_server(json!({"a": 1, "b": {"c": 2}}), json!({"b": {}}), true)]
    #[case::a_field_that_is_gone(json!({"b": {}}), json!({"b": {"c": 2}}), false)]
    #[case::another_value(json!({"a": 1}), json!({"a": 2}), false)]
    #[case::false_that_is_left_out(json!({"a": 1}), json!({"a": 1, "b": false}), true)]
    #[case::true_that_is_left_out(json!({"a": 1}), json!({"a": 1, "b": true}), false)]
    #[case::false_that_became_true(json!({"b": true}), json!({"b": false}), false)]
    #[case::another_owner(json!([{"n": "a", "x": 1}, {"n": "b"}]), json!([{"n": "b"}]), true)]
    #[case::an_element_that_is_gone(json!([{"n": "a"}]), json!([{"n": "a"}, {"n": "b"}]), false)]
    #[case::another_order_of_arguments(json!(["a", "b"]), json!(["b", "a"]), false)]
    #[case::one_argument_more(json!(["a", "b"]), json!(["a"]), false)]
    fn fields_added_by_others_do_not_count(#[case] actual: Value, #[case] desired: Value, #[case] covered: bool) {
        assert_eq!(covers(&actual, &desired), covered);
    }
}
