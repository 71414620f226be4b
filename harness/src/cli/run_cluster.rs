//! The arguments of `harness run` and `harness gc` that name a cluster.

use std::path::PathBuf;

use super::CliError;
use crate::{
    cluster::{ClusterChoice, ClusterName, ExistingChoice, OperatorChoice, OwnImages},
    scenario::{RuntimeKind, Trial},
};

/// A cluster that others made.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "existing-cluster", multiple = true)]
pub struct ExistingArgs {
    /// A cluster that others made, where only namespaces of the harness's own are touched: that of this kubeconfig;
    /// default: KUBECONFIG, then the user's
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Its context; default: the current one, unless it looks like production
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,
}

impl ExistingArgs {
    /// Whether such a cluster is named.
    pub fn any(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }
}

/// Which cluster trials of the kubernetes runtime use.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ClusterChoiceArgs {
    /// Kubernetes trials use this cluster of ours; default: any that suits, made where there is none
    #[arg(long, value_name = "NAME", conflicts_with = "existing-cluster")]
    pub cluster: Option<ClusterName>,
    /// One that others made
    #[command(flatten)]
    pub existing: ExistingArgs,
    /// Where the operator of that cluster comes from; one that was installed is removed after its last run
    #[arg(long, value_enum, default_value_t, requires = "existing-cluster")]
    pub operator: OperatorChoice,
    /// The registry, and folder in it, that nodes of that cluster pull the harness's own images from; default: they have
    /// them
    #[arg(long, value_name = "REGISTRY", requires = "existing-cluster")]
    pub registry: Option<String>,
    /// An image that holds this harness, for that cluster; default: as `harness image build components` calls it
    #[arg(long, value_name = "IMAGE", requires = "existing-cluster")]
    pub components_image: Option<String>,
    /// An image that holds Anvil, for that cluster; default: as `harness image build anvil` calls it
    #[arg(long, value_name = "IMAGE", requires = "existing-cluster")]
    pub anvil_image: Option<String>,
}

impl ClusterChoiceArgs {
    /// The choice, for these trials. Fails where a cluster is named that none of them would use.
    pub fn choice(&self, trials: &[Trial]) -> Result<ClusterChoice, CliError> {
        let is_used = trials.iter().any(|trial| trial.runtime == RuntimeKind::Kubernetes);
        if !is_used && (self.cluster.is_some() || self.existing.any()) {
            let option = match (&self.cluster, &self.existing.kubeconfig) {
                (Some(_), _) => "--cluster",
                (None, Some(_)) => "--kubeconfig",
                (None, None) => "--context",
            };
            return Err(CliError::Usage(format!(
                "use {option}: none of the trials runs in Kubernetes; add --runtime kubernetes"
            )));
        }
        if !self.existing.any() {
            return Ok(ClusterChoice::Ours { name: self.cluster.clone() });
        }
        let ExistingArgs { kubeconfig, context } = self.existing.clone();
        let images = OwnImages {
            registry: self.registry.clone(),
            components: self.components_image.clone(),
            anvil: self.anvil_image.clone(),
        };
        Ok(ClusterChoice::Existing(ExistingChoice { kubeconfig, context, operator: self.operator, images }))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::scenario::Loader;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        cluster: ClusterChoiceArgs,
    }

    fn parse(words: &[&str]) -> Result<ClusterChoiceArgs, clap::Error> {
        Line::try_parse_from(["run"].iter().chain(words)).map(|line| line.cluster)
    }

    fn trials(runtime: RuntimeKind) -> Vec<Trial> {
        let text = "name: own\ndescription: A user's own.\nsteps:\n  - create_task: {payload: \"1\"}\n  - expect_verified: {}\n";
        Loader::new().unwrap().parse(Path::new("own.yaml"), text.to_owned()).unwrap().trials(&[runtime])
    }

    #[test]
    fn a_cluster_is_ours_unless_another_is_named() {
        let kubernetes = trials(RuntimeKind::Kubernetes);
        let choice = |words: &[&str]| parse(words).unwrap().choice(&kubernetes).unwrap();
        assert_eq!(choice(&[]), ClusterChoice::default());
        assert_eq!(choice(&["--cluster", "a"]), ClusterChoice::Ours { name: Some("a".parse().unwrap()) });
        let ClusterChoice::Existing(existing) = choice(&["--context", "lab", "--registry", "r.example"]) else {
            panic!("a context is of a cluster that others made");
        };
        assert_eq!(
            (existing.context.as_deref(), existing.images.registry.as_deref()),
            (Some("lab"), Some("r.example"))
        );
        assert_eq!(existing.operator, OperatorChoice::Install);
    }

    /// What would silently have no effect is refused.
    #[rstest::rstest]
    #[case(&["--operator", "existing"])]
    #[case(&["--registry", "r.example"])]
    #[case(&["--cluster", "a", "--anvil-image", "anvil"])]
    #[case(&["--cluster", "a", "--context", "lab"])]
    fn options_of_another_cluster_need_one(#[case] words: &[&str]) {
        assert!(parse(words).is_err(), "{words:?}");
    }

    #[test]
    fn a_cluster_that_no_trial_uses_is_a_mistake() {
        let error = parse(&["--context", "lab"]).unwrap().choice(&trials(RuntimeKind::Docker)).unwrap_err();
        assert!(error.to_string().contains("--runtime kubernetes"), "{error}");
        parse(&[]).unwrap().choice(&trials(RuntimeKind::Docker)).unwrap();
    }
}
