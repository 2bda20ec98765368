"""azure-mgmt-compute: a scale set from its making to its end, and what a region says of machines."""

from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.compute import ComputeManagementClient

from support import BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, credential, make, refused, run

client = ComputeManagementClient(credential(), SUBSCRIPTION, **BASE)
sets, machines = client.virtual_machine_scale_sets, client.virtual_machine_scale_set_vms
NETWORK = f"{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/net"


def _body(capacity):
    configuration = {"name": "ip", "properties": {"subnet": {"id": f"{NETWORK}/subnets/machines"}}}
    return {
        "location": LOCATION,
        "sku": {"name": "Standard_D2s_v3", "tier": "Standard", "capacity": capacity},
        "properties": {
            "overprovision": False,
            "upgradePolicy": {"mode": "Manual"},
            "virtualMachineProfile": {
                "storageProfile": {
                    "imageReference": {"publisher": "microsoft-dsvm", "offer": "ubuntu-2204", "sku": "2204-gen2", "version": "latest"},
                    "osDisk": {"createOption": "FromImage", "caching": "ReadWrite"}},
                "osProfile": {"computerNamePrefix": "pool", "adminUsername": "dsvmuser", "adminPassword": "Secret-Word-1"},
                "networkProfile": {"networkInterfaceConfigurations": [
                    {"name": "nic", "properties": {"primary": True, "ipConfigurations": [configuration]}}]}}}}


def _numbers():
    return sorted(each.instance_id for each in machines.list(GROUP, "pool"))


def _power(number):
    codes = [each.code for each in machines.get_instance_view(GROUP, "pool", number).statuses]
    return next(code.removeprefix("PowerState/") for code in codes if code.startswith("PowerState/"))


def a_set_is_made_with_its_instances():
    make(GROUP_ID, {"location": LOCATION})
    subnet = {"name": "machines", "properties": {"addressPrefix": "10.0.0.0/24"}}
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet]}
    refused("InvalidResourceReference", sets.begin_create_or_update, GROUP, "pool", _body(2))
    make(NETWORK, {"location": LOCATION, "properties": space})
    made = sets.begin_create_or_update(GROUP, "pool", _body(2)).result()
    assert (made.name, made.sku.capacity, made.provisioning_state) == ("pool", 2, "Succeeded")
    assert made.virtual_machine_profile.os_profile.admin_username == "dsvmuser"
    assert made.virtual_machine_profile.os_profile.admin_password is None
    assert sets.get(GROUP, "pool").as_dict() == made.as_dict()
    assert [each.name for each in sets.list(GROUP)] == ["pool"]
    assert [each.name for each in sets.list_all()] == ["pool"]
    assert _numbers() == ["0", "1"]
    one = machines.get(GROUP, "pool", "1")
    assert (one.name, one.latest_model_applied, one.os_profile.computer_name) == ("pool_1", True, "pool000001")
    assert [_power(each) for each in _numbers()] == ["running", "running"]


def views_and_sizes_answer():
    view = sets.get_instance_view(GROUP, "pool")
    counts = {each.code: each.count for each in view.virtual_machine.statuses_summary}
    assert counts == {"ProvisioningState/succeeded": 2, "PowerState/running": 2}
    assert view.statuses[0].code == "ProvisioningState/succeeded"
    assert "Standard_D2s_v3" in [each.sku.name for each in sets.list_skus(GROUP, "pool")]


def capacity_grows_and_shrinks():
    grown = sets.begin_update(GROUP, "pool", {"sku": {"name": "Standard_D2s_v3", "capacity": 4}}).result()
    assert (grown.sku.capacity, _numbers()) == (4, ["0", "1", "2", "3"])
    shrunk = sets.begin_create_or_update(GROUP, "pool", {"location": LOCATION, "sku": {"name": "Standard_D2s_v3", "capacity": 3}}).result()
    assert (shrunk.sku.capacity, _numbers()) == (3, ["0", "1", "2"])
    assert shrunk.virtual_machine_profile.os_profile.computer_name_prefix == "pool"
    sets.begin_delete_instances(GROUP, "pool", {"instanceIds": ["1"]}).result()
    assert (sets.get(GROUP, "pool").sku.capacity, _numbers()) == (2, ["0", "2"])


def power_goes_for_some_and_for_all():
    sets.begin_power_off(GROUP, "pool", {"instanceIds": ["2"]}).result()
    assert [_power(each) for each in _numbers()] == ["running", "stopped"]
    sets.begin_deallocate(GROUP, "pool").result()
    assert [_power(each) for each in _numbers()] == ["deallocated", "deallocated"]
    sets.begin_start(GROUP, "pool").result()
    sets.begin_restart(GROUP, "pool", {"instanceIds": ["0"]}).result()
    sets.begin_reimage(GROUP, "pool").result()
    assert [_power(each) for each in _numbers()] == ["running", "running"]
    machines.begin_power_off(GROUP, "pool", "0").result()
    assert _power("0") == "stopped"
    machines.begin_start(GROUP, "pool", "0").result()
    refused("InvalidParameter", sets.begin_start, GROUP, "pool", {"instanceIds": ["99"]})


def a_new_model_is_applied_by_hand():
    extension = {"properties": {
        "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
        "autoUpgradeMinorVersion": True, "settings": {"timestamp": 1}, "protectedSettings": {"commandToExecute": "true"}}}
    extensions = client.virtual_machine_scale_set_extensions
    made = extensions.begin_create_or_update(GROUP, "pool", "mount", extension).result()
    assert (made.name, made.protected_settings, made.settings) == ("mount", None, {"timestamp": 1})
    assert [each.name for each in extensions.list(GROUP, "pool")] == ["mount"]
    assert [each.latest_model_applied for each in machines.list(GROUP, "pool")] == [False, False]
    sets.begin_update_instances(GROUP, "pool", {"instanceIds": ["*"]}).result()
    assert [each.latest_model_applied for each in machines.list(GROUP, "pool")] == [True, True]
    extensions.begin_delete(GROUP, "pool", "mount").result()
    assert list(extensions.list(GROUP, "pool")) == []


def a_region_says_what_it_has():
    usages = {each.name.value: each.current_value for each in client.usage.list(LOCATION)}
    assert (usages["cores"], usages["standardDSv3Family"], usages["virtualMachineScaleSets"]) == (4, 4, 1)
    sizes = {each.name: each for each in client.resource_skus.list(filter=f"location eq '{LOCATION}'")}
    can = {each.name: each.value for each in sizes["Standard_NC6"].capabilities}
    assert (can["vCPUs"], can["GPUs"]) == ("6", "1")
    images = client.virtual_machine_images
    versions = images.list(LOCATION, "microsoft-dsvm", "ubuntu-2204", "2204-gen2", orderby="name desc", top=1)
    image = images.get(LOCATION, "microsoft-dsvm", "ubuntu-2204", "2204-gen2", versions[0].name)
    assert image.os_disk_image.operating_system == "Linux"
    assert "Canonical" in [each.name for each in images.list_publishers(LOCATION)]


def a_set_goes_with_its_instances():
    sets.begin_delete(GROUP, "pool").result()
    try:
        sets.get(GROUP, "pool")
        raise AssertionError("the set is there")
    except ResourceNotFoundError as error:
        assert error.error.code == "ResourceNotFound"
    assert list(sets.list_all()) == []


run()
