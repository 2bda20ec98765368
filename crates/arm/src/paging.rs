//! Lists: all pages, or an error; never a part that looks whole.

use std::collections::BTreeSet;

use executor::provider::{CloudError, Outcome};
use model::Json;

use crate::client::{Call, Client};
use crate::judge::{ELSEWHERE, no_reply};

/// 1000 pages hold more than any collection of plumb's kinds may have.
const PAGES_MAX: usize = 1000;

impl Client {
    /// Every item of a list: the first call, then `nextLink` by GET until there is none. `items` is
    /// the key they stand under.
    pub(crate) async fn pages(&self, first: Call, items: &str) -> Result<Vec<Json>, CloudError> {
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        let mut call = first;
        loop {
            let mut body = self.call(&call).await?.body;
            match body.get_mut(items).map(Json::take) {
                Some(Json::Array(page)) => all.extend(page),
                // Null where a list is empty is met (machine-learning facts §8.1).
                Some(Json::Null) => {}
                _ => return Err(broken(format!("a list came without `{items}`"))),
            }
            let next = body.get("nextLink").and_then(Json::as_str).unwrap_or_default();
            if next.is_empty() {
                return Ok(all);
            }
            let url = self.endpoint.admit(next).map_err(|origin| {
                let words = format!("the list goes on at {origin}, which does not get our token");
                CloudError { advice: Some(ELSEWHERE.to_owned()), ..broken(words) }
            })?;
            if !seen.insert(url.to_string()) || seen.len() > PAGES_MAX {
                return Err(broken("the list goes round in circles".to_owned()));
            }
            call = Call::get(url);
        }
    }
}

fn broken(words: String) -> CloudError {
    let advice = "Run the command again; if this goes on, quote the address of the list to Azure's support.";
    CloudError { advice: Some(advice.to_owned()), ..no_reply(Outcome::Unknown, words) }
}
