//! An API server that goes away and comes back.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use kube::config::Kubeconfig;
use serde_json::json;

use crate::{
    controller::cause,
    operator_namespace::block_on,
    operator_test::{OperatorTest, written_for_nowhere},
};

/// Without an election, because a leader that cannot renew its Lease ends.
pub(crate) fn lost_api_server_is_reported_and_found_again() {
    let test = OperatorTest::new();
    let proxy = ApiProxy::to(&server(&test));
    let operator =
        test.operator_by(&format!("https://{}", proxy.address), &json!({"leaderElection": {"enabled": false}}));
    operator.answers(200, "leading");
    proxy.cut();
    operator.answers(503, "the API server has not answered for");
    proxy.mend();
    operator.answers(200, "leading");
    block_on(async {
        test.namespace.apply_performer(&written_for_nowhere("p")).await.unwrap();
        test.until("p", "explained", |performer| cause(performer).is_some()).await;
    });
}

/// A leader that may have been replaced must not continue.
pub(crate) fn a_leader_that_cannot_renew_its_lease_ends() {
    let test = OperatorTest::new();
    let proxy = ApiProxy::to(&server(&test));
    let operator = test.operator_by(&format!("https://{}", proxy.address), &json!({})).leads();
    proxy.cut();
    let (status, log) = operator.ends();
    assert!(!status.success(), "{log}");
    assert!(log.contains("cannot be renewed"), "{log}");
}

/// An operator may be started before its API server can be reached.
pub(crate) fn operator_waits_for_a_missing_api_server() {
    let test = OperatorTest::new();
    let proxy = ApiProxy::to(&server(&test));
    proxy.cut();
    let operator = test.operator_by(&format!("https://{}", proxy.address), &json!({}));
    operator.answers(503, "cannot be watched");
    proxy.mend();
    operator.answers(200, "leading");
}

fn server(test: &OperatorTest) -> String {
    let kubeconfig = Kubeconfig::read_from(&test.namespace.cluster.kubeconfig).unwrap();
    let server = kubeconfig.clusters[0].cluster.as_ref().unwrap().server.clone().unwrap();
    server.trim_start_matches("https://").to_owned()
}

/// A proxy for the API server whose connections can be cut.
struct ApiProxy {
    address: SocketAddr,
    open: Arc<Mutex<Connections>>,
}

struct Connections {
    cut: bool,
    streams: Vec<TcpStream>,
}

impl ApiProxy {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Connections { cut: false, streams: Vec::new() }));
        let (connections, server) = (open.clone(), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut connections = connections.lock().unwrap();
                if connections.cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                connections.streams.extend([client, server]);
            }
        });
        Self { address, open }
    }

    fn cut(&self) {
        let mut connections = self.open.lock().unwrap();
        connections.cut = true;
        for stream in connections.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.open.lock().unwrap().cut = false;
    }
}
