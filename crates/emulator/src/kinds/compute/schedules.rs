//! Start and stop schedules of an instance: what is accepted, and when they fire.
//!
//! Cron expressions are NCronTab's: five fields, and both days must match where both are given. Recurrences count
//! their interval from `startTime`, or from when they were set; whatever they leave out comes from that moment too.

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Unit, Zoned};
use serde_json::{Value, json};

use crate::error::{ArmError, bad_content};
use crate::json;
use crate::kinds::canonical_enums;
use crate::time::time_zones;
use crate::world::World;

const ENUMS: &[(&str, &[&str])] = &[
    ("/*/action", &["Start", "Stop"]),
    ("/*/status", &["Enabled", "Disabled"]),
    ("/*/triggerType", &["Cron", "Recurrence"]),
    ("/*/cron/triggerType", &["Cron"]),
    ("/*/recurrence/triggerType", &["Recurrence"]),
    ("/*/recurrence/frequency", &["Minute", "Hour", "Day", "Week", "Month"]),
    ("/*/recurrence/schedule/weekDays/*", &WEEK_DAYS),
];

const WEEK_DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const SCHEDULES_MAX: usize = 4;

/// A recurrence that finds no day in so many never fires again: the rarest sensible one, 29 February on a Monday every
/// so many years, comes sooner.
const DAYS_MAX: i32 = 40 * 366;

const PLACE: &str = "schedules.computeStartStop";

/// When one schedule fires.
enum Trigger {
    Cron(Box<croner::Cron>),
    Recurrence(Recurrence),
}

struct Recurrence {
    frequency: Unit,
    interval: i64,
    /// Local times on a day that counts; none means every `interval` minutes or hours from the start.
    times: Vec<Time>,
    week_days: Vec<Weekday>,
    month_days: Vec<i64>,
}

/// A trigger with its start and zone.
struct Rule {
    trigger: Trigger,
    start: Zoned,
}

/// Checks start and stop schedules, and gives each its id and status.
pub(super) fn accept(world: &mut World, mut sent: Value) -> Result<Value, ArmError> {
    canonical_enums(&mut sent, ENUMS)?;
    let Some(list) = sent.as_array_mut() else {
        return Err(bad_content("The start and stop schedules must be a list.").about(PLACE));
    };
    if list.len() > SCHEDULES_MAX {
        let count = list.len();
        return Err(invalid(format!("An instance can have at most {SCHEDULES_MAX} schedules, not {count}.")));
    }
    for schedule in list.iter_mut() {
        for key in ["action", "triggerType"] {
            if json::text(schedule, &format!("/{key}")).is_empty() {
                return Err(bad_content(format!("A schedule needs '{key}'.")).about(PLACE));
            }
        }
        rule(schedule, world.time()).map_err(invalid)?;
        schedule["id"] = json!(world.random.guid());
        schedule["provisioningStatus"] = json!("Completed");
        json::fill(schedule, &json!({ "status": "Enabled" }));
    }
    Ok(sent)
}

fn invalid(message: String) -> ArmError {
    ArmError::service(400, "InvalidPropertyValue", message).about(PLACE)
}

/// The first moment after `after` at which one of the enabled schedules does `action`; `set` is when they were set.
pub(super) fn next(schedules: &Value, action: &str, set: Timestamp, after: Timestamp) -> Option<Timestamp> {
    let list = schedules["computeStartStop"].as_array()?.iter();
    let wanted = list.filter(|schedule| schedule["status"] == "Enabled" && schedule["action"] == action);
    wanted.filter_map(|schedule| rule(schedule, set).ok()?.next(after)).min()
}

