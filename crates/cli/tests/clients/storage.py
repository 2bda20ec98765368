"""azure-mgmt-storage: accounts, their keys, shares and containers, names."""

from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient

from support import BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, credential, make, refused, run

client = StorageManagementClient(credential(), SUBSCRIPTION, **BASE)
ACCOUNT = "mldata"


def _name(name):
    return client.storage_accounts.check_name_availability({"name": name, "type": "Microsoft.Storage/storageAccounts"})


def an_account_is_made_where_its_name_is_free():
    make(GROUP_ID, {"location": LOCATION})
    assert _name(ACCOUNT).name_available
    wrong = _name("No-Name")
    assert (wrong.name_available, wrong.reason) == (False, "AccountNameInvalid")
    body = {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": {"team": "a"}}
    made = client.storage_accounts.begin_create(GROUP, ACCOUNT, body).result()
    assert (made.sku.name, made.sku.tier, made.kind) == ("Standard_LRS", "Standard", "StorageV2")
    assert made.primary_endpoints.file == f"https://{ACCOUNT}.file.core.windows.net/"
    assert (made.provisioning_state, made.status_of_primary) == ("Succeeded", "available")
    assert client.storage_accounts.get_properties(GROUP, ACCOUNT).as_dict() == made.as_dict()
    taken = _name(ACCOUNT)
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
    assert client.storage_accounts.begin_create(GROUP, ACCOUNT, body).result().id == made.id


def an_account_is_updated_and_listed():
    changed = client.storage_accounts.update(
        GROUP, ACCOUNT, {"tags": {"team": "b"}, "sku": {"name": "Standard_ZRS"}, "properties": {"minimumTlsVersion": "TLS1_2"}})
    assert (changed.tags, changed.sku.name, changed.minimum_tls_version) == ({"team": "b"}, "Standard_ZRS", "TLS1_2")
    assert [each.name for each in client.storage_accounts.list()] == [ACCOUNT]
    assert [each.name for each in client.storage_accounts.list_by_resource_group(GROUP)] == [ACCOUNT]
    refused("AccountPropertyCannotBeUpdated", client.storage_accounts.update, GROUP, ACCOUNT,
            {"sku": {"name": "Premium_LRS"}})


def keys_are_listed_and_renewed():
    before = {each.key_name: each.value for each in client.storage_accounts.list_keys(GROUP, ACCOUNT).keys_property}
    assert sorted(before) == ["key1", "key2"]
    after = client.storage_accounts.regenerate_key(GROUP, ACCOUNT, {"keyName": "key1"}).keys_property
    after = {each.key_name: each.value for each in after}
    assert after["key1"] != before["key1"] and after["key2"] == before["key2"]


def shares_live_in_the_account():
    assert client.file_services.get_service_properties(GROUP, ACCOUNT).name == "default"
    made = client.file_shares.create(GROUP, ACCOUNT, "work", {"properties": {"shareQuota": 100}})
    assert (made.name, made.share_quota) == ("work", 100)
    assert client.file_shares.update(GROUP, ACCOUNT, "work", {"properties": {"shareQuota": 200}}).share_quota == 200
    read = client.file_shares.get(GROUP, ACCOUNT, "work")
    assert (read.share_quota, read.enabled_protocols, read.lease_state) == (200, "SMB", "available")
    assert [each.name for each in client.file_shares.list(GROUP, ACCOUNT)] == ["work"]
    refused("InvalidResourceName", client.file_shares.create, GROUP, ACCOUNT, "Not-A-Share", {})
    client.file_shares.delete(GROUP, ACCOUNT, "work")
    try:
        client.file_shares.get(GROUP, ACCOUNT, "work")
        raise AssertionError("the share is there")
    except ResourceNotFoundError:
        pass


def containers_live_in_the_account():
    made = client.blob_containers.create(GROUP, ACCOUNT, "state", {"properties": {"publicAccess": "None"}})
    assert made.name == "state"
    read = client.blob_containers.get(GROUP, ACCOUNT, "state")
    assert (read.lease_state, read.public_access, read.has_legal_hold) == ("Available", "None", False)
    assert [each.name for each in client.blob_containers.list(GROUP, ACCOUNT)] == ["state"]
    client.blob_containers.delete(GROUP, ACCOUNT, "state")
    assert list(client.blob_containers.list(GROUP, ACCOUNT)) == []


def an_account_goes_with_all_it_holds():
    client.file_shares.create(GROUP, ACCOUNT, "again", {})
    client.storage_accounts.delete(GROUP, ACCOUNT)
    assert list(client.storage_accounts.list()) == []
    assert _name(ACCOUNT).name_available


run()
