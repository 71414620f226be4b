//! Who is to blame for an error: a component under test, so that the trial has failed, or the environment, so that the
//! trial says nothing. docs/blame.md has the table.

use std::io;

use hourglass_base::RuntimeKind;
use hourglass_component::causes::with_causes;
use hourglass_image::{BuildError, ImageError};
use hourglass_runtime::RuntimeError;
use hourglass_scenario::{ComponentRef, Components};
use rustix::io::Errno;

use super::{
    failure::{EnvironmentError, remedy},
    verdict::Violation,
};

/// The components under test besides performers, which always are: those that the scenario replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnderTest {
    executors: bool,
    aggregator: bool,
}

impl UnderTest {
    /// The components under test of a trial.
    pub(super) fn of(components: &Components, runtime: RuntimeKind) -> Self {
        Self {
            executors: components.executor.is_replaced_on(runtime),
            aggregator: components.aggregator.is_replaced_on(runtime),
        }
    }

    fn includes(self, component: &ComponentRef) -> bool {
        match component {
            ComponentRef::Performer(_) => true,
            ComponentRef::Executor(_) => self.executors,
            ComponentRef::Aggregator => self.aggregator,
        }
    }

    /// The component under test that is to blame for an error; `None` if the environment is.
    pub(super) fn to_blame_for(self, error: &EnvironmentError) -> Option<String> {
        let EnvironmentError::Runtime(error) = error else { return None };
        let component = match error {
            RuntimeError::Performer { performer, .. } => performer,
            RuntimeError::Spawn { source, .. } if is_exhaustion(source) => return None,
            RuntimeError::Spawn { component, .. }
            | RuntimeError::Ended { component, .. }
            | RuntimeError::NotReady { component, .. }
            | RuntimeError::Health { component, .. } => component,
            // Only images that the scenario names are looked for.
            RuntimeError::Image(
                ImageError::NotFound { component, .. }
                | ImageError::OtherArchitecture { component, .. }
                | ImageError::Build(BuildError::Failed { component, .. }),
            ) => return Some(component.clone()),
            _ => return None,
        };
        self.includes(component).then(|| component.to_string())
    }

    /// The violation for an error, if a component under test is to blame for it; `timeline` is shown with it.
    pub(super) fn violation(
        self,
        error: &EnvironmentError,
        timeline: impl FnOnce() -> Vec<String>,
    ) -> Option<Violation> {
        let part = self.to_blame_for(error)?;
        let remedy = remedy(error).map(|remedy| format!("\nremedy: {remedy}")).unwrap_or_default();
        Some(Violation {
            what: format!("start of {part}"),
            place: None,
            expected: expected(&part).to_owned(),
            seen: format!("{}{remedy}", with_causes(error)),
            task: None,
            timeline: timeline(),
        })
    }
}

fn expected(part: &str) -> &'static str {
    if part.starts_with("performer") {
        "it serves gRPC without TLS on GRPC_PORT, and its health says SERVING"
    } else {
        "it starts, and answers where its configuration says"
    }
}

