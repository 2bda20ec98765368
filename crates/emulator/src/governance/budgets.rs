//! Request budgets: ARM's token buckets, and those of the providers behind it (arm-faults §3).
//!
//! Every request of a subscription is paid for twice, from the bucket of its caller and from one of the whole
//! subscription that is 15 times as large; what lies above subscriptions is paid for by the tenant. A provider's own
//! bucket comes behind these, and ARM's headers say nothing of it.
//!
//! Buckets fill up by the machine's clock, for a client that is told to wait ten seconds waits ten of its own, however
//! fast the cloud's time runs; tests that step a cloud without a machine choose the cloud's clock. Without a setting
//! nothing is counted, and the headers are those of a fresh bucket. Budgets are no part of the cloud file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{ArmError, bad_content};
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// How many times larger the bucket of a whole subscription is than that of one caller.
const EVERYBODY: u32 = 15;

/// A bucket: how many requests it holds, and how many come back each second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests in a full bucket.
    pub bucket: u32,
    /// Requests a second that it regains.
    pub refill: f64,
}

/// The buckets of the three kinds of request; a kind without one is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// GET and HEAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<Rate>,
    /// PUT, PATCH and POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<Rate>,
    /// DELETE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes: Option<Rate>,
}

/// Which clock fills the buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetClock {
    /// That of the machine, where clients wait.
    #[default]
    Machine,
    /// That of the cloud.
    Cloud,
}

/// What is limited, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetSetting {
    /// `azure` for Azure's numbers, under those given here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The clock.
    pub clock: BudgetClock,
    /// ARM's bucket for each caller's GET and HEAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<Rate>,
    /// That for PUT, PATCH and POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<Rate>,
    /// That for DELETE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes: Option<Rate>,
    /// Buckets of providers, by namespace, for each subscription.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Rates>,
}

/// What became of one bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetReport {
    /// Whose it is: the caller's in a subscription or the tenant, the whole subscription's, or a provider's.
    pub scope: String,
    /// `reads`, `writes` or `deletes`.
    pub kind: &'static str,
    /// Requests in a full bucket.
    pub bucket: u32,
    /// Requests a second that it regains.
    pub refill: f64,
    /// Requests that it granted.
    pub granted: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Requests that it could have granted from its first one to its last one.
    pub available: f64,
    /// Granted out of available.
    pub busy: f64,
    /// Refused out of all.
    pub throttled: f64,
    /// When it met its first request.
    pub since: Timestamp,
    /// When it met its last one.
    pub until: Timestamp,
}

/// Azure's numbers, for one caller in one subscription and one region.
const AZURE: Rates = Rates {
    reads: Some(Rate { bucket: 250, refill: 25.0 }),
    writes: Some(Rate { bucket: 200, refill: 10.0 }),
    deletes: Some(Rate { bucket: 200, refill: 10.0 }),
};

impl BudgetSetting {
    /// Azure's numbers.
    pub fn azure() -> BudgetSetting {
        let Rates { reads, writes, deletes } = AZURE;
        BudgetSetting { reads, writes, deletes, ..BudgetSetting::default() }
    }

    /// ARM's buckets for each caller.
    fn rates(&self) -> Rates {
        Rates { reads: self.reads, writes: self.writes, deletes: self.deletes }
    }

    /// With its preset filled in, or what is wrong with it.
    pub(crate) fn complete(self) -> Result<BudgetSetting, String> {
        let base = match self.preset.as_deref() {
            None => Rates::default(),
            Some("azure") => AZURE,
            Some(other) => return Err(format!("There is no preset '{other}'; there is 'azure'.")),
        };
        let setting = BudgetSetting {
            preset: None,
            reads: self.reads.or(base.reads),
            writes: self.writes.or(base.writes),
            deletes: self.deletes.or(base.deletes),
            ..self
        };
        let own = setting.rates();
        let all = std::iter::once(&own).chain(setting.services.values());
        let mut each = all.flat_map(|rates| [rates.reads, rates.writes, rates.deletes]).flatten();
        if each.any(|rate| rate.bucket == 0 || !(rate.refill > 0.0 && rate.refill.is_finite())) {
            return Err("A bucket holds at least one request and regains more than none.".to_owned());
        }
        Ok(setting)
    }
}

