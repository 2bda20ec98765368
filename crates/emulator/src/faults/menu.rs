//! The menu: every fault by its name, with the requests it can strike, its parameters, and what carries it out.

use super::strike::Strike;
use super::{distortions, lag, meanwhile, outcomes, replies};
use crate::error::ArmError;
use crate::wire::{Method, Response};

/// One fault of the menu.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// The methods of the requests that it can strike.
    pub(super) on: &'static [Method],
    pub(super) act: Act,
    /// Parameters without which it makes no sense, and further ones.
    pub(super) needs: &'static [&'static str],
    pub(super) also: &'static [&'static str],
    /// Whether `count` says how many requests are struck, and not what follows from one.
    pub(super) counts_requests: bool,
    /// What it does, in one line.
    pub(crate) summary: &'static str,
}

/// How a fault is carried out.
pub(super) enum Act {
    /// It refuses in the cloud's place.
    Refuse(Effect, fn(&Strike) -> ArmError),
    /// It answers something else in the cloud's place.
    Reply(Effect, fn(&Strike) -> Response),
    /// It lets the request through, and does something before or after.
    Around(fn(&mut Strike) -> Response),
}

/// Whether the request takes effect before the reply goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Untouched,
    Taken,
    /// As `after_effect` says.
    AsAsked,
}

use Act::{Around, Refuse, Reply};
use Effect::{AsAsked, Taken, Untouched};
use Method::{Delete, Get, Head, Patch, Post, Put};

const ANY: &[Method] = &[Get, Head, Put, Patch, Post, Delete];
const READS: &[Method] = &[Get];
const PUTS: &[Method] = &[Put];
const BODIES: &[Method] = &[Put, Patch, Post];
const CONTENT: &[Method] = &[Put, Patch];
const UNSAFE: &[Method] = &[Put, Patch, Post, Delete];

const PLAIN: Entry = Entry {
    name: "",
    on: ANY,
    act: Reply(AsAsked, replies::own),
    needs: &[],
    also: &[],
    counts_requests: false,
    summary: "",
};

