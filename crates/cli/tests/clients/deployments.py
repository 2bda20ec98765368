"""azure-mgmt-resource-deployments: templates of our own; azure-ai-ml's templates, by its own calls."""

from azure.ai.ml import MLClient
from azure.ai.ml.entities import FeatureStore, Hub, Workspace
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient

from support import BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, control, credential, make, refused, run

client = DeploymentsMgmtClient(credential(), SUBSCRIPTION, **BASE)
resources = ResourceManagementClient(credential(), SUBSCRIPTION, **BASE)

TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "count": {"type": "int", "maxValue": 3},
        "secret": {"type": "securestring"},
        "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
    },
    "variables": {"account": "[concat('data', uniqueString(resourceGroup().id))]"},
    "resources": [
        {
            "type": "Contoso.Things/widgets",
            "apiVersion": "2026-01-01",
            "name": "[format('w{0}', copyIndex())]",
            "copy": {"name": "widgets", "count": "[parameters('count')]"},
            "location": "[parameters('location')]",
            "dependsOn": ["[variables('account')]"],
            "properties": {"blob": "[reference(variables('account')).primaryEndpoints.blob]"},
        },
        {
            "type": "Microsoft.Storage/storageAccounts",
            "apiVersion": "2025-06-01",
            "name": "[variables('account')]",
            "location": "[parameters('location')]",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
        },
        {
            "condition": "[equals(length(parameters('secret')), 0)]",
            "type": "Contoso.Things/widgets",
            "apiVersion": "2026-01-01",
            "name": "off",
        },
    ],
    "outputs": {
        "ids": {"type": "array", "copy": {
            "count": "[parameters('count')]",
            "input": "[resourceId('Contoso.Things/widgets', concat('w', copyIndex()))]"}},
        "blob": {"type": "string", "value": "[reference('w0').blob]"},
        "length": {"type": "int", "value": "[length(parameters('secret'))]"},
    },
}


def _of(template, **parameters):
    values = {name: {"value": value} for name, value in parameters.items()}
    return {"properties": {"mode": "Incremental", "template": template, "parameters": values}}


def a_template_makes_its_resources_in_order():
    make(GROUP_ID, {"location": LOCATION})
    assert not client.deployments.check_existence(GROUP, "first")
    done = client.deployments.begin_create_or_update(GROUP, "first", _of(TEMPLATE, count=2, secret="pw-1")).result()
    assert (done.name, done.properties.provisioning_state, done.properties.mode) == ("first", "Succeeded", "Incremental")
    widget = f"{GROUP_ID}/providers/Contoso.Things/widgets/w"
    assert done.properties.outputs["ids"]["value"] == [widget + "0", widget + "1"]
    assert done.properties.outputs["blob"]["value"].endswith(".blob.core.windows.net/")
    assert done.properties.outputs["length"] == {"type": "Int", "value": 4}
    assert "value" not in done.properties.parameters["secret"]
    assert len(done.properties.output_resources) == 3
    names = [each.name for each in resources.resources.list_by_resource_group(GROUP)]
    assert "w0" in names and "w1" in names and "off" not in names and len(names) == 3
    assert client.deployments.check_existence(GROUP, "first")
    assert [each.name for each in client.deployments.list_by_resource_group(GROUP)] == ["first"]
    assert client.deployments.export_template(GROUP, "first").template["outputs"]["blob"]


def operations_tell_what_became_of_each():
    operations = list(client.deployment_operations.list(GROUP, "first"))
    of_resources = [each for each in operations if each.properties.target_resource]
    assert {each.properties.target_resource.resource_type for each in of_resources} == {
        "Contoso.Things/widgets", "Microsoft.Storage/storageAccounts"}
    assert {each.properties.provisioning_state for each in operations} == {"Succeeded"}
    assert {each.properties.provisioning_operation for each in operations} == {"Create", "EvaluateDeploymentOutput"}
    one = client.deployment_operations.get(GROUP, "first", operations[0].operation_id)
    assert one.id == operations[0].id


