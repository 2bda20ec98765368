//! Autoscale settings (Microsoft.Insights, 2022-10-01; dsvm-pool facts §6).

use super::common::{flag, location, resource_group, tags};
use crate::check::Check;
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Default, Form, Kind, Placement, Reference, Type, Unit, Variant, Wire, variant,
};

const TARGET: Type = Type::Reference(Reference {
    kind: "scale_set",
    resource_type: "Microsoft.Compute/virtualMachineScaleSets",
    form: Form::Id,
    may_stand: false,
});

const STATISTICS: &[Variant] = &[
    variant("Average", "Average"),
    variant("Min", "Min"),
    variant("Max", "Max"),
    variant("Sum", "Sum"),
    variant("Count", "Count"),
];

const AGGREGATIONS: &[Variant] = &[
    variant("Average", "Average"),
    variant("Minimum", "Minimum"),
    variant("Maximum", "Maximum"),
    variant("Total", "Total"),
    variant("Count", "Count"),
    variant("Last", "Last"),
];

const OPERATORS: &[Variant] = &[
    variant("Equals", "Equals"),
    variant("NotEquals", "NotEquals"),
    variant("GreaterThan", "GreaterThan"),
    variant("GreaterThanOrEqual", "GreaterThanOrEqual"),
    variant("LessThan", "LessThan"),
    variant("LessThanOrEqual", "LessThanOrEqual"),
];

const DIRECTIONS: &[Variant] =
    &[variant("Increase", "Increase"), variant("Decrease", "Decrease"), variant("None", "None")];

const STEPS: &[Variant] = &[
    variant("ChangeCount", "ChangeCount"),
    variant("PercentChangeCount", "PercentChangeCount"),
    variant("ExactCount", "ExactCount"),
];

const FREQUENCIES: &[Variant] = &[variant("Week", "Week")];

const fn minutes(path: &'static str, arm: &'static str, low: i64, high: i64, doc: &'static str) -> Attribute {
    let attribute = Attribute::new(path, Type::Duration(Unit::Minutes), arm, doc).wire(Wire::Iso8601);
    match (low, high) {
        (1, 720) => attribute.rules(&[Rule::Between(1, 720)]),
        (5, 720) => attribute.rules(&[Rule::Between(5, 720)]),
        _ => attribute.rules(&[Rule::Between(1, 10_080)]),
    }
}

const RULE: &[Attribute] = &[
    Attribute::new("metric", Type::String, "metricTrigger.metricName", "What is measured.")
        .default(Default::String("Percentage CPU")),
    Attribute::new(
        "metric_resource",
        TARGET,
        "metricTrigger.metricResourceUri",
        "Whose metric it is: mostly the scale set itself.",
    )
    .compare(Compare::ArmId)
    .required(),
    Attribute::new("operator", Type::Enum(OPERATORS), "metricTrigger.operator", "How it compares.")
        .required(),
    Attribute::new("threshold", Type::Integer, "metricTrigger.threshold", "What it compares with.")
        .required(),
    Attribute::new(
        "statistic",
        Type::Enum(STATISTICS),
        "metricTrigger.statistic",
        "How the values of the machines become one.",
    )
    .default(Default::String("Average")),
    Attribute::new(
        "time_aggregation",
        Type::Enum(AGGREGATIONS),
        "metricTrigger.timeAggregation",
        "How the values of the window become one.",
    )
    .default(Default::String("Average")),
    minutes("time_grain", "metricTrigger.timeGrain", 1, 720, "How often it is measured.")
        .default(Default::Integer(1)),
    minutes("time_window", "metricTrigger.timeWindow", 5, 720, "How long a time is looked at.")
        .default(Default::Integer(5)),
    Attribute::new("direction", Type::Enum(DIRECTIONS), "scaleAction.direction", "More machines, or fewer.")
        .required(),
    Attribute::new("step", Type::Enum(STEPS), "scaleAction.type", "What `value` counts.")
        .default(Default::String("ChangeCount")),
    Attribute::new("value", Type::Integer, "scaleAction.value", "How many.")
        .wire(Wire::Text)
        .rules(&[Rule::Between(0, 1000)])
        .default(Default::Integer(1)),
    minutes("cooldown", "scaleAction.cooldown", 1, 10_080, "How long to wait before the next step.")
        .default(Default::Integer(5)),
];

const fn count(path: &'static str, arm: &'static str, doc: &'static str) -> Attribute {
    Attribute::new(path, Type::Integer, arm, doc).wire(Wire::Text).rules(&[Rule::Between(0, 1000)]).required()
}

const fn of_recurrence(path: &'static str, value: Type, arm: &'static str, doc: &'static str) -> Attribute {
    Attribute::new(path, value, arm, doc).required_with_group()
}

const PROFILE: &[Attribute] = &[
    Attribute::new("name", Type::String, "name", "Its name.").required(),
    count("minimum", "capacity.minimum", "The fewest machines."),
    count("maximum", "capacity.maximum", "The most machines."),
    count(
        "default",
        "capacity.default",
        "How many where nothing can be measured: an empty set comes back to this by itself, and to nothing else.",
    ),
    Attribute::new("rules", Type::List(&Type::Object(RULE)), "rules", "What makes it scale.")
        .rules(&[Rule::Length(0, 10)]),
    of_recurrence("recurrence.frequency", Type::Enum(FREQUENCIES), "recurrence.frequency", "`Week`."),
    of_recurrence(
        "recurrence.time_zone",
        Type::String,
        "recurrence.schedule.timeZone",
        "A Windows time-zone name: `W. Europe Standard Time`.",
    )
    .rules(&[Rule::TimeZone])
    .compare(Compare::CaseInsensitive),
    of_recurrence(
        "recurrence.days",
        Type::List(&Type::String),
        "recurrence.schedule.days",
        "On which days the profile begins: `Monday`.",
    )
    .compare(Compare::Set),
    of_recurrence(
        "recurrence.hours",
        Type::List(&Type::Integer),
        "recurrence.schedule.hours",
        "At which hours.",
    ),
    of_recurrence(
        "recurrence.minutes",
        Type::List(&Type::Integer),
        "recurrence.schedule.minutes",
        "At which minutes; it holds until another profile begins.",
    ),
];

/// An autoscale setting.
pub static KIND: Kind = Kind {
    name: "autoscale",
    summary: "Rules by which a scale set grows and shrinks.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Insights/autoscaleSettings",
        api_version: "2022-10-01",
    },
    name_rules: &[Rule::Length(1, 260), Rule::Alphabet("-_.() ")],
    attributes: &[
        resource_group(),
        location(),
        flag("enabled", "properties.enabled", true, "Whether it does anything.").change(Change::Put),
        Attribute::new("target", TARGET, "properties.targetResourceUri", "The scale set.")
            .compare(Compare::ArmId)
            .required(),
        Attribute::new(
            "profiles",
            Type::List(&Type::Object(PROFILE)),
            "properties.profiles",
            "How many machines, and when; one without a recurrence holds at all other times.",
        )
        .rules(&[Rule::Length(1, 20), Rule::Unique("name")])
        .change(Change::Put)
        .required(),
        tags(Change::Put),
    ],
    computed: &[],
    constants: &[],
    read_only: &["id", "name", "type", "systemData"],
    checks: &[Check::InOrder("profiles", &["minimum", "default", "maximum"])],
    dropped: &[],
    aliases: &[],
    loses: None,
};
