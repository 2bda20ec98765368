//! `Microsoft.Insights/components`. Its own id says `microsoft.insights`, and a PATCH takes tags only.

use serde_json::json;

use crate::kinds::{Kind, PLAIN, PutStyle};

pub(super) const KIND: Kind = Kind {
    resource_type: "microsoft.insights/components",
    id_type: "microsoft.insights/components",
    put_style: PutStyle::AtOnce(200),
    defaults: || {
        json!({
            "kind": "web",
            "etag": "\"0000\"",
            "properties": {
                "Application_Type": "web",
                "Flow_Type": "Bluefield",
                "IngestionMode": "ApplicationInsights",
                "RetentionInDays": 90,
                "publicNetworkAccessForIngestion": "Enabled",
                "publicNetworkAccessForQuery": "Enabled",
            },
        })
    },
    generated: &[
        ("/properties/AppId", "{guid}"),
        ("/properties/ApplicationId", "{name}"),
        ("/properties/Name", "{name}"),
        ("/properties/CreationDate", "{time}"),
        ("/properties/InstrumentationKey", "{guid}"),
        (
            "/properties/ConnectionString",
            "InstrumentationKey={/properties/InstrumentationKey};\
             IngestionEndpoint=https://{location}.in.applicationinsights.azure.com/",
        ),
        ("/properties/TenantId", "{tenant}"),
    ],
    patchable: &["/tags"],
    ..PLAIN
};