/// The three kinds of request: what headers call them, and what messages do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Reads,
    Writes,
    Deletes,
}

impl Kind {
    fn of(method: Method) -> Kind {
        match method {
            Method::Get | Method::Head => Kind::Reads,
            Method::Put | Method::Patch | Method::Post => Kind::Writes,
            Method::Delete => Kind::Deletes,
        }
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Kind::Reads => ("reads", "read"),
            Kind::Writes => ("writes", "write"),
            Kind::Deletes => ("deletes", "delete"),
        }
    }

    fn rate(self, rates: &Rates) -> Option<Rate> {
        match self {
            Kind::Reads => rates.reads,
            Kind::Writes => rates.writes,
            Kind::Deletes => rates.deletes,
        }
    }
}

/// One bucket at work.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    left: f64,
    since: Timestamp,
    until: Timestamp,
    granted: u64,
    refused: u64,
}

impl Bucket {
    fn new(rate: Rate, now: Timestamp) -> Bucket {
        Bucket { rate, left: f64::from(rate.bucket), since: now, until: now, granted: 0, refused: 0 }
    }

    /// Regains what time has brought; a clock that was set back brings nothing.
    fn refill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.until).as_secs_f64().max(0.0);
        self.left = (self.left + passed * self.rate.refill).min(f64::from(self.rate.bucket));
        self.until = now.max(self.until);
    }

    /// Whole seconds until it has a request again; none if it has one.
    fn wait(&self) -> Option<u64> {
        let missing = 1.0 - self.left;
        // Sums of tenths do not always come out even.
        (missing > 1e-9).then(|| ((missing / self.rate.refill - 1e-9).ceil() as u64).max(1))
    }

    fn report(&self, scope: &str, kind: Kind) -> BudgetReport {
        let passed = self.until.duration_since(self.since).as_secs_f64();
        let available = f64::from(self.rate.bucket) + passed * self.rate.refill;
        let (granted, refused) = (self.granted as f64, self.refused as f64);
        BudgetReport {
            scope: scope.to_owned(),
            kind: kind.names().0,
            bucket: self.rate.bucket,
            refill: self.rate.refill,
            granted: self.granted,
            refused: self.refused,
            available,
            busy: granted / available,
            throttled: refused / (granted + refused).max(1.0),
            since: self.since,
            until: self.until,
        }
    }
}

/// All buckets.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    setting: Option<BudgetSetting>,
    /// By scope and kind.
    buckets: BTreeMap<(String, Kind), Bucket>,
}

impl Budgets {
    /// Full buckets of this setting in the place of all there are; none limits nothing.
    pub(crate) fn set(&mut self, setting: Option<BudgetSetting>) -> Result<(), ArmError> {
        self.setting = setting.map(BudgetSetting::complete).transpose().map_err(bad_content)?;
        self.buckets.clear();
        Ok(())
    }

    /// What is limited.
    pub(crate) fn setting(&self) -> Option<&BudgetSetting> {
        self.setting.as_ref()
    }

    /// What became of every bucket that met a request.
    pub(crate) fn report(&self) -> Vec<BudgetReport> {
        self.buckets.iter().map(|((scope, kind), bucket)| bucket.report(scope, *kind)).collect()
    }

    /// The bucket, full if it is new, with what it has regained.
    fn bucket(&mut self, scope: &str, kind: Kind, rate: Rate, now: Timestamp) -> &mut Bucket {
        let bucket = self.buckets.entry((scope.to_owned(), kind)).or_insert_with(|| Bucket::new(rate, now));
        bucket.refill(now);
        bucket
    }

    /// Takes a request out of all these buckets, or out of none: then how long the emptiest one needs.
    fn take(&mut self, scopes: &[(String, Rate)], kind: Kind, now: Timestamp) -> Result<(), u64> {
        let mut wait = None;
        for (scope, rate) in scopes {
            let bucket = self.bucket(scope, kind, *rate, now);
            let own = bucket.wait();
            bucket.refused += u64::from(own.is_some());
            wait = wait.max(own);
        }
        if let Some(seconds) = wait {
            return Err(seconds);
        }
        for (scope, rate) in scopes {
            let bucket = self.bucket(scope, kind, *rate, now);
            bucket.left -= 1.0;
            bucket.granted += 1;
        }
        Ok(())
    }
}

