//! The steps that install a Docker engine on a machine.

use std::path::Path;

use hourglass_engine::{EngineAddress, EngineError};

use super::{
    DockerSetupError, State, Step, System,
    configuration::{self, Configuration},
    programs::install,
    start, wrapper,
};
use crate::{
    EngineFacts,
    checks::{Privileged, privileged},
    gather::engine,
};

/// The action of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Wrapper,
    Configuration,
    Packages(Vec<&'static str>),
    Start,
    Reload,
    /// The harness must not do this: these keys belong in a file of somebody else.
    Merge(String),
}

/// A step and its action; `None` if it is done already.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Planned {
    what: String,
    why: String,
    action: Option<Action>,
}

/// Makes a Docker engine answer, and privileged containers possible: installs, configures and starts, each only if it
/// is still to be done. Reports every step before it is done; a rehearsal only reports.
///
/// Waits at most a minute for the engine, and without a limit for packages.
pub async fn docker(system: &System, rehearsal: bool, tell: &mut impl FnMut(&Step)) -> Result<(), DockerSetupError> {
    let found = engine(system.engine.clone()).await.map_err(DockerSetupError::Unknown)?;
    carry_out(system, plan(system, found)?, rehearsal, tell).await
}

async fn carry_out(
    system: &System,
    steps: Vec<Planned>,
    rehearsal: bool,
    tell: &mut impl FnMut(&Step),
) -> Result<(), DockerSetupError> {
    let changes = |step: &Planned| !matches!(step.action, None | Some(Action::Merge(_)));
    if !rehearsal && !system.root && steps.iter().any(changes) {
        return Err(DockerSetupError::NotRoot { command: system.command.clone() });
    }
    let mut merge = None;
    for Planned { what, why, action } in steps {
        let state = match &action {
            None => State::Done,
            Some(Action::Merge(_)) => State::Left,
            Some(_) if rehearsal => State::Would,
            Some(_) => State::Doing,
        };
        tell(&Step { state, what, why });
        match action {
            Some(Action::Merge(keys)) => merge = Some(keys),
            Some(action) if !rehearsal => perform(system, &action, tell).await?,
            _ => {}
        }
    }
    match merge {
        Some(keys) => Err(DockerSetupError::ForeignConfiguration { path: system.configuration.clone(), keys }),
        None => Ok(()),
    }
}

async fn perform(system: &System, action: &Action, tell: &mut impl FnMut(&Step)) -> Result<(), DockerSetupError> {
    match action {
        Action::Wrapper => wrapper::write(&system.wrapper),
        Action::Configuration => configuration::write(&system.configuration, &system.wrapper),
        Action::Packages(packages) => install(system, packages).await,
        Action::Start => {
            let facts = start::start(system).await?;
            tell(&answers(&facts).into_done());
            Ok(())
        }
        Action::Reload => start::reload(system, &system.wrapper).await,
        Action::Merge(_) => Ok(()),
    }
}

fn plan(system: &System, found: Result<EngineFacts, EngineError>) -> Result<Vec<Planned>, DockerSetupError> {
    match found {
        Ok(facts) => with_engine(system, &facts),
        Err(source @ (EngineError::NotThere { .. } | EngineError::Stopped { .. })) => without_engine(system, source),
        Err(source) => Err(DockerSetupError::Engine { source: Box::new(source) }),
    }
}

fn with_engine(system: &System, facts: &EngineFacts) -> Result<Vec<Planned>, DockerSetupError> {
    let done = |why: String| Planned { what: "privileged containers".to_owned(), why, action: None };
    let mut steps = vec![answers(facts)];
    match privileged(facts) {
        Privileged::Possible => steps.push(done("the engine lacks no capability".to_owned())),
        Privileged::LeftOut(lacking) => steps.push(done(format!("the engine leaves out {lacking} by itself"))),
        Privileged::Wrapped(lacking) => {
            steps.push(done(format!("{} leaves out {lacking}", system.wrapper.display())));
            // The engine may name a file that does not exist any more.
            steps.push(wrapper_step(system, &lacking));
        }
        Privileged::Unknown => steps.push(done("the engine's process cannot be seen from here".to_owned())),
        Privileged::Impossible(lacking) => {
            steps.extend(wrapping(system, &lacking)?);
            if !steps.iter().any(|step| matches!(step.action, Some(Action::Merge(_)))) {
                steps.push(Planned {
                    what: "make the engine read its configuration anew".to_owned(),
                    why: "it runs with another default runtime".to_owned(),
                    action: Some(Action::Reload),
                });
            }
        }
    }
    Ok(steps)
}

