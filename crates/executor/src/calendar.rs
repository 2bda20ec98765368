//! What the schedules of instances asked for last. The planner sees no clock: whoever has one asks here, and hands the
//! answer on with what is live.

use std::collections::BTreeMap;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, Zoned};
use model::kinds::time_zones;
use model::{Address, Due, Json, Live};

const SCHEDULES: &str = "schedules.compute_start_stop";

/// A recurrence that did not fire for so many days is of no help in telling what should be running now.
const DAYS_MAX: i32 = 400;

const WEEK_DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// A schedule that fires at times that nobody can tell from here.
struct Untold;

/// The last wish of each instance's schedules, up to `now`. Where one enabled schedule of an instance cannot be told,
/// its others say nothing either.
pub fn due(live: &Live, now: Timestamp) -> BTreeMap<Address, Due> {
    let scheduled = live.resources.iter().filter_map(|(address, observed)| {
        let schedules = observed.attributes.get(SCHEDULES)?.as_array()?;
        Some((address.clone(), last(schedules, now).ok()??))
    });
    scheduled.collect()
}

fn last(schedules: &[Json], now: Timestamp) -> Result<Option<Due>, Untold> {
    let enabled = schedules.iter().filter(|schedule| schedule["state"] != "disabled");
    let fired = enabled.map(|schedule| {
        let power = if schedule["action"] == "start" { "running" } else { "stopped" };
        Ok(fired(&schedule["trigger"], now)?.map(|at| Due { power, at }))
    });
    let fired: Vec<Option<Due>> = fired.collect::<Result<_, Untold>>()?;
    Ok(fired.into_iter().flatten().max_by_key(|due| due.at))
}

/// When a trigger fired last.
fn fired(trigger: &Json, now: Timestamp) -> Result<Option<Timestamp>, Untold> {
    let name = trigger["time_zone"].as_str().unwrap_or("UTC");
    let zone = time_zones::iana(name).and_then(|iana| TimeZone::get(iana).ok()).ok_or(Untold)?;
    let start = match trigger["start_time"].as_str() {
        Some(text) => Some(text.parse::<DateTime>().map_err(|_| Untold)?),
        None => None,
    };
    let now = now.to_zoned(zone);
    let at = match trigger["type"].as_str() {
        Some("cron") => by_cron(trigger["expression"].as_str().unwrap_or_default(), &now)?,
        _ => by_recurrence(trigger, start, &now)?,
    };
    Ok(at.filter(|at| start.is_none_or(|start| at.datetime() >= start)).map(|at| at.timestamp()))
}

/// NCronTab wants both days to match where both are given (machine-learning facts §3.6).
fn by_cron(expression: &str, now: &Zoned) -> Result<Option<Zoned>, Untold> {
    let parser =
        CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(true).build();
    let cron = parser.parse(expression).map_err(|_| Untold)?;
    Ok(cron.find_previous_occurrence(now, true).ok())
}

fn by_recurrence(trigger: &Json, start: Option<DateTime>, now: &Zoned) -> Result<Option<Zoned>, Untold> {
    let interval = trigger["interval"].as_i64().unwrap_or(1);
    let days = week_days(trigger);
    let frequency = match trigger["frequency"].as_str() {
        Some("day") => Unit::Day,
        // Without days it is the start's own.
        Some("week") if start.is_some() || !days.is_empty() => Unit::Week,
        Some("month") if start.is_some() => Unit::Month,
        _ => return Err(Untold),
    };
    // Where nothing says when the counting began, only "every" can be told.
    let from = match start {
        Some(start) => start.date(),
        None if interval == 1 => now.date(),
        None => return Err(Untold),
    };
    let times = times(trigger);
    if times.is_empty() {
        return Err(Untold);
    }
    let counts = |day: &Date| turn(frequency, from, *day).is_some_and(|turn| turn % interval.max(1) == 0);
    let by_default = |day: &Date| match frequency {
        Unit::Week if days.is_empty() => day.weekday() == from.weekday(),
        Unit::Month => day.day() == from.day(),
        _ => true,
    };
    let before = (0..DAYS_MAX).filter_map(|back| now.date().checked_sub(back.days()).ok());
    let counting = before.filter(|day| days.is_empty() || days.contains(&day.weekday()));
    let moments = counting.filter(|day| counts(day) && by_default(day)).filter_map(|day| {
        let on_day =
            times.iter().filter_map(|time| day.to_datetime(*time).to_zoned(now.time_zone().clone()).ok());
        on_day.filter(|moment| moment <= now).max()
    });
    Ok(moments.into_iter().next())
}

/// How many days, weeks or months lie between two days.
fn turn(frequency: Unit, from: Date, day: Date) -> Option<i64> {
    let monday = |date: Date| date.checked_sub(i32::from(date.weekday().to_monday_zero_offset()).days()).ok();
    let days = |from: Date, to: Date| from.until((Unit::Day, to)).ok().map(|span| i64::from(span.get_days()));
    match frequency {
        Unit::Month => {
            Some(i64::from(day.year() - from.year()) * 12 + i64::from(day.month()) - i64::from(from.month()))
        }
        Unit::Week => Some(days(monday(from)?, monday(day)?)? / 7),
        _ => days(from, day),
    }
}

