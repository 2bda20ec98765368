//! Reading back: a change counts only when a GET shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use model::compare::same;
use model::given::{Words, seen};
use model::{ArmId, Attribute, Attributes, Json, Kind, Observed, Provisioning};

use planner::entry;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::provider::{CloudError, Outcome};
use crate::run::Context;

/// What a reading must show.
pub(crate) struct Expected<'a> {
    /// The kind.
    pub kind: &'static Kind,
    /// The resource.
    pub arm_id: &'a ArmId,
    /// Plain values that must be there.
    pub values: &'a Attributes,
}

/// Why a reading is not good.
#[derive(Debug)]
pub(crate) enum Shortfall {
    /// It could not be read.
    Unreadable(CloudError),
    /// It is not there.
    Missing,
    /// It failed; it exists all the same.
    Failed(Box<Observed>, String),
    /// Somebody is still working on it.
    Unsettled(String),
    /// These attributes are not as asked.
    NotApplied(Box<Observed>, Vec<&'static Attribute>),
    /// It is as asked, and not yet what was asked for: its nodes are to come, or to go.
    Unready(Box<Unready>),
}

/// A resource that is not ready.
#[derive(Debug)]
pub(crate) struct Unready {
    /// The resource.
    pub observed: Observed,
    /// How far it is.
    words: String,
    /// Whether the cloud itself says that something is in the way.
    is_stuck: bool,
}

/// The longest pause between two readings of what is on its way.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// Reads until everything expected is there, as often as the settings allow; reads lag writes. What is as asked and on
/// its way to being ready has the time that the settings give it.
pub(crate) async fn read_back(context: &Context, expected: &Expected<'_>) -> Result<Observed, Shortfall> {
    let mut delay = context.settings.read_back_delay;
    let mut attempt = 1;
    let start = Instant::now();
    loop {
        let shortfall = match look(context, expected).await {
            Ok(observed) => return Ok(observed),
            Err(shortfall @ Shortfall::Failed(..)) => return Err(shortfall),
            Err(shortfall) => shortfall,
        };
        let is_coming = matches!(&shortfall, Shortfall::Unready(unready) if !unready.is_stuck);
        let is_over = match is_coming {
            true => start.elapsed() >= context.settings.ready_timeout,
            false => attempt >= context.settings.read_back_attempts,
        };
        if is_over {
            return Err(shortfall);
        }
        tokio::time::sleep(delay).await;
        // What lags is given ever more time; what is on its way is looked at steadily.
        delay = if is_coming { (delay * 2).min(PAUSE_MAX) } else { delay * 2 };
        attempt += 1;
    }
}

/// One reading, judged.
pub(crate) async fn look(context: &Context, expected: &Expected<'_>) -> Result<Observed, Shortfall> {
    let found = context.provider.get(expected.kind, expected.arm_id).await.map_err(Shortfall::Unreadable)?;
    let observed = found.ok_or(Shortfall::Missing)?;
    match &observed.provisioning {
        Provisioning::Failed(why) => {
            let why = why.clone();
            return Err(Shortfall::Failed(Box::new(observed), why));
        }
        Provisioning::InProgress(word) => return Err(Shortfall::Unsettled(word.clone())),
        Provisioning::Succeeded => {}
    }
    if let Some(word) = power_in_motion(expected, &observed) {
        return Err(Shortfall::Unsettled(word));
    }
    let missing = not_applied(expected.kind, expected.values, &observed);
    if !missing.is_empty() {
        return Err(Shortfall::NotApplied(Box::new(observed), missing));
    }
    match unready(expected.kind, &observed) {
        Some((words, is_stuck)) => Err(Shortfall::Unready(Box::new(Unready { observed, words, is_stuck }))),
        None => Ok(observed),
    }
}

/// How far a resource is that is not ready, and whether something is in its way.
fn unready(kind: &Kind, observed: &Observed) -> Option<(String, bool)> {
    let readiness = kind.readiness()?;
    let (path, rest) = readiness.state;
    let word = observed.computed.get(path).and_then(Json::as_str).unwrap_or(rest);
    let number = |name: &&str| observed.computed.get(*name).and_then(Json::as_i64).unwrap_or(0);
    let there: i64 = readiness.counted.iter().map(number).sum();
    let wanted = observed.attributes.get(readiness.wanted).and_then(Json::as_i64);
    let is_at_rest = word.eq_ignore_ascii_case(rest);
    if is_at_rest && wanted.is_none_or(|wanted| wanted == there) {
        return None;
    }
    let errors = observed.computed.get(readiness.errors).and_then(Json::as_array);
    let said = errors.into_iter().flatten().filter_map(|error| error.get("message")?.as_str());
    let said: Vec<&str> = said.collect();
    let count = wanted.map_or(there.to_string(), |wanted| format!("{there} of {wanted}"));
    let words = format!("it is {word}, with {count} nodes that can work");
    let words = if said.is_empty() { words } else { format!("{words}: {}", said.join("; ")) };
    Some((words, is_at_rest && !said.is_empty()))
}

/// Where power is asked for: the word for its being on the way, whatever `provisioningState` says.
fn power_in_motion(expected: &Expected<'_>, observed: &Observed) -> Option<String> {
    let word = observed.computed.get("state").and_then(Json::as_str)?;
    let moves = ["Starting", "Stopping", "Restarting"].iter().any(|moving| moving.eq_ignore_ascii_case(word));
    let asked = expected.values.get("power").is_some_and(|power| power != "unmanaged");
    (asked && moves).then(|| word.to_owned())
}

/// Attributes that ARM answers and that are not as asked.
pub(crate) fn not_applied(
    kind: &'static Kind,
    values: &Attributes,
    observed: &Observed,
) -> Vec<&'static Attribute> {
    let wrong = values.iter().filter_map(|(path, value)| {
        let attribute = kind.attribute(path)?;
        let live = observed.attributes.get(path);
        let live = seen(attribute, Some(value), live, Words::Folded);
        let live = live.as_deref();
        let is_told = !attribute.arm.is_empty() && (attribute.answered || live.is_some());
        let power = attribute.change == model::Change::Power;
        let matches = same(attribute, Some(value), live) || (power && value == "unmanaged");
        (is_told && !attribute.is_hidden() && !matches).then_some(attribute)
    });
    wrong.collect()
}

