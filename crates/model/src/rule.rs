//! Rules that one value must keep, checked before anything is sent.

use jiff::civil::DateTime;

use crate::Json;
use crate::arm_id::ArmId;
use crate::image;
use crate::kinds::time_zones;

/// One rule over one value. Limits and their sources stand with the attributes that use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A whole number (or a duration in its unit) from the first to the second, both included.
    Between(i64, i64),
    /// A text (in bytes), list or map of at least the first and at most the second length.
    Length(usize, usize),
    /// Starts with an ASCII letter.
    StartsWithLetter,
    /// Starts with an ASCII letter or digit.
    StartsAlphanumeric,
    /// Does not end in this character.
    NotEndingIn(char),
    /// Does not end in `-` and digits.
    NoNumberedTail,
    /// ASCII letters, digits, and these characters only.
    Alphabet(&'static str),
    /// ASCII lower-case letters and digits only.
    LowerAlphanumeric,
    /// Not a capital letter among them.
    LowerCase,
    /// A subscription's id, `/subscriptions/…`.
    SubscriptionId,
    /// A `-` never follows another.
    NoDoubleHyphen,
    /// A full ARM id.
    ArmId,
    /// A full ARM id of one of these types.
    ArmIdOf(&'static [&'static str]),
    /// A GUID.
    Guid,
    /// A Windows time-zone name, `W. Europe Standard Time`.
    TimeZone,
    /// An NCronTab expression of five fields.
    Cron,
    /// `yyyy-MM-ddTHH:mm:ss` without an offset.
    LocalDateTime,
    /// An SSH public key in OpenSSH form.
    SshKey,
    /// A list whose elements have different values of this field.
    Unique(&'static str),
    /// Every number of a list lies between these, both included.
    Each(i64, i64),
    /// Tag keys and values within ARM's limits: 50 tags, 512 and 256 characters, no `<>%&\?/`.
    Tags,
    /// An image: `publisher:offer:sku:version`, or an alias of the old command line.
    Image,
    /// A setup script's text: UTF-8 with Unix line ends, no NUL.
    ScriptText,
}

impl Rule {
    /// What is wrong with `value`, in words that follow "is" or "must"; `None` when nothing is.
    pub fn violation(&self, value: &Json) -> Option<String> {
        match self {
            Rule::Between(low, high) => between(value, *low, *high),
            Rule::Length(low, high) => length(value, *low, *high),
            Rule::Unique(field) => duplicate(value, field),
            Rule::Each(low, high) => value.as_array()?.iter().find_map(|v| between(v, *low, *high)),
            Rule::Tags => tags(value),
            _ => self.text_violation(value.as_str()?),
        }
    }

    fn text_violation(&self, text: &str) -> Option<String> {
        let first = text.chars().next().unwrap_or(' ');
        let tail = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let (broken, words) = match self {
            Rule::StartsWithLetter => (!first.is_ascii_alphabetic(), "must start with a letter".into()),
            Rule::StartsAlphanumeric => {
                (!first.is_ascii_alphanumeric(), "must start with a letter or a digit".into())
            }
            Rule::NotEndingIn(c) => (text.ends_with(*c), format!("must not end in `{c}`")),
            Rule::NoNumberedTail => {
                (tail.len() < text.len() && tail.ends_with('-'), "must not end in `-` and digits".into())
            }
            Rule::Alphabet(more) => (
                text.chars().any(|c| !c.is_ascii_alphanumeric() && !more.contains(c)),
                format!("may have letters, digits and {} only", spelled(more)),
            ),
            Rule::LowerAlphanumeric => (
                text.chars().any(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit()),
                "may have lower-case letters and digits only".into(),
            ),
            Rule::LowerCase => {
                (text.chars().any(|c| c.is_ascii_uppercase()), "must not have capital letters".into())
            }
            Rule::SubscriptionId => (
                ArmId::parse(text).is_none_or(|id| id.as_str().split('/').count() != 3),
                "must be the id of a subscription, `/subscriptions/…`".into(),
            ),
            Rule::NoDoubleHyphen => (text.contains("--"), "must not have two `-` in a row".into()),
            Rule::ArmId => (ArmId::parse(text).is_none(), "must be a full ARM id, `/subscriptions/…`".into()),
            Rule::ArmIdOf(types) => (
                !ArmId::parse(text).is_some_and(|id| is_of(&id, types)),
                format!("must be a full ARM id of the type {}, and is `{text}`", types.join(" or ")),
            ),
            Rule::Guid => (!is_guid(text), "must be a GUID, `00000000-0000-0000-0000-000000000000`".into()),
            Rule::TimeZone => return time_zone(text),
            Rule::Cron => return cron(text),
            Rule::LocalDateTime => (
                text.len() != 19 || text.parse::<DateTime>().is_err(),
                "must be `yyyy-MM-ddTHH:mm:ss`, without an offset".into(),
            ),
            Rule::SshKey => return ssh_key(text),
            Rule::ScriptText => return script_text(text),
            Rule::Image => {
                let aliases = image::ALIASES.map(|(alias, _)| format!("`{alias}`")).join(" or ");
                (
                    image::canonical(text).is_none(),
                    format!("must be {aliases}, or `publisher:offer:sku:version`"),
                )
            }
            _ => return None,
        };
        broken.then_some(words)
    }
}

