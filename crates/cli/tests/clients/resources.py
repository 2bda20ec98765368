"""azure-mgmt-resource: groups, resources of any type by id, providers, tags, lists."""

from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.resource.resources import ResourceManagementClient

from support import BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, control, credential, refused, run

client = ResourceManagementClient(credential(), SUBSCRIPTION, **BASE)
VERSION = "2026-01-01-preview"
WIDGET = f"{GROUP_ID}/providers/Contoso.Things/widgets/one"


def _names(items):
    return sorted(each.name for each in items)


def groups_are_made_changed_and_listed():
    assert not client.resource_groups.check_existence(GROUP)
    refused("ResourceGroupNotFound", client.resource_groups.get, GROUP)
    made = client.resource_groups.create_or_update(GROUP, {"location": "West Europe", "tags": {"team": "a"}})
    assert (made.id, made.name, made.location) == (GROUP_ID, GROUP, LOCATION)
    assert made.properties.provisioning_state == "Succeeded"
    assert client.resource_groups.check_existence(GROUP)
    refused("InvalidResourceGroupLocation", client.resource_groups.create_or_update, GROUP, {"location": "eastus"})
    assert client.resource_groups.update(GROUP, {"tags": {"team": "b"}}).tags == {"team": "b"}
    client.resource_groups.create_or_update("other", {"location": LOCATION})
    assert _names(client.resource_groups.list()) == [GROUP, "other"]
    assert _names(client.resource_groups.list(filter="tagName eq 'team' and tagValue eq 'b'")) == [GROUP]


def a_resource_of_any_type_lives_by_its_id():
    assert not client.resources.check_existence_by_id(WIDGET, api_version=VERSION)
    body = {"location": LOCATION, "tags": {"a": "b"}, "properties": {"size": 1, "adminPassword": "pw-1"}}
    made = client.resources.begin_create_or_update_by_id(WIDGET, body, api_version=VERSION).result()
    assert (made.id, made.type, made.location, made.tags) == (WIDGET, "Contoso.Things/widgets", LOCATION, {"a": "b"})
    assert made.properties == {"size": 1, "provisioningState": "Succeeded"}
    assert client.resources.check_existence_by_id(WIDGET, api_version=VERSION)
    changed = client.resources.begin_update_by_id(
        WIDGET, {"tags": {"c": "d"}, "properties": {"colour": "red"}}, api_version=VERSION).result()
    read = client.resources.get_by_id(WIDGET.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), api_version=VERSION)
    assert read.as_dict() == changed.as_dict()
    assert (read.tags, read.properties["size"], read.properties["colour"]) == ({"c": "d"}, 1, "red")


def parts_need_their_whole_and_have_a_path_of_their_own():
    part = lambda widget: dict(
        resource_group_name=GROUP, resource_provider_namespace="Contoso.Things", parent_resource_path=f"widgets/{widget}",
        resource_type="parts", resource_name="p", api_version=VERSION)
    refused("ParentResourceNotFound", client.resources.begin_create_or_update, parameters={}, **part("none"))
    made = client.resources.begin_create_or_update(parameters={"properties": {"x": 1}}, **part("one")).result()
    assert made.id == f"{WIDGET}/parts/p"
    assert client.resources.check_existence(**part("one"))
    assert client.resources.get(**part("one")).type == "Contoso.Things/widgets/parts"
    top = client.resources.get(GROUP, "Contoso.Things", "", "widgets", "one", api_version=VERSION)
    assert top.id == WIDGET, "an empty segment of the path does not count"


