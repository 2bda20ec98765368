"""azure-mgmt-machinelearningservices 1.0, which speaks the api-version 2020-08-01."""

from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient, models

from support import (
    BASE,
    GROUP,
    GROUP_ID,
    LOCATION,
    SUBSCRIPTION,
    WORKSPACE,
    control,
    credential,
    make_workspace,
    refused,
    run,
    shows,
)

client = MachineLearningServicesMgmtClient(credential(), SUBSCRIPTION, **BASE)
computes = client.machine_learning_compute


def workspaces_are_made_changed_and_listed():
    make_workspace()
    of = lambda kind, name: f"{GROUP_ID}/providers/{kind}/{name}"
    wanted = models.Workspace(
        location=LOCATION,
        identity=models.Identity(type="SystemAssigned"),
        storage_account=of("Microsoft.Storage/storageAccounts", "sa"),
        key_vault=of("Microsoft.KeyVault/vaults", "kv"),
        application_insights=of("Microsoft.Insights/components", "ai"),
        friendly_name="Lab",
    )
    made = client.workspaces.begin_create_or_update(GROUP, "lab", wanted).result()
    shows(made, name="lab", location=LOCATION, friendly_name="Lab", provisioning_state="Succeeded")
    change = models.WorkspaceUpdateParameters(tags={"team": "a"}, description="new")
    client.workspaces.update(GROUP, "lab", change)
    shows(client.workspaces.get(GROUP, "lab"), tags={"team": "a"}, description="new")
    assert [each.name for each in client.workspaces.list_by_resource_group(GROUP)] == ["lab", WORKSPACE]
    keys = client.workspaces.list_keys(GROUP, "lab")
    assert keys.user_storage_key and keys.user_storage_resource_id == wanted.storage_account
    assert client.notebooks.begin_prepare(GROUP, "lab").result().fqdn.endswith(".notebooks.azure.net")
    client.workspaces.begin_delete(GROUP, "lab").result()
    refused("ResourceNotFound", client.workspaces.get, GROUP, "lab")


def a_cluster_is_made_and_scaled_in_the_old_form():
    scale = models.ScaleSettings(min_node_count=1, max_node_count=2)
    inner = models.AmlComputeProperties(vm_size="Standard_DS3_v2", scale_settings=scale)
    wanted = models.ComputeResource(location=LOCATION, properties=models.AmlCompute(properties=inner))
    made = computes.begin_create_or_update(GROUP, WORKSPACE, "cpu", wanted).result()
    shows(made.properties, compute_type="AmlCompute", provisioning_state="Succeeded")
    scale = models.ScaleSettings(min_node_count=1, max_node_count=3)
    change = models.ClusterUpdateParameters(scale_settings=scale)
    changed = computes.begin_update(GROUP, WORKSPACE, "cpu", change).result()
    shows(changed.properties.properties.scale_settings, min_node_count=1, max_node_count=3)
    control("POST", "clock", {"advance_seconds": 600})
    (node,) = computes.list_nodes(GROUP, WORKSPACE, "cpu")
    shows(node, port=50000, node_state="idle")


def an_instance_is_switched_at_once():
    inner = models.ComputeInstanceProperties(vm_size="Standard_DS3_v2")
    wanted = models.ComputeResource(location=LOCATION, properties=models.ComputeInstance(properties=inner))
    made = computes.begin_create_or_update(GROUP, WORKSPACE, "ci-bob", wanted).result()
    shows(made.properties.properties, state="Running", vm_size="STANDARD_DS3_V2")
    for action, state in (("stop", "Stopped"), ("start", "Running"), ("restart", "Running")):
        assert getattr(computes, action)(GROUP, WORKSPACE, "ci-bob") is None
        control("POST", "clock", {"advance_seconds": 600})
        instance = computes.get(GROUP, WORKSPACE, "ci-bob").properties.properties
        shows(instance, state=state)
        assert instance.last_operation.operation_name == action.capitalize()


def sizes_quotas_and_usages_are_listed():
    sizes = {each.name: each for each in client.virtual_machine_sizes.list(LOCATION).aml_compute}
    shows(sizes["Standard_DS3_v2"], v_cp_us=4, memory_gb=14.0, family="standardDSv2Family")
    quotas = {each.name.value: each for each in client.quotas.list(LOCATION)}
    shows(quotas["standardDSv2Family"], limit=100_000, unit="Count")
    usages = {each.name.value: each.current_value for each in client.usages.list(LOCATION)}
    assert usages["TotalClusters"] == 2 and usages["standardDSv2Family"] >= 4, usages


def computes_are_listed_and_deleted():
    assert sorted(each.name for each in computes.list_by_workspace(GROUP, WORKSPACE)) == ["ci-bob", "cpu"]
    for name in ("ci-bob", "cpu"):
        computes.begin_delete(GROUP, WORKSPACE, name, "Delete").result()
        refused("ResourceNotFound", computes.get, GROUP, WORKSPACE, name)


run()
