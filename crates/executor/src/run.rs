//! What one run of a command works with.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::Seal;
use state::{Run, StateStore};
use tokio_util::sync::CancellationToken;

use crate::event::Events;
use crate::provider::Provider;

/// The clock, passed in so that tests own time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything a run needs from outside the plan.
#[derive(Clone)]
pub struct Context {
    /// The cloud.
    pub provider: Arc<dyn Provider>,
    /// Where the state lives.
    pub store: Arc<dyn StateStore>,
    /// The key of hidden values' hashes.
    pub seal: Seal,
    /// How the run is named in the journal.
    pub run: Run,
    /// Limits and patience.
    pub settings: Settings,
    /// Where events go.
    pub events: Events,
    /// Asks the run to stop: nothing new begins.
    pub cancel: CancellationToken,
    /// What time it is.
    pub clock: Clock,
}

/// Limits and patience of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many steps may be in flight at once.
    pub parallelism: usize,
    /// How often a change is read back before it counts as not applied (arm-faults §6: reads lag writes).
    pub read_back_attempts: u32,
    /// How long to wait before the second reading; doubled each time.
    pub read_back_delay: Duration,
    /// How long a resource may take to be ready after the operation on it has ended.
    pub ready_timeout: Duration,
}

impl Context {
    /// Now, as the journal and the state write it.
    pub fn time(&self) -> String {
        (self.clock)().to_string()
    }

    /// Now, by the cloud's clock if it is known: an intent is compared with the times of resources.
    pub(crate) fn cloud_time(&self) -> String {
        self.provider.now().unwrap_or_else(|| (self.clock)()).to_string()
    }
}