fn week_days(trigger: &Json) -> Vec<Weekday> {
    let named = trigger["schedule"]["week_days"].as_array().into_iter().flatten();
    named.filter_map(|name| WEEK_DAYS.iter().find(|(word, _)| name == word).map(|(_, day)| *day)).collect()
}

fn times(trigger: &Json) -> Vec<Time> {
    let numbers = |key: &str| {
        let list = trigger["schedule"][key].as_array().into_iter().flatten();
        list.filter_map(|n| i8::try_from(n.as_i64()?).ok()).collect::<Vec<i8>>()
    };
    let (hours, minutes) = (numbers("hours"), numbers("minutes"));
    let all = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)));
    all.filter_map(|(hour, minute)| Time::new(hour, minute, 0, 0).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn office_hours() -> Vec<Json> {
        let cron = |action: &str, expression: &str| {
            json!({ "action": action, "state": "enabled",
                "trigger": { "type": "cron", "expression": expression, "time_zone": "W. Europe Standard Time" } })
        };
        vec![cron("start", "0 8 * * 1-5"), cron("stop", "0 19 * * *")]
    }

    fn told(schedules: &[Json], now: &str) -> Option<(&'static str, String)> {
        let due = last(schedules, at(now)).ok()??;
        Some((due.power, due.at.to_string()))
    }

    #[test]
    fn office_hours_say_what_was_asked_for_last() {
        // 2026-11-20 is a Friday; Berlin is an hour ahead of UTC in winter.
        let hours = office_hours();
        assert_eq!(
            told(&hours, "2026-11-20T12:00:00Z"),
            Some(("running", "2026-11-20T07:00:00Z".to_owned()))
        );
        assert_eq!(
            told(&hours, "2026-11-21T02:00:00Z"),
            Some(("stopped", "2026-11-20T18:00:00Z".to_owned()))
        );
        assert_eq!(
            told(&hours, "2026-11-20T18:00:00Z"),
            Some(("stopped", "2026-11-20T18:00:00Z".to_owned()))
        );
        assert_eq!(
            told(&hours, "2026-07-01T17:30:00Z"),
            Some(("stopped", "2026-07-01T17:00:00Z".to_owned()))
        );
    }

    #[test]
    fn what_is_disabled_asks_for_nothing() {
        let mut hours = office_hours();
        hours[1]["state"] = json!("disabled");
        assert_eq!(
            told(&hours, "2026-11-21T02:00:00Z"),
            Some(("running", "2026-11-20T07:00:00Z".to_owned()))
        );
        assert_eq!(told(&[], "2026-11-21T02:00:00Z"), None);
    }

    #[test]
    fn recurrences_count_back_from_now() {
        let weekly = |interval: i64, start: Option<&str>| {
            let mut trigger = json!({ "type": "recurrence", "frequency": "week", "interval": interval, "time_zone": "UTC",
                "schedule": { "hours": [7, 22], "minutes": [30], "week_days": ["monday", "friday"] } });
            if let Some(start) = start {
                trigger["start_time"] = json!(start);
            }
            vec![json!({ "action": "stop", "state": "enabled", "trigger": trigger })]
        };
        let sunday = "2026-11-22T12:00:00Z";
        let friday = Some(("stopped", "2026-11-20T22:30:00Z".to_owned()));
        assert_eq!(told(&weekly(1, None), sunday), friday);
        assert_eq!(told(&weekly(2, Some("2026-11-16T00:00:00")), sunday), friday);
        let week_before = Some(("stopped", "2026-11-13T22:30:00Z".to_owned()));
        assert_eq!(told(&weekly(2, Some("2026-11-09T00:00:00")), sunday), week_before);
        // Every other week, from nobody knows when.
        assert_eq!(told(&weekly(2, None), sunday), None);
        // Not before it began.
        assert_eq!(told(&weekly(1, Some("2026-11-23T00:00:00")), sunday), None);
    }

    #[test]
    fn one_schedule_that_cannot_be_told_silences_the_others() {
        let mut hours = office_hours();
        hours.push(json!({ "action": "start", "trigger": { "type": "recurrence", "frequency": "hour", "interval": 3 } }));
        assert_eq!(told(&hours, "2026-11-21T02:00:00Z"), None);
        let zone = json!({ "action": "stop", "trigger": { "type": "cron", "expression": "0 19 * * *", "time_zone": "Mars" } });
        assert_eq!(told(&[zone], "2026-11-21T02:00:00Z"), None);
        let never = json!({ "action": "stop", "trigger": { "type": "cron", "expression": "0 0 30 2 *" } });
        assert_eq!(told(&[never], "2026-11-21T02:00:00Z"), None);
    }
}
