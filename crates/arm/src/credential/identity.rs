//! Whom a token stands for, as far as it tells: for people, and for nothing else. Clients have no
//! right to what a token says, and nobody checks its signature here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Json, Secret};

/// A name is shorter; a longer one is cut.
const CHARACTERS_MAX: usize = 200;

/// `application 1111… of tenant 2222…`; `None` for a token that tells nothing.
pub(super) fn of(token: &Secret) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1)?).ok()?;
    let claims: Json = serde_json::from_slice(&claims).ok()?;
    let first = |names: &[&str]| names.iter().find_map(|n| claims[*n].as_str()).map(str::to_owned);
    let person = first(&["upn", "preferred_username", "unique_name"]);
    let application = || first(&["appid", "azp"]).map(|id| format!("application {id}"));
    let object = || first(&["oid", "sub"]).map(|id| format!("object {id}"));
    let who = person.or_else(application).or_else(object)?;
    let tenant = first(&["tid"]).map(|tenant| format!(" of tenant {tenant}")).unwrap_or_default();
    Some(format!("{who}{tenant}").chars().take(CHARACTERS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: Json) -> Option<String> {
        of(&Secret::new(format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()))))
    }

    #[test]
    fn a_token_tells_whom_it_stands_for() {
        let person = json!({ "upn": "alice@example.com", "appid": "az", "tid": "t" });
        assert_eq!(read(person).as_deref(), Some("alice@example.com of tenant t"));
        assert_eq!(read(json!({ "appid": "a", "oid": "o" })).as_deref(), Some("application a"));
        assert_eq!(read(json!({ "oid": "o" })).as_deref(), Some("object o"));
    }

    #[test]
    fn another_token_tells_nothing() {
        for text in ["opaque", "a.b.c", "", "a.e30.c", "a.W10.c"] {
            assert_eq!(of(&Secret::new(text)), None, "{text}");
        }
    }
}
