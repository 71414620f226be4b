//! Log records: one a line on standard error, as JSON for machines or as text for people.
//!
//! A record about a Performer has its namespace and name as `object`. Libraries log only warnings and errors, whatever
//! the level: some of them log whole requests, which hold values of environment variables.

use std::io;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{LogFormat, LogLevel};

/// Starts logging for this process; a second call changes nothing.
pub(crate) fn init(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let registry = tracing_subscriber::registry().with(EnvFilter::new(format!("warn,hourglass_operator={level}")));
    let started = match format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false)
                    .with_writer(io::stderr),
            )
            .try_init(),
        LogFormat::Text => registry.with(fmt::layer().with_writer(io::stderr)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging had already been started");
    }
}
