//! Entra's errors: `AADSTS` and a number, in a reply or in what `az` prints. The innermost counts;
//! the ids beside it are what support asks for.

use model::Json;

/// Numbers and what to do about them.
const ADVICE: &[(u32, &str)] = &[
    (50034, "This user is not in the tenant: check the tenant, and who is signed in (`az account show`)."),
    (50076, "A second factor is asked for: `az login --tenant TENANT`, or sign in as an application."),
    (50079, "A second factor must be set up: `az login --tenant TENANT`, or sign in as an application."),
    (50158, "Another proof is asked for: `az login --tenant TENANT`."),
    (50173, "The sign-in was withdrawn: `az login`."),
    (70043, "The sign-in has ended: `az login`."),
    (700082, "The sign-in has ended for lack of use: `az login`."),
    (700084, "The sign-in has ended: `az login`."),
    (
        53003,
        "Conditional access forbids this sign-in: ask the tenant's administrators which policy applies to this identity and place.",
    ),
    (53000, "Conditional access asks for a compliant device: ask the tenant's administrators."),
    (65001, "The application lacks consent in the tenant: ask its administrators."),
    (50105, "The identity has no part in the application: ask the tenant's administrators."),
    (90002, "There is no such tenant in this cloud: check AZURE_TENANT_ID and `[cloud] endpoint`."),
    (900023, "AZURE_TENANT_ID is no tenant: give its GUID or its domain."),
    (700016, "The tenant has no such application: check AZURE_CLIENT_ID and AZURE_TENANT_ID."),
    (7000229, "The tenant has no service principal of the application: `az ad sp create --id CLIENT_ID`."),
    (7000112, "The application is disabled: ask who owns it."),
    (7000215, "AZURE_CLIENT_SECRET is not right: it takes the secret's value, not its id."),
    (7000222, "The client secret has expired: make a new one, or federate the identity and need none."),
    (
        700027,
        "The certificate is not the application's, or has expired: upload it to the application; where a subject name and issuer are trusted, set AZURE_CLIENT_SEND_CERTIFICATE_CHAIN=true.",
    ),
    (
        700024,
        "The assertion is too old, or not valid yet. A token in ARM_OIDC_TOKEN cannot be renewed: let plumb ask the CI (GitHub's `id-token: write`, Pipelines) or read AZURE_FEDERATED_TOKEN_FILE; and check this machine's clock.",
    ),
    (
        700021,
        "The assertion is for another audience: federate the application with the one that the message names.",
    ),
    (70021, FEDERATE),
    (
        700211,
        "The application trusts no such issuer: compare the issuer in the message with the federated credential's.",
    ),
    (
        700212,
        "The application's federated credential has another audience: api://AzureADTokenExchange is usual; AZURE_OIDC_AUDIENCE sets it.",
    ),
    (700213, FEDERATE),
    (
        500011,
        "The tenant does not know this cloud's Resource Manager: check `[cloud] endpoint`, and `az cloud show` for the cli.",
    ),
    (50196, TOO_OFTEN),
    (90055, TOO_OFTEN),
];

const FEDERATE: &str = "No federated credential of the application is for this subject: compare the subject in the message with the credential's, to the letter (repo:ORG/REPO:environment:NAME, sc://ORG/PROJECT/CONNECTION, system:serviceaccount:NAMESPACE:NAME).";
const TOO_OFTEN: &str =
    "Entra is asked too often by this identity: wait some minutes, and look for what asks in a loop.";

/// Passes by itself: throttled, a loop, the gateway's time is up, a hiccup.
const TRANSIENT: [u32; 4] = [90055, 50196, 90025, 90033];

/// What Entra says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EntraError {
    /// The innermost message, with its number.
    pub(super) message: String,
    /// Numbers, the innermost first.
    codes: Vec<u32>,
    /// Trace id, correlation id, timestamp.
    pub(super) ids: Vec<(String, String)>,
}

impl EntraError {
    /// Reads the body of a refusal; `None` when it is somebody else's.
    pub(super) fn of_body(body: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(body).ok()?;
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let description = text("error_description").unwrap_or_default();
        let mut read = Self::of_text(&description).unwrap_or_default();
        let given = json["error_codes"].as_array().into_iter().flatten().filter_map(Json::as_u64);
        read.codes.extend(given.filter_map(|code| u32::try_from(code).ok()));
        if read.codes.is_empty() {
            return None;
        }
        if read.message.is_empty() {
            read.message = format!("AADSTS{}: {}", read.codes[0], one_line(&description));
        }
        let members =
            [("trace id", "trace_id"), ("correlation id", "correlation_id"), ("timestamp", "timestamp")];
        let ids: Vec<_> = members.iter().filter_map(|(name, key)| Some((entra(name), text(key)?))).collect();
        if !ids.is_empty() {
            read.ids = ids;
        }
        Some(read)
    }