/// Every fault, in the order of arm-faults §10; the first, without a name, is a reply of one's own.
pub(super) const MENU: &[Entry] = &[
    Entry {
        also: &["status", "headers", "body", "drop"],
        summary: "answers as the rule itself says",
        ..PLAIN
    },
    Entry {
        name: "429",
        act: Refuse(AsAsked, replies::throttled),
        summary: "ARM's own budget is used up",
        ..PLAIN
    },
    Entry {
        name: "429-service-with-budget-left",
        act: Refuse(AsAsked, replies::service_throttled),
        summary: "the provider's budget is used up, and ARM's headers do not say so",
        ..PLAIN
    },
    Entry {
        name: "408-before",
        act: Refuse(Untouched, replies::request_timeout),
        summary: "a timeout that reached nobody",
        ..PLAIN
    },
    Entry {
        name: "408-after",
        act: Refuse(Taken, replies::request_timeout),
        summary: "a timeout on the way back",
        ..PLAIN
    },
    Entry {
        name: "409-in-progress",
        on: UNSAFE,
        act: Refuse(AsAsked, replies::in_progress),
        also: &["count"],
        counts_requests: true,
        summary: "another operation is running on the resource, for `count` requests",
        ..PLAIN
    },
    Entry {
        name: "409-locked",
        on: UNSAFE,
        act: Refuse(AsAsked, replies::locked),
        summary: "a lock on the resource group, as if it stood for this request alone",
        ..PLAIN
    },
    Entry {
        name: "403-policy",
        on: CONTENT,
        act: Refuse(AsAsked, replies::policy),
        summary: "a policy of allowed locations refuses",
        ..PLAIN
    },
    Entry {
        name: "403-rbac",
        act: Refuse(AsAsked, replies::unauthorized),
        also: &["id", "value"],
        summary: "no permission, until then; with `id` the one missing is on that second resource, for the action `value`",
        ..PLAIN
    },
    Entry {
        name: "401-expired",
        act: Around(lag::expired_token),
        also: &["value"],
        summary: "the token has expired; with `value` `until_renewed` it stays refused until another one comes",
        ..PLAIN
    },
    Entry {
        name: "401-claims",
        act: Around(lag::claims_challenge),
        also: &["count"],
        summary: "a challenge for further claims, until a token comes that was asked for with them; or `count` times",
        ..PLAIN
    },
    Entry {
        name: "404-after-201",
        on: PUTS,
        act: Around(lag::not_there_yet),
        also: &["count"],
        summary: "what was just created is not found by the next `count` reads",
        ..PLAIN
    },
    Entry {
        name: "stale-get",
        on: UNSAFE,
        act: Around(lag::stale_get),
        also: &["count"],
        summary: "after a write the next `count` reads show the old body, or the old absence",
        ..PLAIN
    },
    Entry {
        name: "stale-list",
        on: UNSAFE,
        act: Around(lag::stale_list),
        also: &["count"],
        summary: "after a write the next `count` lists of its collection show the old item, or miss the new one",
        ..PLAIN
    },
    Entry {
        name: "404-subscription",
        act: Refuse(AsAsked, replies::subscription_not_found),
        summary: "the subscription is not found",
        ..PLAIN
    },
    Entry {
        name: "412",
        on: UNSAFE,
        act: Refuse(AsAsked, replies::precondition_failed),
        summary: "a condition of the request did not hold",
        ..PLAIN
    },
    Entry {
        name: "500-before",
        act: Reply(Untouched, replies::internal_error),
        also: &["value", "retry_after"],
        summary: "an internal error before anything happened; with `value` `plain` as text instead of JSON",
        ..PLAIN
    },
    Entry {
        name: "500-after",
        act: Reply(Taken, replies::internal_error),
        also: &["value", "retry_after"],
        summary: "the same after everything happened",
        ..PLAIN
    },
    Entry {
        name: "502-html",
        act: Reply(AsAsked, replies::bad_gateway),
        also: &["retry_after"],
        summary: "a gateway's page instead of an answer",
        ..PLAIN
    },
    Entry {
        name: "503",
        act: Refuse(AsAsked, replies::unavailable),
        summary: "the service is busy",
        ..PLAIN
    },
    Entry {
        name: "504-before",
        act: Refuse(Untouched, replies::gateway_timeout),
        summary: "the provider did not answer in time, and never heard of it",
        ..PLAIN
    },
    Entry {
        name: "504-after",
        act: Refuse(Taken, replies::gateway_timeout),
        summary: "the provider did not answer in time, but does as asked",
        ..PLAIN
    },
    Entry {
        name: "reset-before",
        act: Reply(Untouched, replies::reset),
        summary: "the connection closes and nothing happened",
        ..PLAIN
    },
    Entry {
        name: "reset-after",
        act: Reply(Taken, replies::reset),
        summary: "the connection closes and everything happened",
        ..PLAIN
    },
    Entry {
        name: "truncate-body",
        act: Around(distortions::truncate_body),
        also: &["value"],
        summary: "fewer bytes than `Content-Length` says: `value`, or half of them",
        ..PLAIN
    },
    Entry {
        name: "slow-body",
        act: Around(distortions::slow_body),
        also: &["seconds"],
        summary: "the body takes `seconds`, or ten of them",
        ..PLAIN
    },
    Entry {
        name: "hang",
        act: Reply(AsAsked, replies::hang),
        summary: "not a byte until the client gives up",
        ..PLAIN
    },
    Entry {
        name: "lro-failed",
        on: UNSAFE,
        act: Around(outcomes::failed),
        also: &["code", "message", "value", "reverts"],
        summary: "the operation ends in `Failed`; a failed create stays and holds its name, a failed update goes back unless `reverts` is false",
        ..PLAIN
    },
    Entry {
        name: "lro-canceled",
        on: UNSAFE,
        act: Around(outcomes::canceled),
        also: &["code", "message", "value", "reverts"],
        summary: "the same with `Canceled`",
        ..PLAIN
    },
    Entry {
        name: "lro-succeeded-resource-failed",
        on: UNSAFE,
        act: Around(outcomes::resource_failed),
        also: &["code", "message", "value"],
        summary: "the operation ends in `Succeeded`, its resource in `Failed`",
        ..PLAIN
    },
    Entry {
        name: "lro-stuck",
        on: UNSAFE,
        act: Around(outcomes::stuck),
        also: &["seconds"],
        summary: "the operation never ends, or takes `seconds` of the cloud longer",
        ..PLAIN
    },
    Entry {
        name: "lro-404",
        on: UNSAFE,
        act: Around(lag::missing_operation),
        also: &["count"],
        summary: "the next `count` polls do not find the operation",
        ..PLAIN
    },
    Entry {
        name: "lro-unknown-word",
        on: UNSAFE,
        act: Around(lag::unknown_word),
        also: &["value"],
        summary: "while it runs the operation's status is `value`, a word nobody knows",
        ..PLAIN
    },
    Entry {
        name: "lro-no-header",
        on: UNSAFE,
        act: Around(distortions::no_header),
        summary: "the reply does not say where to poll",
        ..PLAIN
    },
    Entry {
        name: "lro-foreign-host",
        on: UNSAFE,
        act: Around(distortions::foreign_operation),
        also: &["host"],
        summary: "the reply sends its polls to `host`",
        ..PLAIN
    },
    Entry {
        name: "nextlink-foreign",
        on: READS,
        act: Around(distortions::foreign_next_link),
        also: &["host"],
        summary: "the list goes on at `host`",
        ..PLAIN
    },
    Entry {
        name: "nextlink-loop",
        on: READS,
        act: Around(distortions::looping_next_link),
        summary: "the list's next page is the same one",
        ..PLAIN
    },
    Entry {
        name: "redirect-foreign",
        act: Reply(AsAsked, replies::redirect),
        also: &["host", "status"],
        summary: "a redirect to `host`, with the status 307 or another",
        ..PLAIN
    },
    Entry {
        name: "policy-modifies",
        on: CONTENT,
        act: Around(distortions::policy_modifies),
        also: &["value"],
        summary: "a policy adds a tag, or lays `value` over what was sent",
        ..PLAIN
    },
    Entry {
        name: "casing-changes",
        act: Around(distortions::casing_changes),
        summary: "ids and types come back in lower case, locations by their display names",
        ..PLAIN
    },
    Entry {
        name: "secret-echo",
        on: BODIES,
        act: Refuse(AsAsked, replies::secret_echo),
        summary: "the error quotes the body of the request",
        ..PLAIN
    },
    Entry {
        name: "ansi-in-message",
        act: Refuse(AsAsked, replies::ansi),
        summary: "the error carries terminal escapes, bidirectional marks, Markdown and line breaks",
        ..PLAIN
    },
    Entry {
        name: "name-taken-elsewhere",
        on: PUTS,
        act: Around(replies::name_taken),
        summary: "a new name belongs to somebody else",
        ..PLAIN
    },
    Entry {
        name: "soft-deleted",
        on: PUTS,
        act: Around(replies::soft_deleted),
        summary: "a new name is held by something deleted but not purged",
        ..PLAIN
    },
    Entry {
        name: "failed-compute-holds-name",
        on: PUTS,
        act: Around(outcomes::held_by_failure),
        also: &["code", "message", "value"],
        summary: "a compute fails to come up, and every further PUT of its name is refused until it is deleted",
        ..PLAIN
    },
    Entry {
        name: "region-down",
        act: Reply(AsAsked, replies::region_down),
        needs: &["location"],
        also: &["value", "retry_after"],
        summary: "everything about `location` answers 503, or as `value` says `504` or `hang`",
        ..PLAIN
    },
    Entry {
        name: "clock-skew",
        act: Refuse(AsAsked, replies::clock_skew),
        also: &["seconds"],
        summary: "the server's clock is two hours, or `seconds`, ahead of the `Date` it should show, and refuses the token",
        ..PLAIN
    },
    Entry {
        name: "deleted-meanwhile",
        act: Around(meanwhile::deleted),
        also: &["id", "after_effect"],
        summary: "somebody deletes the resource just before the request, or just after it",
        ..PLAIN
    },
    Entry {
        name: "changed-meanwhile",
        act: Around(meanwhile::changed),
        also: &["id", "value", "after_effect"],
        summary: "somebody changes it by the merge patch `value`, or sets a tag",
        ..PLAIN
    },
    Entry {
        name: "created-meanwhile",
        act: Around(meanwhile::created),
        also: &["id", "value", "after_effect"],
        summary: "somebody creates it from `value`, or from the body of the request",
        ..PLAIN
    },
];

