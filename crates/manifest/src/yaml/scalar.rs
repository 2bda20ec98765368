//! Plain scalars by the core schema of YAML 1.2: `no` is a text, `017` too.

use std::borrow::Cow;

use super::Yaml;

/// What a plain scalar means.
pub(super) fn resolve(text: Cow<'_, str>) -> Yaml<'_> {
    let Some(first) = text.bytes().next() else {
        return Yaml::Null;
    };
    // Most scalars are words: only these can start anything else.
    if !matches!(first, b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'0'..=b'9' | b'+' | b'-' | b'.') {
        return Yaml::Text { text, plain: true };
    }
    match text.as_ref() {
        "~" | "null" | "Null" | "NULL" => Yaml::Null,
        "true" | "True" | "TRUE" => Yaml::Boolean(true),
        "false" | "False" | "FALSE" => Yaml::Boolean(false),
        other => match number(other) {
            Some(number) => number,
            None => Yaml::Text { text, plain: true },
        },
    }
}

/// What a scalar with one of YAML's own tags means; `None` when it has no such form.
pub(super) fn tagged<'t>(suffix: &str, text: Cow<'t, str>) -> Option<Yaml<'t>> {
    let resolved = resolve(text.clone());
    match (suffix, resolved) {
        ("str", _) => Some(Yaml::Text { text, plain: false }),
        ("null", Yaml::Null) => Some(Yaml::Null),
        ("bool", found @ Yaml::Boolean(_)) => Some(found),
        ("int", found @ Yaml::Integer(_)) => Some(found),
        ("float", Yaml::Integer(whole)) => Some(Yaml::Float(whole as f64)),
        ("float", found @ Yaml::Float(_)) => Some(found),
        _ => None,
    }
}

fn number(text: &str) -> Option<Yaml<'static>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(whole) = based(text) {
        return Some(whole);
    }
    let leading_zero = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.");
    let digits = unsigned.bytes().all(|b| b.is_ascii_digit());
    if digits && !unsigned.is_empty() {
        if leading_zero {
            return None;
        }
        return text.parse().map_or_else(|_| float(text), |n| Some(Yaml::Integer(n)));
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            Some(Yaml::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }))
        }
        ".nan" | ".NaN" | ".NAN" if unsigned == text => Some(Yaml::Float(f64::NAN)),
        _ if is_float(unsigned) => float(text),
        _ => None,
    }
}

/// `0x1f` and `0o17`.
fn based(text: &str) -> Option<Yaml<'static>> {
    let (digits, radix) = match text.get(..2)? {
        "0x" => (&text[2..], 16),
        "0o" => (&text[2..], 8),
        _ => return None,
    };
    let clean = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    clean.then(|| i64::from_str_radix(digits, radix).ok()).flatten().map(Yaml::Integer)
}

fn float(text: &str) -> Option<Yaml<'static>> {
    text.parse().ok().map(Yaml::Float)
}

/// `[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?` with a digit before the exponent.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let dots = mantissa.bytes().filter(|b| *b == b'.').count();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    dots <= 1
        && digits > 0
        && dots + digits == mantissa.len()
        && exponent.is_none_or(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Yaml<'_> {
        Yaml::Text { text: Cow::Borrowed(text), plain: true }
    }

    #[test]
    fn yaml_1_1_words_are_text() {
        for word in
            ["yes", "no", "on", "off", "y", "017", "-08", "12:30", "2021-03-10", "0b1", "1_000", "tRue", "."]
        {
            assert_eq!(resolve(Cow::Borrowed(word)), text(word), "{word}");
        }
    }

    #[test]
    fn core_schema_numbers() {
        for (word, value) in [("0", 0), ("-12", -12), ("+7", 7), ("0x1f", 31), ("0o17", 15)] {
            assert_eq!(resolve(Cow::Borrowed(word)), Yaml::Integer(value), "{word}");
        }
        for (word, value) in [("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-2.", -2.0)] {
            assert_eq!(resolve(Cow::Borrowed(word)), Yaml::Float(value), "{word}");
        }
    }
}
