//! A challenge of continuous access evaluation: Azure refuses a good token, and names the claims that
//! the next one must have (arm-faults §5, the 401 with `insufficient_claims`).

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use model::Json;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Longer ones are nobody's.
const CHARACTERS_MAX: usize = 8 * 1024;

/// The claims that a challenge demands: a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    json: String,
    encoded: String,
}

impl Claims {
    /// Reads them from base64, in either alphabet; `None` for anything but a JSON object.
    pub fn parse(encoded: &str) -> Option<Self> {
        let alphabet = if encoded.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        let short = encoded.len() <= CHARACTERS_MAX;
        let bytes = short.then(|| GeneralPurpose::new(alphabet, LENIENT).decode(encoded).ok())??;
        let json = String::from_utf8(bytes).ok()?;
        serde_json::from_str::<Json>(&json).ok().filter(Json::is_object)?;
        Some(Self { json, encoded: encoded.to_owned() })
    }

    /// As a token request wants them.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// As the challenge had them: base64, and nothing else, whoever sent it.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }
}

/// The claims that a refusal demands, if it is a challenge.
pub(crate) fn demanded(headers: &HeaderMap) -> Option<Claims> {
    let all = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut challenges = all.filter(|text| parameter(text, "error") == Some("insufficient_claims"));
    challenges.find_map(|text| Claims::parse(parameter(text, "claims")?))
}

/// A quoted parameter of a challenge. Several challenges in one header are read as one.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let starts = challenge.match_indices(name).map(|(at, _)| at);
    let apart = |at: &usize| challenge[..*at].ends_with([' ', ',', '\t']);
    let mut values = starts.filter(apart).filter_map(|at| challenge[at + name.len()..].strip_prefix("=\""));
    values.next()?.split('"').next()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        demanded(&headers).map(|claims| claims.json().to_owned())
    }

    #[test]
    fn a_challenge_is_read() {
        let plain = r#"Bearer authorization_uri="https://login.microsoftonline.com/t", error="insufficient_claims", claims="eyJhIjoxfQ==""#;
        assert_eq!(of(&[plain]).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(of(&["Negotiate", plain]).as_deref(), Some(r#"{"a":1}"#));
        let without_spaces = r#"PoP nonce="x",Bearer claims="eyJhIjoiPz8_In0",error="insufficient_claims""#;
        assert_eq!(of(&[without_spaces]).as_deref(), Some(r#"{"a":"???"}"#));
    }

    #[test]
    fn anything_else_is_none() {
        for value in [
            r#"Bearer error="invalid_token", claims="eyJhIjoxfQ==""#,
            r#"Bearer error="insufficient_claims""#,
            r#"Bearer error="insufficient_claims", claims="WzFd""#,
            r#"Bearer error="insufficient_claims", claims="'; rm -rf ~""#,
            r#"Bearer error="insufficient_claims", xclaims="eyJhIjoxfQ==""#,
            "Bearer",
            "",
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
    }
}