/// Reads a schedule, or says what is wrong with it.
fn rule(schedule: &Value, set: Timestamp) -> Result<Rule, String> {
    let is_cron = schedule["triggerType"] == "Cron";
    let body = &schedule[if is_cron { "cron" } else { "recurrence" }];
    if !body.is_object() {
        return Err(format!(
            "A schedule of type '{}' needs its trigger.",
            json::text(schedule, "/triggerType")
        ));
    }
    let zone = match json::text(body, "/timeZone") {
        "" => TimeZone::UTC,
        name => time_zones::find(name)
            .ok_or_else(|| format!("The time zone '{name}' is not a Windows time zone."))?,
    };
    let start = match json::text(body, "/startTime") {
        "" => set.to_zoned(zone),
        text => start(text, zone)?,
    };
    let trigger = if is_cron {
        Trigger::Cron(Box::new(cron(json::text(body, "/expression"))?))
    } else {
        Trigger::Recurrence(recurrence(body)?)
    };
    Ok(Rule { trigger, start })
}

/// Without an offset it is local time in the schedule's zone; one with an offset is taken too.
fn start(text: &str, zone: TimeZone) -> Result<Zoned, String> {
    let moment: Option<Timestamp> = text.parse().ok();
    let local: Option<DateTime> = text.parse().ok();
    let zoned = moment.map(|moment| moment.to_zoned(zone.clone())).or_else(|| local?.to_zoned(zone).ok());
    zoned.ok_or_else(|| format!("The start time '{text}' is not a time like 2026-01-31T08:00:00."))
}

fn cron(expression: &str) -> Result<croner::Cron, String> {
    let parser =
        CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(true).build();
    parser
        .parse(expression)
        .map_err(|error| format!("The cron expression '{expression}' is not valid: {error}"))
}

fn recurrence(body: &Value) -> Result<Recurrence, String> {
    let units = [
        ("Minute", Unit::Minute),
        ("Hour", Unit::Hour),
        ("Day", Unit::Day),
        ("Week", Unit::Week),
        ("Month", Unit::Month),
    ];
    let name = json::text(body, "/frequency");
    let Some((_, frequency)) = units.into_iter().find(|(unit, _)| *unit == name) else {
        return Err("A recurrence needs its 'frequency'.".to_owned());
    };
    let interval = body["interval"].as_i64().unwrap_or(1);
    if !(1..=1000).contains(&interval) {
        return Err(format!("The interval {interval} is not between 1 and 1000."));
    }
    let schedule = &body["schedule"];
    let week_days = json::at(schedule, "/weekDays").as_array().cloned().unwrap_or_default();
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let named = |day: &Value| WEEK_DAYS.iter().zip(days).find(|(name, _)| *day == **name).map(|(_, day)| day);
    Ok(Recurrence {
        frequency,
        interval,
        times: times(&numbers(schedule, "hours", 0..=23)?, &numbers(schedule, "minutes", 0..=59)?),
        week_days: week_days.iter().filter_map(named).collect(),
        month_days: numbers(schedule, "monthDays", -31..=31)?,
    })
}

fn numbers(schedule: &Value, key: &str, range: std::ops::RangeInclusive<i64>) -> Result<Vec<i64>, String> {
    let list = schedule[key].as_array().cloned().unwrap_or_default();
    let read = |value: &Value| value.as_i64().filter(|number| range.contains(number));
    list.iter()
        .map(|value| read(value).ok_or_else(|| format!("The value {value} is not valid in '{key}'.")))
        .collect()
}

fn times(hours: &[i64], minutes: &[i64]) -> Vec<Time> {
    let time = |hour: &i64, minute: &i64| {
        Time::new(i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?, 0, 0).ok()
    };
    let mut times: Vec<Time> =
        hours.iter().flat_map(|hour| minutes.iter().filter_map(move |minute| time(hour, minute))).collect();
    times.sort_unstable();
    times
}

impl Rule {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // The start itself may be a moment at which it fires.
        let after = after.max(self.start.timestamp().checked_sub(1.nanosecond()).ok()?);
        let local = after.to_zoned(self.start.time_zone().clone());
        match &self.trigger {
            Trigger::Cron(cron) => cron.find_next_occurrence(&local, false).ok().map(|next| next.timestamp()),
            Trigger::Recurrence(recurrence) => recurrence.next(&self.start, &local),
        }
    }
}

impl Recurrence {
    fn next(&self, start: &Zoned, after: &Zoned) -> Option<Timestamp> {
        if self.times.is_empty() && matches!(self.frequency, Unit::Minute | Unit::Hour) {
            return self.next_step(start, after);
        }
        let first = after.date();
        let mut days = (0..DAYS_MAX).map_while(|ahead| first.checked_add(ahead.days()).ok());
        days.find_map(|day| self.on(day, start, after))
    }