/// What every refusal takes.
const REFUSAL: &[&str] = &["code", "message", "retry_after"];

impl Entry {
    /// Its parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        let refusal = if matches!(self.act, Refuse(..)) { REFUSAL } else { &[] };
        let is_choice = matches!(self.act, Refuse(AsAsked, _) | Reply(AsAsked, _));
        let effect: &[&str] = if is_choice { &["after_effect"] } else { &[] };
        [self.also, refusal, effect].concat().into_iter()
    }

    fn row(&self) -> String {
        let code =
            |words: Vec<&str>| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" ");
        let methods: Vec<&str> = self.on.iter().map(|method| method.name()).collect();
        let methods = if self.on == ANY { "any".to_owned() } else { methods.join(" ") };
        let parameters = code(self.needs.iter().copied().chain(self.parameters()).collect());
        format!("| `{}` | {methods} | {parameters} | {} |\n", self.name, self.summary)
    }

    /// Whether a field is one of them.
    pub(super) fn takes(&self, key: &str) -> bool {
        self.parameters().any(|known| known == key)
    }
}

/// The fault of that name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    MENU.iter().find(|entry| entry.name == name)
}

/// The menu as rows of a Markdown table: name, methods, parameters, what it does.
pub fn table() -> String {
    MENU.iter().filter(|entry| !entry.name.is_empty()).map(Entry::row).collect()
}

/// The names of the menu.
pub(super) fn names() -> Vec<&'static str> {
    MENU.iter().map(|entry| entry.name).filter(|name| !name.is_empty()).collect()
}
