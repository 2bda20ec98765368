//! The file of a saved plan: JSON whose third line seals everything after it.
//!
//! A file is good exactly if it is the fixed beginning, the keyed hash of the rest, and the rest. So any edit
//! shows, also one by somebody who computes checksums anew: the key lies beside the state, not in the plan.

use std::fmt;

use model::Seal;
use serde::{Deserialize, Serialize};

use super::{Approval, TOOL};

const BEGINNING: &str = "{\n  \"format\": 1,\n  \"seal\": \"hmac-sha256:";
const SIGNATURE_LENGTH: usize = 64;
/// Stands at the end only: text within the file has its line ends escaped.
const END: &str = "\n}\n";
const PURPOSE: &str = "saved plan";

/// Why a file is no plan that can be applied here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It is no saved plan at all.
    Foreign,
    /// It ends too early.
    CutShort,
    /// It has another format's number.
    Format(String),
    /// Another version made it.
    Tool(String),
    /// It is sealed with another key: what it says of where it is from, unproved.
    OtherKey {
        /// The cloud and subscription.
        cloud: String,
        /// The environment.
        environment: String,
    },
    /// It was changed after it was sealed.
    Edited,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Foreign => write!(f, "is no saved plan"),
            Unusable::CutShort => write!(f, "is cut short"),
            Unusable::Format(format) => {
                write!(f, "has format {format}, which {TOOL} does not know (it knows 1)")
            }
            Unusable::Tool(tool) => {
                write!(f, "was made by {tool}, and this is {TOOL}: the same version that plans applies")
            }
            Unusable::OtherKey { cloud, environment } => {
                write!(
                    f,
                    "is sealed with another key than this state's (.plumb/seal.key): it says that it is for {cloud}"
                )?;
                match environment.as_str() {
                    "" => write!(f, ", without an environment"),
                    name => write!(f, ", environment {name}"),
                }
            }
            Unusable::Edited => write!(f, "was changed after plumb wrote it: its seal does not fit"),
        }
    }
}

impl std::error::Error for Unusable {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<A> {
    format: u64,
    seal: String,
    approval: A,
}

/// What a file of another version, or one with another key, may say of itself.
#[derive(Deserialize)]
struct Stranger {
    format: Option<serde_json::Value>,
    seal: Option<String>,
    approval: Option<Claims>,
}

#[derive(Deserialize)]
struct Claims {
    tool: Option<String>,
    key: Option<String>,
    ground: Option<ClaimedGround>,
}

#[derive(Deserialize)]
struct ClaimedGround {
    cloud: Option<String>,
    environment: Option<String>,
}

impl Approval {
    /// Whether a file begins as a saved plan does.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(BEGINNING.as_bytes())
    }

    /// The file's text, sealed.
    pub fn encode(&self, seal: &Seal) -> String {
        let nothing = "0".repeat(SIGNATURE_LENGTH);
        let whole = Whole { format: 1, seal: format!("hmac-sha256:{nothing}"), approval: self };
        let mut text = serde_json::to_string_pretty(&whole).expect("BUG: an approval has a JSON form");
        text.push('\n');
        let rest = BEGINNING.len() + SIGNATURE_LENGTH;
        let signature = seal.sign(PURPOSE, &text[rest..]);
        text.replace_range(BEGINNING.len()..rest, &signature);
        text
    }

    /// The approval in a file's bytes, if nobody changed it and it was made here and by this version.
    pub fn decode(bytes: &[u8], seal: &Seal) -> Result<Self, Unusable> {
        let text = sealed_text(bytes, seal)?;
        match serde_json::from_str::<Whole<Self>>(text) {
            Ok(Whole { approval, .. }) if approval.tool == TOOL => Ok(approval),
            // The seal fits, so a plumb wrote it.
            _ => Err(Unusable::Tool(claimed_tool(text))),
        }
    }
}

/// The text, if its seal fits.
fn sealed_text<'t>(bytes: &'t [u8], seal: &Seal) -> Result<&'t str, Unusable> {
    if !Approval::is_one(bytes) {
        return Err(strange_beginning(bytes));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unusable::Edited)?;
    let (signature, rest) =
        text[BEGINNING.len()..].split_at_checked(SIGNATURE_LENGTH).ok_or(Unusable::CutShort)?;
    if seal.verifies(PURPOSE, rest, signature) { Ok(text) } else { Err(unsealed(text, seal)) }
}

/// What one can say of a file that does not begin as a saved plan.
fn strange_beginning(bytes: &[u8]) -> Unusable {
    if BEGINNING.as_bytes().starts_with(bytes) {
        return Unusable::CutShort;
    }
    match serde_json::from_slice::<Stranger>(bytes) {
        Ok(Stranger { format: Some(format), seal: Some(_), approval: Some(_) }) if format != 1 => {
            Unusable::Format(format.to_string())
        }
        Ok(Stranger { seal: Some(_), approval: Some(_), .. }) => Unusable::Edited,
        _ => Unusable::Foreign,
    }
}

/// What one can say of a file whose seal does not fit. What it says of itself may be a lie, and is only told.
fn unsealed(text: &str, seal: &Seal) -> Unusable {
    let claims = match serde_json::from_str::<Stranger>(text) {
        Ok(stranger) => stranger.approval,
        Err(_) if !text.ends_with(END) => return Unusable::CutShort,
        Err(_) => None,
    };
    match claims {
        Some(Claims { key: Some(key), ground: Some(ground), .. }) if key != seal.fingerprint() => {
            Unusable::OtherKey {
                cloud: ground.cloud.unwrap_or_default(),
                environment: ground.environment.unwrap_or_default(),
            }
        }
        _ => Unusable::Edited,
    }
}

fn claimed_tool(text: &str) -> String {
    let claims = serde_json::from_str::<Stranger>(text).ok().and_then(|stranger| stranger.approval);
    claims.and_then(|claims| claims.tool).unwrap_or_else(|| "another version".to_owned())
}
