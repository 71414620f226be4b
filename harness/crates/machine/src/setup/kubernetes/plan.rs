//! The steps that give a machine the requirements of clusters.

use std::path::PathBuf;

use hourglass_cluster::{FoundTool, Tool, ToolError};
use hourglass_engine::Engine;

use super::{
    KubernetesSetup, KubernetesSetupError, build,
    load::{inspected, load_archive},
    pull::{self, Pulled, pull},
    tools,
};
use crate::{
    NodeImage,
    gather::engine,
    setup::{State, Step},
};

/// The action of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Install(Tool),
    Load(PathBuf),
    /// If it succeeds, nothing after it is done.
    Pull,
    Build,
}

/// A step and its action; `None` if it is done already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) what: String,
    pub(super) why: String,
    pub(super) action: Option<Action>,
}

/// The requirements that the machine meets.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) tools: [(Tool, Result<FoundTool, ToolError>); 2],
    pub(super) image: Option<NodeImage>,
}

/// Gets kind, Helm and the node image, each only if it is missing. Reports every step before it is done; a rehearsal
/// only reports.
///
/// The image comes from an archive if one is named; else from a registry, which gets ten seconds to answer; else it is
/// built, which takes minutes and needs root.
pub async fn kubernetes(
    setup: &KubernetesSetup,
    rehearsal: bool,
    tell: &mut impl FnMut(&Step),
) -> Result<(), KubernetesSetupError> {
    let facts = engine(setup.system.engine.clone()).await.map_err(KubernetesSetupError::Unknown)??;
    tell(&done("Docker engine", format!("{} answers at {}", facts.version, facts.address)));
    let tools = [check(setup, Tool::KIND).await, check(setup, Tool::HELM).await];
    let image = NodeImage::look(&connect(setup).await?, &setup.image).await?;
    if let (None, Some(archive)) = (&image, &setup.archive) {
        // Before anything else that takes minutes.
        inspected(archive, &setup.image).await?;
    }
    let planned = plan(setup, &Found { tools, image })?;
    carry_out(setup, planned, rehearsal, tell).await
}

pub(super) fn plan(setup: &KubernetesSetup, found: &Found) -> Result<Vec<Planned>, KubernetesSetupError> {
    let tools = found.tools.iter().map(|(tool, found)| tool_step(setup, *tool, found));
    let mut steps = tools.collect::<Result<Vec<_>, _>>()?;
    let image = &setup.image;
    let step = |what: String, why: String, action| Planned { what, why, action: Some(action) };
    let lacking = "the engine does not have it";
    match (&found.image, &setup.archive) {
        (Some(there), _) => {
            steps.push(Planned { what: format!("node image {image}"), why: there.to_string(), action: None });
        }
        (None, Some(archive)) => {
            let what = format!("load {image} from {}", archive.display());
            steps.push(step(what, format!("{lacking}; about 10 s and 400 MB"), Action::Load(archive.clone())));
        }
        (None, None) => {
            let late = humantime::format_duration(pull::ANSWER_WITHIN);
            let why = format!("{lacking}; given up where no registry answers within {late}, else about 1 GB");
            steps.push(step(format!("pull {image}"), why, Action::Pull));
            let what = format!("build {image} with {}", setup.script().display());
            let why = format!(
                "where it cannot be pulled; {}, kept below {} for the next time; needs root and Go",
                build::COST,
                setup.stages().display()
            );
            steps.push(step(what, why, Action::Build));
        }
    }
    Ok(steps)
}

pub(super) async fn carry_out(
    setup: &KubernetesSetup,
    steps: Vec<Planned>,
    rehearsal: bool,
    tell: &mut impl FnMut(&Step),
) -> Result<(), KubernetesSetupError> {
    for Planned { what, why, action } in steps {
        let state = match &action {
            None => State::Done,
            Some(_) if rehearsal => State::Would,
            Some(_) => State::Doing,
        };
        tell(&Step { state, what, why });
        let Some(action) = action.filter(|_| !rehearsal) else { continue };
        let complete = action == Action::Pull;
        if perform(setup, action, tell).await? && complete {
            break;
        }
    }
    Ok(())
}

/// Returns whether it achieved its purpose; the action decides whether a failure is an error.
async fn perform(
    setup: &KubernetesSetup,
    action: Action,
    tell: &mut impl FnMut(&Step),
) -> Result<bool, KubernetesSetupError> {
    match action {
        Action::Install(tool) => {
            let found = tools::install(setup, tool).await?;
            tell(&done(tool.program, shown(&found)));
            return Ok(true);
        }
        Action::Load(archive) => {
            load_archive(&connect(setup).await?, &archive, &setup.image).await?;
        }
        Action::Pull => {
            if let Pulled::Not(why) = pull(&connect(setup).await?, &setup.image).await? {
                tell(&Step { state: State::Left, what: format!("pull {}", setup.image), why });
                return Ok(false);
            }
        }
        Action::Build => build::build(setup, tell).await?,
    }
    if let Some(there) = NodeImage::look(&connect(setup).await?, &setup.image).await? {
        tell(&done(&format!("node image {}", setup.image), there.to_string()));
    }
    Ok(true)
}

fn tool_step(
    setup: &KubernetesSetup,
    tool: Tool,
    found: &Result<FoundTool, ToolError>,
) -> Result<Planned, KubernetesSetupError> {
    let error = match found {
        Ok(found) => return Ok(Planned { what: tool.to_string(), why: shown(found), action: None }),
        Err(error) => error,
    };
    if setup.system.program("go").is_none() {
        return Err(KubernetesSetupError::NoGo { what: format!("install {tool}") });
    }
    let (package, folder) = (format!("{}@{}", tool.module, tool.version), tool.installed_in(&setup.cache));
    Ok(Planned {
        what: format!("install {package} with Go as {}", folder.display()),
        why: format!("{error}; {}", tools::cost(tool)),
        action: Some(Action::Install(tool)),
    })
}

async fn check(setup: &KubernetesSetup, tool: Tool) -> (Tool, Result<FoundTool, ToolError>) {
    (tool, tool.check_in(&setup.path, &setup.cache).await)
}

async fn connect(setup: &KubernetesSetup) -> Result<Engine, KubernetesSetupError> {
    Ok(Engine::connect_to(setup.system.engine.clone()).await?)
}

fn done(what: &str, why: String) -> Step {
    Step { state: State::Done, what: what.to_owned(), why }
}

fn shown(found: &FoundTool) -> String {
    format!("{} at {}", found.version, found.path.display())
}
