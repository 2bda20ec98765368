//! `Retry-After` in all the forms that are met (arm-faults §3): seconds, fractions, an HTTP date,
//! milliseconds in headers of Azure's own, and garbage.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// How long a reply asks to wait; `None` when it does not, or not readably.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = text(RETRY_AFTER.as_str()).and_then(|t| plain(t, 1.0).or_else(|| until(t, headers)));
    let milliseconds =
        || ["retry-after-ms", "x-ms-retry-after-ms"].iter().find_map(|n| plain(text(n)?, 0.001));
    seconds.or_else(milliseconds)
}

fn plain(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

/// The time until a date, by the server's own clock when it tells.
fn until(text: &str, headers: &HeaderMap) -> Option<Duration> {
    let then = http_date(text)?;
    let now = headers.get(DATE).and_then(|d| http_date(d.to_str().ok()?)).unwrap_or_else(Timestamp::now);
    Some(Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// A date of HTTP.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pairs = pairs.iter().map(|(n, v)| (n.parse().expect("a name"), HeaderValue::from_static(v)));
        retry_after(&pairs.collect())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(of(&[("retry-after", "10")]), Some(Duration::from_secs(10)));
        assert_eq!(of(&[("retry-after", "0.05")]), Some(Duration::from_millis(50)));
        assert_eq!(of(&[("x-ms-retry-after-ms", "50")]), Some(Duration::from_millis(50)));
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(
            of(&[date, ("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")]),
            Some(Duration::from_secs(30))
        );
        assert_eq!(of(&[date, ("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT")]), Some(Duration::ZERO));
    }

    #[test]
    fn garbage_is_none() {
        for text in ["-5", "soon", "", "NaN", "inf", "1e300"] {
            assert_eq!(of(&[("retry-after", text)]), None, "{text}");
        }
        assert_eq!(of(&[]), None);
    }
}
