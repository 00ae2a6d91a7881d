//! Why the engine could not start or go on.

use nf_capture::CaptureError;

use crate::plan::ConfigError;

/// Why the engine could not start or go on.
#[derive(Debug)]
pub enum EngineError {
    /// A setting is wrong.
    Config(ConfigError),
    /// A source cannot be opened or read.
    Capture(CaptureError),
    /// A thread could not be started, or has died.
    Thread(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::Config(e) => e.fmt(f),
            EngineError::Capture(e) => e.fmt(f),
            EngineError::Thread(e) => f.write_str(e),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<ConfigError> for EngineError {
    fn from(e: ConfigError) -> Self {
        EngineError::Config(e)
    }
}

impl From<CaptureError> for EngineError {
    fn from(e: CaptureError) -> Self {
        EngineError::Capture(e)
    }
}
