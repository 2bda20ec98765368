"""azure-ai-ml: compute clusters, as a user's script makes and changes them."""

from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    AmlCompute,
    AmlComputeSshSettings,
    IdentityConfiguration,
    ManagedIdentityConfiguration,
    NetworkSettings,
)
from azure.identity import DefaultAzureCredential

from support import (
    GROUP,
    GROUP_ID,
    LOCATION,
    SUBSCRIPTION,
    WORKSPACE,
    WORKSPACE_ID,
    control,
    make,
    make_workspace,
    refused,
    run,
    shows,
)

IDENTITY = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
NETWORK = f"{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/net"

ml = MLClient(DefaultAzureCredential(), SUBSCRIPTION, GROUP, WORKSPACE)


def a_minimal_cluster_gets_the_defaults():
    make_workspace()
    made = ml.compute.begin_create_or_update(AmlCompute(name="cpu")).result()
    shows(
        made,
        id=f"{WORKSPACE_ID}/computes/cpu",
        name="cpu",
        type="amlcompute",
        location=LOCATION,
        size="STANDARD_DS3_V2",
        tier="dedicated",
        min_instances=0,
        max_instances=4,
        idle_time_before_scale_down=120,
        ssh_settings=None,
        identity=None,
        enable_node_public_ip=True,
        provisioning_state="Succeeded",
        provisioning_errors=None,
    )
    assert made.created_on.startswith("20"), made.created_on


def a_full_cluster_keeps_what_it_was_given_but_the_password():
    make(IDENTITY, {"location": LOCATION})
    subnet = {"name": "compute", "properties": {"addressPrefix": "10.0.0.0/24"}}
    space = {"addressPrefixes": ["10.0.0.0/16"]}
    make(NETWORK, {"location": LOCATION, "properties": {"addressSpace": space, "subnets": [subnet]}})
    full = AmlCompute(
        name="full",
        size="Standard_D2s_v3",
        description="for training",
        tags={"team": "a"},
        tier="low_priority",
        min_instances=1,
        max_instances=3,
        idle_time_before_scale_down=300,
        ssh_public_access_enabled=True,
        ssh_settings=AmlComputeSshSettings(
            admin_username="me", admin_password="Secret-1", ssh_key_value="ssh-rsa AAAA me"
        ),
        network_settings=NetworkSettings(vnet_name="net", subnet="compute"),
        enable_node_public_ip=False,
        identity=IdentityConfiguration(
            type="UserAssigned",
            user_assigned_identities=[ManagedIdentityConfiguration(resource_id=IDENTITY)],
        ),
    )
    _is_full(ml.compute.begin_create_or_update(full).result(), max_instances=3, tags={"team": "a"})
    assert "Secret-1" not in str(control("GET", "requests"))


def _is_full(cluster, **changed):
    shows(
        cluster,
        size="STANDARD_D2S_V3",
        description="for training",
        tier="low_priority",
        min_instances=1,
        idle_time_before_scale_down=300,
        ssh_public_access_enabled=True,
        enable_node_public_ip=False,
        **changed,
    )
    shows(cluster.ssh_settings, admin_username="me", admin_password=None, ssh_key_value="ssh-rsa AAAA me")
    assert cluster.network_settings.subnet == f"{NETWORK}/subnets/compute"
    assert cluster.identity.type == "user_assigned"
    (identity,) = cluster.identity.user_assigned_identities
    assert identity.resource_id == IDENTITY


def an_update_keeps_what_the_client_leaves_out():
    """The SDK sends `"subnet": {}` and credentials without a password; neither means a change."""
    cluster = ml.compute.get("full")
    cluster.max_instances, cluster.tags = 5, {"team": "b"}
    _is_full(ml.compute.begin_update(cluster).result(), max_instances=5, tags={"team": "b"})
    _is_full(ml.compute.get("full"), max_instances=5, tags={"team": "b"})


def lists_are_whole_and_filtered():
    control("POST", "clock", {"advance_seconds": 600})
    assert sorted(each.name for each in ml.compute.list()) == ["cpu", "full"]
    assert [each.name for each in ml.compute.list(compute_type="computeinstance")] == []


def nodes_are_there_once_the_cluster_has_scaled():
    (node,) = ml.compute.list_nodes("full")
    # azure-ai-ml 1.35 leaves these attributes empty and keeps the answer's own names beside them.
    shows(node, port=50000, nodeState="idle", runId=None)
    assert node.nodeId and node.privateIpAddress
    assert list(ml.compute.list_nodes("cpu")) == []


def sizes_and_usages_are_listed():
    sizes = {each.name: each for each in ml.compute.list_sizes()}
    shows(sizes["Standard_DS3_v2"], family="standardDSv2Family", vCPUs=4, memoryGB=14.0, gpus=0)
    gpus = ml.compute.list_sizes(location="eastus", compute_type="AmlCompute")
    assert any(each.gpus > 0 for each in gpus)
    usages = {each.name["value"]: each for each in ml.compute.list_usage()}
    assert usages["TotalClusters"].currentValue == 2, usages


def mistakes_are_refused_as_azure_does():
    wrong = AmlCompute(name="bad", size="Standard_Nope")
    error = refused("InvalidPropertyValue", lambda: ml.compute.begin_create_or_update(wrong).result())
    assert error.status_code == 400
    refused("ResourceNotFound", ml.compute.get, "bad")


def a_deleted_cluster_is_gone():
    assert ml.compute.begin_delete("full").result() is None
    refused("ResourceNotFound", ml.compute.get, "full")
    assert [each.name for each in ml.compute.list()] == ["cpu"]


run()
