//! Waiting for an operation's end. The deadline is ours, the operation is Azure's: when we stop
//! waiting, it goes on, and its outcome is unknown (arm-faults §4, rule 10).

use std::time::Duration;

use executor::provider::{CloudError, Operation, Outcome};
use model::Json;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::client::{Call, Client};
use crate::judge::no_reply;
use crate::operation::{Progress, State, failed_progress, failure, progress, state};
use crate::pace::retry_after;
use crate::settings::Settings;

/// The pauses between polls: as the last reply told, else growing from the first to the longest.
struct Pace {
    next: Duration,
    longest: Duration,
}

impl Pace {
    fn new(settings: &Settings) -> Self {
        Self { next: settings.poll_interval, longest: settings.poll_interval_max }
    }

    async fn pause(&mut self, told: Option<Duration>) {
        // The SDKs take `Retry-After: 0` for none, too.
        let pause = told.filter(|t| !t.is_zero()).unwrap_or(self.next);
        self.next = (self.next * 3 / 2).min(self.longest);
        sleep(pause).await;
    }
}

impl Client {
    /// Waits until an operation ends; `first` is the pause before the first look.
    pub(crate) async fn wait(&self, operation: &Operation, first: Duration) -> Result<(), CloudError> {
        let waited = timeout(self.settings.deadline, self.follow(operation, first)).await;
        let result = waited.unwrap_or_else(|_| Err(out_of_time(self.settings.deadline)));
        result.map_err(|error| self.scrubbed(error))
    }

    async fn follow(&self, operation: &Operation, first: Duration) -> Result<(), CloudError> {
        sleep(first).await;
        // What a state file names is trusted no more than what a reply names.
        let ended = match operation.url.as_ref().and_then(|url| self.endpoint.admit(url).ok()) {
            Some(url) => self.follow_url(url).await?,
            None => None,
        };
        match ended {
            Some(()) if operation.deletes => self.until_gone(operation).await,
            Some(()) => Ok(()),
            None => self.follow_resource(operation).await,
        }
    }

    /// Polls the operation's URL to its end; `None` when only the resource can tell.
    async fn follow_url(&self, url: Url) -> Result<Option<()>, CloudError> {
        let call = Call::get(url);
        let mut pace = Pace::new(&self.settings);
        let mut missing: Option<Instant> = None;
        loop {
            let (now, told) = match self.call(&call).await {
                Ok(reply) => (progress(&reply), retry_after(&reply.headers)),
                Err(error) => (failed_progress(error), None),
            };
            match now {
                Progress::Succeeded => return Ok(Some(())),
                Progress::Failed(error) => return Err(error),
                Progress::AskResource => return Ok(None),
                Progress::GivenUp(error) => return Err(goes_on(error)),
                Progress::Running => missing = None,
                Progress::Unreadable => {}
                Progress::Missing => {
                    if missing.get_or_insert_with(Instant::now).elapsed() >= self.settings.settle_window {
                        return Ok(None);
                    }
                }
            }
            pace.pause(told.max(self.outage(call.region()))).await;
        }
    }

    /// The least pause between polls of a region that is down (arm-faults §8).
    fn outage(&self, region: Option<String>) -> Option<Duration> {
        region.filter(|region| self.circuit.is_open(region)).map(|_| self.settings.outage_pause)
    }

    /// Polls the resource's own `provisioningState` to its end.
    async fn follow_resource(&self, operation: &Operation) -> Result<(), CloudError> {
        let start = Instant::now();
        let mut pace = Pace::new(&self.settings);
        loop {
            let reply = self.get(&operation.arm_id, &[], operation.api_version).await;
            let lagging = start.elapsed() < self.settings.settle_window;
            let told = reply.as_ref().ok().and_then(|r| retry_after(&r.headers));
            match reply.map(|reply| (state(&reply.body), reply.body)) {
                Ok((State::Running, _)) => {}
                Ok((State::Failed(_), body)) => return Err(failure(&body)),
                Ok((State::Succeeded, _)) if !operation.deletes => return Ok(()),
                Ok((State::Succeeded, _)) if lagging => {}
                Ok((State::Succeeded, body)) => return Err(not_gone(&body)),
                Err(error) if error.is_not_found() && operation.deletes => return Ok(()),
                Err(error) if error.is_not_found() && lagging => {}
                Err(error) if error.is_not_found() => return Err(never_there()),
                Err(error) => match failed_progress(error.clone()) {
                    Progress::Unreadable => {}
                    _ => return Err(goes_on(error)),
                },
            }
            pace.pause(told).await;
        }
    }

    /// Reads until the resource is not found: a list or a GET may show it a while longer.
    async fn until_gone(&self, operation: &Operation) -> Result<(), CloudError> {
        let start = Instant::now();
        let mut pace = Pace::new(&self.settings);
        loop {
            let late = start.elapsed() >= self.settings.settle_window;
            match self.get(&operation.arm_id, &[], operation.api_version).await {
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if matches!(error.status, Some(400..=403)) => return Err(goes_on(error)),
                Ok(reply) if late => return Err(not_gone(&reply.body)),
                Err(error) if late => return Err(goes_on(error)),
                _ => pace.pause(None).await,
            }
        }
    }
}

fn out_of_time(deadline: Duration) -> CloudError {
    let words = format!("no end after {} s; the operation goes on in Azure", deadline.as_secs());
    with_advice(no_reply(Outcome::Unknown, words))
}

fn goes_on(error: CloudError) -> CloudError {
    let message = format!("the operation goes on in Azure, but cannot be followed: {}", error.message);
    with_advice(CloudError { outcome: Outcome::Unknown, message, ..error })
}

/// It is called deleted, and stays: when nothing is at work on it any more, it was not deleted.
fn not_gone(body: &Json) -> CloudError {
    let words = "Azure says that it is deleted, and still shows it";
    match state(body) {
        State::Running => with_advice(no_reply(Outcome::Unknown, words)),
        State::Succeeded => no_reply(Outcome::Failed, words),
        State::Failed(_) => {
            let error = failure(body);
            CloudError { message: format!("{words}: {}", error.message), ..error }
        }
    }
}

fn never_there() -> CloudError {
    no_reply(Outcome::Failed, "Azure took the request, and the resource never appeared")
}

fn with_advice(error: CloudError) -> CloudError {
    let standing = error.advice.clone();
    let advice = "The next `plumb plan` or `plumb apply` takes it up again.".to_owned();
    CloudError { advice: Some(standing.map_or(advice.clone(), |words| format!("{words} {advice}"))), ..error }
}
