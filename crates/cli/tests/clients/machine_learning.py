"""azure-mgmt-machinelearningservices 1.0, which speaks 2020-08-01; and the newer shapes, made by hand."""

from datetime import timedelta

from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient, models

from support import (
    BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, TENANT, WORKSPACE, WORKSPACE_ID,
    control, credential, make, refused, request, run,
)

CLIENT = MachineLearningServicesMgmtClient(credential(), SUBSCRIPTION, **BASE)
COMPUTES = CLIENT.machine_learning_compute
HOME = (GROUP, WORKSPACE)
PATH = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/{LOCATION}"


def _named(kind, name):
    return f"{GROUP_ID}/providers/{kind}/{name}"


def _advance(seconds):
    control("POST", "clock", {"advance_seconds": seconds})


def _compute(properties):
    return models.ComputeResource(location=LOCATION, properties=properties)


def _call(method, path, body=None, version="2023-04-01"):
    join = "&" if "?" in path else "?"
    return request(method, f"{path}{join}api-version={version}", body)


def a_workspace_is_made_read_and_listed():
    make(GROUP_ID, {"location": LOCATION})
    made = CLIENT.workspaces.begin_create_or_update(*HOME, models.Workspace(
        location=LOCATION,
        identity=models.Identity(type="SystemAssigned"),
        friendly_name="Research",
        storage_account=_named("Microsoft.Storage/storageAccounts", "sa"),
        key_vault=_named("Microsoft.KeyVault/vaults", "kv"),
        application_insights=_named("Microsoft.Insights/components", "ai"),
    )).result()
    assert (made.id, made.name, made.location) == (WORKSPACE_ID, WORKSPACE, LOCATION)
    assert (made.provisioning_state, made.friendly_name, made.description) == ("Succeeded", "Research", "")
    assert made.identity.principal_id and made.identity.tenant_id == TENANT
    assert made.discovery_url == f"https://{LOCATION}.api.azureml.ms/discovery"
    assert made.key_vault == _named("Microsoft.Keyvault/vaults", "kv")
    assert CLIENT.workspaces.get(*HOME).workspace_id == made.workspace_id
    assert [each.name for each in CLIENT.workspaces.list_by_resource_group(GROUP)] == [WORKSPACE]
    assert [each.name for each in CLIENT.workspaces.list_by_subscription()] == [WORKSPACE]


def a_workspace_is_updated_at_once():
    changes = models.WorkspaceUpdateParameters(tags={"team": "a"}, description="ours")
    updated = CLIENT.workspaces.update(*HOME, changes)
    assert (updated.tags, updated.description, updated.friendly_name) == ({"team": "a"}, "ours", "Research")
    assert CLIENT.workspaces.get(*HOME).provisioning_state == "Succeeded"


def a_workspace_has_keys_and_a_notebook():
    keys = CLIENT.workspaces.list_keys(*HOME)
    assert keys.user_storage_key and keys.user_storage_resource_id.endswith("/storageAccounts/sa")
    assert keys.notebook_access_keys.primary_access_key != keys.notebook_access_keys.secondary_access_key
    CLIENT.workspaces.resync_keys(*HOME)
    notebook = CLIENT.notebooks.begin_prepare(*HOME).result()
    assert notebook.fqdn.endswith(".notebooks.azure.net") and notebook.notebook_preparation_error is None


def a_cluster_is_made_with_defaults():
    made = COMPUTES.begin_create_or_update(*HOME, "cpu", _compute(models.AmlCompute(
        properties=models.AmlComputeProperties(
            vm_size="Standard_DS3_v2",
            scale_settings=models.ScaleSettings(min_node_count=1, max_node_count=4),
        ),
    ))).result()
    inner = made.properties.properties
    assert (made.properties.compute_type, made.properties.provisioning_state) == ("AmlCompute", "Succeeded")
    assert (inner.vm_size, inner.vm_priority, inner.os_type) == ("STANDARD_DS3_V2", "Dedicated", "Linux")
    assert inner.scale_settings.node_idle_time_before_scale_down == timedelta(minutes=2)
    assert inner.remote_login_port_public_access == "Enabled"


