"""azure-ai-ml: workspaces."""

from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential

from support import (
    GROUP,
    GROUP_ID,
    LOCATION,
    SUBSCRIPTION,
    TENANT,
    WORKSPACE,
    WORKSPACE_ID,
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


run()
