//! The arguments of `harness run` and `harness gc` that name a cluster.

use std::path::PathBuf;

use clap::{ValueEnum as _, builder::NonEmptyStringValueParser};
use hourglass_base::ComponentHost;
use hourglass_cluster::{ClusterChoice, ClusterName, ExistingChoice, OperatorChoice, OwnImages};
use hourglass_runner::Keep;
use hourglass_scenario::{ScenarioError, Trial};

use super::CliError;

/// What gives trials a namespace.
const GIVEN: &str = "`--namespace`, or `namespace` of the project file,";

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
    /// Whether an existing cluster is named.
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
    /// [default: install]
    #[arg(long, value_enum)]
    pub operator: Option<OperatorChoice>,
    /// The registry, and folder in it, that nodes of that cluster pull the harness's own images from; default: they have
    /// them
    #[arg(long, value_name = "REGISTRY", value_parser = NonEmptyStringValueParser::new())]
    pub registry: Option<String>,
    /// An image that holds this harness, for that cluster; default: as `harness image build components` calls it
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    pub components_image: Option<String>,
    /// An image that holds Anvil, for that cluster; default: as `harness image build anvil` calls it
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    pub anvil_image: Option<String>,
    /// Trials use this namespace of that cluster, one after the other, instead of making their own, and the operator that
    /// runs there; for users who may make no namespace. It must have no workloads of others
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace_name)]
    pub namespace: Option<String>,
}

impl ClusterChoiceArgs {
    /// The choice, for these trials. Fails if an option is given that none of them would use.
    pub fn choice(&self, trials: &[Trial]) -> Result<ClusterChoice, CliError> {
        if let (Some(option), false) = (self.first(), trials.iter().any(in_cluster)) {
            let reason = "none of the trials uses the kubernetes runtime".to_owned();
            return Err(without_effect(option, reason, "choose `--runtime kubernetes`, or leave the option out"));
        }
        if !self.existing.any() {
            if let Some(option) = self.first_of_existing() {
                let reason = "the kubernetes runtime uses it only in a cluster that others made".to_owned();
                return Err(without_effect(option, reason, "name that cluster with `--kubeconfig` or `--context`"));
            }
            return Ok(ClusterChoice::Ours { name: self.cluster.clone() });
        }
        if self.registry.is_some() && self.components_image.is_some() && self.anvil_image.is_some() {
            let reason =
                "`--components-image` and `--anvil-image` name all images of the kubernetes runtime".to_owned();
            return Err(without_effect("--registry", reason, "leave one of the three out"));
        }
        let ExistingArgs { kubeconfig, context } = self.existing.clone();
        let images = OwnImages {
            registry: self.registry.clone(),
            components: self.components_image.clone(),
            anvil: self.anvil_image.clone(),
        };
        let namespace = self.namespace(trials).map(str::to_owned);
        if namespace.is_some() && self.operator == Some(OperatorChoice::Install) {
            let reason = format!("with {GIVEN}, the kubernetes runtime installs nothing outside of the namespace");
            return Err(without_effect("--operator install", reason, "leave one of the two out"));
        }
        let of_cluster = if namespace.is_some() { OperatorChoice::Existing } else { OperatorChoice::default() };
        let operator = self.operator.unwrap_or(of_cluster);
        Ok(ClusterChoice::Existing(ExistingChoice { kubeconfig, context, operator, images, namespace }))
    }

    /// The namespace that these trials use instead of their own: that of the option or, in a cluster that others made, that of
    /// the project.
    pub(super) fn namespace<'a>(&'a self, trials: &'a [Trial]) -> Option<&'a str> {
        let of_project = |trial: &'a Trial| trial.project.as_ref()?.document.namespace.as_deref();
        let in_clusters = || trials.iter().filter(|trial| self.existing.any() && in_cluster(trial));
        self.namespace.as_deref().or_else(|| in_clusters().find_map(of_project))
    }

