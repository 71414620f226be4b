//! Detects that a cluster in use does not answer any more.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Cluster, ClusterError};

/// How often the API server is asked. A dead connection gives no event.
const EVERY: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Longer than a restart of the API server takes, or a short network failure.
const SILENCE: Duration = Duration::from_secs(20);

impl Cluster {
    /// Whether its API server answers now.
    pub async fn responds(&self) -> Result<(), ClusterError> {
        let within = ANSWER_WITHIN;
        match timeout(within, self.client.apiserver_version()).await {
            // A server that refuses is alive.
            Ok(Ok(_) | Err(kube::Error::Api(_))) => Ok(()),
            Ok(Err(error)) => Err(ClusterError::api(&self.name, "ask the API server for its version")(error)),
            Err(_) => Err(ClusterError::Silent { name: self.name.clone(), within }),
        }
    }

    /// Returns only when the API server has not answered for 20 s.
    pub async fn lost(&self) -> ClusterError {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            ticks.tick().await;
            let source = match timeout(ANSWER_WITHIN, self.client.apiserver_version()).await {
                // A server that refuses is alive.
                Ok(Ok(_) | Err(kube::Error::Api(_))) => {
                    heard = Instant::now();
                    continue;
                }
                Ok(Err(error)) => Some(Box::new(error)),
                Err(_) => None,
            };
            let silence = heard.elapsed();
            if silence >= SILENCE {
                let silence = Duration::from_secs(silence.as_secs());
                return ClusterError::Lost { name: self.name.clone(), silence, source };
            }
        }
    }
}
