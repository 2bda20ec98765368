//! `Microsoft.ManagedIdentity/userAssignedIdentities`.

use crate::kinds::{Kind, PLAIN, PutStyle};

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    id_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    put_style: PutStyle::AtOnce(201),
    generated: &[
        ("/properties/clientId", "{guid}"),
        ("/properties/principalId", "{guid}"),
        ("/properties/tenantId", "{tenant}"),
    ],
    patchable: &["/tags"],
    ..PLAIN
};