def lists_show_top_level_resources_and_take_filters():
    account = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/mldata"
    body = {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    client.resources.begin_create_or_update_by_id(account, body, api_version="2025-06-01").result()
    assert _names(client.resources.list()) == ["mldata", "one"]
    assert _names(client.resources.list_by_resource_group(GROUP)) == ["mldata", "one"]
    for text, found in [
        ("resourceType eq 'Microsoft.Storage/storageAccounts'", ["mldata"]),
        ("resourceGroup eq 'other'", []),
        ("tagName eq 'c' and tagValue eq 'd'", ["one"]),
        ("name eq 'one'", ["one"]),
        ("", ["mldata", "one"]),
    ]:
        assert _names(client.resources.list(filter=text)) == found, text
    [one] = client.resources.list(filter="name eq 'one'", expand="createdTime,changedTime,provisioningState")
    assert one.provisioning_state == "Succeeded" and one.created_time <= one.changed_time
    assert len(list(client.resources.list(top=1))) == 1
    refused("ResourceGroupNotFound", lambda: list(client.resources.list_by_resource_group("none")))


def providers_are_found_with_their_types_and_registered():
    ml = client.providers.get("microsoft.machinelearningservices")
    assert (ml.namespace, ml.registration_state) == ("Microsoft.MachineLearningServices", "Registered")
    [computes] = [each for each in ml.resource_types if each.resource_type == "workspaces/computes"]
    assert "West Europe" in computes.locations
    assert computes.api_versions and computes.api_versions == sorted(computes.api_versions, reverse=True)
    namespaces = [each.namespace for each in client.providers.list()]
    assert "Contoso.Things" in namespaces, "what was put is offered"
    assert {"Microsoft.Compute", "Microsoft.Network", "Microsoft.Resources", "Microsoft.Storage"} <= set(namespaces)
    assert client.provider_resource_types.list("Microsoft.Storage").value
    refused("InvalidResourceNamespace", client.providers.get, "Nobody.Nothing")
    assert client.providers.unregister("Contoso.Things").registration_state == "NotRegistered"
    assert client.providers.register("Contoso.Things").registration_state == "Registering"
    control("POST", "clock", {"advance_seconds": 600})
    assert client.providers.get("Contoso.Things").registration_state == "Registered"


def a_missing_registration_is_named():
    control("POST", "registrations", {"namespace": "Contoso.Things", "registered": False})
    put = lambda: client.resources.begin_create_or_update_by_id(WIDGET, {"location": LOCATION}, api_version=VERSION)
    error = refused("MissingSubscriptionRegistration", put)
    assert "'Contoso.Things'" in error.error.message, "clients read the namespace between these quotes"
    client.providers.register("Contoso.Things")
    control("POST", "clock", {"advance_seconds": 600})
    assert put().result().name == "one"


def tags_are_resources_too():
    for scope in (f"subscriptions/{SUBSCRIPTION}", GROUP_ID.strip("/"), WIDGET.strip("/")):
        put = client.tags.begin_create_or_update_at_scope(scope, {"properties": {"tags": {"a": "1"}}}).result()
        assert put.properties.tags == {"a": "1"}, scope
        change = lambda operation, tags: client.tags.begin_update_at_scope(
            scope, {"operation": operation, "properties": {"tags": tags}}).result().properties.tags
        assert change("Merge", {"b": "2"}) == {"a": "1", "b": "2"}
        assert change("Delete", {"a": ""}) == {"b": "2"}
        assert client.tags.get_at_scope(scope).properties.tags == {"b": "2"}
    assert client.resources.get_by_id(WIDGET, api_version=VERSION).tags == {"b": "2"}
    client.tags.begin_delete_at_scope(GROUP_ID.strip("/")).result()
    assert not client.resource_groups.get(GROUP).tags
    assert client.tags.create_or_update("cost").tag_name == "cost"
    assert client.tags.create_or_update_value("cost", "42").tag_value == "42"
    assert [each.tag_name for each in client.tags.list()] == ["b", "cost"]
    client.tags.delete_value("cost", "42")
    client.tags.delete("cost")


def a_group_is_exported():
    exported = client.resource_groups.begin_export_template(GROUP, {"resources": [WIDGET]}).result()
    [resource] = exported.template["resources"]
    assert (resource["name"], resource["type"]) == ("one", "Contoso.Things/widgets")


def a_group_goes_with_all_it_holds():
    client.resources.begin_delete_by_id(f"{WIDGET}/parts/p", api_version=VERSION).result()
    client.resource_groups.begin_delete(GROUP).result()
    assert not client.resource_groups.check_existence(GROUP)
    try:
        client.resources.get_by_id(WIDGET, api_version=VERSION)
        raise AssertionError("it is still there")
    except ResourceNotFoundError as error:
        assert error.error.code == "ResourceGroupNotFound"
    assert list(client.resources.list()) == []


run()
