//! Operators, and the programs that replace reference components.

use hourglass_scenario::Pull;
use serde_json::{Map, Value, json};

use crate::document::literal;

/// An operator: one executor and the performer that it runs.
///
/// ```
/// # use hourglass_api::{Harness, Operator, Program};
/// let alice = Operator::new("alice").weight(60);
/// let bob = Operator::new("bob").weight(40).performer(Program::reference().environment("TASK_WRONG_RESULT", "true"));
/// let builder = Harness::builder().operators([alice, bob]);
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    name: String,
    weight: Option<u64>,
    performer: Program,
}

impl Operator {
    /// An operator with this name (lowercase letters, digits and `-`), a weight of 100 and the environment's performer.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), weight: None, performer: Program::default() }
    }

    /// Its share in the decision, in any unit, at least 1.
    #[must_use]
    pub fn weight(mut self, weight: u64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// This operator's performer, in place of that of [`HarnessBuilder::performer`](crate::HarnessBuilder::performer).
    #[must_use]
    pub fn performer(mut self, performer: Program) -> Self {
        self.performer = performer;
        self
    }

    pub(crate) fn into_document(self) -> Value {
        let mut operator = Map::from_iter([("name".to_owned(), literal(&self.name))]);
        operator.extend(self.weight.map(|weight| ("weight".to_owned(), weight.into())));
        operator.insert("performer".to_owned(), self.performer.into_document());
        operator.into()
    }
}

/// How a component is started; values that are not set are those of the reference component.
///
/// ```
/// # use hourglass_api::{Harness, Program};
/// let mine = Program::reference().command(["./my-performer", "--verbose"]).image("my-performer:dev").memory("64MiB");
/// let builder = Harness::builder().performer(mine);
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    command: Option<Vec<String>>,
    image: Option<String>,
    pull: Option<&'static str>,
    build: Option<Build>,
    address: Option<String>,
    port: Option<u16>,
    memory: Option<String>,
    /// A number.
    cpus: Option<Value>,
    environment_from: Option<String>,
    environment: Vec<(String, String)>,
    files: Map<String, Value>,
}

impl Program {
    /// The reference component.
    pub fn reference() -> Self {
        Self::default()
    }

    /// Program and arguments, for the process runtime.
    #[must_use]
    pub fn command(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.command = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// Image reference, for the Docker and Kubernetes runtimes.
    #[must_use]
    pub fn image(mut self, reference: impl Into<String>) -> Self {
        self.image = Some(reference.into());
        self
    }

    /// When a performer's image is pulled, with the credentials of Docker's configuration; default: never.
    #[must_use]
    pub fn pull(mut self, when: Pull) -> Self {
        self.pull = Some(match when {
            Pull::Never => "never",
            Pull::Missing => "missing",
            Pull::Always => "always",
        });
        self
    }

    /// What a performer's image is built from, in place of [`Self::image`], for the Docker and Kubernetes runtimes.
    #[must_use]
    pub fn build(mut self, build: Build) -> Self {
        self.build = Some(build);
        self
    }

    /// The address of a performer that runs already, for instance in a debugger, as `127.0.0.1:8080`; only for the process
    /// runtime.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The port on which a performer listens whatever `GRPC_PORT` says, as servers of the public Go library do on 8080.
    /// As a process, one performer on a machine can have a port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The most processors that it may use, such as 0.5; not for the process runtime.
    #[must_use]
    pub fn cpus(mut self, number: f64) -> Self {
        self.cpus = Some(number.into());
        self
    }

    /// The most memory that it may use, such as `64MiB`; not for the process runtime.
    #[must_use]
    pub fn memory(mut self, amount: impl Into<String>) -> Self {
        self.memory = Some(amount.into());
        self
    }

    /// A file with environment variables in the format of `.env`, relative to the current folder; those of
    /// [`Self::environment`] prevail.
    #[must_use]
    pub fn environment_from(mut self, file: impl Into<String>) -> Self {
        self.environment_from = Some(file.into());
        self
    }

    /// An environment variable, added to those that the harness sets.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// A file of this machine, relative to the current folder, that a performer is given at an absolute path.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, file: impl Into<String>) -> Self {
        self.files.insert(path.into(), literal(&file.into()));
        self
    }

