//! `Microsoft.KeyVault/vaults`.

use serde_json::json;

use crate::error::bad_content;
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.KeyVault/vaults",
    id_type: "Microsoft.KeyVault/vaults",
    put_style: PutStyle::AtOnce(200),
    defaults: || {
        json!({
            "properties": {
                "sku": { "family": "A", "name": "standard" },
                "accessPolicies": [],
                "enabledForDeployment": false,
                "enableRbacAuthorization": false,
                "enableSoftDelete": true,
                "softDeleteRetentionInDays": 90,
                "publicNetworkAccess": "Enabled",
            },
        })
    },
    generated: &[
        ("/properties/vaultUri", "https://{lower}.vault.azure.net/"),
        ("/systemData/createdAt", "{time}"),
    ],
    stamped: &[("/systemData/lastModifiedAt", "{time}")],
    enums: &[
        ("/properties/sku/name", &["standard", "premium"]),
        ("/properties/publicNetworkAccess", &["Enabled", "Disabled"]),
    ],
    check: |_, _, body, _| {
        if json::text(body, "/properties/tenantId").is_empty() {
            return Err(bad_content("The parameter tenantId is required.").about("properties.tenantId"));
        }
        Ok(())
    },
    ..PLAIN
};
