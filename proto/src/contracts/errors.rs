//! Descriptions of reverts: the custom errors of every contract, by selector.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use ethers::{
    abi::{Abi, ParamType, Token, ethabi::AbiError},
    types::{Selector, U256},
};

use super::abis;

static ERRORS: LazyLock<HashMap<Selector, AbiError>> = LazyLock::new(|| {
    let errors = abis().into_iter().flat_map(|abi| abi.errors.values().flatten());
    errors.map(|error| (selector(error), error.clone())).collect()
});

/// The errors of other contracts, for all of this process: reverts are described wherever the answer of a node is read.
static OTHERS: LazyLock<RwLock<HashMap<Selector, AbiError>>> = LazyLock::new(RwLock::default);

/// Makes the custom errors of another contract known to [`describe`].
pub fn add(abi: &Abi) {
    let errors = abi.errors.values().flatten().map(|error| (selector(error), error.clone()));
    OTHERS.write().unwrap_or_else(PoisonError::into_inner).extend(errors);
}

/// The name of each custom error of these contracts, ascending.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = ERRORS.values().map(|error| error.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `Name(argument, …)` for a custom error of these contracts or of those that were added, the text of a `require`, the code of a
/// panic as `Panic(0x11)`, else the raw data. Arguments are in the form of scenarios.
pub fn describe(data: &[u8]) -> String {
    let Some((selector, arguments)) = data.split_first_chunk::<4>() else { return "no reason".to_owned() };
    // Error(string), the selector of `require` with a text.
    if *selector == [0x08, 0xc3, 0x79, 0xa0]
        && let Ok([Token::String(text)]) = ethers::abi::decode(&[ParamType::String], arguments).as_deref()
    {
        return if text.is_empty() { "an empty text".to_owned() } else { text.clone() };
    }
    // Panic(uint256): an overflow, an index out of bounds, and what else the compiler checks.
    if *selector == [0x4e, 0x48, 0x7b, 0x71]
        && let Ok([Token::Uint(code)]) = ethers::abi::decode(&[ParamType::Uint(256)], arguments).as_deref()
    {
        return format!("Panic({code:#x})");
    }
    let other = || OTHERS.read().unwrap_or_else(PoisonError::into_inner).get(selector).cloned();
    let Some(error) = ERRORS.get(selector).cloned().or_else(other) else { return format!("0x{}", hex::encode(data)) };
    match error.decode(arguments) {
        Ok(tokens) if tokens.is_empty() => error.name.clone(),
        Ok(tokens) => {
            format!("{}({})", error.name, listed(&tokens))
        }
        Err(_) => format!("{}(0x{})", error.name, hex::encode(arguments)),
    }
}

/// Arguments as scenarios write them: numbers in decimal, addresses and bytes as `0x…`.
fn listed(tokens: &[Token]) -> String {
    tokens.iter().map(argument).collect::<Vec<_>>().join(", ")
}

fn argument(token: &Token) -> String {
    match token {
        Token::Address(address) => format!("{address:?}"),
        Token::Bytes(bytes) | Token::FixedBytes(bytes) => format!("0x{}", hex::encode(bytes)),
        Token::Int(number) if number.bit(255) => format!("-{}", (!*number).overflowing_add(U256::one()).0),
        Token::Int(number) | Token::Uint(number) => number.to_string(),
        Token::Bool(value) => value.to_string(),
        Token::String(text) => text.clone(),
        Token::Array(tokens) | Token::FixedArray(tokens) => format!("[{}]", listed(tokens)),
        Token::Tuple(tokens) => format!("({})", listed(tokens)),
    }
}

fn selector(error: &AbiError) -> Selector {
    let hash = error.signature();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::number(Token::Uint(16.into()), "16")]
    #[case::negative(Token::Int(U256::MAX), "-1")]
    #[case::address(
        Token::Address(ethers::types::Address::repeat_byte(0xab)),
        "0xabababababababababababababababababababab"
    )]
    #[case::bytes(Token::Bytes(vec![1, 2]), "0x0102")]
    #[case::nested(Token::Tuple(vec![Token::Array(vec![Token::Uint(10.into()), Token::Bool(true)])]), "([10, true])")]
    fn arguments_are_in_the_form_of_scenarios(#[case] token: Token, #[case] text: &str) {
        assert_eq!(argument(&token), text);
    }

    #[test]
    fn an_empty_text_is_told_from_no_reason() {
        let data = [&[0x08, 0xc3, 0x79, 0xa0][..], &ethers::abi::encode(&[Token::String(String::new())])].concat();
        assert_eq!(describe(&data), "an empty text");
    }
}