def a_cluster_is_scaled_by_a_patch_one_level_up():
    scale = models.ScaleSettings(min_node_count=2, max_node_count=6, node_idle_time_before_scale_down=timedelta(minutes=5))
    scaled = COMPUTES.begin_update(*HOME, "cpu", models.ClusterUpdateParameters(scale_settings=scale)).result()
    inner = scaled.properties.properties
    assert (inner.scale_settings.min_node_count, inner.scale_settings.max_node_count) == (2, 6)
    assert inner.scale_settings.node_idle_time_before_scale_down == timedelta(minutes=5)


def nodes_are_listed_page_by_page():
    _advance(300)
    nodes = list(COMPUTES.list_nodes(*HOME, "cpu"))
    assert [each.node_state for each in nodes] == ["idle", "idle"]
    assert len({each.node_id for each in nodes}) == 2 and nodes[0].port >= 50000
    inner = COMPUTES.get(*HOME, "cpu").properties.properties
    assert (inner.allocation_state, inner.current_node_count, inner.node_state_counts.idle_node_count) == ("Steady", 2, 2)
    control("POST", "nodes", {"id": f"{WORKSPACE_ID}/computes/cpu", "run": 4, "seconds": 3000})
    _advance(200)
    states = {each.node_state for each in COMPUTES.list_nodes(*HOME, "cpu")}
    assert states == {"running"}, states


def an_instance_is_made_stopped_started_and_restarted_by_plain_calls():
    made = COMPUTES.begin_create_or_update(*HOME, "ci-alice", _compute(models.ComputeInstance(
        properties=models.ComputeInstanceProperties(
            vm_size="STANDARD_DS3_V2",
            ssh_settings=models.ComputeInstanceSshSettings(ssh_public_access="Disabled"),
        ),
    ))).result()
    inner = made.properties.properties
    assert (inner.state, inner.last_operation.operation_name, inner.last_operation.operation_status) == ("Running", "Create", "Succeeded")
    assert [each.display_name for each in inner.applications] == ["Jupyter", "Jupyter Lab"]
    assert inner.ssh_settings.admin_user_name == "azureuser" and inner.created_by.user_id
    state = lambda: COMPUTES.get(*HOME, "ci-alice").properties.properties.state
    COMPUTES.stop(*HOME, "ci-alice")
    assert state() == "Stopping"
    _advance(60)
    assert state() == "Stopped"
    COMPUTES.start(*HOME, "ci-alice")
    _advance(150)
    assert state() == "Running"
    refused("StartComputeInstanceOnlyAllowedInStoppedState", COMPUTES.start, *HOME, "ci-alice")
    COMPUTES.restart(*HOME, "ci-alice")
    assert state() == "Restarting"
    _advance(120)
    assert state() == "Running"


def an_attached_machine_keeps_its_secrets_and_has_keys():
    account = models.VirtualMachineSshCredentials(username="me", password="canary")
    attached = COMPUTES.begin_create_or_update(*HOME, "box", _compute(models.VirtualMachine(
        resource_id=_named("Microsoft.Compute/virtualMachines", "box"),
        properties=models.VirtualMachineProperties(ssh_port=22, administrator_account=account),
    ))).result()
    assert attached.properties.is_attached_compute and attached.properties.properties.administrator_account.password is None
    keys = COMPUTES.list_keys(*HOME, "box")
    assert (keys.compute_type, keys.administrator_account.username) == ("VirtualMachine", "me")
    refused("UserError", COMPUTES.list_keys, *HOME, "cpu")


def computes_are_listed():
    listed = {each.name: each.properties.compute_type for each in COMPUTES.list_by_workspace(*HOME)}
    assert listed == {"box": "VirtualMachine", "ci-alice": "ComputeInstance", "cpu": "AmlCompute"}


