"""azure-ai-ml: workspaces."""

from azure.ai.ml import MLClient
from azure.ai.ml.entities import Workspace
from azure.identity import DefaultAzureCredential

from support import (
    GROUP,
    GROUP_ID,
    LOCATION,
    SUBSCRIPTION,
    TENANT,
    WORKSPACE,
    WORKSPACE_ID,
    control,
    make,
    make_workspace,
    refused,
    request,
    run,
    shows,
)

ml = MLClient(DefaultAzureCredential(), SUBSCRIPTION, GROUP, WORKSPACE)


def a_workspace_reads_as_azures_do():
    refused("ResourceGroupNotFound", ml.workspaces.get, WORKSPACE)
    make_workspace()
    found = ml.workspaces.get(WORKSPACE)
    shows(
        found,
        id=WORKSPACE_ID,
        name=WORKSPACE,
        location=LOCATION,
        resource_group=GROUP,
        tags={},
        storage_account=f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/sa",
        container_registry=None,
        hbi_workspace=False,
        public_network_access="Enabled",
    )
    shows(found.identity, type="system_assigned", tenant_id=TENANT)
    assert len(found.identity.principal_id) == 36
    assert found.discovery_url.startswith("https://") and found.mlflow_tracking_uri.startswith("azureml://")


def lists_are_for_a_group_or_a_subscription():
    for scope in ("resource_group", "subscription"):
        assert [each.name for each in ml.workspaces.list(scope=scope)] == [WORKSPACE]


def an_update_changes_what_it_names():
    workspace = ml.workspaces.get(WORKSPACE)
    workspace.description, workspace.display_name, workspace.tags = "new", "New", {"team": "a"}
    changed = ml.workspaces.begin_update(workspace).result()
    for each in (changed, ml.workspaces.get(WORKSPACE)):
        shows(each, description="new", display_name="New", tags={"team": "a"}, location=LOCATION)


def keys_are_shown_and_synchronised():
    keys = ml.workspaces.get_keys(WORKSPACE)
    assert keys.user_storage_key and keys.notebook_access_keys.primary_access_key
    assert keys.user_storage_resource_id.endswith("/storageAccounts/sa")
    assert ml.workspaces.begin_sync_keys(WORKSPACE).result() is None


def a_diagnosis_finds_nothing():
    found = ml.workspaces.begin_diagnose(WORKSPACE).result()
    shows(found, storage_account_results=[], key_vault_results=[], other_results=[])


def a_deleted_workspace_holds_its_name():
    ml.workspaces.begin_delete(WORKSPACE, delete_dependent_resources=False).result()
    refused("ResourceNotFound", ml.workspaces.get, WORKSPACE)
    status, answer = request("PUT", f"{WORKSPACE_ID}?api-version=2026-05-01", {"location": LOCATION})
    assert status == 400 and "Soft-deleted workspace exists" in answer["error"]["message"], answer


def a_purged_one_does_not():
    make_workspace("passing")
    ml.workspaces.begin_delete("passing", delete_dependent_resources=False, permanently_delete=True).result()
    refused("ResourceNotFound", ml.workspaces.get, "passing")
    make_workspace("passing")
    shows(ml.workspaces.get("passing"), name="passing")


def a_workspace_is_made_with_what_it_stands_on():
    """The SDK deploys a template of its own, waits for it, and reads the workspace."""
    wanted = Workspace(name="fresh", location=LOCATION, display_name="Fresh", description="d", tags={"team": "a"})
    made = ml.workspaces.begin_create(wanted).result()
    shows(made, name="fresh", location=LOCATION, display_name="Fresh", description="d")
    assert made.tags["team"] == "a" and made.identity.type == "system_assigned"
    assert _status(made.storage_account) == _status(made.key_vault) == _status(made.application_insights) == 200
    ml.workspaces.begin_delete("fresh", delete_dependent_resources=True, permanently_delete=True).result()
    control("POST", "clock", {"advance_seconds": 600})
    assert _status(made.id) == _status(made.storage_account) == _status(made.key_vault) == 404


def _status(resource):
    return request("GET", f"{resource}?api-version=2021-02-01")[0]


def a_workspace_is_made_on_what_stands():
    storage, vault, insights = (
        f"{GROUP_ID}/providers/{kind}"
        for kind in (
            "Microsoft.Storage/storageAccounts/lablabstorage",
            "Microsoft.KeyVault/vaults/lab-vault",
            "Microsoft.Insights/components/lab-insights",
        )
    )
    make(storage, {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"})
    sku = {"family": "A", "name": "standard"}
    make(vault, {"location": LOCATION, "properties": {"tenantId": TENANT, "sku": sku, "accessPolicies": []}})
    make(insights, {"location": LOCATION, "kind": "web", "properties": {"Application_Type": "web"}})
    wanted = Workspace(
        name="lab", location=LOCATION, storage_account=storage, key_vault=vault, application_insights=insights
    )
    made = ml.workspaces.begin_create(wanted).result()
    shows(made, name="lab", storage_account=storage)
    assert made.key_vault.lower() == vault.lower() and made.application_insights.lower() == insights.lower()


run()