    /// Every `interval` minutes or hours of passing time, whatever the clocks on the wall do.
    fn next_step(&self, start: &Zoned, after: &Zoned) -> Option<Timestamp> {
        let unit = if self.frequency == Unit::Minute { 60 } else { 3600 };
        let length = self.interval * unit;
        let passed = after.timestamp().as_second() - start.timestamp().as_second();
        let steps = passed.div_euclid(length) + i64::from(after.timestamp() >= start.timestamp());
        let ahead = Span::new().try_seconds(steps.max(0) * length).ok()?;
        start.timestamp().checked_add(ahead).ok()
    }

    /// The first moment on a day that lies after `after`.
    fn on(&self, day: Date, start: &Zoned, after: &Zoned) -> Option<Timestamp> {
        if day < start.date() || !self.counts(day, start.date()) {
            return None;
        }
        let times = if self.times.is_empty() { vec![start.time()] } else { self.times.clone() };
        let moments = times
            .into_iter()
            .filter_map(|time| day.to_datetime(time).to_zoned(start.time_zone().clone()).ok());
        moments.map(|moment| moment.timestamp()).filter(|moment| *moment > after.timestamp()).min()
    }

    fn counts(&self, day: Date, start: Date) -> bool {
        let on_week_day = self.week_days.is_empty() || self.week_days.contains(&day.weekday());
        let on_month_day =
            self.month_days.is_empty() || self.month_days.iter().any(|wanted| is_month_day(day, *wanted));
        let turn = match self.frequency {
            Unit::Week => {
                let monday =
                    |date: Date| date.checked_sub(i32::from(date.weekday().to_monday_zero_offset()).days());
                let (Ok(this), Ok(first)) = (monday(day), monday(start)) else { return false };
                days_between(first, this) / 7
            }
            Unit::Month => i64::from(day.year() - start.year()) * 12 + i64::from(day.month() - start.month()),
            Unit::Day => days_between(start, day),
            _ => 0,
        };
        let by_default = match self.frequency {
            Unit::Week if self.week_days.is_empty() => day.weekday() == start.weekday(),
            Unit::Month if self.week_days.is_empty() && self.month_days.is_empty() => {
                day.day() == start.day()
            }
            _ => true,
        };
        on_week_day && on_month_day && by_default && turn % self.interval == 0
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until((Unit::Day, to)).map_or(0, |span| i64::from(span.get_days()))
}

/// Negative days count from the end of the month.
fn is_month_day(day: Date, wanted: i64) -> bool {
    let from_start = i64::from(day.day());
    from_start == wanted || from_start - i64::from(day.days_in_month()) - 1 == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = "2026-11-21T08:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedules(trigger: &str, body: Value) -> Value {
        let mut schedule = json!({ "action": "Stop", "status": "Enabled", "triggerType": trigger });
        schedule[if trigger == "Cron" { "cron" } else { "recurrence" }] = body;
        json!({ "computeStartStop": [schedule] })
    }

    /// The first few moments after a time.
    fn fires<const COUNT: usize>(trigger: &str, body: Value, after: &str) -> [String; COUNT] {
        let (schedules, mut moment) = (schedules(trigger, body), at(after));
        std::array::from_fn(|_| {
            moment = next(&schedules, "Stop", at(SET), moment).unwrap();
            moment.to_string()
        })
    }

    #[test]
    fn a_cron_expression_fires_in_its_zone_summer_and_winter() {
        let body = json!({ "expression": "30 18 * * 1-5", "timeZone": "W. Europe Standard Time" });
        assert_eq!(
            fires("Cron", body.clone(), "2027-03-26T12:00:00Z"),
            ["2027-03-26T17:30:00Z", "2027-03-29T16:30:00Z"]
        );
        assert_eq!(fires("Cron", body, "2027-03-26T17:30:00Z"), ["2027-03-29T16:30:00Z"]);
    }

