"""azure-mgmt-resource-subscriptions, and the ways of azure-identity to a token."""

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.resource.subscriptions import SubscriptionClient

from support import BASE, ENDPOINT, SUBSCRIPTION, TENANT, control, credential, run


def _subscriptions(of):
    return [each.subscription_id for each in SubscriptionClient(of, **BASE).subscriptions.list()]


def the_default_credential_finds_the_managed_identity():
    assert _subscriptions(credential()) == [SUBSCRIPTION]
    assert _subscriptions(ManagedIdentityCredential()) == [SUBSCRIPTION]


def a_subscription_reads_as_azures_do():
    client = SubscriptionClient(credential(), **BASE)
    found = client.subscriptions.get(SUBSCRIPTION)
    assert (found.tenant_id, found.state, found.display_name) == (TENANT, "Enabled", "Emulator")
    assert "westeurope" in [each.name for each in client.subscriptions.list_locations(SUBSCRIPTION)]
    assert [each.tenant_id for each in client.tenants.list()] == [TENANT]


def secrets_and_assertions_are_taken():
    here = {"authority": ENDPOINT, "disable_instance_discovery": True}
    assert _subscriptions(ClientSecretCredential(TENANT, "app", "any", **here)) == [SUBSCRIPTION]
    assert _subscriptions(ClientAssertionCredential(TENANT, "app", lambda: "a.b.c", **here)) == [SUBSCRIPTION]
    assert _subscriptions(ClientSecretCredential("adfs", "app", "any", authority=ENDPOINT)) == [SUBSCRIPTION]


def a_revoked_token_is_refused_and_a_new_one_is_taken():
    client = SubscriptionClient(credential(), **BASE)
    assert len(list(client.subscriptions.list())) == 1
    control("POST", "tokens", {"revoke": True})
    try:
        list(client.subscriptions.list())
        raise AssertionError("a revoked token was taken")
    except ClientAuthenticationError as error:
        assert (error.status_code, error.error.code) == (401, "InvalidAuthenticationToken")
    assert _subscriptions(credential()) == [SUBSCRIPTION]


def a_token_endpoint_that_is_busy_is_asked_again():
    rule = {"path_contains": "/msi/token", "status": 429, "headers": {"Retry-After": "1"}}
    control("POST", "faults", rule)
    assert _subscriptions(credential()) == [SUBSCRIPTION]
    assert [each["fired"] for each in control("GET", "faults")["value"]] == [1]


run()
