//! How an emulator starts, and which of several possible behaviours it shows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::governance::budgets::BudgetSetting;

/// The subscription that exists unless told otherwise.
pub const DEFAULT_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";

/// The token that is always good unless told otherwise. It is no secret: the token endpoints believe everybody.
pub const DEFAULT_TOKEN: &str = "loopback";

/// Everything that can be chosen about an emulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file that keeps the cloud; none keeps it in memory only.
    pub cloud_file: Option<PathBuf>,
    /// The port on 127.0.0.1; none takes a free one.
    pub port: Option<u16>,
    /// The port on 127.0.0.1 that speaks HTTPS; 0 takes a free one, and without one there is no HTTPS.
    pub https_port: Option<u16>,
    /// How long each request waits on the way, in real time; requests wait side by side.
    pub latency: Duration,
    /// Cloud seconds for each real second; 0 stands still until stepped.
    pub speed: f64,
    /// The time at which a new cloud begins; none is the time of the machine.
    pub start_time: Option<Timestamp>,
    /// The seed of everything that looks random.
    pub seed: u64,
    /// The subscription that exists.
    pub subscription: String,
    /// Further subscriptions that exist.
    pub more_subscriptions: Vec<String>,
    /// The tenant of all subscriptions.
    pub tenant: String,
    /// A bearer token that is always good, beside those that the token endpoints issue.
    pub token: String,
    /// How long issued tokens are good, in real time.
    pub token_lifetime: Duration,
    /// How long the directory does not know a new principal, in the cloud's time: a role assignment is refused
    /// meanwhile, unless it says of which type the principal is.
    pub directory_delay: Duration,
    /// Items on a page of a list.
    pub page_size: usize,
    /// How soon clients are asked to come back on operation replies; the ML service does not say. Whole seconds are
    /// sent as `Retry-After`, others as `retry-after-ms`, which Azure's SDKs know and Terraform does not.
    pub retry_after: Option<Duration>,
    /// Whether every reply tells Terraform's azurerm provider not to wait between its polls, by a header that only its
    /// SDK knows.
    pub skip_polling_delay: bool,
    /// 200 as the specification has it, or 202 as the live service answers a compute PATCH.
    pub patch_status: u16,
    /// What the unpublished `updateSchedules` action does.
    pub update_schedules: UpdateSchedules,
    /// Whether a GET shows the text and arguments of inline setup scripts; the real answer is unknown.
    pub echo_scripts: bool,
    /// Whether a cluster's idle time comes back in the shortest form (`PT120S` as `PT2M`).
    pub rewrite_durations: bool,
    /// Dedicated cores for each VM family and region.
    pub core_limit: i64,
    /// Exceptions to `core_limit` by family name (`standardDSv2Family`).
    pub core_limits: BTreeMap<String, i64>,
    /// Clusters and instances for each region.
    pub compute_limit: i64,
    /// Namespaces that no subscription is registered for at first.
    pub unregistered: Vec<String>,
    /// Request budgets that callers can use up; none counts nothing.
    pub budgets: Option<BudgetSetting>,
    /// Whether instances are started and stopped by their schedules and when idle. A test of something else, whose
    /// clock runs fast, can do without.
    pub background: bool,
    /// Requests kept in the log; the counters go on without limit.
    pub log_size: usize,
}

/// What `POST …/updateSchedules` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateSchedules {
    /// It replaces the schedules.
    Works,
    /// It answers 200 and changes nothing.
    Ignored,
    /// It is not there.
    Missing,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            cloud_file: None,
            port: None,
            https_port: None,
            latency: Duration::ZERO,
            speed: 1.0,
            start_time: None,
            seed: 1,
            subscription: DEFAULT_SUBSCRIPTION.to_owned(),
            more_subscriptions: Vec::new(),
            tenant: "10000000-0000-0000-0000-000000000001".to_owned(),
            token: DEFAULT_TOKEN.to_owned(),
            token_lifetime: Duration::from_secs(24 * 60 * 60),
            directory_delay: Duration::ZERO,
            page_size: 100,
            retry_after: None,
            skip_polling_delay: false,
            patch_status: 200,
            update_schedules: UpdateSchedules::Works,
            echo_scripts: false,
            rewrite_durations: true,
            core_limit: 100_000,
            core_limits: BTreeMap::new(),
            compute_limit: 100_000,
            unregistered: Vec::new(),
            budgets: None,
            background: true,
            log_size: 100_000,
        }
    }
}

impl Options {
    /// The spelling of a subscription that exists, found without case.
    pub(crate) fn subscription_named(&self, name: &str) -> Option<&str> {
        self.subscriptions().find(|known| known.eq_ignore_ascii_case(name))
    }

    /// Every subscription that exists.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.subscription).chain(&self.more_subscriptions).map(String::as_str)
    }

    /// The dedicated cores that a family may use in one region.
    pub(crate) fn cores_allowed(&self, family: &str) -> i64 {
        let exception = self.core_limits.iter().find(|(name, _)| name.eq_ignore_ascii_case(family));
        exception.map_or(self.core_limit, |(_, limit)| *limit)
    }
}
