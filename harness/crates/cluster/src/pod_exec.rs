//! Commands inside a pod.

use std::{fmt::Debug, io};

use hourglass_component::causes::with_causes;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Cluster, ClusterError};

/// Runs a command in the only container of a pod, by namespace and name; gives what it writes to its standard output, else
/// to its standard error, and in words why it could not be run. How long it may take is the caller's to limit.
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
