//! A wrong clock, found by the `Date` of a reply (arm-faults §7: more than five minutes make good
//! tokens look expired, or not yet valid).

use std::time::SystemTime;

use http::HeaderMap;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};

use crate::pace::http_date;

/// Entra and ARM let so much pass.
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);

/// What to say when this machine's clock and the server's differ too much.
pub(crate) fn advice(headers: &HeaderMap) -> Option<String> {
    let now = Timestamp::try_from(SystemTime::now()).ok()?;
    let theirs = http_date(headers.get(DATE)?.to_str().ok()?)?;
    words(now.duration_since(theirs))
}

fn words(ahead: SignedDuration) -> Option<String> {
    let minutes = ahead.abs().as_mins();
    let way = if ahead.is_positive() { "ahead of" } else { "behind" };
    let words = format!(
        "This machine's clock is {minutes} minutes {way} Azure's, which makes tokens invalid: set it right."
    );
    (ahead.abs() > TOLERATED).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wrong_clock_is_worth_a_word() {
        assert_eq!(words(SignedDuration::from_secs(299)), None);
        assert_eq!(words(SignedDuration::from_secs(-300)), None);
        assert!(words(SignedDuration::from_mins(7)).is_some_and(|w| w.contains("7 minutes ahead of")));
        assert!(words(SignedDuration::from_mins(-61)).is_some_and(|w| w.contains("61 minutes behind")));
    }

    #[test]
    fn the_date_is_read() {
        let of = |date: &'static str| {
            advice(&HeaderMap::from_iter([(DATE, http::HeaderValue::from_static(date))]))
        };
        assert!(of("Wed, 21 Oct 2015 07:28:00 GMT").is_some_and(|w| w.contains("ahead of")));
        assert_eq!(of("yesterday"), None);
        assert_eq!(advice(&HeaderMap::new()), None);
    }
}
