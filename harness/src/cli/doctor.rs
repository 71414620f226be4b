//! `harness doctor`: what this machine has of what trials need.

use console::{Color, Style};
use hourglass_base::{Check, ExitStatus, RuntimeKind, Verdict};
use hourglass_machine::{Diagnosis, gather};
use hourglass_report::takes_colour;

use super::{
    CliError, Output,
    doctor_cluster::{self, ClusterArgs},
    format::FormatArgs,
};

/// Looks at the machine: what it has of what trials need, and what to do about the rest
///
/// JSON has `usable`, `unusable` with the checks that say why, and `checks`, each with `name`, `verdict` (ok, warning,
/// missing), `needed_by`, `finding` and `remedy`.
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
    /// A cluster instead of the machine
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Writes what was found to `out`.
pub async fn run(args: &DoctorArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    if args.cluster.any() {
        return doctor_cluster::run(&args.cluster, args.format.is_json(), out).await;
    }
    let diagnosis = Diagnosis::of(&gather().await);
    let text = if args.format.is_json() {
        serde_json::to_string_pretty(&diagnosis)? + "\n"
    } else {
        table(&diagnosis, takes_colour(&std::io::stdout()))
    };
    write!(out, "{text}")?;
    Ok(diagnosis.status(&args.runtimes))
}

/// A line a check, with its remedy below it, and at the end what can be used.
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

/// A line a check, with its remedy below it.
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
