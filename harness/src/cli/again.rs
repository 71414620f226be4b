//! The options that trials had, for the command that runs one of them again.

use std::{path::Path, slice, time::Duration};

use hourglass_runner::quoted;
use hourglass_scenario::{AllowedErrors, Assignment, ContractFile, Images, Overrides, Trial};

use super::{AnvilArgs, CliError, run_cluster::ClusterChoiceArgs};

/// What a command line says besides which trials are meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// Values of variables.
    pub(super) set: &'a [Assignment],
    /// Contracts in place of those of the harness.
    pub(super) contracts: &'a [ContractFile],
    /// The project file, if it is named.
    pub(super) project: Option<&'a Path>,
    /// Images of the user's.
    pub(super) images: &'a Images,
    /// Errors that may be logged.
    pub(super) allowed_errors: &'a AllowedErrors,
    /// The cluster of Kubernetes trials.
    pub(super) cluster: &'a ClusterChoiceArgs,
    /// How long a trial may take.
    pub(super) trial_timeout: Option<Duration>,
    /// Where chains come from.
    pub(super) anvil: &'a AnvilArgs,
}

impl Given<'_> {
    /// Gives each trial the options that run it again by itself. What has no effect on it is left out: it would be refused
    /// there.
    pub(super) fn note(&self, trials: &mut [Trial]) -> Result<(), CliError> {
        let overrides = Overrides::of_process(self.set)?;
        for trial in trials {
            trial.options =
                self.options(trial, &overrides).into_iter().map(|(name, value)| word(name, &value)).collect();
        }
        Ok(())
    }

    fn options(&self, trial: &Trial, overrides: &Overrides) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        let declared = |name: &str| trial.scenario.variables.contains_key(name);
        let mut options: Vec<_> =
            overrides.assignments(declared).map(|assignment| ("--set", assignment.to_string())).collect();
        options.extend(self.contracts.iter().map(|contract| ("--contract", contract.to_string())));
        // The embedded scenarios belong to no project.
        let project = self.project.filter(|_| trial.project.is_some());
        options.extend(project.map(|path| ("--project", text(path))));
        options.extend(self.images.options(trial));
        options.extend(self.allowed_errors.expressions.iter().map(|expression| ("--allow-error", expression.clone())));
        options.extend(self.cluster.options(trial));
        let time = |limit| humantime::format_duration(limit).to_string().replace(' ', "");
        options.extend(self.trial_timeout.map(|limit| ("--trial-timeout", time(limit))));
        if self.cluster.leaves_anvil_to_be_chosen(slice::from_ref(trial)).is_ok() {
            options.extend(self.anvil.anvil.as_deref().map(|path| ("--anvil", text(path))));
        }
        options
    }
}

/// An option with its value, for a shell. A value that begins like an option needs `=`.
fn word(name: &str, value: &str) -> String {
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{separator}{}", quoted(value))
}

#[cfg(test)]
mod tests {
    use hourglass_base::RuntimeKind;
    use hourglass_cluster::OperatorChoice;
    use hourglass_scenario::Loader;

    use super::*;
    use crate::cli::run_cluster::ExistingArgs;

    fn trials(variables: &str, payload: &str, runtime: RuntimeKind) -> Vec<Trial> {
        let text = format!(
            "name: own\ndescription: A user's own.\n{variables}steps:\n  - create_task: {{payload: \"{payload}\"}}\n  - expect_verified: {{}}\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[runtime])
    }

    /// A newcomer copies the command: without an option it would test something else.
    #[rstest::rstest]
    #[case::of_a_process(
        RuntimeKind::Process,
        &["--set 'count=1 2'", "--contract 'task_mailbox=my out/TaskMailbox.json'", "--allow-error=-x", "--trial-timeout 1m30s", "--anvil '/my own/anvil'"]
    )]
    #[case::in_a_cluster(
        RuntimeKind::Kubernetes,
        &["--set 'count=1 2'", "--contract 'task_mailbox=my out/TaskMailbox.json'", "--performer-image mine:1", "--allow-error=-x", "--context lab", "--operator existing",
          "--trial-timeout 1m30s", "--anvil '/my own/anvil'"]
    )]
    fn a_trial_is_run_again_with_its_options(#[case] runtime: RuntimeKind, #[case] expected: &[&str]) {
        let cluster = ClusterChoiceArgs {
            existing: ExistingArgs { context: Some("lab".to_owned()), ..ExistingArgs::default() },
            operator: Some(OperatorChoice::Existing),
            ..ClusterChoiceArgs::default()
        };
        let given = Given {
            set: &["other=x".parse().unwrap(), "count=1 2".parse().unwrap()],
            contracts: &["task_mailbox=my out/TaskMailbox.json".parse().unwrap()],
            project: Some(Path::new("elsewhere/harness.yaml")),
            images: &Images { performer: Some("mine:1".to_owned()), ..Images::default() },
            allowed_errors: &AllowedErrors { expressions: vec!["-x".to_owned()] },
            cluster: &cluster,
            trial_timeout: Some(Duration::from_secs(90)),
            anvil: &AnvilArgs { anvil: Some("/my own/anvil".into()), offline: false },
        };
        let mut trials = trials("variables: {count: \"1\"}\n", "${count}", runtime);
        given.note(&mut trials).unwrap();
        let [trial] = trials.as_slice() else { panic!("{trials:?}") };
        assert_eq!(*trial.options, *expected);
    }

    #[test]
    fn a_trial_without_options_needs_none() {
        let given = Given {
            set: &[],
            contracts: &[],
            project: None,
            images: &Images::default(),
            allowed_errors: &AllowedErrors::default(),
            cluster: &ClusterChoiceArgs::default(),
            trial_timeout: None,
            anvil: &AnvilArgs::default(),
        };
        let mut trials = trials("", "1", RuntimeKind::Kubernetes);
        given.note(&mut trials).unwrap();
        assert!(trials[0].options.is_empty(), "{trials:?}");
    }
}