def what_is_wrong_is_told_beforehand():
    refused("DeploymentNotFound", client.deployments.get, GROUP, "none")
    for body in (_of(TEMPLATE, count=2), _of(TEMPLATE, count=9, secret="x"), _of({"resources": [{"type": "[f()]"}]})):
        refused("InvalidTemplate", client.deployments.begin_create_or_update, GROUP, "bad", body)
        refused("InvalidTemplate", client.deployments.begin_validate, GROUP, "bad", body)
    valid = client.deployments.begin_validate(GROUP, "good", _of(TEMPLATE, count=1, secret="x")).result()
    assert (valid.error, valid.properties.provisioning_state) == (None, "Succeeded")
    assert not client.deployments.check_existence(GROUP, "good")


def changes_are_predicted():
    predicted = client.deployments.begin_what_if(GROUP, "next", _of(TEMPLATE, count=3, secret="x")).result()
    kinds = {each.resource_id.rsplit("/", 1)[1]: each.change_type for each in predicted.changes}
    assert predicted.status == "Succeeded"
    assert (kinds.pop("w2"), set(kinds.values())) == ("Create", {"NoChange"})


def a_failed_resource_fails_the_deployment():
    vault = {"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "kv-data", "location": LOCATION}
    try:
        client.deployments.begin_create_or_update(GROUP, "failing", _of({"resources": [vault]})).result()
        raise AssertionError("it did not fail")
    except HttpResponseError as error:
        assert error.error.code == "DeploymentFailed"
        assert "tenantId" in error.error.details[0].message
    [operation] = client.deployment_operations.list(GROUP, "failing")
    assert (operation.properties.provisioning_state, operation.properties.status_code) == ("Failed", "BadRequest")
    client.deployments.begin_delete(GROUP, "failing").result()
    assert not client.deployments.check_existence(GROUP, "failing")


def a_running_deployment_is_canceled():
    control("POST", "clock", {"speed": 0})
    client.deployments.begin_create_or_update(GROUP, "slow", _of(TEMPLATE, count=1, secret="x"), polling=False)
    refused("DeploymentActive", client.deployments.begin_create_or_update, GROUP, "slow", _of({"resources": []}))
    client.deployments.cancel(GROUP, "slow")
    assert client.deployments.get(GROUP, "slow").properties.provisioning_state == "Canceled"
    control("POST", "clock", {"speed": 600})


def a_subscription_is_deployed_to():
    template = {"resources": [
        {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2025-04-01", "name": "made", "location": LOCATION},
        {"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "inside", "resourceGroup": "made",
         "dependsOn": ["made"], "properties": {"mode": "Incremental", "template": {"resources": [
             {"type": "Contoso.Things/widgets", "apiVersion": "2026-01-01", "name": "w"}]}}},
    ]}
    body = {"location": LOCATION, **_of(template)}
    done = client.deployments.begin_create_or_update_at_subscription_scope("wide", body).result()
    assert (done.location, done.properties.provisioning_state) == (LOCATION, "Succeeded")
    assert [each.name for each in resources.resources.list_by_resource_group("made")] == ["w"]
    assert [each.name for each in client.deployments.list_at_subscription_scope()] == ["wide"]


def ml_workspaces_come_with_what_they_need():
    ml = MLClient(credential(), SUBSCRIPTION, "made", "research")
    made = ml.workspaces.begin_create(Workspace(name="research", location=LOCATION, tags={"a": "b"})).result()
    assert (made.name, made.location, made.tags["a"]) == ("research", LOCATION, "b")
    assert (made.public_network_access, made.hbi_workspace) == ("Enabled", False)
    for each, kind in [(made.storage_account, "storageAccounts"), (made.key_vault, "vaults"),
                       (made.application_insights, "components")]:
        assert kind in each and resources.resources.check_existence_by_id(each, api_version="2025-06-01")
    hub = ml.workspaces.begin_create(Hub(name="centre", location=LOCATION)).result()
    assert (hub.name, hub._kind) == ("centre", "hub")
    store = ml.feature_stores.begin_create(FeatureStore(name="features", location=LOCATION)).result()
    assert store.name == "features"
    assert "userAssignedIdentities" in ml.feature_stores.get("features").materialization_identity.resource_id


run()
