//! Asks from within a pod whether a gRPC server reports that it serves.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use hourglass_component::health::{self, FIRST_ATTEMPT, HealthError};
use serde::{Deserialize, Serialize};
use tokio::{net::lookup_host, time::timeout};

/// The result of a health check of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthResult {
    /// The target, as `NAME:PORT`.
    pub target: String,
    /// What the name resolves to.
    pub addresses: Vec<IpAddr>,
    /// Why it does not serve; `None` if it does.
    pub failure: Option<String>,
}

/// Resolves a name and waits until the server behind it says that it serves.
pub async fn ask(target: &str, within: Duration) -> HealthResult {
    let began = Instant::now();
    let mut asked = HealthResult { target: target.to_owned(), addresses: Vec::new(), failure: None };
    match timeout(within, lookup_host(target)).await {
        Ok(Ok(resolved)) => asked.addresses = resolved.map(|address| address.ip()).collect(),
        Ok(Err(error)) => asked.failure = Some(format!("its name is not resolved: {error}")),
        Err(_) => asked.failure = Some("its name is not resolved in time".to_owned()),
    }
    if asked.failure.is_some() {
        return asked;
    }
    let left = within.saturating_sub(began.elapsed());
    asked.failure = serving(target, left).await.err().map(|error| error.to_string());
    asked
}

/// Waits on successive connections until the server says that it serves.
async fn serving(target: &str, within: Duration) -> Result<(), HealthError> {
    let (began, mut attempt) = (Instant::now(), FIRST_ATTEMPT);
    loop {
        let left = within.saturating_sub(began.elapsed());
        match health::wait_until_serving(target, health::channel(target)?, attempt.min(left)).await {
            Err(_) if attempt < left => attempt *= 2,
            Err(HealthError::Timeout { endpoint, last_seen, .. }) => {
                return Err(HealthError::Timeout { endpoint, within, last_seen });
            }
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check must be able to fail.
    #[tokio::test]
    async fn a_missing_server_does_not_serve() {
        let within = Duration::from_millis(200);
        let nobody = ask("127.0.0.1:1", within).await;
        assert!(nobody.failure.is_some() && !nobody.addresses.is_empty(), "{nobody:?}");
        let unknown = ask("no-such-name.invalid:1", within).await;
        assert!(unknown.failure.is_some_and(|why| why.contains("not resolved")));
    }
}
