//! ISO 8601 durations, read as seconds and written in the shortest form.

use jiff::{Span, SpanRelativeTo};

/// The seconds of a duration of days and smaller; a day has 24 hours.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let span: Span = text.parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(length.as_secs())
}

/// The duration of so many seconds, as the service writes it.
pub(crate) fn iso(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let parts = [(rest / 3600, 'H'), (rest / 60 % 60, 'M'), (rest % 60, 'S')];
    let time: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    match (days, time.is_empty()) {
        (0, true) => "PT0S".to_owned(),
        (0, false) => format!("PT{time}"),
        (days, true) => format!("P{days}D"),
        (days, false) => format!("P{days}DT{time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_back_in_the_shortest_form() {
        for (sent, answered) in
            [("PT120S", "PT2M"), ("PT1M40S", "PT1M40S"), ("PT24H", "P1D"), ("P3D", "P3D"), ("PT0S", "PT0S")]
        {
            assert_eq!(iso(seconds(sent).unwrap()), answered);
        }
        assert_eq!(seconds("120"), None);
    }
}
