"""azure-mgmt-batchai, the last one there was: workspaces, clusters and their nodes, file servers, experiments, usages."""

from azure.mgmt.batchai import BatchAI

from support import BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, credential, make, refused, run

client = BatchAI(credential(), SUBSCRIPTION, **BASE)
WORKSPACE = "recipes"
ACCOUNT = {"admin_user_name": "demo", "admin_user_password": "tulip"}


def _scale(target):
    return {"manual": {"target_node_count": target}}


def a_workspace_is_made_tagged_and_listed():
    make(GROUP_ID, {"location": LOCATION})
    made = client.workspaces.begin_create(GROUP, WORKSPACE, {"location": LOCATION}).result()
    assert (made.name, made.location, made.provisioning_state) == (WORKSPACE, LOCATION, "succeeded")
    assert made.creation_time.tzinfo is not None
    assert client.workspaces.update(GROUP, WORKSPACE, {"tags": {"team": "a"}}).tags == {"team": "a"}
    assert [each.name for each in client.workspaces.list()] == [WORKSPACE]
    assert [each.name for each in client.workspaces.list_by_resource_group(GROUP)] == [WORKSPACE]


def a_file_server_is_made():
    body = {
        "vm_size": "STANDARD_D2",
        "ssh_configuration": {"user_account_settings": ACCOUNT},
        "data_disks": {"disk_size_in_gb": 10, "disk_count": 2, "storage_account_type": "Standard_LRS"},
    }
    server = client.file_servers.begin_create(GROUP, WORKSPACE, "nfs", body).result()
    assert (server.provisioning_state, server.mount_settings.mount_point) == ("succeeded", "/data")
    assert server.data_disks.caching_type == "none"
    assert [each.name for each in client.file_servers.list_by_workspace(GROUP, WORKSPACE)] == ["nfs"]


def a_cluster_is_made_and_tells_no_secret():
    server = next(iter(client.file_servers.list_by_workspace(GROUP, WORKSPACE)))
    body = {
        "vm_size": "STANDARD_NC6",
        "scale_settings": _scale(1),
        "user_account_settings": ACCOUNT,
        "node_setup": {"mount_volumes": {"file_servers": [
            {"file_server": {"id": server.id}, "relative_mount_path": "nfs", "mount_options": "rw"}]}},
    }
    cluster = client.clusters.begin_create(GROUP, WORKSPACE, "nc6", body).result()
    assert (cluster.provisioning_state, cluster.vm_priority) == ("succeeded", "dedicated")
    assert cluster.scale_settings.manual.node_deallocation_option == "requeue"
    assert cluster.user_account_settings.admin_user_password is None
    assert cluster.subnet.id == server.subnet.id
    assert [each.name for each in client.clusters.list_by_workspace(GROUP, WORKSPACE)] == ["nc6"]


def its_nodes_come_and_go():
    def until(target):
        while True:
            cluster = client.clusters.get(GROUP, WORKSPACE, "nc6")
            counts = cluster.node_state_counts
            ready = counts.idle_node_count + counts.running_node_count == target
            if cluster.allocation_state == "steady" and ready:
                return cluster

    assert until(1).current_node_count == 1
    nodes = list(client.clusters.list_remote_login_information(GROUP, WORKSPACE, "nc6"))
    assert [node.port for node in nodes] == [50000]
    answer = client.clusters.update(GROUP, WORKSPACE, "nc6", {"scale_settings": _scale(0)})
    assert (answer.scale_settings.manual.target_node_count, answer.allocation_state) == (0, "steady")
    assert until(0).current_node_count == 0
    assert list(client.clusters.list_remote_login_information(GROUP, WORKSPACE, "nc6")) == []


def usages_operations_and_experiments_are_there():
    usages = {usage.name.value: (usage.current_value, usage.limit) for usage in client.usages.list(LOCATION)}
    assert usages["Clusters"] == (1, 20)
    assert "Microsoft.BatchAI/workspaces/clusters/write" in [each.name for each in client.operations.list()]
    assert client.experiments.begin_create(GROUP, WORKSPACE, "first").result().name == "first"


def everything_goes_with_its_workspace():
    client.clusters.begin_delete(GROUP, WORKSPACE, "nc6").result()
    refused("ClusterNotFound", client.clusters.get, GROUP, WORKSPACE, "nc6")
    client.workspaces.begin_delete(GROUP, WORKSPACE).result()
    refused("WorkspaceNotFound", client.workspaces.get, GROUP, WORKSPACE)


run()
