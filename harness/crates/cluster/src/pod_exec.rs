//! Commands inside a pod.

use std::{fmt::Debug, io};

use hourglass_component::causes::with_causes;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Cluster, ClusterError};

/// Runs a command in the only container of a pod, by namespace and name. Returns its standard output if it succeeds,
/// else its standard error, or a text that says why it could not be run. The caller limits its time.
pub async fn run_in_pod<'a>(
    cluster: &Cluster,
    (namespace, pod): (&str, &str),
    command: impl Iterator<Item = &'a str> + Debug,
) -> Result<String, String> {
    let doing = format!("run a command in pod {namespace}/{pod}");
    let fail = |error: kube::Error| with_causes(&ClusterError::api(&cluster.name, doing)(error));
    let streams = AttachParams::default().stdin(false).stdout(true).stderr(true);
    let api = Api::<Pod>::namespaced(cluster.client.clone(), namespace);
    let mut running = api.exec(pod, command, &streams).await.map_err(fail)?;
    let (out, err) = (running.stdout(), running.stderr());
    let (said, complained) = tokio::try_join!(text(out), text(err)).map_err(|error| error.to_string())?;
    Ok(if said.is_empty() { complained } else { said })
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut text = String::new();
    if let Some(mut stream) = stream {
        stream.read_to_string(&mut text).await?;
    }
    Ok(text)
}
