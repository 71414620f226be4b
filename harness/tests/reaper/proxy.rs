//! A proxy for the engine whose connections can be cut: it simulates an engine that is stopped and started again,
//! without stopping the one that others use.

use std::{
    fs, io,
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use tempfile::TempDir;

/// A socket in front of the engine's.
pub(crate) struct Proxy {
    folder: TempDir,
    engine: PathBuf,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    listening: bool,
    streams: Vec<UnixStream>,
}

impl Proxy {
    /// Starts with connections allowed.
    pub(crate) fn to(engine: &Path) -> Self {
        let proxy = Self { folder: TempDir::new().unwrap(), engine: engine.to_owned(), open: Arc::default() };
        proxy.start();
        proxy
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    pub(crate) fn start(&self) {
        let listener = UnixListener::bind(self.socket()).unwrap();
        self.open.lock().unwrap().listening = true;
        let (open, engine) = (Arc::clone(&self.open), self.engine.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&engine)) else { continue };
                let mut open = open.lock().unwrap();
                if !open.listening {
                    return;
                }
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
                open.streams.extend([client, server]);
            }
        });
    }

    /// Cuts every connection, and leaves a socket without a listener, as a killed engine does.
    pub(crate) fn stop(&self) {
        let streams = {
            let mut open = self.open.lock().unwrap();
            open.listening = false;
            std::mem::take(&mut open.streams)
        };
        // Wakes the listener, which then sees that it has to end.
        let _ = UnixStream::connect(self.socket());
        fs::remove_file(self.socket()).unwrap();
        for stream in streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.open.lock().unwrap().listening {
            self.stop();
        }
    }
}