fn between(value: &Json, low: i64, high: i64) -> Option<String> {
    let number = value.as_i64();
    let inside = number.is_some_and(|n| (low..=high).contains(&n));
    // A duration that is not whole in its unit is text here; its own type check has passed.
    let text = value.as_str().and_then(crate::duration::parse_seconds);
    let inside = inside || text.is_some_and(|s| (low * 60..=high * 60).contains(&(s as i64)));
    (!inside).then(|| {
        if high == i64::MAX {
            format!("must be at least {low}")
        } else {
            format!("must be from {low} to {high}")
        }
    })
}

fn length(value: &Json, low: usize, high: usize) -> Option<String> {
    let (length, what) = match value {
        Json::String(text) => (text.len(), "characters long"),
        Json::Array(list) => (list.len(), "elements"),
        Json::Object(map) => (map.len(), "keys"),
        _ => return None,
    };
    let words = match (low, value.is_string()) {
        (_, true) if low > 0 => format!("must be {low} to {high} {what}, and is {length}"),
        (0, _) => format!("may have at most {high} {what}, and has {length}"),
        _ => format!("must have {low} to {high} {what}, and has {length}"),
    };
    (!(low..=high).contains(&length)).then_some(words)
}

fn duplicate(value: &Json, field: &str) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    let values = value.as_array()?.iter().flat_map(|e| at_each(e, field));
    let twice = values.map(|v| v.to_string()).find(|v| !seen.insert(v.clone()))?;
    Some(format!("has `{field}` {twice} more than once"))
}

/// The values below `path`, going through lists: `endpoints.published`.
fn at_each<'a>(value: &'a Json, path: &str) -> Vec<&'a Json> {
    let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
    let Some(below) = value.get(head) else {
        return Vec::new();
    };
    match (below, rest) {
        (Json::Array(list), Some(rest)) => list.iter().flat_map(|e| at_each(e, rest)).collect(),
        (below, Some(rest)) => at_each(below, rest),
        (below, None) => vec![below],
    }
}

fn tags(value: &Json) -> Option<String> {
    let map = value.as_object()?;
    if map.len() > 50 {
        return Some(format!("may have at most 50 tags, and has {}", map.len()));
    }
    map.iter().find_map(|(key, value)| {
        let long = key.chars().count() > 512 || value.as_str().is_some_and(|v| v.chars().count() > 256);
        let odd = key.is_empty() || key.contains(['<', '>', '%', '&', '\\', '?', '/']);
        match (long, odd) {
            (true, _) => Some(format!("has tag {key:?}, whose key is over 512 or value over 256 characters")),
            (_, true) => Some(format!("has tag {key:?}; a key must not be empty or have any of `<>%&\\?/`")),
            _ => None,
        }
    })
}

fn time_zone(text: &str) -> Option<String> {
    if time_zones::iana(text).is_some() {
        return None;
    }
    let near = nearest(text, time_zones::WINDOWS_TIME_ZONES.iter().map(|(name, _)| *name));
    let hint = near.map(|z| format!("; did you mean `{z}`?")).unwrap_or_default();
    Some(format!("must be a Windows time-zone name such as `W. Europe Standard Time`{hint}"))
}

