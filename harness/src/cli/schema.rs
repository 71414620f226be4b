//! `harness scenario schema`: the JSON Schema of scenario files.

use std::path::PathBuf;

use hourglass_scenario::{ScenarioError, schema_text};

use super::{CliError, Output};

/// Prints the JSON Schema of scenario files, for editors
#[derive(Debug, Clone, clap::Args)]
pub struct SchemaArgs {
    /// Only check that FILE holds this schema; fails when it does not
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub check: Option<PathBuf>,
    /// Write it to FILE
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes the schema to `out` or to the file named, or checks a file.
pub fn run(args: &SchemaArgs, out: &mut impl Output) -> Result<(), CliError> {
    let schema = schema_text().map_err(ScenarioError::from)?;
    if let Some(path) = &args.check {
        let committed =
            std::fs::read_to_string(path).map_err(|source| ScenarioError::Read { path: path.clone(), source })?;
        return if committed == schema { Ok(()) } else { Err(ScenarioError::StaleSchema(path.clone()).into()) };
    }
    match &args.output {
        Some(path) => {
            let failed = |source| CliError::File { doing: "write", path: path.clone(), source };
            std::fs::write(path, schema).map_err(failed)
        }
        None => Ok(write!(out, "{schema}")?),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Editors and CI read the committed schema: it must be the one of the types.
    #[test]
    fn the_committed_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/scenario.json");
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            committed,
            schema_text().unwrap(),
            "stale; renew it: cargo run -- scenario schema --output harness/schema/scenario.json"
        );
    }
}
