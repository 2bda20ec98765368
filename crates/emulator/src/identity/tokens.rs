//! Access tokens: JWTs signed with a key of this run, so that none has to be stored to be known again.
//!
//! A token lives by the machine's clock, not the cloud's: it is a matter between the issuer and a client that reads
//! `expires_in`, and the client's time is the machine's.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::ArmError;

/// Who a token speaks for, and to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The resource it is for, as it was asked for.
    #[serde(rename = "aud")]
    pub(crate) audience: String,
    #[serde(rename = "iss")]
    pub(crate) issuer: String,
    #[serde(rename = "tid")]
    pub(crate) tenant: String,
    /// The application, which others call the client id.
    #[serde(rename = "appid")]
    pub(crate) application: String,
    /// The service principal, which role assignments name.
    #[serde(rename = "oid")]
    pub(crate) object: String,
    /// The answer to a challenge for further claims: from when on the token had to be good, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) challenge: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(flatten)]
    claims: Claims,
    sub: String,
    idtyp: String,
    ver: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What signs tokens and knows them again.
#[derive(Debug)]
pub(crate) struct Tokens {
    key: hmac::Key,
    /// How long the next tokens are good.
    pub(crate) lifetime: SignedDuration,
}

impl Tokens {
    /// A signer whose key follows from these bytes.
    pub(crate) fn new(secret: &[u8], lifetime: SignedDuration) -> Tokens {
        Tokens { key: hmac::Key::new(hmac::HMAC_SHA256, secret), lifetime }
    }

    /// Takes another key: no token issued so far is known any more.
    pub(crate) fn revoke(&mut self) {
        let next = hmac::sign(&self.key, b"the next key");
        self.key = hmac::Key::new(hmac::HMAC_SHA256, next.as_ref());
    }

    /// A token issued at `at`.
    pub(crate) fn issue(&self, claims: Claims, at: Timestamp) -> String {
        let payload = Payload {
            sub: claims.object.clone(),
            claims,
            idtyp: "app".to_owned(),
            ver: "1.0".to_owned(),
            iat: at.as_second(),
            nbf: at.as_second(),
            exp: at.as_second().saturating_add(self.lifetime.as_secs()),
        };
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "HS256" })), part(&json!(payload)));
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// What a token of ours says, or why it is refused at `at` (arm-faults §5).
    pub(crate) fn check(&self, token: &str, at: Timestamp) -> Result<Claims, ArmError> {
        let payload = self.payload(token).ok_or_else(|| {
            let message = "The received access token is not valid: it was not issued here, or was revoked.";
            ArmError::gateway(401, "InvalidAuthenticationToken", message)
        })?;
        if at.as_second() >= payload.exp {
            let ended = Timestamp::from_second(payload.exp).unwrap_or(Timestamp::MAX);
            let message = format!(
                "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
                ended.strftime(CLOCK),
                at.strftime(CLOCK)
            );
            return Err(ArmError::gateway(401, "ExpiredAuthenticationToken", message));
        }
        Ok(payload.claims)
    }

    fn payload(&self, token: &str) -> Option<Payload> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let (_, payload) = signed.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

/// `8/21/2018 3:22:00 PM`, as ARM writes it.
const CLOCK: &str = "%-m/%-d/%Y %-I:%M:%S %p";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn claims() -> Claims {
        let text = |text: &str| text.to_owned();
        Claims {
            audience: text("a"),
            issuer: text("i"),
            tenant: text("t"),
            application: text("app"),
            object: text("o"),
            challenge: None,
        }
    }

    #[test]
    fn a_token_is_known_again_until_it_ends() {
        let tokens = Tokens::new(b"k", SignedDuration::from_hours(1));
        let token = tokens.issue(claims(), at("2018-08-21T14:22:00Z"));
        assert_eq!(tokens.check(&token, at("2018-08-21T15:21:59Z")).unwrap(), claims());
        let refusal = tokens.check(&token, at("2018-08-21T15:48:45Z")).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (401, "ExpiredAuthenticationToken"));
        assert_eq!(
            refusal.message,
            "The access token expiry UTC time '8/21/2018 3:22:00 PM' is earlier than current UTC time \
             '8/21/2018 3:48:45 PM'."
        );
    }

    #[test]
    fn a_forged_or_revoked_token_is_unknown() {
        let mut tokens = Tokens::new(b"k", SignedDuration::from_hours(1));
        let now = at("2018-08-21T14:22:00Z");
        let token = tokens.issue(claims(), now);
        let (head, rest) = token.split_once('.').unwrap();
        let other = Tokens::new(b"other", SignedDuration::from_hours(1)).issue(claims(), now);
        for forged in ["", "x", "..", &other, &format!("{head}.e30.{}", rest.split_once('.').unwrap().1)] {
            assert_eq!(tokens.check(forged, now).unwrap_err().code, "InvalidAuthenticationToken", "{forged}");
        }
        tokens.revoke();
        assert_eq!(tokens.check(&token, now).unwrap_err().code, "InvalidAuthenticationToken");
        assert!(tokens.check(&tokens.issue(claims(), now), now).is_ok());
    }
}
