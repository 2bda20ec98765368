"""What the programs here share. Clients find the emulator by the environment alone, as a user's would.

A program is a module whose public functions, in the order they are written, are run one after the other:
each asserts what it says in its name. The Rust test of the same name starts an emulator for it.
"""

import faulthandler
import json
import os
import ssl
import sys
import urllib.request

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT = "10000000-0000-0000-0000-000000000001"
GROUP = "ml"
WORKSPACE = "research"
LOCATION = "westeurope"

#: The HTTPS face.
ENDPOINT = os.environ["IDENTITY_ENDPOINT"].removesuffix("/msi/token")
#: What a management client needs to be told: `ComputeManagementClient(credential(), SUBSCRIPTION, **BASE)`.
BASE = {"base_url": ENDPOINT, "credential_scopes": [ENDPOINT + "/.default"]}

GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
WORKSPACE_ID = f"{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"

#: A program that takes longer hangs; it then shows where.
SECONDS_MAX = 180


def credential():
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def request(method, path, body=None, headers=None):
    """One request without any client; the status and the JSON of the answer. Errors are answers too."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer loopback", "Content-Type": "application/json", **(headers or {})}
    asked = urllib.request.Request(ENDPOINT + path, data=data, headers=headers, method=method)
    try:
        reply = urllib.request.urlopen(asked, context=ssl.create_default_context())
    except urllib.error.HTTPError as error:
        reply = error
    text = reply.read()
    return reply.status, json.loads(text) if text else None


def control(method, path, body=None):
    """A request under /_emulator/; what it answers."""
    headers = {"x-emulator-token": os.environ["EMULATOR_TOKEN"]}
    status, answer = request(method, f"/_emulator/{path}", body, headers)
    assert status < 300, (path, status, answer)
    return answer


def make(path, body):
    """Makes something by one PUT, and waits for it in the cloud's time."""
    status, answer = request("PUT", f"{path}?api-version=2026-05-01", body)
    assert status in (200, 201, 202), (path, status, answer)
    control("POST", "clock", {"advance_seconds": 600})


def make_workspace(name=WORKSPACE):
    """The resource group and a workspace in it, by requests of its own."""
    make(GROUP_ID, {"location": LOCATION})
    of = lambda kind, name: f"{GROUP_ID}/providers/{kind}/{name}"
    make(of("Microsoft.MachineLearningServices/workspaces", name), {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "storageAccount": of("Microsoft.Storage/storageAccounts", "sa"),
            "keyVault": of("Microsoft.KeyVault/vaults", "kv"),
            "applicationInsights": of("Microsoft.Insights/components", "ai"),
        },
    })


def shows(thing, **expected):
    """Asserts that an object has these attributes."""
    actual = {name: getattr(thing, name) for name in expected}
    assert actual == expected, f"\n  shows    {actual}\n  expected {expected}"


def refused(code, call, *args, **kwargs):
    """Asserts that a call is refused with this ARM code, and returns the error."""
    from azure.core.exceptions import HttpResponseError

    try:
        call(*args, **kwargs)
    except HttpResponseError as error:
        assert error.error.code == code, error
        return error
    raise AssertionError(f"not refused with {code}")


def run():
    """Runs the public functions of the program."""
    faulthandler.dump_traceback_later(SECONDS_MAX, exit=True)
    program = sys.modules["__main__"]
    for name, function in list(vars(program).items()):
        if getattr(function, "__module__", None) == "__main__" and callable(function) and name[0] != "_":
            print(name.replace("_", " "), flush=True)
            function()