/// Whether the machine has too few resources left to start anything.
fn is_exhaustion(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::AGAIN | Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hourglass_chain::SetupError;
    use hourglass_component::health::HealthError;
    use hourglass_engine::EngineError;
    use hourglass_scenario::Component;

    use super::*;

    const REFERENCE: UnderTest = UnderTest { executors: false, aggregator: false };
    const REPLACED: UnderTest = UnderTest { executors: true, aggregator: true };

    fn component(name: &str) -> ComponentRef {
        name.parse().unwrap()
    }

    fn spawn(name: &str, code: Errno) -> RuntimeError {
        let source = io::Error::from_raw_os_error(code.raw_os_error());
        RuntimeError::Spawn { component: component(name), program: "p".to_owned(), source }
    }

    fn ended(name: &str) -> RuntimeError {
        let (status, output) = ("exit status: 7".to_owned(), "  out of abacuses".to_owned());
        RuntimeError::Ended { component: component(name), status, output }
    }

    fn not_ready(name: &str) -> RuntimeError {
        let (state, output) = ("NOT_SERVING".to_owned(), String::new());
        RuntimeError::NotReady { component: component(name), within: Duration::from_secs(1), state, output }
    }

    fn health(name: &str) -> RuntimeError {
        let (endpoint, last_seen) = ("e".to_owned(), "s".to_owned());
        let source = HealthError::Timeout { endpoint, within: Duration::from_secs(1), last_seen };
        RuntimeError::Health { component: component(name), source }
    }

    fn performer() -> RuntimeError {
        let (how, output) = ("it ended with exit status: 7".to_owned(), "  out of abacuses".to_owned());
        RuntimeError::Performer { performer: component("performer/alice"), how, output }
    }

    fn missing(name: &str) -> RuntimeError {
        let (reference, component) = ("r:t".to_owned(), name.to_owned());
        ImageError::NotFound { reference, component, nearest: None }.into()
    }

    fn foreign(name: &str) -> RuntimeError {
        let [reference, image, engine] = ["r:t", "arm64", "amd64"].map(str::to_owned);
        ImageError::OtherArchitecture { reference, component: name.to_owned(), image, engine }.into()
    }

    fn unbuilt(name: &str) -> RuntimeError {
        let [component, reason, log] = [name, "COPY failed", "Step 1/2"].map(str::to_owned);
        ImageError::from(BuildError::Failed { component, path: "Dockerfile".into(), reason, log }).into()
    }

    fn unpulled() -> RuntimeError {
        let [reference, component, reason] = ["r:t", "performer", "no route"].map(str::to_owned);
        ImageError::NotPulled { reference, component, reason }.into()
    }

    fn port_taken() -> RuntimeError {
        RuntimeError::PortTaken { component: component("performer/alice"), port: 8080, holder: "h".to_owned() }
    }

    fn undelivered() -> RuntimeError {
        ImageError::NotTaken { reference: "r:t".to_owned() }.into()
    }

    fn lost_engine() -> RuntimeError {
        let source = bollard::errors::Error::RequestTimeoutError;
        RuntimeError::EngineLost(std::sync::Arc::new(EngineError::Gone { doing: "d".to_owned(), source }))
    }

    fn chain() -> RuntimeError {
        SetupError::NotFound { reason: "r".to_owned() }.into()
    }

    fn not_running(name: &str) -> RuntimeError {
        RuntimeError::Kill { component: component(name), reason: "it is not running".to_owned() }
    }

    /// The rows of docs/blame.md: who is to blame if the reference components run, and if the user's do.
    #[rstest::rstest]
    #[case::performer_as_its_executor_says(performer(), Some("performer/alice"), Some("performer/alice"))]
    #[case::performer_after_a_restart(not_ready("performer/alice"), Some("performer/alice"), Some("performer/alice"))]
    #[case::executor_program(spawn("executor/alice", Errno::NOENT), None, Some("executor/alice"))]
    #[case::executor_ended(ended("executor/alice"), None, Some("executor/alice"))]
    #[case::executor_not_ready(not_ready("executor/alice"), None, Some("executor/alice"))]
    #[case::executor_health(health("executor/alice"), None, Some("executor/alice"))]
    #[case::aggregator_program(spawn("aggregator", Errno::ACCESS), None, Some("aggregator"))]
    #[case::aggregator_ended(ended("aggregator"), None, Some("aggregator"))]
    #[case::aggregator_not_ready(not_ready("aggregator"), None, Some("aggregator"))]
    #[case::aggregator_health(health("aggregator"), None, Some("aggregator"))]
    #[case::image_missing(missing("performer"), Some("performer"), Some("performer"))]
    #[case::image_of_an_executor(missing("executor"), Some("executor"), Some("executor"))]
    #[case::image_of_other_machines(foreign("performer/bob"), Some("performer/bob"), Some("performer/bob"))]
    #[case::image_not_built(unbuilt("performer/bob"), Some("performer/bob"), Some("performer/bob"))]
    #[case::image_not_pulled(unpulled(), None, None)]
    #[case::port_taken(port_taken(), None, None)]
    #[case::image_not_delivered(undelivered(), None, None)]
    #[case::no_processes_left(spawn("executor/alice", Errno::AGAIN), None, None)]
    #[case::no_files_left(spawn("aggregator", Errno::MFILE), None, None)]
    #[case::chain(chain(), None, None)]
    #[case::engine(lost_engine(), None, None)]
    #[case::step_that_cannot_be_done(not_running("performer/alice"), None, None)]
    fn errors_are_blamed_as_documented(
        #[case] error: RuntimeError,
        #[case] reference: Option<&str>,
        #[case] replaced: Option<&str>,
    ) {
        let error = EnvironmentError::from(error);
        assert_eq!(REFERENCE.to_blame_for(&error).as_deref(), reference, "with reference components: {error}");
        assert_eq!(REPLACED.to_blame_for(&error).as_deref(), replaced, "with the user's: {error}");
    }

    /// A command replaces nothing in containers, and an image nothing among processes.
    #[rstest::rstest]
    #[case(RuntimeKind::Process, true, false)]
    #[case(RuntimeKind::Docker, false, true)]
    #[case(RuntimeKind::Kubernetes, false, true)]
    fn commands_replace_processes_and_images_replace_containers(
        #[case] runtime: RuntimeKind,
        #[case] by_command: bool,
        #[case] by_image: bool,
    ) {
        let command = Component { command: Some(vec!["c".to_owned()]), ..Component::default() };
        let image = Component { image: Some("i".to_owned()), ..Component::default() };
        let components = Components { executor: command, aggregator: image, ..Components::default() };
        let expected = UnderTest { executors: by_command, aggregator: by_image };
        assert_eq!(UnderTest::of(&components, runtime), expected);
    }

    /// The performer's own last output comes before anything else.
    #[test]
    fn the_violation_names_the_component_and_quotes_it_first() {
        let violation = REFERENCE.violation(&performer().into(), Vec::new).unwrap();
        assert_eq!(violation.what, "start of performer/alice");
        let said = "performer/alice is not ready: it ended with exit status: 7; its last output:\n  out of abacuses";
        assert!(violation.seen.starts_with(said), "{}", violation.seen);
    }
}
