//! How a kubeconfig leads to an API server: its files, the context's cluster and user, the proxy, and the plugin that
//! provides the user's credentials.
//!
//! What may live here: the way from files and the environment to a client. Nothing here sends a request to the cluster.

mod config;
mod files;
mod plugin;

use std::path::Path;

use kube::Client;

pub(crate) use files::files;
pub(super) use files::{merged, of_user};
pub use plugin::PluginError;

use super::ClusterError;

/// The name of the context that is used, and a client of its cluster.
pub(super) async fn client(kubeconfig: &Path, context: Option<&str>) -> Result<(String, Client), ClusterError> {
    let read = merged(kubeconfig)?;
    let current = context.map(str::to_owned).or_else(|| read.current_context.clone()).unwrap_or_default();
    let fail =
        |source| ClusterError::Kubeconfig { path: kubeconfig.to_owned(), context: context.map(str::to_owned), source };
    let config = config::config(&read, &current).map_err(fail)?;
    let client = plugin::client(config, &current, plugin::WITHIN, fail).await?;
    Ok((current, client))
}