    /// Finds one in a text that somebody printed.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let starts: Vec<usize> = text.match_indices("AADSTS").map(|(at, _)| at).collect();
        let codes: Vec<(usize, u32)> =
            starts.iter().filter_map(|at| Some((*at, number(&text[*at..])?))).collect();
        let (innermost, _) = *codes.last()?;
        let rest = &text[innermost..];
        let end = ["Trace ID:", "\n\n", "\r\n\r\n", "\nTo "].iter().filter_map(|mark| rest.find(mark)).min();
        let after = |mark: &str| {
            let word = rest.split_once(mark)?.1.trim_start();
            let line = word.lines().next().unwrap_or_default();
            let value = if mark.starts_with("Time") { line } else { line.split_whitespace().next()? };
            Some(value.trim_end_matches(['.', ',']).trim().to_owned())
        };
        let names =
            [("trace id", "Trace ID:"), ("correlation id", "Correlation ID:"), ("timestamp", "Timestamp:")];
        Some(Self {
            message: one_line(&rest[..end.unwrap_or(rest.len())]),
            codes: codes.into_iter().rev().map(|(_, code)| code).collect(),
            ids: names.iter().filter_map(|(name, mark)| Some((entra(name), after(mark)?))).collect(),
        })
    }

    /// What to do, for the innermost number that we know.
    pub(super) fn advice(&self) -> Option<&'static str> {
        let known = |code: &u32| ADVICE.iter().find(|(c, _)| c == code).map(|(_, words)| *words);
        self.codes.iter().find_map(known)
    }

    /// Whether it passes by itself.
    pub(super) fn is_transient(&self) -> bool {
        self.codes.iter().any(|code| TRANSIENT.contains(code))
    }
}

fn entra(name: &str) -> String {
    format!("Entra {name}")
}

/// The number of `AADSTS50034: …`; without the colon it is part of an address.
fn number(text: &str) -> Option<u32> {
    let (digits, _) = text.strip_prefix("AADSTS")?.split_once(':')?;
    digits.parse().ok()
}

/// The text without line ends.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const IDS: &str = "Trace ID: aaaa Correlation ID: bbbb Timestamp: 2026-11-21 06:00:00Z";

    fn ids() -> Vec<(String, String)> {
        let values =
            [("trace id", "aaaa"), ("correlation id", "bbbb"), ("timestamp", "2026-11-21 06:00:00Z")];
        values.iter().map(|(name, value)| (entra(name), (*value).to_owned())).collect()
    }

    #[test]
    fn a_reply_is_read() {
        let body = json!({
            "error": "invalid_client",
            "error_description": format!("AADSTS7000215: Invalid client secret provided. See https://x/AADSTS7000215 {IDS}"),
            "error_codes": [7000215],
            "timestamp": "2026-11-21 06:00:00Z",
            "trace_id": "aaaa",
            "correlation_id": "bbbb",
        });
        let read = EntraError::of_body(body.to_string().as_bytes()).expect("Entra's");
        assert_eq!(
            read.message,
            "AADSTS7000215: Invalid client secret provided. See https://x/AADSTS7000215"
        );
        assert_eq!(read.ids, ids());
        assert!(read.advice().expect("known").contains("not its id"));
        assert!(!read.is_transient());
    }

    #[test]
    fn the_innermost_error_counts() {
        let text = format!(
            "AADSTS50000: There was an error issuing a token. AADSTS700016: Application 'x' was not found.\r\n{IDS}"
        );
        let read = EntraError::of_text(&text).expect("Entra's");
        assert_eq!(read.message, "AADSTS700016: Application 'x' was not found.");
        assert!(read.advice().expect("known").contains("AZURE_CLIENT_ID"));
        assert_eq!(read.ids, ids());
    }

    #[test]
    fn what_az_prints_is_read() {
        let text = format!(
            "ERROR: AADSTS70043: The refresh token has expired.\n{}\nInteractive authentication is needed. Please run:\naz login\n",
            IDS.replace(" Corr", "\nCorr").replace(" Time", "\nTime")
        );
        let read = EntraError::of_text(&text).expect("Entra's");
        assert_eq!(read.message, "AADSTS70043: The refresh token has expired.");
        assert_eq!(read.ids, ids());
        assert_eq!(EntraError::of_text("ERROR: Please run 'az login' to setup account."), None);
    }

    #[test]
    fn some_errors_pass_by_themselves() {
        let of = |code: u32| {
            EntraError::of_body(json!({ "error_codes": [code] }).to_string().as_bytes()).expect("Entra's")
        };
        assert!(of(90055).is_transient() && of(50196).is_transient());
        assert!(!of(50034).is_transient());
        assert_eq!(
            EntraError::of_body(br#"{"error":"invalid_request","error_description":"Identity not found"}"#),
            None
        );
        assert_eq!(EntraError::of_body(b"<html>"), None);
    }

    #[test]
    fn advice_is_given_once_for_each_number() {
        let mut codes: Vec<u32> = ADVICE.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
