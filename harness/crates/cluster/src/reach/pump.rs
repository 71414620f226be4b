//! Copies bytes in both directions between a client and a pod.

use std::{io, pin::pin, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How long a pod may be silent after the client has finished sending, before the connection counts as over: a client
/// that only stopped sending looks like one that is gone.
const DRAIN: Duration = Duration::from_secs(1);
const PIECE: usize = 64 * 1024;

/// Copies bytes until the pod closes its end, or until the client has finished and the pod sends nothing more.
///
/// A port-forward cannot be half-closed, so the end of the client's data is not passed on.
pub(super) async fn pump(client: TcpStream, pod: impl AsyncRead + AsyncWrite) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_pod, mut to_pod) = split(pod);
    let said_all = CancellationToken::new();
    let up = pin!(async {
        copy(&mut from_client, &mut to_pod).await?;
        said_all.cancel();
        std::future::pending::<io::Result<()>>().await
    });
    let down = pin!(async {
        let mut piece = vec![0; PIECE];
        loop {
            let count = tokio::select! {
                count = from_pod.read(&mut piece) => count?,
                () = said_all.cancelled() => match timeout(DRAIN, from_pod.read(&mut piece)).await {
                    Ok(count) => count?,
                    Err(_) => 0,
                },
            };
            if count == 0 {
                return to_client.shutdown().await;
            }
            to_client.write_all(&piece[..count]).await?;
        }
    });
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::{
        io::{AsyncReadExt as _, DuplexStream, duplex},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;

    async fn carried() -> (TcpStream, DuplexStream, JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let (near, far) = duplex(64);
        (client, far, tokio::spawn(pump(accepted, near)))
    }

    /// A client that stops sending still gets the whole answer, which a plain copy in both directions would cut off.
    #[tokio::test]
    async fn an_answer_continues_after_the_client_stops_sending() {
        let (mut client, mut pod, pump) = carried().await;
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut question = [0; 8];
        pod.read_exact(&mut question).await.unwrap();
        pod.write_all(&vec![7; 100_000]).await.unwrap();
        drop(pod);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!((&question, answer.len()), (b"question", 100_000));
        pump.await.unwrap().unwrap();
    }

    /// A connection without a client must not stay open.
    #[tokio::test]
    async fn a_connection_to_a_silent_pod_ends_when_the_client_is_gone() {
        let (client, _pod, pump) = carried().await;
        drop(client);
        pump.await.unwrap().unwrap();
    }
}
