//! Whether the engine still answers. A stopped engine closes no connection and ends no stream.

use std::time::Duration;

use hourglass_component::timeout::timeout;
use tokio::time::sleep;

use super::{Engine, EngineContext as _, EngineError};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(3);
/// How long it may be silent: longer than a busy machine delays it, or a restart takes.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to answer a single request.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

impl Engine {
    /// Whether it answers now.
    pub async fn responds(&self) -> Result<(), EngineError> {
        let pinged = timeout(ANSWER_WITHIN, self.docker().ping()).await;
        let pinged = pinged.map_err(|_| self.is_silent_for(ANSWER_WITHIN))?;
        pinged.map(drop).context(|| "ask the Docker engine whether it is there".to_owned())
    }

    /// Returns only when it has not answered for 30 s.
    pub async fn silent(&self) -> EngineError {
        loop {
            let mut last = None;
            let answered = async {
                while let Err(error) = self.responds().await {
                    last = Some(error);
                    sleep(EVERY).await;
                }
            };
            if timeout(SILENCE, answered).await.is_err() {
                return match last {
                    // The last error speaks for all requests.
                    None | Some(EngineError::Silent { .. }) => self.is_silent_for(SILENCE),
                    Some(error) => error,
                };
            }
            sleep(EVERY).await;
        }
    }

    fn is_silent_for(&self, within: Duration) -> EngineError {
        EngineError::Silent { address: self.address().clone(), within }
    }
}
