//! Keys that deploy scripts are handed, in texts that are shown and kept: a shell with `set -x` writes the whole context document.

use ethers::types::U256;
use hourglass_component::keys::EcdsaKey;

use super::{Accounts, SetupError};

/// The keys that the context document has, with the names of their accounts.
pub(super) fn handed_keys(accounts: &Accounts) -> [(&'static str, &EcdsaKey); 3] {
    [("deployer", &accounts.deployer), ("avs", &accounts.avs), ("app", &accounts.app)]
}

/// An error of a deploy script without the keys that it was handed.
pub(super) fn without_keys(error: SetupError, accounts: &Accounts) -> SetupError {
    let SetupError::DeployScript { command, reason, output } = error else { return error };
    let hide = |text: String| hide_keys(text, &handed_keys(accounts));
    SetupError::DeployScript { command: hide(command), reason: hide(reason), output: hide(output) }
}

/// The text with `[key of deployer]` in place of the deployer's key, whether its digits are hexadecimal or decimal.
fn hide_keys(text: String, keys: &[(&str, &EcdsaKey)]) -> String {
    keys.iter().fold(text, |text, (name, key)| {
        let hidden = format!("[key of {name}]");
        let key = key.to_hex();
        // As a number, it has neither a prefix nor zeros before it.
        let digits = key.trim_start_matches("0x").trim_start_matches('0');
        let text = hide_hexadecimal(&text, digits, &hidden);
        match U256::from_str_radix(digits, 16) {
            Ok(number) => text.replace(&number.to_string(), &hidden),
            Err(_) => text,
        }
    })
}

/// Replaces a number, of which `digits` are in lower case, with its prefix and the zeros before it.
fn hide_hexadecimal(text: &str, digits: &str, hidden: &str) -> String {
    let (mut shown, mut rest) = (String::new(), text);
    let lower_case = text.to_ascii_lowercase();
    for (at, _) in lower_case.match_indices(digits) {
        let (before, found) = rest.split_at(at - (text.len() - rest.len()));
        let before = before.trim_end_matches('0');
        let before = before.strip_suffix("0x").or_else(|| before.strip_suffix("0X")).unwrap_or(before);
        shown.extend([before, hidden]);
        rest = &found[digits.len()..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountSecret;

    fn accounts() -> Accounts {
        Accounts::derive(&AccountSecret::new([7; 32]), ["alice"])
    }

    /// The ways in which shells, Foundry and JavaScript write a key.
    #[rstest::rstest]
    #[case::as_handed(str::to_owned)]
    #[case::without_prefix(|key: &str| key[2..].to_owned())]
    #[case::upper_case(|key: &str| format!("0x{}", key[2..].to_uppercase()))]
    #[case::padded(|key: &str| format!("0x000{}", &key[2..]))]
    #[case::decimal(|key: &str| U256::from_str_radix(&key[2..], 16).unwrap().to_string())]
    fn a_key_is_hidden_however_it_is_written(#[case] written: fn(&str) -> String) {
        let accounts = accounts();
        let [deployer, avs, app] = handed_keys(&accounts).map(|(_, key)| written(&key.to_hex()));
        let output = format!(
            "+ cast send --private-key {deployer}\n{{\"avs\":\"{avs}\",\"app\":\"{app}\",\"again\":\"{app}\"}}"
        );
        let error = SetupError::DeployScript { command: "deploy".to_owned(), reason: avs, output };
        let expected = "failed to deploy contracts with `deploy`: [key of avs]\n    + cast send --private-key [key of deployer]\n    \
                        {\"avs\":\"[key of avs]\",\"app\":\"[key of app]\",\"again\":\"[key of app]\"}";
        assert_eq!(without_keys(error, &accounts).to_string(), expected);
    }

    /// One key in sixteen begins with a zero, which numbers are written without.
    #[test]
    fn a_key_with_zeros_before_it_is_hidden_as_a_number() {
        let text = "0x00ab12, 0xAB12, ab12, 0xcd00ab12";
        assert_eq!(hide_hexadecimal(text, "ab12", "[key]"), "[key], [key], [key], 0xcd[key]");
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        let accounts = accounts();
        let text = format!("operator {} of {:?}", accounts.aggregator.to_hex(), accounts.deployer.address());
        assert_eq!(hide_keys(text.clone(), &handed_keys(&accounts)), text);
    }
}