/// ARM's scopes of a request with their buckets: the caller's first.
fn scopes(call: &Call, rate: Rate) -> Vec<(String, Rate)> {
    let subscription = call.subject.subscription.to_ascii_lowercase();
    if subscription.is_empty() {
        return vec![(format!("tenant caller {}", call.principal), rate)];
    }
    let times = f64::from(EVERYBODY);
    let everybody = Rate { bucket: rate.bucket.saturating_mul(EVERYBODY), refill: rate.refill * times };
    vec![
        (format!("subscription {subscription} caller {}", call.principal), rate),
        (format!("subscription {subscription}"), everybody),
    ]
}

/// Pays for a request, or refuses it.
pub(crate) fn spend(world: &mut World, call: &Call) -> Result<(), ArmError> {
    let budgets = &mut world.budgets;
    let Some(setting) = &budgets.setting else { return Ok(()) };
    let kind = Kind::of(call.request.method);
    let now = match setting.clock {
        BudgetClock::Machine => call.machine(),
        BudgetClock::Cloud => call.now,
    };
    let own = kind.rate(&setting.rates());
    let namespace = call.subject.namespace();
    let service = setting.services.iter().find(|(name, _)| name.eq_ignore_ascii_case(namespace));
    let service = service.and_then(|(name, rates)| {
        let scope =
            format!("subscription {} provider {name}", call.subject.subscription.to_ascii_lowercase());
        Some((scope, kind.rate(rates)?))
    });
    if let Some(rate) = own {
        budgets.take(&scopes(call, rate), kind, now).map_err(|seconds| refusal(call, seconds))?;
    }
    if let Some(service) = service {
        budgets.take(&[service], kind, now).map_err(|seconds| service_refusal(call, seconds))?;
    }
    Ok(())
}

/// The response with what is left of the caller's budget, and of everybody's.
pub(crate) fn tell(world: &World, call: &Call, response: Response) -> Response {
    let kind = Kind::of(call.request.method);
    let rates = world.budgets.setting.as_ref().map_or(AZURE, BudgetSetting::rates);
    let Some(rate) = kind.rate(&rates) else { return response };
    let is_counted = world.budgets.setting.is_some();
    let names = if call.subject.subscription.is_empty() {
        ["tenant", ""]
    } else {
        ["subscription", "subscription-global"]
    };
    scopes(call, rate).into_iter().zip(names).fold(response, |response, ((scope, rate), name)| {
        // Nobody counts: as if this were the first request.
        let fresh = f64::from(rate.bucket) - f64::from(u8::from(!is_counted));
        let left = world.budgets.buckets.get(&(scope, kind)).map_or(fresh, |bucket| bucket.left);
        let header = format!("x-ms-ratelimit-remaining-{name}-{}", kind.names().0);
        response.or_with(&header, &format!("{}", left.max(0.0) as u64))
    })
}

/// 429 by ARM: its own budget is used up, and its headers say so.
pub(crate) fn refusal(call: &Call, seconds: u64) -> ArmError {
    let (plural, singular) = Kind::of(call.request.method).names();
    let subscription = &call.subject.subscription;
    let level = if subscription.is_empty() { "tenant" } else { "subscription" };
    let message = format!(
        "Number of '{singular}' requests for subscription '{subscription}' actor '{}' exceeded. Please try again after \
         '{seconds}' seconds.",
        call.principal
    );
    ArmError::gateway(429, "SubscriptionRequestsThrottled", message)
        .with("Retry-After", seconds.to_string())
        .with(&format!("x-ms-ratelimit-remaining-{level}-{plural}"), "0")
}

/// 429 by the provider: ARM's headers know nothing of it.
pub(crate) fn service_refusal(_: &Call, seconds: u64) -> ArmError {
    let message =
        format!("The request was throttled by the service. Please try again after '{seconds}' seconds.");
    ArmError::service(429, "TooManyRequests", message).with("Retry-After", seconds.to_string())
}
