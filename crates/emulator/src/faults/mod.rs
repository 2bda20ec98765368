//! Faults on demand. A rule waits for its requests and then stands between them and their resource: it answers in the
//! resource's place, or lets the request through and changes something around it.
//!
//! Rules lie on each other like layers, the oldest outermost: what an older one lets through meets the younger ones.
//! Everything that was asked for is counted. Rules are no part of the cloud file.

mod distortions;
mod fault;
mod lag;
mod meanwhile;
mod menu;
mod outcomes;
mod replies;
mod strike;

pub use fault::Fault;
pub use menu::table;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::ArmError;
use crate::random::Random;
use crate::route::location;
use crate::wire::Response;
use crate::world::{Call, World};
use lag::Echo;
use menu::Entry;
use strike::{Outcome, Strike};

/// Request ids kept for each rule; `fired` counts without limit.
const REQUESTS_MAX: usize = 1_000;

/// A rule and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct FaultReport {
    /// Its number.
    pub id: u64,
    /// The rule.
    #[serde(flatten)]
    pub rule: Fault,
    /// Requests that it was about and that reached it.
    pub seen: u64,
    /// Replies that were not what they would have been, and changes behind everybody's back.
    pub fired: u64,
    /// Replies that are still to go wrong after a write that it struck.
    pub waiting: u64,
    /// Whether it is over.
    pub spent: bool,
    /// `x-ms-request-id` of the requests on which it fired, the first thousand.
    pub requests: Vec<String>,
}

/// A rule at work.
struct Rule {
    id: u64,
    fault: Fault,
    entry: &'static Entry,
    random: Random,
    seen: u64,
    /// Requests taken out of those seen.
    struck: u64,
    fired: u64,
    requests: Vec<String>,
    echoes: Vec<Echo>,
}

/// The rules, oldest first, the spent ones too.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    made: u64,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} rules", self.rules.len())
    }
}

impl Faults {
    /// Adds a rule and returns its number, or says what is wrong with it.
    pub(crate) fn add(&mut self, fault: Fault, now: Timestamp) -> Result<u64, ArmError> {
        let entry = fault.entry()?;
        self.made += 1;
        self.rules.push(Rule {
            id: self.made,
            random: Random(fault.seed.unwrap_or(self.made)),
            fault: fault.begun(now),
            entry,
            seen: 0,
            struck: 0,
            fired: 0,
            requests: Vec::new(),
            echoes: Vec::new(),
        });
        Ok(self.made)
    }

    /// Every rule, oldest first.
    pub(crate) fn report(&self, now: Timestamp) -> Vec<FaultReport> {
        self.rules.iter().map(|rule| rule.report(now)).collect()
    }

    /// Drops all rules with what they left behind.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }
}

impl Rule {
    fn report(&self, now: Timestamp) -> FaultReport {
        let waiting = self.echoes.iter().filter_map(|echo| echo.left).fold(0_u64, u64::saturating_add);
        let is_endless = self.echoes.iter().any(|echo| echo.left.is_none());
        let is_over =
            self.struck >= self.fault.limit(self.entry) || self.fault.until.is_some_and(|until| until <= now);
        FaultReport {
            id: self.id,
            rule: self.fault.clone(),
            seen: self.seen,
            fired: self.fired,
            waiting,
            spent: is_over && waiting == 0 && !is_endless,
            requests: self.requests.clone(),
        }
    }

    /// Counts a request that is meant, and says whether its turn has come.
    fn takes(&mut self) -> bool {
        self.seen += 1;
        let is_turn = self.seen >= self.fault.nth.unwrap_or(1) && self.struck < self.fault.limit(self.entry);
        is_turn && self.fault.probability.is_none_or(|chance| self.random.chance(chance))
    }

    fn fire(&mut self, request: &str) {
        self.fired += 1;
        if self.requests.len() < REQUESTS_MAX {
            self.requests.push(request.to_owned());
        }
    }
}

/// Answers a request through all rules.
pub(crate) fn strike(world: &mut World, call: &Call) -> Response {
    descend(world, call, 0)
}

/// Answers a request through the rules from this one on.
fn descend(world: &mut World, call: &Call, from: usize) -> Response {
    for index in from..world.faults.rules.len() {
        if let Some(response) = lag::echo(world, call, index) {
            return response;
        }
        if aims(world, call, index) {
            return act(world, call, index);
        }
    }
    world.answer(call)
}

fn aims(world: &mut World, call: &Call, index: usize) -> bool {
    let rule = &world.faults.rules[index];
    let is_meant =
        rule.entry.on.contains(&call.request.method) && rule.fault.means(call, || location::of(world, call));
    is_meant && world.faults.rules[index].takes()
}

fn act(world: &mut World, call: &Call, index: usize) -> Response {
    let rule = &world.faults.rules[index];
    let (fault, entry) = (rule.fault.clone(), rule.entry);
    let mut strike = Strike { world, call, fault: &fault, index, outcome: Outcome::Fired };
    let response = strike.act(&entry.act);
    let outcome = strike.outcome;
    let rule = &mut world.faults.rules[index];
    match outcome {
        Outcome::Fired => rule.fire(call.id),
        Outcome::Armed => {}
        // It was none of those that are counted after all.
        Outcome::Missed => rule.seen -= 1,
    }
    rule.struck += u64::from(outcome != Outcome::Missed);
    response
}