impl Shortfall {
    /// What to tell, and whether the outcome is known.
    pub(crate) fn failure(&self) -> (Failure, Outcome) {
        match self {
            Shortfall::Unreadable(error) => {
                let failure = Failure::from(error.clone());
                let words = format!("it could not be read back: {}", failure.words);
                (Failure { words, ..failure }, Outcome::Unknown)
            }
            Shortfall::Missing => {
                let words = "Azure says that it is done, and does not show it".to_owned();
                let advice = "Somebody may have deleted it meanwhile: run the command again.".to_owned();
                (Failure { advice: Some(advice), ..Failure::from(words) }, Outcome::Unknown)
            }
            Shortfall::Failed(_, why) => {
                let advice =
                    "It exists and holds its name: the next plan says what becomes of it.".to_owned();
                (Failure { advice: Some(advice), ..Failure::from(why.clone()) }, Outcome::Failed)
            }
            Shortfall::Unsettled(word) => {
                let advice = "Run the command again; it looks how that ended.".to_owned();
                let words = format!("Azure is still at it ({word})");
                (Failure { advice: Some(advice), ..Failure::from(words) }, Outcome::Unknown)
            }
            Shortfall::Unready(unready) => {
                let advice = "Azure goes on by itself. Look with `plumb nodes`, or ask for fewer nodes.";
                let failure = Failure::from(format!("it is not ready: {}", unready.words));
                (Failure { advice: Some(advice.to_owned()), ..failure }, Outcome::Failed)
            }
            Shortfall::NotApplied(_, attributes) => {
                let paths: Vec<String> = attributes.iter().map(|a| format!("`{}`", a.path)).collect();
                let words = format!("Azure accepted {} and did not apply it", paths.join(", "));
                let advice = "If a policy or somebody else sets it, take that into the manifest, or name it in `lifecycle.ignore_changes`; the next plan shows what stands.";
                (Failure { advice: Some(advice.to_owned()), ..Failure::from(words) }, Outcome::Failed)
            }
        }
    }
}

/// Values that ARM made up and that do not move by themselves.
pub(crate) fn kept(observed: &Observed) -> BTreeMap<String, Json> {
    let still = observed.computed.iter().filter(|(name, _)| entry::is_kept(name));
    still.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
