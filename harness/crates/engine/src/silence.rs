//! Whether the engine still answers. One that was stopped closes no connection and ends no stream.

use std::time::Duration;

use hourglass_component::timeout::timeout;
use tokio::time::sleep;

use super::{Engine, EngineContext as _, EngineError};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(3);
/// How long it may say nothing: longer than a busy machine keeps it from answering, or a restart takes.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to answer a question that is asked once.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

impl Engine {
    /// Whether it answers now.
    pub async fn responds(&self) -> Result<(), EngineError> {
        let pinged = timeout(ANSWER_WITHIN, self.docker().ping()).await;
        let pinged = pinged.map_err(|_| self.is_silent_for(ANSWER_WITHIN))?;
        pinged.map(drop).context(|| "ask the Docker engine whether it is there".to_owned())
    }

    /// Comes back only when it has not answered for 30 s.
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
                    // What is true of the last question is true of all.
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