    /// Fails if all of the trials use an image of Anvil, so that `--anvil` has no effect.
    pub(super) fn leaves_anvil_to_be_chosen(&self, trials: &[Trial]) -> Result<(), CliError> {
        if self.anvil_image.is_none() || !trials.iter().all(in_cluster) {
            return Ok(());
        }
        let reason = "all of the trials use the kubernetes runtime, and `--anvil-image` names its Anvil".to_owned();
        Err(without_effect("--anvil", reason, "leave one of the two out"))
    }

    /// Fails if trials would keep the namespace from each other: it has one at a time.
    pub(super) fn leaves_namespace_free(
        &self,
        trials: &[Trial],
        jobs: Option<usize>,
        keep: Keep,
    ) -> Result<(), CliError> {
        if self.namespace(trials).is_none() {
            return Ok(());
        }
        let refused = [("--jobs", jobs.is_some_and(|jobs| jobs > 1)), ("--keep", keep != Keep::Never)];
        match refused.into_iter().find(|(_, refused)| *refused) {
            Some((option, _)) => {
                let reason = format!("the namespace of {GIVEN} has one trial of the kubernetes runtime at a time");
                Err(without_effect(option, reason, "leave one of the two out"))
            }
            None => Ok(()),
        }
    }

    /// The options that are given and that concern `trial`, with their values.
    pub(super) fn options(&self, trial: &Trial) -> Vec<(&'static str, String)> {
        if !in_cluster(trial) {
            return Vec::new();
        }
        let operator = self.operator.and_then(|operator| Some(operator.to_possible_value()?.get_name().to_owned()));
        let given = [
            ("--cluster", self.cluster.as_ref().map(ToString::to_string)),
            ("--kubeconfig", self.existing.kubeconfig.as_ref().map(|path| path.display().to_string())),
            ("--context", self.existing.context.clone()),
            ("--operator", operator),
            ("--registry", self.registry.clone()),
            ("--components-image", self.components_image.clone()),
            ("--anvil-image", self.anvil_image.clone()),
            ("--namespace", self.namespace.clone()),
        ];
        given.into_iter().filter_map(|(option, value)| Some((option, value?))).collect()
    }

    /// The first option that is given.
    fn first(&self) -> Option<&'static str> {
        let given = [
            ("--cluster", self.cluster.is_some()),
            ("--kubeconfig", self.existing.kubeconfig.is_some()),
            ("--context", self.existing.context.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option).or_else(|| self.first_of_existing())
    }