/// NCronTab, five fields (machine-learning facts §3.6): numbers, ranges, steps, lists, names of months and days.
fn cron(text: &str) -> Option<String> {
    const FIELDS: [(&str, u32, u32, &[&str]); 5] = [
        ("minute", 0, 59, &[]),
        ("hour", 0, 23, &[]),
        ("day of month", 1, 31, &[]),
        (
            "month",
            1,
            12,
            &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        ),
        ("day of week", 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ];
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!(
            "must have five fields (minute hour day month weekday), and has {}",
            fields.len()
        ));
    }
    fields.iter().zip(FIELDS).find_map(|(field, (name, low, high, names))| {
        let first = if low == 1 { 1 } else { 0 };
        let number = |s: &str| {
            let named = names.iter().position(|n| n.eq_ignore_ascii_case(s)).map(|i| i as u32 + first);
            named.or_else(|| s.parse().ok()).filter(|n| (low..=high).contains(n))
        };
        let good = |part: &str| {
            let (range, step) =
                part.split_once('/').map_or((part, Some(1)), |(r, s)| (r, s.parse::<u32>().ok()));
            let whole = match range.split_once('-') {
                Some((a, b)) => number(a).zip(number(b)).is_some_and(|(a, b)| a <= b),
                None => range == "*" || number(range).is_some(),
            };
            whole && step.is_some_and(|s| s > 0)
        };
        (!field.split(',').all(good))
            .then(|| format!("has `{field}` for the {name}, which goes from {low} to {high}"))
    })
}

fn ssh_key(text: &str) -> Option<String> {
    use base64::Engine as _;
    if text.contains("PRIVATE KEY") {
        return Some("is a private key: give the public one, and change this key, which is now known".into());
    }
    let mut parts = text.split_whitespace();
    let (kind, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let known =
        ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];
    let bytes = base64::engine::general_purpose::STANDARD.decode(body).unwrap_or_default();
    let length = bytes.first_chunk::<4>().map_or(0, |b| u32::from_be_bytes(*b) as usize);
    let inner = bytes.get(4..4 + length.min(64)).unwrap_or_default();
    let good = known.contains(&kind)
        && inner == kind.as_bytes()
        && bytes.len() > 4 + length
        && !text.trim().contains('\n');
    (!good).then(|| "must be an SSH public key in one line, such as `ssh-ed25519 AAAA… name`".to_owned())
}

fn script_text(text: &str) -> Option<String> {
    let problem = match text {
        _ if text.trim().is_empty() => "is empty",
        _ if text.contains('\0') => "has a NUL character",
        _ if text.contains('\r') => {
            "has Windows line ends (CRLF), with which its first line would not run; save it with Unix line ends"
        }
        _ => return None,
    };
    Some(problem.to_owned())
}

fn is_of(id: &ArmId, types: &[&str]) -> bool {
    types.iter().any(|t| id.resource_type().eq_ignore_ascii_case(t))
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn spelled(characters: &str) -> String {
    let quoted: Vec<String> = characters.chars().map(|c| format!("`{c}`")).collect();
    quoted.join(", ")
}

/// The candidate most like `word`, if any is like it at all.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_ascii_lowercase();
    let scored = candidates.into_iter().map(|c| (strsim::jaro_winkler(&folded, &c.to_ascii_lowercase()), c));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cron_fields_are_checked_one_by_one() {
        for good in ["0 18 * * *", "*/15 9-17 1,15 jan-mar mon-fri", "0 0 * * 7"] {
            assert_eq!(Rule::Cron.violation(&json!(good)), None, "{good}");
        }
        for bad in
            ["60 * * * *", "0 18 * *", "0 18 * * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "0 0 0 * *"]
        {
            assert!(Rule::Cron.violation(&json!(bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_time_zone_is_a_windows_name() {
        assert_eq!(Rule::TimeZone.violation(&json!("w. europe standard time")), None);
        let words = Rule::TimeZone.violation(&json!("W Europe Standard Time")).expect("refused");
        assert!(words.contains("did you mean `W. Europe Standard Time`"), "{words}");
        assert!(Rule::TimeZone.violation(&json!("Europe/Berlin")).is_some());
    }

    #[test]
    fn ssh_keys_must_hold_what_they_say() {
        let good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1vNqwD0dsRk5mQOgWc4bYhF0V8o5aGPnRk7lB1q2Wf me@host";
        assert_eq!(Rule::SshKey.violation(&json!(good)), None);
        for bad in
            ["", "ssh-rsa", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==", "-----BEGIN OPENSSH PRIVATE KEY-----"]
        {
            assert!(Rule::SshKey.violation(&json!(bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn names_keep_the_service_rules() {
        assert!(Rule::NoNumberedTail.violation(&json!("ci-12")).is_some());
        assert_eq!(Rule::NoNumberedTail.violation(&json!("ci12")), None);
        assert!(Rule::Length(3, 24).violation(&json!("ab")).is_some());
        assert!(
            Rule::Unique("endpoints.published")
                .violation(&json!([{"endpoints":[{"published":8787}]},{"endpoints":[{"published":8787}]}]))
                .is_some()
        );
    }
}