    #[test]
    fn both_days_of_a_cron_expression_must_match() {
        let body = json!({ "expression": "0 0 13 * 5" });
        assert_eq!(fires("Cron", body, SET), ["2027-08-13T00:00:00Z", "2028-10-13T00:00:00Z"]);
    }

    #[test]
    fn nothing_fires_before_its_start_which_counts_itself() {
        let body = json!({ "expression": "0 * * * *", "startTime": "2026-12-24T18:00:00", "timeZone": "Tokyo Standard Time" });
        assert_eq!(fires("Cron", body, SET), ["2026-12-24T09:00:00Z", "2026-12-24T10:00:00Z"]);
    }

    #[test]
    fn a_weekly_recurrence_fires_on_its_days_in_every_other_week() {
        let body = json!({ "frequency": "Week", "interval": 2, "startTime": "2026-11-23T00:00:00",
            "schedule": { "hours": [20, 8], "minutes": [0], "weekDays": ["Monday", "Friday"] } });
        let expected = [
            "2026-11-23T08:00:00Z",
            "2026-11-23T20:00:00Z",
            "2026-11-27T08:00:00Z",
            "2026-11-27T20:00:00Z",
            "2026-12-07T08:00:00Z",
        ];
        assert_eq!(fires("Recurrence", body, SET), expected);
    }

    #[test]
    fn a_monthly_recurrence_counts_days_from_either_end() {
        let body = json!({ "frequency": "Month", "interval": 1, "schedule": { "hours": [6], "minutes": [15], "monthDays": [31, -1] } });
        assert_eq!(
            fires("Recurrence", body, SET),
            ["2026-11-30T06:15:00Z", "2026-12-31T06:15:00Z", "2027-01-31T06:15:00Z"]
        );
    }

    #[test]
    fn what_a_recurrence_leaves_out_comes_from_its_start() {
        let daily = json!({ "frequency": "Day", "interval": 3, "startTime": "2026-11-20T07:30:00" });
        assert_eq!(fires("Recurrence", daily, SET), ["2026-11-23T07:30:00Z", "2026-11-26T07:30:00Z"]);
        let hourly = json!({ "frequency": "Hour", "interval": 5 });
        assert_eq!(
            fires("Recurrence", hourly.clone(), SET),
            ["2026-11-21T13:00:00Z", "2026-11-21T18:00:00Z"]
        );
        assert_eq!(fires("Recurrence", hourly, "2026-11-20T00:00:00Z"), [SET]);
    }

    #[test]
    fn what_cannot_fire_never_does() {
        let february = json!({ "frequency": "Month", "interval": 12, "startTime": "2026-02-01T00:00:00",
            "schedule": { "hours": [6], "minutes": [0], "monthDays": [31] } });
        assert_eq!(next(&schedules("Recurrence", february), "Stop", at(SET), at(SET)), None);
        let cron = schedules("Cron", json!({ "expression": "0 0 * * *" }));
        assert_eq!(next(&cron, "Start", at(SET), at(SET)), None);
        let mut disabled = cron;
        disabled["computeStartStop"][0]["status"] = json!("Disabled");
        assert_eq!(next(&disabled, "Stop", at(SET), at(SET)), None);
    }

    #[test]
    fn mistakes_are_told() {
        let mistakes = [
            ("Cron", json!({ "expression": "61 * * * *" })),
            ("Cron", json!({ "expression": "0 0 18 * * *" })),
            ("Cron", json!({ "expression": "0 18 * * *", "timeZone": "Europe/Berlin" })),
            ("Cron", json!({ "expression": "0 18 * * *", "startTime": "soon" })),
            ("Cron", Value::Null),
            ("Recurrence", json!({ "interval": 1 })),
            ("Recurrence", json!({ "frequency": "Day", "interval": 0 })),
            ("Recurrence", json!({ "frequency": "Day", "schedule": { "hours": [24], "minutes": [0] } })),
        ];
        for (trigger, body) in mistakes {
            let list = schedules(trigger, body.clone());
            assert!(rule(&list["computeStartStop"][0], at(SET)).is_err(), "{body}");
        }
    }
}