fn without_engine(system: &System, source: EngineError) -> Result<Vec<Planned>, DockerSetupError> {
    if system.engine != EngineAddress::Socket("/var/run/docker.sock".into()) {
        return Err(DockerSetupError::NamedElsewhere { address: system.engine.clone(), source: Box::new(source) });
    }
    let mut steps = Vec::new();
    // Before the packages, which start the engine if services are managed.
    match &system.bounding {
        Some(bounding) if !bounding.is_full() => steps.extend(wrapping(system, &bounding.list())?),
        _ => {}
    }
    steps.push(packages(system)?);
    let how = if system.systemd {
        "start the docker service".to_owned()
    } else {
        format!("start dockerd, which writes to {}", system.log.display())
    };
    steps.push(Planned { what: how, why: source.to_string(), action: Some(Action::Start) });
    Ok(steps)
}

fn packages(system: &System) -> Result<Planned, DockerSetupError> {
    let needed = [("dockerd", "docker.io"), ("iptables", "iptables")];
    let (there, lacking): (Vec<_>, Vec<_>) =
        needed.into_iter().partition(|(program, _)| system.program(program).is_some());
    let names = |entries: &[(&'static str, &'static str)]| entries.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    if lacking.is_empty() {
        let why = format!("{} are there", names(&there).join(" and "));
        return Ok(Planned { what: "packages".to_owned(), why, action: None });
    }
    let packages: Vec<_> = lacking.iter().map(|(_, package)| *package).collect();
    if let Some(distribution) = system.unlike_debian() {
        return Err(DockerSetupError::UnknownDistribution { distribution, packages });
    }
    Ok(Planned {
        what: format!("install {} with apt-get", packages.join(" and ")),
        why: format!("there is no {}", names(&lacking).join(" and no ")),
        action: Some(Action::Packages(packages)),
    })
}

/// The steps that make an engine leave out the capabilities that it cannot have.
fn wrapping(system: &System, lacking: &str) -> Result<Vec<Planned>, DockerSetupError> {
    let path = &system.configuration;
    let shown = path.display();
    let configuration = match configuration::look(path, &system.wrapper)? {
        Configuration::Ours => Planned {
            what: "engine configuration".to_owned(),
            why: format!("{shown} makes {} the default runtime", system.wrapper.display()),
            action: None,
        },
        Configuration::Absent => Planned {
            what: format!("write {shown}"),
            why: format!("it makes {} the default runtime", system.wrapper.display()),
            action: Some(Action::Configuration),
        },
        Configuration::Foreign => Planned {
            what: "engine configuration".to_owned(),
            why: format!("{shown} is not ours"),
            action: Some(Action::Merge(configuration::keys(&system.wrapper).to_string())),
        },
    };
    Ok(vec![wrapper_step(system, lacking), configuration])
}

fn wrapper_step(system: &System, lacking: &str) -> Planned {
    let shown = system.wrapper.display();
    if wrapper::is_there(Path::new(&system.wrapper)) {
        return Planned { what: "runtime wrapper".to_owned(), why: format!("{shown} is there"), action: None };
    }
    Planned {
        what: format!("write {shown}, a runtime that leaves out what cannot be had"),
        why: format!("the bounding set lacks {lacking}, and privileged containers ask for all there are"),
        action: Some(Action::Wrapper),
    }
}

fn answers(facts: &EngineFacts) -> Planned {
    let why = format!("{} answers at {}", facts.version, facts.address);
    Planned { what: "Docker engine".to_owned(), why, action: None }
}

impl Planned {
    fn into_done(self) -> Step {
        Step { state: State::Done, what: self.what, why: self.why }
    }
}

#[cfg(test)]
mod tests;
