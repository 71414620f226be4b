//! Words of the API server, without what a Performer's environment holds.

use crate::api::Performer;

/// Where the API server begins to quote what it could not read, byte by byte.
const QUOTATION: &str = ", error found in #";

/// `text` without values of environment variables of `performer`, and without quotations of its objects.
///
/// Values of three characters and less stay where they are: they are in every text, and taking them out would leave
/// nothing to read and tell where they were.
pub(super) fn redacted(text: &str, performer: &Performer) -> String {
    let quoted = text.find(QUOTATION).unwrap_or(text.len());
    let mut text = text[..quoted].to_owned();
    let environment = performer.spec.config.iter().flat_map(|config| &config.environment);
    let mut values: Vec<_> = environment.filter(|(_, value)| value.len() > 3).collect();
    // What contains another value goes first, so that nothing of it is left.
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
    fn no_value_and_no_quotation_is_left() {
        let environment = [("A", "hunter2"), ("B", "hunter2-and-more"), ("C", "1")];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let config = Some(PerformerConfig { environment, ..PerformerConfig::default() });
        let performer = Performer::new("p", PerformerSpec { config, ..PerformerSpec::default() });
        let text = "env[1]: hunter2 and hunter2-and-more are wrong, error found in #10 byte of ...|ter2\"}|...";
        assert_eq!(redacted(text, &performer), "env[1]: <value of A> and <value of B> are wrong");
    }
}
