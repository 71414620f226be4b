//! `harness schema`: the JSON Schemas of the documents that the harness reads and writes; `harness scenario schema`:
//! that of scenario files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::ValueEnum as _;
use hourglass_scenario::ScenarioError;

use super::{CliError, Output, document::Document};

/// Prints the JSON Schema of what a command writes, or of scenario files
#[derive(Debug, Clone, clap::Args)]
pub struct SchemaArgs {
    /// The document; default: scenario files or, for a folder, all documents
    #[arg(value_name = "DOCUMENT", value_enum)]
    pub document: Option<Document>,
    /// Where the schema is written or compared
    #[command(flatten)]
    pub place: SchemaPlace,
}

/// Prints the JSON Schema of scenario files, for editors
#[derive(Debug, Clone, clap::Args)]
pub struct ScenarioSchemaArgs {
    /// Where the schema is written or compared
    #[command(flatten)]
    pub place: SchemaPlace,
}

/// Where a schema goes: to standard output if nothing else is said.
#[derive(Debug, Clone, clap::Args)]
pub struct SchemaPlace {
    /// Only check that FILE holds this schema; fails when it does not. In a folder, the file DOCUMENT.json
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub check: Option<PathBuf>,
    /// Write it to FILE; in a folder, to DOCUMENT.json
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes the schemas to `out` or to the file or folder named, or checks the existing ones.
pub fn run(args: &SchemaArgs, out: &mut impl Output) -> Result<(), CliError> {
    let SchemaPlace { check, output } = &args.place;
    let folder = check.as_ref().or(output.as_ref()).is_some_and(|path| path.is_dir());
    let documents = match args.document {
        Some(document) => vec![document],
        None if folder => Document::value_variants().to_vec(),
        None => vec![Document::Scenario],
    };
    documents.into_iter().try_for_each(|document| place(document, &args.place, out))
}

/// The same for scenario files alone.
pub fn of_scenarios(args: &ScenarioSchemaArgs, out: &mut impl Output) -> Result<(), CliError> {
    place(Document::Scenario, &args.place, out)
}

fn place(document: Document, place: &SchemaPlace, out: &mut impl Output) -> Result<(), CliError> {
    let schema = document.schema()?;
    if let Some(path) = &place.check {
        let path = file_of(document, path);
        let committed =
            fs::read_to_string(&path).map_err(|source| ScenarioError::Read { path: path.clone(), source })?;
        let stale = ScenarioError::StaleSchema { document: document.name(), path };
        return if committed == schema { Ok(()) } else { Err(stale.into()) };
    }
    match &place.output {
        Some(path) => {
            let path = file_of(document, path);
            fs::write(&path, schema).map_err(|source| CliError::File { doing: "write", path, source })
        }
        None => Ok(write!(out, "{schema}")?),
    }
}

fn file_of(document: Document, path: &Path) -> PathBuf {
    if path.is_dir() { path.join(document.name()).with_extension("json") } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Editors, programs and CI read the committed schemas: they must be those of the types.
    #[test]
    fn the_committed_schemas_are_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
        for document in Document::value_variants() {
            let committed = fs::read_to_string(file_of(*document, &folder)).unwrap_or_default();
            assert_eq!(
                committed,
                document.schema().unwrap(),
                "{} is stale; renew it: cargo run -- schema --output harness/schema",
                document.name()
            );
        }
    }
}