    /// The first given option that needs an existing cluster.
    fn first_of_existing(&self) -> Option<&'static str> {
        let given = [
            ("--operator", self.operator.is_some()),
            ("--registry", self.registry.is_some()),
            ("--components-image", self.components_image.is_some()),
            ("--anvil-image", self.anvil_image.is_some()),
            ("--namespace", self.namespace.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}

/// A namespace has the name of a host: the API server refuses others.
fn namespace_name(text: &str) -> Result<String, String> {
    let allowed = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    let is_sound =
        (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-');
    let rule =
        "a namespace has 1 to 63 lowercase letters, digits and hyphens, and neither begins nor ends with a hyphen";
    if is_sound { Ok(text.to_owned()) } else { Err(rule.to_owned()) }
}

fn in_cluster(trial: &Trial) -> bool {
    trial.runtime.capabilities().host == ComponentHost::Cluster
}

fn without_effect(option: &'static str, reason: String, remedy: &'static str) -> CliError {
    ScenarioError::WithoutEffect { option, reason, remedy }.into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use hourglass_base::RuntimeKind;
    use hourglass_scenario::{Loader, Project};

    use super::*;

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

    /// An option that would silently have no effect is refused.
    #[rstest::rstest]
    #[case(&["--operator", "existing"], "--operator")]
    #[case(&["--registry", "r.example"], "--registry")]
    #[case(&["--cluster", "a", "--anvil-image", "anvil"], "--anvil-image")]
    #[case(&["--namespace", "team-a"], "--namespace")]
    #[case(&["--context", "c", "--namespace", "team-a", "--operator", "install"], "--operator install")]
    #[case(&["--context", "c", "--registry", "r", "--components-image", "c", "--anvil-image", "a"], "--registry")]
    fn options_of_another_cluster_need_one(#[case] words: &[&str], #[case] option: &str) {
        let error = parse(words).unwrap().choice(&trials(RuntimeKind::Kubernetes)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("failed to use {option}: ")) && error.contains("kubernetes"),
            "{words:?}: {error}"
        );
    }

    #[rstest::rstest]
    #[case::capitals("Team")]
    #[case::hyphen("-a")]
    #[case::empty("")]
    #[case::file("a/b")]
    fn what_is_no_namespace_is_refused(#[case] name: &str) {
        let error = parse(&["--context", "c", &format!("--namespace={name}")]).unwrap_err();
        assert!(error.to_string().contains("lowercase letters"), "{error}");
    }

    /// Nothing is installed in a cluster where the user has one namespace.
    #[test]
    fn a_given_namespace_needs_an_operator_that_is_there() {
        let args = parse(&["--context", "c", "--namespace", "team-a"]).unwrap();
        let ClusterChoice::Existing(existing) = args.choice(&trials(RuntimeKind::Kubernetes)).unwrap() else {
            panic!("a context is of a cluster that others made");
        };
        assert_eq!((existing.operator, existing.namespace.as_deref()), (OperatorChoice::Existing, Some("team-a")));
        let kubernetes = trials(RuntimeKind::Kubernetes);
        args.leaves_namespace_free(&kubernetes, Some(1), Keep::Never).unwrap();
        for (jobs, keep, option) in [(Some(2), Keep::Never, "--jobs"), (None, Keep::Failed, "--keep")] {
            let error = args.leaves_namespace_free(&kubernetes, jobs, keep).unwrap_err().to_string();
            assert!(error.starts_with(&format!("failed to use {option}: ")), "{error}");
        }
    }

    /// Where trials make their own namespaces, that of the project is not used, and no option is missed.
    #[rstest::rstest]
    #[case::of_the_project(&["--context", "c"], RuntimeKind::Kubernetes, Some("team-a"))]
    #[case::of_the_option(&["--context", "c", "--namespace", "team-b"], RuntimeKind::Kubernetes, Some("team-b"))]
    #[case::our_cluster(&[], RuntimeKind::Kubernetes, None)]
    #[case::no_cluster(&[], RuntimeKind::Process, None)]
    fn a_project_names_the_namespace_in_a_cluster_of_others(
        #[case] words: &[&str],
        #[case] runtime: RuntimeKind,
        #[case] expected: Option<&str>,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("harness.yaml");
        std::fs::write(&file, "namespace: team-a\n").unwrap();
        let project = Project::load(&file).unwrap();
        let mut trials = trials(runtime);
        trials[0].project = Some(project.into());
        let args = parse(words).unwrap();
        let choice = args.choice(&trials).unwrap();
        let chosen = match &choice {
            ClusterChoice::Existing(existing) => existing.namespace.as_deref(),
            ClusterChoice::Ours { .. } => None,
        };
        assert_eq!((chosen, args.namespace(&trials)), (expected, expected));
        let several = args.leaves_namespace_free(&trials, Some(2), Keep::Never);
        assert_eq!(several.is_err(), expected.is_some(), "one trial at a time");
    }

    #[test]
    fn our_cluster_and_an_existing_one_exclude_each_other() {
        assert!(parse(&["--cluster", "a", "--context", "lab"]).is_err());
    }

    #[test]
    fn an_unused_cluster_option_is_refused() {
        let error = parse(&["--context", "lab"]).unwrap().choice(&trials(RuntimeKind::Docker)).unwrap_err();
        assert_eq!(error.to_string(), "failed to use --context: none of the trials uses the kubernetes runtime");
        parse(&[]).unwrap().choice(&trials(RuntimeKind::Docker)).unwrap();
    }
}
