"""azure-ai-ml: computes that stand elsewhere and are attached."""

from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    KubernetesCompute,
    SynapseSparkCompute,
    VirtualMachineCompute,
    VirtualMachineSshSettings,
)
from azure.identity import DefaultAzureCredential

from support import GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, WORKSPACE, control, make_workspace, refused, run, shows

ml = MLClient(DefaultAzureCredential(), SUBSCRIPTION, GROUP, WORKSPACE)

MACHINE = f"{GROUP_ID}/providers/Microsoft.Compute/virtualMachines/vm1"
KUBERNETES = f"{GROUP_ID}/providers/Microsoft.ContainerService/managedClusters/k8s"
POOL = f"{GROUP_ID}/providers/Microsoft.Synapse/workspaces/sy/bigDataPools/pool"


def a_virtual_machine_is_attached_without_its_password():
    make_workspace()
    ssh = VirtualMachineSshSettings(admin_username="me", admin_password="Secret-1", ssh_port=2222)
    machine = VirtualMachineCompute(name="machine", resource_id=MACHINE, ssh_settings=ssh, tags={"team": "a"})
    for each in (ml.compute.begin_attach(machine).result(), ml.compute.get("machine")):
        shows(each, type="virtualmachine", resource_id=MACHINE, provisioning_state="Succeeded", tags={"team": "a"})
        assert each.ssh_settings.admin_password is None
    assert "Secret-1" not in str(control("GET", "requests"))


def a_kubernetes_cluster_is_attached():
    cluster = KubernetesCompute(name="kube", resource_id=KUBERNETES, namespace="ml")
    made = ml.compute.begin_attach(cluster).result()
    shows(made, type="kubernetes", resource_id=KUBERNETES, namespace="ml", location=LOCATION)


def a_spark_pool_is_attached():
    made = ml.compute.begin_attach(SynapseSparkCompute(name="spark", resource_id=POOL)).result()
    shows(made, type="synapsespark", resource_id=POOL, provisioning_state="Succeeded")


def lists_have_them_all():
    assert sorted(each.name for each in ml.compute.list()) == ["kube", "machine", "spark"]
    assert [each.name for each in ml.compute.list(compute_type="kubernetes")] == ["kube"]


def detaching_takes_them_away():
    for name in ("kube", "machine", "spark"):
        ml.compute.begin_delete(name, action="Detach").result()
        refused("ResourceNotFound", ml.compute.get, name)
    assert list(ml.compute.list()) == []


run()
