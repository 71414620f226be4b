//! `harness doctor`: which requirements of trials this machine meets.

use std::path::PathBuf;

use console::{Color, Style};
use hourglass_base::{Check, ExitStatus, RuntimeKind, Verdict, Version};
use hourglass_machine::{Diagnosis, gather};
use hourglass_report::takes_colour;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    CliError, Output,
    doctor_cluster::{self, ClusterArgs},
    format::FormatArgs,
    list::json,
};

/// Looks at the machine: what it has of what trials need, and what to do about the rest
///
/// JSON has `version`, `usable`, `unusable` with the checks that say why, and `checks`, each with `name`, `verdict` (ok, warning,
/// missing), `needed_by`, `finding` and `remedy`; of a cluster it has `cluster`, `usable` and `checks`. `harness schema doctor` and `harness
/// schema cluster-doctor` describe them.
///
/// In a project with `deploy_scripts`, it also looks for the tools that these call: forge, cast, jq, yq and make. One that is absent is a
/// warning.
///
/// Ends with 0 when the runtimes asked for can be used, warnings or not, and with 3 when they cannot.
#[derive(Debug, Clone, clap::Args)]
pub struct DoctorArgs {
    /// How to write it
    #[command(flatten)]
    pub format: FormatArgs,
    /// The runtimes that the exit code is about; default: process and docker
    #[arg(
        long = "runtime",
        value_name = "RUNTIME",
        value_enum,
        value_delimiter = ',',
        conflicts_with_all = ["cluster", "kubeconfig", "context"]
    )]
    pub runtimes: Vec<RuntimeKind>,
    /// The project file, whose deploy scripts need tools [default: `harness.yaml` in the current folder or in the nearest folder
    /// above it]
    #[arg(long, value_name = "FILE", env = "HARNESS_PROJECT")]
    pub project: Option<PathBuf>,
    /// A cluster instead of the machine
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What the machine is fit for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Diagnosis of a machine")]
pub(super) struct MachineReport<'a> {
    version: Version<1>,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

/// Writes what was found to `out`.
pub async fn run(args: &DoctorArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    if args.cluster.any() {
        return doctor_cluster::run(&args.cluster, args.format.is_json(), out).await;
    }
    let diagnosis = Diagnosis::of(&gather(args.project.clone()).await);
    if args.format.is_json() {
        json(&MachineReport { version: Version, diagnosis: &diagnosis }, out)?;
    } else {
        write!(out, "{}", table(&diagnosis, takes_colour(&std::io::stdout())))?;
    }
    Ok(diagnosis.status(&args.runtimes))
}

/// One line for each check, with its remedy below it, and at the end what can be used.
fn table(diagnosis: &Diagnosis, colour: bool) -> String {
    let rows = rows(&diagnosis.checks, colour);
    let usable: Vec<_> = diagnosis.usable.iter().map(|runtime| runtime.as_str()).collect();
    let usable = if usable.is_empty() { "no runtime".to_owned() } else { usable.join(", ") };
    let bold = Style::new().force_styling(colour).bold();
    let unusable = diagnosis.unusable.iter().map(|entry| {
        let because = entry.because.join(", ");
        format!("{} {} (missing: {because})\n", bold.apply_to("Not usable"), entry.runtime)
    });
    let unusable: String = unusable.collect();
    format!("{rows}\n{} {usable}\n{unusable}", bold.apply_to("Usable"))
}

/// One line for each check, with its remedy below it.
pub(super) fn rows(checks: &[Check], colour: bool) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    checks.iter().map(|check| row(check, width, colour)).collect()
}

fn row(check: &Check, width: usize, colour: bool) -> String {
    let plain = Style::new().force_styling(colour);
    let style = match check.verdict {
        Verdict::Ok => plain.clone().fg(Color::Green),
        Verdict::Warning => plain.clone().fg(Color::Yellow),
        Verdict::Missing => plain.clone().fg(Color::Red).bold(),
    };
    let verdict = style.apply_to(format!("{:<7}", check.verdict.as_str()));
    let remedy = check.remedy.as_ref().map(|remedy| {
        let arrow = plain.dim().apply_to("→");
        format!("{:width$}  {arrow} {remedy}\n", "", width = 7 + 2 + width)
    });
    format!("{verdict}  {:<width$}  {}\n{}", check.name, check.finding, remedy.unwrap_or_default())
}