def quotas_usages_and_sizes_are_those_of_a_region():
    sizes = CLIENT.virtual_machine_sizes.list(LOCATION).aml_compute
    assert next(each.v_cp_us for each in sizes if each.name == "Standard_DS3_v2") == 4
    usages = {each.name.value: each.current_value for each in CLIENT.usages.list(LOCATION)}
    # Four nodes and an instance of four cores each; what is attached does not count.
    assert (usages["TotalClusters"], usages["standardDSv2Family"]) == (2, 20)
    of = lambda name: f"{WORKSPACE_ID}/quotas/{name}_Cluster_Dedicated_vCPUs"
    wanted = [models.QuotaBaseProperties(id=of(name), type="Microsoft.MachineLearningServices/workspaces/quotas", limit=limit, unit="Count")
              for name, limit in [("Standard_DSv2_Family", 40), ("Standard_DSv2_Family", 4), ("Standard_Nope_Family", 4)]]
    set_to = CLIENT.quotas.update(LOCATION, models.QuotaUpdateParameters(value=wanted)).value
    assert [each.status for each in set_to] == ["Success", "InvalidQuotaBelowClusterMinimum", "InvalidVMFamilyName"]
    limits = {each.id: each.limit for each in CLIENT.quotas.list(LOCATION)}
    assert limits[of("Standard_DSv2_Family")] == 40


def what_is_refused_says_why():
    body = _compute(models.AmlCompute(properties=models.AmlComputeProperties(
        vm_size="Standard_X1", scale_settings=models.ScaleSettings(max_node_count=1))))
    refused("InvalidPropertyValue", COMPUTES.begin_create_or_update, *HOME, "other", body)
    refused("ResourceNotFound", COMPUTES.get, *HOME, "other")
    refused("UserError", lambda: list(COMPUTES.list_nodes(*HOME, "ci-alice")))


def newer_versions_answer_in_their_shapes():
    status, answer = _call("PATCH", f"{WORKSPACE_ID}/computes/cpu", {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 8}}}})
    assert (status, answer["properties"]["provisioningState"]) == (200, "Updating")
    _advance(20)
    status, answer = _call("GET", f"{WORKSPACE_ID}/computes/cpu")
    assert answer["properties"]["properties"]["scaleSettings"]["maxNodeCount"] == 8
    assert _call("POST", f"{WORKSPACE_ID}/computes/ci-alice/stop") == (202, None)
    _advance(60)
    assert _call("POST", f"{WORKSPACE_ID}/computes/ci-alice/start") == (202, None)
    _advance(150)
    status, answer = _call("POST", f"{WORKSPACE_ID}/computes/cpu/listNodes")
    assert status == 200 and answer["computeType"] == "AmlCompute" and len(answer["nodes"]) >= 2
    assert "nextLink" not in answer
    status, answer = _call("GET", f"{PATH}/vmSizes")
    assert status == 200 and len(answer["value"]) > 40
    status, _ = _call("PATCH", WORKSPACE_ID, {"tags": {"team": "b"}})
    assert status == 202
    assert _call("GET", WORKSPACE_ID)[1]["properties"]["provisioningState"] == "Updating"
    _advance(60)
    assert _call("GET", WORKSPACE_ID)[1]["tags"] == {"team": "b"}


def everything_is_deleted():
    COMPUTES.begin_delete(*HOME, "box", underlying_resource_action="Detach").result()
    for name in ["cpu", "ci-alice"]:
        COMPUTES.begin_delete(*HOME, name, underlying_resource_action="Delete").result()
    assert list(COMPUTES.list_by_workspace(*HOME)) == []
    CLIENT.workspaces.begin_delete(*HOME).result()
    try:
        CLIENT.workspaces.get(*HOME)
        raise AssertionError("it is still there")
    except ResourceNotFoundError as error:
        assert error.error.code == "ResourceNotFound"


run()
