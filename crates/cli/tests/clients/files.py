"""azure-storage-file-share: files and directories on the share of a workspace, by the account's key and by a token."""

from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient
from azure.storage.fileshare import ShareClient

from support import BASE, ENDPOINT, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, WORKSPACE_ID, credential, make, request, run

ACCOUNT = "mldata"
URL = f"{ENDPOINT}/_files/{ACCOUNT}"
storage = StorageManagementClient(credential(), SUBSCRIPTION, **BASE)


def _share(key):
    _, store = request("GET", f"{WORKSPACE_ID}/datastores/workspaceworkingdirectory?api-version=2026-05-01")
    properties = store["properties"]
    assert properties["accountName"] == ACCOUNT
    return ShareClient(URL, properties["fileShareName"], credential=key, retry_total=0)


def _key():
    key = storage.storage_accounts.list_keys(GROUP, ACCOUNT).keys_property[0].value
    return AzureNamedKeyCredential(ACCOUNT, key)


def a_workspace_has_a_share_on_its_account():
    make(GROUP_ID, {"location": LOCATION})
    body = {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    account = storage.storage_accounts.begin_create(GROUP, ACCOUNT, body).result()
    of = lambda kind, name: f"{GROUP_ID}/providers/{kind}/{name}"
    make(WORKSPACE_ID, {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "storageAccount": account.id,
            "keyVault": of("Microsoft.KeyVault/vaults", "kv"),
            "applicationInsights": of("Microsoft.Insights/components", "ai"),
        },
    })
    assert list(_share(_key()).list_directories_and_files()) == []


def files_are_written_read_listed_and_deleted():
    share = _share(_key())
    folder = share.create_directory("plumb")
    try:
        share.create_directory("plumb")
        raise AssertionError("a directory was made twice")
    except ResourceExistsError as error:
        assert error.error_code == "ResourceAlreadyExists"
    text = b"#!/bin/bash\necho hello\n" * 1000
    file = share.get_file_client("plumb/setup.sh")
    file.upload_file(text)
    assert file.download_file().readall() == text
    assert file.download_file(offset=2, length=9).readall() == text[2:11]
    assert file.get_file_properties().size == len(text)
    folder.create_subdirectory("deep")
    listed = [(each.name, each.is_directory) for each in folder.list_directories_and_files()]
    assert sorted(listed) == [("deep", True), ("setup.sh", False)], listed
    try:
        share.get_file_client("nowhere/a").upload_file(b"a")
        raise AssertionError("a file was made in no directory")
    except ResourceNotFoundError as error:
        assert error.error_code == "ParentNotFound"
    file.delete_file()
    try:
        file.get_file_properties()
        raise AssertionError("it is still there")
    except ResourceNotFoundError:
        pass


def another_key_is_refused():
    try:
        list(_share(AzureNamedKeyCredential(ACCOUNT, "bm90IHRoZSBrZXk=")).list_directories_and_files())
        raise AssertionError("a wrong key was taken")
    except ClientAuthenticationError as error:
        assert error.error_code == "AuthenticationFailed"


def a_token_serves_where_keys_are_off():
    storage.storage_accounts.update(GROUP, ACCOUNT, {"properties": {"allowSharedKeyAccess": False}})
    try:
        list(_share(_key()).list_directories_and_files())
        raise AssertionError("a key was taken")
    except HttpResponseError as error:
        assert error.error_code == "KeyBasedAuthenticationNotPermitted"

    class Loopback:
        def get_token(self, *_scopes, **_options):
            return AccessToken("loopback", 4102444800)

    _, store = request("GET", f"{WORKSPACE_ID}/datastores/workspaceworkingdirectory?api-version=2026-05-01")
    name = store["properties"]["fileShareName"]
    share = ShareClient(URL, name, credential=Loopback(), token_intent="backup", retry_total=0)
    share.get_file_client("plumb/token.sh").upload_file(b"echo token\n")
    assert [each.name for each in share.get_directory_client("plumb").list_directories_and_files()] == ["deep", "token.sh"]


run()
