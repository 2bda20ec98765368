//! The built-in roles that the neighbourhood of machine learning uses. Ids and permissions are the published ones;
//! long lists of actions are cut to what concerns the kinds of the emulator.

use serde_json::{Value, json};

use super::role_definition::KIND;

/// A built-in role.
pub(super) struct Role {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    description: &'static str,
    actions: &'static [&'static str],
    not_actions: &'static [&'static str],
    data_actions: &'static [&'static str],
}

const fn role(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    actions: &'static [&'static str],
) -> Role {
    Role { id, name, description, actions, not_actions: &[], data_actions: &[] }
}

const fn data_role(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    data_actions: &'static [&'static str],
) -> Role {
    Role { id, name, description, actions: &[], not_actions: &[], data_actions }
}

/// Every built-in role.
pub(super) const ROLES: [Role; 27] = [
    role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", "Manages everything, access included.", &["*"]),
    Role {
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
        ..role(
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "Contributor",
            "Manages everything, except access.",
            &["*"],
        )
    },
    role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", "Sees everything.", &["*/read"]),
    role(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        "Manages access.",
        &["*/read", "Microsoft.Authorization/*"],
    ),
    Role {
        not_actions: &[
            "Microsoft.MachineLearningServices/workspaces/delete",
            "Microsoft.MachineLearningServices/workspaces/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/delete",
            "Microsoft.MachineLearningServices/workspaces/computes/listKeys/action",
            "Microsoft.MachineLearningServices/workspaces/listKeys/action",
        ],
        ..role(
            "f6c7c914-8db3-469d-8ca1-694a8f32e121",
            "AzureML Data Scientist",
            "Works in a workspace, except that it makes no computes and changes no workspace.",
            &[
                "Microsoft.MachineLearningServices/workspaces/*/read",
                "Microsoft.MachineLearningServices/workspaces/*/action",
                "Microsoft.MachineLearningServices/workspaces/*/delete",
                "Microsoft.MachineLearningServices/workspaces/*/write",
            ],
        )
    },
    role(
        "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815",
        "AzureML Compute Operator",
        "Manages the computes of a workspace.",
        &[
            "Microsoft.MachineLearningServices/workspaces/computes/*",
            "Microsoft.MachineLearningServices/workspaces/notebooks/vm/*",
        ],
    ),
    role(
        "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
        "AzureML Registry User",
        "Works with the assets of a registry.",
        &[
            "Microsoft.MachineLearningServices/registries/read",
            "Microsoft.MachineLearningServices/registries/assets/*",
        ],
    ),
    role(
        "17d1049b-9a84-46fb-8f53-869881c3d3ab",
        "Storage Account Contributor",
        "Manages storage accounts, keys included.",
        &["Microsoft.Storage/storageAccounts/*", "Microsoft.Resources/deployments/*"],
    ),
    role(
        "81a9662b-bebf-436f-a333-f67b29880f12",
        "Storage Account Key Operator Service Role",
        "Lists and renews the keys of storage accounts.",
        &[
            "Microsoft.Storage/storageAccounts/listkeys/action",
            "Microsoft.Storage/storageAccounts/regeneratekey/action",
        ],
    ),
    data_role(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Blob Data Owner",
        "Owns blobs and containers.",
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
    ),
    data_role(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Reads, writes and deletes blobs and containers.",
        &[
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
        ],
    ),
    data_role(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Reads blobs and containers.",
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    ),
    data_role(
        "69566ab7-960f-475b-8e7c-b3118f30c6bd",
        "Storage File Data Privileged Contributor",
        "Reads, writes and deletes files whatever their own permissions say.",
        &["Microsoft.Storage/storageAccounts/fileServices/fileshares/files/*"],
    ),
    data_role(
        "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb",
        "Storage File Data SMB Share Contributor",
        "Reads, writes and deletes files over SMB.",
        &[
            "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read",
            "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write",
            "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete",
        ],
    ),
    role(
        "f25e0fa2-a7c8-4377-a976-54943a77a395",
        "Key Vault Contributor",
        "Manages key vaults, but not what is in them.",
        &["Microsoft.KeyVault/*"],
    ),
    data_role(
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "Key Vault Administrator",
        "Manages everything in key vaults.",
        &["Microsoft.KeyVault/vaults/*"],
    ),
    data_role(
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Key Vault Secrets Officer",
        "Manages secrets.",
        &["Microsoft.KeyVault/vaults/secrets/*"],
    ),
    data_role(
        "4633458b-17de-408a-b874-0445c86b69e6",
        "Key Vault Secrets User",
        "Reads secrets.",
        &[
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ],
    ),
    role(
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "AcrPull",
        "Pulls from registries.",
        &["Microsoft.ContainerRegistry/registries/pull/read"],
    ),
    role(
        "8311e382-0749-4cb8-b61a-304f252e45ec",
        "AcrPush",
        "Pushes to registries.",
        &[
            "Microsoft.ContainerRegistry/registries/pull/read",
            "Microsoft.ContainerRegistry/registries/push/write",
        ],
    ),
    role(
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Managed Identity Operator",
        "Reads and assigns user-assigned identities.",
        &[
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
        ],
    ),
    role(
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        "Managed Identity Contributor",
        "Makes, reads, changes and deletes user-assigned identities.",
        &[
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/write",
            "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
        ],
    ),
    role(
        "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "Network Contributor",
        "Manages networks.",
        &["Microsoft.Network/*"],
    ),
    role(
        "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
        "Virtual Machine Contributor",
        "Manages virtual machines and scale sets, but not the network they are in.",
        &[
            "Microsoft.Compute/virtualMachines/*",
            "Microsoft.Compute/virtualMachineScaleSets/*",
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        ],
    ),
    data_role(
        "1c0163c0-47e6-4577-8991-ea5c82e286e4",
        "Virtual Machine Administrator Login",
        "Logs in to virtual machines as administrator.",
        &[
            "Microsoft.Compute/virtualMachines/login/action",
            "Microsoft.Compute/virtualMachines/loginAsAdmin/action",
        ],
    ),
    data_role(
        "fb879df8-f326-4884-b1cf-06f3ad86be52",
        "Virtual Machine User Login",
        "Logs in to virtual machines as a user.",
        &["Microsoft.Compute/virtualMachines/login/action"],
    ),
    role(
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        "Monitoring Reader",
        "Reads all monitoring data.",
        &["*/read", "Microsoft.OperationalInsights/workspaces/search/action"],
    ),
];

impl Role {
    /// The definition as a read at a scope shows it; the scope is in its id.
    pub(super) fn definition(&self, scope: &str) -> Value {
        json!({
            "id": format!("{scope}/providers/{}/{}", KIND.id_type, self.id),
            "name": self.id,
            "type": KIND.resource_type,
            "properties": {
                "roleName": self.name,
                "type": "BuiltInRole",
                "description": self.description,
                "assignableScopes": ["/"],
                "permissions": [{
                    "actions": self.actions,
                    "notActions": self.not_actions,
                    "dataActions": self.data_actions,
                    "notDataActions": [],
                }],
                "createdOn": "2015-02-02T21:55:09.8806423Z",
                "updatedOn": "2015-02-02T21:55:09.8806423Z",
                "createdBy": null,
                "updatedBy": null,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_an_id_of_its_own() {
        let ids: std::collections::BTreeSet<&str> = ROLES.iter().map(|role| role.id).collect();
        assert_eq!(ids.len(), ROLES.len());
        assert!(ROLES.iter().all(|role| uuid::Uuid::parse_str(role.id).is_ok()));
    }
}
