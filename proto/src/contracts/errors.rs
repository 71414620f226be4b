//! Descriptions of reverts: the custom errors of every contract, by selector.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use ethers::{
    abi::{Abi, ParamType, Token, ethabi::AbiError},
    types::Selector,
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
/// panic as `Panic(0x11)`, else the raw data.
pub fn describe(data: &[u8]) -> String {
    let Some((selector, arguments)) = data.split_first_chunk::<4>() else { return "no reason".to_owned() };
    // Error(string), the selector of `require` with a text.
    if *selector == [0x08, 0xc3, 0x79, 0xa0]
        && let Ok([Token::String(text)]) = ethers::abi::decode(&[ParamType::String], arguments).as_deref()
    {
        return text.clone();
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
            let arguments: Vec<_> = tokens.iter().map(ToString::to_string).collect();
            format!("{}({})", error.name, arguments.join(", "))
        }
        Err(_) => format!("{}(0x{})", error.name, hex::encode(arguments)),
    }
}

fn selector(error: &AbiError) -> Selector {
    let hash = error.signature();
    [hash[0], hash[1], hash[2], hash[3]]
}
