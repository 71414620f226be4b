//! What the engine knows of a trial: its containers with their exit codes, its events, and the engine itself.

use std::{path::Path, time::Duration};

use bollard::query_parameters::InspectContainerOptions;
use futures::future::join_all;
use hourglass_base::private;
use hourglass_component::{causes::with_causes, text::safe_json, timeout::timeout};
use hourglass_reaper::COMPONENT_LABEL;
use serde::Serialize;
use serde_json::{Value, json};

use super::{DockerContext, logs::Watch};

/// The folder of the engine's evidence, in the trial's folder.
const FOLDER: &str = "docker";
/// How long a part of it may take.
const WITHIN: Duration = Duration::from_secs(3);
/// How many containers are kept.
const MOST: usize = 500;
/// A variable whose name contains one of these may hold a secret.
const SECRET: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "MNEMONIC"];
/// Replaces the value of such a variable.
const HIDDEN: &str = "(left out)";

/// Writes what the engine tells in time; what it does not tell is a remark in `engine.json`.
pub(super) async fn keep(context: &DockerContext, watch: &Watch, folder: &Path) {
    let into = folder.join(FOLDER);
    if private::create_folders(&into).is_err() {
        // A full disk is reported by code that needs it more.
        return;
    }
    let (containers, engine) =
        tokio::join!(timeout(WITHIN, containers(context, &into)), timeout(WITHIN, engine(context)));
    let lines: Vec<_> = watch.kept_events().iter().map(ToString::to_string).collect();
    write(&into, "events.jsonl", &(lines.join("\n") + "\n"));
    let late = |what: &str| format!("{what}: the engine did not answer in time");
    let mut remarks = Vec::new();
    remarks.extend(containers.unwrap_or_else(|_| Err(late("containers"))).err());
    let mut engine = engine.unwrap_or_else(|_| Err(late("engine"))).unwrap_or_else(|remark| {
        remarks.push(remark);
        json!({ "version": context.engine.version() })
    });
    engine["remarks"] = remarks.into();
    write(&into, "engine.json", &format!("{engine:#}\n"));
}

/// A file for each container of the trial, named after its component.
async fn containers(context: &DockerContext, folder: &Path) -> Result<(), String> {
    let listed = context.labelled(&[], true).await.map_err(|error| format!("containers: {}", with_causes(&error)))?;
    let inspecting = listed.iter().take(MOST).map(|container| async move {
        let id = container.id.as_deref().unwrap_or_default();
        let inspected = context.engine.docker().inspect_container(id, None::<InspectContainerOptions>).await;
        let Ok(mut inspected) = inspected.map(value) else { return };
        mask(&mut inspected);
        let component = container.labels.as_ref().and_then(|labels| labels.get(COMPONENT_LABEL));
        let component = component.map_or("container", String::as_str);
        // Labels may be those of a user's image.
        let name: String = component.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
        write(folder, &format!("{name}-{}.json", id.get(..12).unwrap_or(id)), &format!("{inspected:#}\n"));
    });
    join_all(inspecting).await;
    Ok(())
}

/// Facts of the engine that explain failures.
async fn engine(context: &DockerContext) -> Result<Value, String> {
    let info = context.engine.docker().info().await;
    let info = value(info.map_err(|error| format!("engine: {}", with_causes(&error)))?);
    let facts = [
        "ServerVersion",
        "OperatingSystem",
        "OSType",
        "Architecture",
        "KernelVersion",
        "NCPU",
        "MemTotal",
        "Driver",
        "DriverStatus",
        "CgroupDriver",
        "CgroupVersion",
        "DockerRootDir",
        "SecurityOptions",
        "Containers",
        "ContainersRunning",
        "Images",
        "Warnings",
    ];
    Ok(facts.into_iter().map(|fact| (fact.to_owned(), info[fact].clone())).collect::<serde_json::Map<_, _>>().into())
}

/// Replaces the values of variables that may hold a secret.
fn mask(inspected: &mut Value) {
    let Some(variables) = inspected.pointer_mut("/Config/Env").and_then(Value::as_array_mut) else { return };
    for variable in variables {
        let Some((name, _)) = variable.as_str().and_then(|text| text.split_once('=')) else { continue };
        let upper = name.to_ascii_uppercase();
        if SECRET.iter().any(|secret| upper.contains(secret)) {
            *variable = format!("{name}={HIDDEN}").into();
        }
    }
}

/// An answer of the engine with texts that are safe to show.
fn value(of: impl Serialize) -> Value {
    safe_json(&of).unwrap_or_default()
}

fn write(folder: &Path, name: &str, text: &str) {
    let _ = private::write(&folder.join(name), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders of failed trials are kept, and shared.
    #[test]
    fn variables_that_hold_keys_are_masked() {
        let mut inspected =
            json!({ "Config": { "Env": ["OPERATOR_PRIVATE_KEY=0x07", "api_token=t", "PATH=/bin", "odd"] } });
        mask(&mut inspected);
        let expected = ["OPERATOR_PRIVATE_KEY=(left out)", "api_token=(left out)", "PATH=/bin", "odd"];
        assert_eq!(inspected["Config"]["Env"], json!(expected));
    }
}
