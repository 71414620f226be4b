//! Removes the values of a Performer's environment from messages of the API server.

use crate::api::Performer;

/// Where the API server begins to quote bytes that it could not read.
const QUOTATION: &str = ", error found in #";

/// `text` without values of environment variables of `performer`, and without quotations of its objects.
///
/// Values of up to three characters stay: they occur in every text, and removing them would leave nothing to read and
/// reveal where they were.
pub(super) fn redacted(text: &str, performer: &Performer) -> String {
    let quoted = text.find(QUOTATION).unwrap_or(text.len());
    let mut text = text[..quoted].to_owned();
    let environment = performer.spec.config.iter().flat_map(|config| &config.environment);
    let mut values: Vec<_> = environment.filter(|(_, value)| value.len() > 3).collect();
    // A value that contains another one is replaced first, so that no part of it remains.
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in values {
        text = text.replace(value.as_str(), &format!("<value of {name}>"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PerformerConfig, PerformerSpec};

    #[test]
    fn no_value_and_no_quotation_remains() {
        let environment = [("A", "hunter2"), ("B", "hunter2-and-more"), ("C", "1")];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let config = Some(PerformerConfig { environment, ..PerformerConfig::default() });
        let performer = Performer::new("p", PerformerSpec { config, ..PerformerSpec::default() });
        let text = "env[1]: hunter2 and hunter2-and-more are wrong, error found in #10 byte of ...|ter2\"}|...";
        assert_eq!(redacted(text, &performer), "env[1]: <value of A> and <value of B> are wrong");
    }
}
