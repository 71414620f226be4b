//! `/metrics`, `/healthz` and `/readyz` over HTTP.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use kube::Client;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{health::Health, metrics::Metrics};

/// How long `/readyz` waits for an answer of the API server; probes have a second.
const SIGN_OF_LIFE: Duration = Duration::from_millis(700);

/// A server that has bound its address but does not answer yet.
pub(crate) struct HttpServer {
    listener: TcpListener,
    router: Router,
}

/// Binds the address of `/metrics`.
pub(crate) async fn metrics(address: SocketAddr, metrics: Arc<Metrics>) -> io::Result<HttpServer> {
    let router = Router::new().route("/metrics", get(told)).with_state(metrics);
    bind(address, "metrics", router).await
}

/// Binds the address of `/healthz` and `/readyz`.
pub(crate) async fn probes(address: SocketAddr, health: Arc<Health>, client: Client) -> io::Result<HttpServer> {
    // An answer is all that `/healthz` has to give: errors that a restart would repair end the process.
    let alive = || async { "ok\n" };
    let router = Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).with_state((health, client));
    bind(address, "health", router).await
}

async fn bind(address: SocketAddr, serves: &'static str, router: Router) -> io::Result<HttpServer> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(serves, address = %listener.local_addr()?, "listening");
    Ok(HttpServer { listener, router })
}

impl HttpServer {
    /// Answers until `end`.
    pub(crate) async fn serve(self, end: CancellationToken) -> io::Result<()> {
        axum::serve(self.listener, self.router).with_graceful_shutdown(end.cancelled_owned()).await
    }
}

async fn told(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.text() {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, FORMAT)], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], format!("{error}\n")),
    }
}

async fn ready(State((health, client)): State<(Arc<Health>, Client)>) -> impl IntoResponse {
    if health.is_silent() {
        // Without events the API server sends nothing; this request makes the client record whether it answers.
        drop(timeout(SIGN_OF_LIFE, client.apiserver_version()).await);
    }
    match health.ready() {
        Ok(doing) => (StatusCode::OK, format!("ok: {doing}\n")),
        Err(wrong) => (StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n"),
    }
}
