//! Readings: they may be old, and lists come in pages.

use std::time::Duration;

use model::Json;
use serde_json::json;
use tokio::time::Instant;

use super::path::{collection, name, parent};
use super::serve::{Ask, ORIGIN, Reply, Twist};
use super::{Model, bodies, folded, refusal};

/// How many items a page has.
const PAGE: usize = 3;

impl Model {
    /// A GET of one object.
    pub(super) fn get(&mut self, id: &str, ask: &Ask, twist: Twist, now: Instant) -> Reply {
        let id = folded(id);
        let hidden = self.hidden.get(&id).is_some_and(|until| *until > now);
        match self.seen(&id, twist, now).filter(|_| !hidden) {
            Some(body) => {
                if body.pointer(bodies::PROVISIONING).is_none_or(|word| word == "Succeeded") {
                    self.read.insert((ask.author.process.clone(), id), now);
                }
                Reply::new(200, body)
            }
            None => self.missing(&id),
        }
    }

    /// The refusal for what is not there.
    pub(super) fn missing(&self, id: &str) -> Reply {
        let group = id.split('/').take(5).collect::<Vec<_>>().join("/");
        match self.objects.contains_key(&group) {
            true => refusal(404, "ResourceNotFound", &format!("The Resource '{}' was not found.", name(id))),
            false => refusal(
                404,
                "ResourceGroupNotFound",
                &format!("Resource group '{}' could not be found.", name(&group)),
            ),
        }
    }

    /// What a reading shows, which may be old.
    fn seen(&self, id: &str, twist: Twist, now: Instant) -> Option<Json> {
        let then = now.checked_sub(Duration::from_secs(twist.lags)).unwrap_or(now);
        let past = self.past.get(id)?.iter().rev().find(|(since, _)| *since <= then);
        past.and_then(|(_, body)| body.clone())
    }

    /// A page of what lies in something.
    pub(super) fn list(&self, within: &str, kind: &str, query: &str, twist: Twist, now: Instant) -> Reply {
        let within = folded(within);
        if !self.objects.contains_key(&within) {
            return self.missing(&within);
        }
        let inside =
            |id: &&String| parent(id) == Some(within.as_str()) && collection(id).eq_ignore_ascii_case(kind);
        let all: Vec<Json> =
            self.past.keys().filter(inside).filter_map(|id| self.seen(id, twist, now)).collect();
        let skip = query.split('&').find_map(|pair| pair.strip_prefix("$skip=")?.parse().ok()).unwrap_or(0);
        let page: Vec<&Json> = all.iter().skip(skip).take(PAGE).collect();
        let mut body = json!({ "value": page });
        if skip + PAGE < all.len() {
            let provider = if kind.eq_ignore_ascii_case("computes") { "" } else { "/providers/Any" };
            body["nextLink"] = json!(format!("{ORIGIN}{within}{provider}/{kind}?$skip={}", skip + PAGE));
        }
        Reply::new(200, body)
    }
}