    /// A file with this text that a performer is given at an absolute path.
    #[must_use]
    pub fn file_with_text(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), json!({ "text": literal(&text.into()) }));
        self
    }

    pub(crate) fn into_document(self) -> Value {
        let mut program = Map::new();
        if let Some(command) = self.command {
            program.insert("command".to_owned(), command.iter().map(|word| literal(word)).collect());
        }
        program.extend(self.image.map(|image| ("image".to_owned(), literal(&image))));
        program.extend(self.pull.map(|when| ("pull".to_owned(), when.into())));
        program.extend(self.build.map(|build| ("build".to_owned(), build.into_document())));
        program.extend(self.address.map(|address| ("address".to_owned(), literal(&address))));
        program.extend(self.port.map(|port| ("port".to_owned(), port.into())));
        program.extend(self.cpus.map(|cpus| ("cpus".to_owned(), cpus)));
        program.extend(self.memory.map(|memory| ("memory".to_owned(), literal(&memory))));
        program.extend(self.environment_from.map(|file| ("environment_from".to_owned(), literal(&file))));
        let environment = self.environment.into_iter().map(|(name, value)| (name, literal(&value)));
        program.insert("environment".to_owned(), Value::Object(environment.collect()));
        program.insert("files".to_owned(), Value::Object(self.files));
        program.into()
    }
}

/// What a performer's image is built from.
///
/// ```
/// # use hourglass_api::{Build, Harness, Program};
/// let mine = Program::reference().build(Build::new(".").target("performer").arg("VERSION", "dev"));
/// let builder = Harness::builder().performer(mine);
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    context: String,
    dockerfile: Option<String>,
    target: Option<String>,
    args: Vec<(String, String)>,
}

impl Build {
    /// A build of the files of this folder, which is relative to the current one, by its `Dockerfile`.
    pub fn new(context: impl Into<String>) -> Self {
        Self { context: context.into(), dockerfile: None, target: None, args: Vec::new() }
    }

    /// The Dockerfile, relative to the context and inside of it; default: `Dockerfile`.
    #[must_use]
    pub fn dockerfile(mut self, path: impl Into<String>) -> Self {
        self.dockerfile = Some(path.into());
        self
    }

    /// The stage of the Dockerfile that is built; default: the last.
    #[must_use]
    pub fn target(mut self, stage: impl Into<String>) -> Self {
        self.target = Some(stage.into());
        self
    }

    /// The value of an `ARG` of the Dockerfile.
    #[must_use]
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.args.push((name.into(), value.into()));
        self
    }

    fn into_document(self) -> Value {
        let mut build = Map::from_iter([("context".to_owned(), literal(&self.context))]);
        build.extend(self.dockerfile.map(|path| ("dockerfile".to_owned(), literal(&path))));
        build.extend(self.target.map(|stage| ("target".to_owned(), literal(&stage))));
        let args = self.args.into_iter().map(|(name, value)| (name, literal(&value)));
        build.insert("args".to_owned(), Value::Object(args.collect()));
        build.into()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use hourglass_base::RuntimeKind;

    use super::*;
    use crate::document::EnvironmentDocument;

    fn performer(runtime: RuntimeKind, program: Program) -> hourglass_scenario::Component {
        let components = Map::from_iter([("performer".to_owned(), program.into_document())]);
        let keys = Map::from_iter([("components".to_owned(), Value::Object(components))]);
        let trial = EnvironmentDocument { name: "own".to_owned(), runtime, keys }.trial(Location::caller()).unwrap();
        trial.scenario.topology.operators[0].performer.clone()
    }

    /// What a builder says arrives as a scenario file would say it, and paths are relative to the current folder.
    #[test]
    fn a_performer_of_a_user_arrives_unchanged() {
        let build = Build::new("src").dockerfile("operator.rs").target("${stage}").arg("VERSION", "1.10");
        let arrived = performer(RuntimeKind::Docker, Program::reference().build(build).port(8080));
        let expected = hourglass_scenario::Build {
            context: "src".into(),
            dockerfile: "operator.rs".to_owned(),
            target: Some("${stage}".to_owned()),
            args: [("VERSION".to_owned(), "1.10".to_owned())].into(),
        };
        assert_eq!((arrived.build, arrived.port), (Some(expected), Some(8080)));
        let named = performer(RuntimeKind::Docker, Program::reference().image("mine:1").pull(Pull::Missing));
        assert_eq!((named.image.as_deref(), named.pull), (Some("mine:1"), Some(Pull::Missing)));
        let running = performer(RuntimeKind::Process, Program::reference().address("127.0.0.1:8080"));
        assert_eq!(running.address.as_deref(), Some("127.0.0.1:8080"));
    }
}
