//! When an instance that is not running, or not stopped, as its document wishes is left alone: its own schedules and its
//! idle shutdown are part of what is wished. What they did is no drift, and apply does not undo it at night.
//!
//! Whichever came last counts: the last thing that was done to it, or the last time that one of its schedules fired.

use model::{Due, Json, Observed, Resource};

use crate::resolve::Resolved;

/// What explains the power of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// One of its schedules.
    Schedule,
    /// It was idle.
    Idle,
}

const RESTING: [&str; 2] = ["running", "stopped"];

/// Whether power needs nothing done: nobody wishes anything, it is as wished, or it is on its way somewhere.
pub(crate) fn is_settled(wish: Option<&Json>, live: Option<&Json>) -> bool {
    let word = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    let (wish, live) = (word(wish), word(live));
    !RESTING.contains(&wish.as_str()) || wish == live || !RESTING.contains(&live.as_str())
}

/// What of the instance's own explains the power that it has. Schedules and idle shutdown count as long as it has them.
pub(crate) fn explained(live: Option<&Observed>, due: Option<Due>) -> Option<Because> {
    let live = live?;
    let text = |name: &str| live.computed.get(name).and_then(Json::as_str).unwrap_or_default();
    let power = live.attributes.get("power").and_then(Json::as_str)?;
    if let Some(due) = due.filter(|due| due.is_after(text("last_time"))) {
        // It should have moved since, or somebody moved it before.
        return (due.power == power).then_some(Because::Schedule);
    }
    let trigger = text("last_trigger");
    match () {
        () if trigger.eq_ignore_ascii_case("Schedule") && has_schedule_for(live, power) => {
            Some(Because::Schedule)
        }
        () if trigger.eq_ignore_ascii_case("IdleShutdown") && idles_off(live) => Some(Because::Idle),
        () => None,
    }
}

fn has_schedule_for(live: &Observed, power: &str) -> bool {
    let action = if power == "running" { "start" } else { "stop" };
    let schedules = live.attributes.get("schedules.compute_start_stop").and_then(Json::as_array);
    let is_on = |schedule: &Json| schedule["action"] == action && schedule["state"] != "disabled";
    schedules.into_iter().flatten().any(is_on)
}

fn idles_off(live: &Observed) -> bool {
    live.attributes.get("idle_time_before_shutdown_minutes").is_some_and(|minutes| !minutes.is_null())
}

impl Because {
    /// What is said of an instance whose document wishes the contrary of the power it has.
    pub(crate) fn words(self, resource: &Resource, resolved: &Resolved) -> String {
        let wishes_running = resolved.values.get("power").is_some_and(|wish| wish == "running");
        let (is, command) = if wishes_running { ("stopped", "start") } else { ("running", "stop") };
        let address = &resource.address;
        let because = match self {
            Because::Schedule => "its own schedule wants it",
            Because::Idle => "it was idle",
        };
        format!(
            "it is {is} because {because}, and stays so; to {command} it now: `plumb {command} '{address}'`"
        )
    }
}
