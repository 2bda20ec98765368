//! One rule at work on one request.

use serde_json::Value;

use super::fault::Fault;
use super::lag::Echo;
use super::menu::{Act, Effect};
use crate::error::ArmError;
use crate::wire::Response;
use crate::world::{Call, World};

/// What became of a strike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The reply, or the cloud, is not what it would have been.
    Fired,
    /// What was asked for comes with later replies.
    Armed,
    /// The request was not of the sort that this fault is about.
    Missed,
}

/// A rule, the request it strikes, and the world.
pub(super) struct Strike<'a> {
    pub(super) world: &'a mut World,
    pub(super) call: &'a Call<'a>,
    pub(super) fault: &'a Fault,
    /// Where the rule stands among the others.
    pub(super) index: usize,
    pub(super) outcome: Outcome,
}

impl Strike<'_> {
    /// Carries the fault out.
    pub(super) fn act(&mut self, act: &Act) -> Response {
        match act {
            Act::Refuse(effect, make) => {
                self.take_effect(*effect);
                self.refuse(make(self))
            }
            Act::Reply(effect, make) => {
                self.take_effect(*effect);
                make(self)
            }
            Act::Around(make) => make(self),
        }
    }

    fn take_effect(&mut self, effect: Effect) {
        if effect == Effect::Taken || (effect == Effect::AsAsked && self.fault.after_effect) {
            self.pass();
        }
    }

    /// Lets the request go on, past the younger rules.
    pub(super) fn pass(&mut self) -> Response {
        super::descend(self.world, self.call, self.index + 1)
    }

    /// The answer of a request that this fault cannot be about.
    pub(super) fn miss(&mut self, answer: Response) -> Response {
        self.outcome = Outcome::Missed;
        answer
    }

    /// The same, with the request let go on first.
    pub(super) fn miss_and_pass(&mut self) -> Response {
        let answer = self.pass();
        self.miss(answer)
    }

    /// Leaves something that later requests will meet, and counts when they do.
    pub(super) fn arm(&mut self, echo: Echo) {
        self.outcome = Outcome::Armed;
        self.leave(echo);
    }

    /// Leaves something that later requests will meet, too.
    pub(super) fn leave(&mut self, echo: Echo) {
        self.world.faults.rules[self.index].echoes.push(echo);
    }

    /// A refusal with the code, message and `Retry-After` that the rule asks for.
    pub(super) fn refuse(&self, mut error: ArmError) -> Response {
        if let Some(code) = &self.fault.code {
            error.code.clone_from(code);
        }
        if let Some(message) = &self.fault.message {
            error.message.clone_from(message);
        }
        self.later(error.response())
    }

    /// The response with the `Retry-After` that the rule asks for, in the place of its own.
    pub(super) fn later(&self, response: Response) -> Response {
        let asked = match &self.fault.retry_after {
            Value::Null => return response,
            Value::String(word) => match word.as_str() {
                "none" => return response.without("Retry-After"),
                "date" => http_date(self.call.machine(), 10.0),
                "garbage" => "soon".to_owned(),
                other => other.to_owned(),
            },
            other => other.to_string(),
        };
        response.without("Retry-After").with("Retry-After", &asked)
    }
}

/// A moment of the clients' time as HTTP writes it, `ahead` seconds on.
pub(super) fn http_date(now: jiff::Timestamp, ahead: f64) -> String {
    let length = jiff::SignedDuration::try_from_secs_f64(ahead).unwrap_or(jiff::SignedDuration::ZERO);
    let time = now.saturating_add(length).unwrap_or(now);
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
