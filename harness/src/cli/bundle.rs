//! `harness bundle`: packs the evidence of a trial into one archive; and the archives of `harness run --bundle`.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::builder::NonEmptyStringValueParser;
use hourglass_base::{blocking, private};
use hourglass_bundle::{Limits, Packed, file_name, pack};
use hourglass_component::text::safe_line;
use hourglass_reaper::RunDir;
use hourglass_report::RunReport;
use hourglass_runner::{
    RunFolders, again_with_options, first_page,
    verdict::{TrialReport, Verdict},
};

use super::{CliError, Output, notice};

/// How many things that are left out are named.
const SHOWN: usize = 10;

/// Packs the folder of a trial into one archive of at most 20 MB, to be attached to a report of a defect
///
/// The first file, `index.md`, says what failed, and what was left out. Large logs are cut in the middle. Private keys,
/// tokens and passwords are replaced. Takes ten seconds at most.
#[derive(Debug, Clone, clap::Args)]
pub struct BundleArgs {
    /// The run's id or its beginning; default: the latest that has a folder
    #[arg(value_name = "RUN", value_parser = NonEmptyStringValueParser::new())]
    pub run: Option<String>,
    /// Write the archive to this file; default: `hourglass-RUN.tar.gz` in the working folder
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Packs the folder of a run, and writes to `out` what became of it.
pub fn run(args: &BundleArgs, out: &mut impl Output) -> Result<(), CliError> {
    if args.output.as_deref() == Some(Path::new("-")) {
        let message = "failed to write the archive to standard output, which tells about it; name a file with --output";
        return Err(CliError::Usage(message.to_owned()));
    }
    let folders = RunFolders::locate();
    folders.check()?;
    let found = find(args.run.as_deref(), folders.runs())?;
    let archive = args.output.clone().unwrap_or_else(|| file_name(&found.folder).into());
    let Packed { path, bytes, files, left_out, took } = pack(&found.folder, None, &archive, Limits::default())?;
    let (path, bytes, took) = (path.display(), ByteSize(bytes), took.as_secs_f64());
    writeln!(out, "{path}: {bytes}, {files} files, in {took:.1} s")?;
    for remark in left_out.iter().take(SHOWN) {
        writeln!(out, "  left out  {}", safe_line(remark))?;
    }
    if left_out.len() > SHOWN {
        writeln!(out, "  left out  {} more files", left_out.len() - SHOWN)?;
    }
    Ok(())
}

/// The only run whose id begins with a text, else the latest.
fn find(wanted: Option<&str>, mut runs: Vec<RunDir>) -> Result<RunDir, CliError> {
    let Some(wanted) = wanted else {
        let none =
            || CliError::Usage("no run has a folder; `harness run --keep always` keeps that of each trial".to_owned());
        return runs.pop().ok_or_else(none);
    };
    let is_exact = |run: &RunDir| run.run.as_str() == wanted;
    let is_meant = |run: &RunDir| run.run.as_str().starts_with(wanted);
    if !runs.iter().any(is_exact) && runs.iter().filter(|run| is_meant(run)).count() > 1 {
        let meant: Vec<_> = runs.iter().filter(|run| is_meant(run)).map(|run| run.run.as_str()).collect();
        let message = format!("several runs begin with {}: {}", safe_line(wanted), meant.join(", "));
        return Err(CliError::Usage(message));
    }
    let place = runs.iter().position(is_exact).or_else(|| runs.iter().position(is_meant));
    place.map(|place| runs.swap_remove(place)).ok_or_else(|| unknown(wanted))
}

pub(super) fn unknown(wanted: &str) -> CliError {
    let wanted = safe_line(wanted);
    CliError::Usage(format!("no run {wanted} has a folder; `harness runs list` lists all runs with their folders"))
}

/// Creates the folder of `--bundle` before anything is run.
pub(super) fn prepare(folder: &Path) -> Result<(), CliError> {
    let file = |source| CliError::File { doing: "create", path: folder.to_owned(), source };
    private::create_folders(folder).map_err(file)?;
    // One that exists may belong to somebody else.
    tempfile::tempfile_in(folder).map(drop).map_err(file)
}

/// Packs each trial that did not pass into a file in `folder`, and returns what could not be packed.
pub(super) async fn each_failure(report: &RunReport, folder: &Path, command: &str) -> Vec<CliError> {
    let is_failure =
        |trial: &&TrialReport| matches!(trial.verdict, Verdict::Failed { .. } | Verdict::EnvironmentFailed { .. });
    let mut errors = Vec::new();
    for trial in report.trials.iter().filter(is_failure) {
        let page = first_page(trial, Some(&again_with_options(trial, command)));
        let (from, into) = (trial.directory.clone(), folder.join(file_name(&trial.directory)));
        match blocking(move || pack(&from, Some(&page), &into, Limits::default())).await {
            Ok(packed) => {
                let (size, path) = (ByteSize(packed.bytes), packed.path.display());
                notice(&format!("{}: {size} of evidence in {path}", trial.trial));
            }
            Err(error) => errors.push(error.into()),
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Vec<RunDir> {
        let ids = ["r00000000a-00000000", "r00000000b-00000000", "r0000000bb-00000000"];
        ids.map(|id| RunDir::here(id.parse().unwrap(), PathBuf::from("/runs").join(id))).into()
    }

    #[rstest::rstest]
    #[case::latest(None, Ok("r0000000bb-00000000"))]
    #[case::whole(Some("r00000000a-00000000"), Ok("r00000000a-00000000"))]
    #[case::beginning(Some("r00000000b"), Ok("r00000000b-00000000"))]
    #[case::several(Some("r00000000"), Err("several runs begin with r00000000: r00000000a-00000000, r00000000b-"))]
    #[case::none(Some("r1"), Err("no run r1 has a folder"))]
    fn a_run_is_found_by_the_beginning_of_its_id(#[case] wanted: Option<&str>, #[case] expected: Result<&str, &str>) {
        match (find(wanted, runs()), expected) {
            (Ok(found), Ok(id)) => assert_eq!(found.run.as_str(), id),
            (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
            (found, _) => panic!("{wanted:?}: {found:?}"),
        }
    }
}
