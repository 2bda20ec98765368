//! Application Insights components (Microsoft.Insights, 2020-02-02).

use super::common::{location, resource_group, tags};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Default, Kind, Placement, Type, Variant, variant};

const TYPES: &[Variant] = &[variant("web", "web"), variant("other", "other")];

/// An Application Insights component.
pub static KIND: Kind = Kind {
    name: "application_insights",
    summary: "An Application Insights component, such as the one behind a workspace.",
    placement: Placement::InGroup {
        resource_type: "Microsoft.Insights/components",
        api_version: "2020-02-02",
    },
    name_rules: &[Rule::Length(1, 260), Rule::Alphabet("-_.()"), Rule::NotEndingIn('.')],
    attributes: &[
        resource_group(),
        location(),
        Attribute::new(
            "application_type",
            Type::Enum(TYPES),
            "properties.Application_Type",
            "What it watches.",
        )
        .default(Default::String("web"))
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "retention_days",
            Type::Integer,
            "properties.RetentionInDays",
            "How long data are kept.",
        )
        .rules(&[Rule::Between(30, 730)])
        .initial(Default::Integer(90))
        .change(Change::Put),
        Attribute::new(
            "log_analytics_workspace",
            Type::String,
            "properties.WorkspaceResourceId",
            "The Log Analytics workspace that keeps the data, by ARM id.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId)
        .change(Change::Put),
        tags(Change::Put),
    ],
    computed: &[Computed::new("app_id", "properties.AppId", "The component's application id.")],
    constants: &[("kind", "web")],
    read_only: &[
        "id",
        "name",
        "type",
        "etag",
        "properties.provisioningState",
        "properties.AppId",
        "properties.InstrumentationKey",
        "properties.ConnectionString",
        "properties.CreationDate",
        "properties.TenantId",
        "properties.ApplicationId",
        "properties.Name",
    ],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: Some("its recorded telemetry is deleted with it"),
};
