//! An HTTP proxy as companies use it: it accepts CONNECT requests, and records every request.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// No test waits longer for a connection.
const WITHIN: Duration = Duration::from_secs(10);

/// A proxy on a port of its own, for as long as the process lives.
pub(crate) struct HttpProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpProxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let noted = Arc::clone(&noted);
                thread::spawn(move || serve(stream, &noted));
            }
        });
        Self { address, asked }
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The first line of each connection, as `CONNECT lab.example:6443 HTTP/1.1`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Errors of a client that goes away do not matter to a test.
fn serve(stream: TcpStream, noted: &Mutex<Vec<String>>) -> Option<()> {
    let mut request = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    let _ = request.read_line(&mut first);
    noted.lock().unwrap().push(first.trim().to_owned());
    let mut line = String::new();
    while request.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    let host = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).and_then(reached);
    let Some(host) = host else {
        return (&stream).write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").ok();
    };
    (&stream).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    let (mut to, mut back) = (host.try_clone().ok()?, stream);
    thread::spawn(move || {
        let _ = io::copy(&mut request, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut &host, &mut back);
    back.shutdown(Shutdown::Both).ok()
}

/// Connects only to IP addresses: a test asks no name service.
fn reached(authority: &str) -> Option<TcpStream> {
    TcpStream::connect_timeout(&authority.parse().ok()?, WITHIN).ok()
}
