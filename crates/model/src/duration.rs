//! Durations, which people write as `120`, `2m` or `PT2M`, ARM as ISO 8601, and `timeout` as `20m`.
//!
//! All of them are whole seconds here. Days count 24 hours; months and years are refused.

/// Reads `PT2M`, `P1DT1H`, `2m`, `1h30m`, `90s`, `3d` as seconds.
pub fn parse_seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix(['P', 'p']) {
        Some(rest) => parse_iso(rest),
        None => parse_units(text),
    }
}

/// ISO 8601 as ARM writes it: `PT2M`, `PT1M30S`, `P1DT1H1M1S`.
pub fn to_iso(seconds: u64) -> String {
    let parts =
        [(seconds / 86_400, 'D'), (seconds / 3_600 % 24, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')];
    let mut text = String::from("P");
    for (index, (count, unit)) in parts.into_iter().enumerate() {
        if index == 1 && !seconds.is_multiple_of(86_400) {
            text.push('T');
        }
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if seconds == 0 { "PT0S".to_owned() } else { text }
}

/// The form that the Unix `timeout` command takes, in minutes where they are whole: `20m`, `90s`.
pub fn to_unix(seconds: u64) -> String {
    if seconds > 0 && seconds.is_multiple_of(60) {
        return format!("{}m", seconds / 60);
    }
    format!("{seconds}s")
}

fn parse_iso(rest: &str) -> Option<u64> {
    let upper = rest.to_ascii_uppercase();
    let (date, time) = upper.split_once('T').unwrap_or((&upper, ""));
    if (date.is_empty() && time.is_empty()) || upper.ends_with('T') {
        return None;
    }
    let days = sum_units(date, &[('W', 604_800), ('D', 86_400)])?;
    days.checked_add(sum_units(time, &[('H', 3_600), ('M', 60), ('S', 1)])?)
}

fn parse_units(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    sum_units(&text.to_ascii_lowercase(), &[('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)])
}

/// Adds up `1h30m`; units must come largest first, each at most once.
fn sum_units(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total = 0u64;
    for (unit, size) in units {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with(*unit) {
            let count: u64 = rest[..digits].parse().ok()?;
            total = total.checked_add(count.checked_mul(*size)?)?;
            rest = &rest[digits + 1..];
        }
    }
    rest.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_two_minutes_is_the_same() {
        for text in ["2m", "PT2M", "PT120S", "120s", "pt2m"] {
            assert_eq!(parse_seconds(text), Some(120), "{text}");
        }
    }

    #[test]
    fn iso_matches_what_az_ml_sends() {
        for (seconds, text) in [
            (120, "PT2M"),
            (90, "PT1M30S"),
            (3600, "PT1H"),
            (3661, "PT1H1M1S"),
            (86_400, "P1D"),
            (90_061, "P1DT1H1M1S"),
            (0, "PT0S"),
        ] {
            assert_eq!(to_iso(seconds), text);
            assert_eq!(parse_seconds(text), Some(seconds));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "P", "PT", "m", "2x", "2m1h", "P1M", "P1Y", "-2m", "99999999999999999999d"] {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn unix_form_uses_minutes_or_seconds() {
        assert_eq!(to_unix(1200), "20m");
        assert_eq!(to_unix(90), "90s");
        assert_eq!(to_unix(86_400), "1440m");
    }
}
