//! Payloads and results in the encoding of contracts, `abi.encode`.

use hourglass_component::{
    chain::{SignatureError, ViewFunction, ViewValueError, ViewValues},
    document::{Pointer, Problem, Problems},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values with their types, encoded as `abi.encode` of a contract does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbiValues {
    /// The types, such as `(uint256,string)`; a struct is a tuple in it, `((uint256,string))`.
    pub types: String,
    /// The values as text: numbers in decimal or as `0x…`, bytes and addresses as `0x…`, arrays and tuples as JSON arrays
    /// of texts.
    pub values: Vec<String>,
}

/// Why values cannot be encoded. Loading detects it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AbiError {
    /// The types are invalid.
    #[error("`{types}` is no list of types")]
    Types {
        /// The text in the file.
        types: String,
        /// What is wrong with it.
        source: SignatureError,
    },
    /// Values do not have these types.
    #[error("`values` does not fit `{types}`: {source}")]
    Values {
        /// The types.
        types: String,
        /// What is wrong with them.
        source: ViewValueError,
    },
}

impl AbiValues {
    /// The types, as what a function returns, and the values.
    pub fn read(&self) -> Result<(ViewFunction, ViewValues), AbiError> {
        let types = || self.types.clone();
        let function = ViewFunction::parse(&format!("values() returns {}", self.types.trim()))
            .map_err(|source| AbiError::Types { types: types(), source })?;
        let values =
            function.results(&self.values, &|_| None).map_err(|source| AbiError::Values { types: types(), source })?;
        Ok((function, values))
    }

    /// Their encoding; `None` where they cannot be encoded.
    pub fn encoded(&self) -> Option<Vec<u8>> {
        self.read().ok().map(|(_, values)| values.encode())
    }

    /// Adds the problems of the values at `at`.
    pub(super) fn check(&self, at: &Pointer, problems: &mut Problems) {
        match self.read() {
            Ok(_) => {}
            Err(AbiError::Types { source, .. }) => problems.add(
                Problem::at_value(&at.key("types"), format!("`{}` is no list of types", self.types))
                    .label(match source {
                        SignatureError::Form => "not in brackets".to_owned(),
                        source => source.to_string(),
                    })
                    .help("write the types of the values in brackets, as `(uint256,string)`"),
            ),
            Err(AbiError::Values { source: ViewValueError::Count { expected, found }, .. }) => problems.add(
                Problem::at_value(&at.key("values"), format!("{found} values for {expected} types"))
                    .label("not one for each type")
                    .help("give a value for each type"),
            ),
            Err(AbiError::Values { source: source @ ViewValueError::Value { index, .. }, .. }) => problems.add(
                Problem::at_value(&at.key("values").item(index), source.to_string())
                    .label("of another type")
                    .help("numbers are in decimal or `0x…`, bytes and addresses `0x…`, arrays and tuples JSON arrays"),
            ),
        }
    }
}
