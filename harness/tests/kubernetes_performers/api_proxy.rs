//! A proxy for the API server whose connections can be cut, and a kubeconfig that uses it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use kube::config::Kubeconfig;
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A listener of this machine in front of an API server.
pub(crate) struct ApiProxy {
    folder: TempDir,
    open: watch::Sender<bool>,
    turned_away: watch::Receiver<u32>,
}

impl ApiProxy {
    /// Starts with connections allowed.
    pub(crate) async fn before(kubeconfig: &Path) -> Arc<Self> {
        let mut config = Kubeconfig::read_from(kubeconfig).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cluster = config.clusters[0].cluster.as_mut().unwrap();
        let server = cluster.server.replace(format!("https://{address}")).unwrap();
        let server: SocketAddr = server.trim_start_matches("https://").parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), serde_yaml::to_string(&config).unwrap()).unwrap();
        let (open, seen) = watch::channel(true);
        let (count, turned_away) = watch::channel(0);
        tokio::spawn(serve(listener, server, seen, count));
        Arc::new(Self { folder, open, turned_away })
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Cuts every connection and refuses new ones, or accepts them again.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// Waits until as many connections were refused.
    pub(crate) async fn turned_away(&self, connections: u32) {
        self.turned_away.clone().wait_for(|count| *count >= connections).await.unwrap();
    }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    open: watch::Receiver<bool>,
    turned_away: watch::Sender<u32>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut open = open.clone();
        if !*open.borrow() {
            turned_away.send_modify(|count| *count += 1);
            continue;
        }
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => {}
                _ = open.wait_for(|open| !open) => {}
            }
        });
    }
}
