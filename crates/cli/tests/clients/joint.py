"""plumb and azure-ai-ml on one cloud: what one makes, the other takes for its own."""

import os
import pathlib
import subprocess

from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    AmlCompute,
    ComputeInstance,
    ComputeSchedules,
    ComputeStartStopSchedule,
    CronTrigger,
    ScriptReference,
    SetupScripts,
)
from azure.identity import DefaultAzureCredential

from support import (
    ENDPOINT,
    GROUP,
    GROUP_ID,
    LOCATION,
    SUBSCRIPTION,
    TENANT,
    WORKSPACE,
    control,
    make_workspace,
    run,
    shows,
)

ml = MLClient(DefaultAzureCredential(), SUBSCRIPTION, GROUP, WORKSPACE)

PROJECT = f"""
[project]
name = "joint"

[cloud]
endpoint = "embedded"
subscription = "{SUBSCRIPTION}"
"""


def _plumb(folder, manifests, *arguments):
    """Runs plumb on these manifests, over HTTPS; what it prints."""
    folder = pathlib.Path(folder)
    (folder / "manifests").mkdir(parents=True, exist_ok=True)
    (folder / "plumb.toml").write_text(PROJECT)
    (folder / "manifests" / "all.yaml").write_text(manifests)
    command = [os.environ["PLUMB"], *arguments, "--endpoint", ENDPOINT]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


ADOPTED = f"""
kind: workspace
name: {WORKSPACE}
resource_group: {GROUP}
location: {LOCATION}
storage_account: {GROUP_ID}/providers/Microsoft.Storage/storageAccounts/sa
key_vault: {GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv
application_insights: {GROUP_ID}/providers/Microsoft.Insights/components/ai
adopt: true
---
kind: cluster
name: cpu
workspace: {WORKSPACE}
size: Standard_DS3_v2
description: for training
tier: low_priority
min_instances: 0
max_instances: 6
idle_time_before_scale_down: 5m
tags: {{ team: a }}
adopt: true
---
kind: instance
name: ci-bob
workspace: {WORKSPACE}
size: Standard_DS3_v2
idle_time_before_shutdown_minutes: 30
setup_scripts:
  startup_script: {{ path: Users/bob/start.sh, command: now, timeout_minutes: 5 }}
schedules:
  compute_start_stop:
    - action: stop
      trigger: {{ type: cron, expression: 0 18 * * 1-5, time_zone: W. Europe Standard Time }}
adopt: true
"""


def what_the_sdk_made_is_adopted_as_it_is():
    make_workspace()
    evening = CronTrigger(expression="0 18 * * 1-5", time_zone="W. Europe Standard Time")
    stop = ComputeStartStopSchedule(action="stop", trigger=evening)
    cluster = AmlCompute(
        name="cpu",
        size="Standard_DS3_v2",
        description="for training",
        tier="low_priority",
        max_instances=6,
        idle_time_before_scale_down=300,
        tags={"team": "a"},
    )
    instance = ComputeInstance(
        name="ci-bob",
        size="Standard_DS3_v2",
        idle_time_before_shutdown_minutes=30,
        schedules=ComputeSchedules(compute_start_stop=[stop]),
        setup_scripts=SetupScripts(
            startup_script=ScriptReference(path="Users/bob/start.sh", command="now", timeout_minutes=5)
        ),
    )
    made = [ml.compute.begin_create_or_update(each) for each in (cluster, instance)]
    before = [each.result() for each in made]
    plan = _plumb("adopt", ADOPTED, "plan")
    assert "Plan: 3 to import, 0 to add, 0 to change, 0 to destroy." in plan, plan
    control("DELETE", "requests")
    _plumb("adopt", ADOPTED, "apply", "--auto-approve")
    assert set(control("GET", "counters")) == {"GET"}, "adopting writes nothing"
    assert "No changes." in _plumb("adopt", ADOPTED, "plan", "--detailed-exitcode")
    for each in before:
        assert ml.compute.get(each.name)._to_dict() == each._to_dict()


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1vNqwD0dsRk5mQOgWc4bYhF0V8o5aGPnRk7lB1q2Wf me@host"
ALICE = "30000000-0000-0000-0000-000000000003"

MADE = f"""
kind: resource_group
name: second
location: {LOCATION}
---
kind: user_assigned_identity
name: trainer
resource_group: second
location: {LOCATION}
---
kind: workspace
name: lab
resource_group: second
location: {LOCATION}
display_name: Lab
description: Where it is tried
public_network_access: Disabled
tags: {{ team: a }}
---
kind: cluster
name: gpu
workspace: lab
location: northeurope
size: Standard_NC6s_v3
description: for training
tier: low_priority
min_instances: 1
max_instances: 6
idle_time_before_scale_down: 10m
ssh_public_access_enabled: true
ssh_settings: {{ admin_username: me, admin_password: Secret-1, ssh_key_value: {KEY} }}
identity: {{ type: user_assigned, user_assigned_identities: [trainer] }}
tags: {{ team: b }}
---
kind: setup_script
name: make
source: workspace_storage
path: Users/alice/make.sh
content: |
  #!/bin/sh
  echo "$1"
args: [all]
timeout: 9m
---
kind: instance
name: ci-alice
workspace: lab
size: Standard_DS4_v2
description: for Alice
create_on_behalf_of: {{ user_tenant_id: {TENANT}, user_object_id: {ALICE} }}
ssh_public_access_enabled: true
ssh_settings: {{ ssh_key_value: {KEY} }}
idle_time_before_shutdown_minutes: 45
enable_root_access: false
release_quota_on_stop: true
custom_applications:
  - name: rs
    image: {{ reference: img }}
    endpoints: [{{ target: 8787, published: 8788 }}]
setup_scripts:
  creation_script: make
schedules:
  compute_start_stop:
    - action: stop
      trigger: {{ type: cron, expression: 0 18 * * 1-5, time_zone: W. Europe Standard Time }}
    - action: start
      state: disabled
      trigger:
        type: recurrence
        frequency: week
        interval: 2
        schedule: {{ hours: [8], minutes: [30], week_days: [monday, friday] }}
power: stopped
tags: {{ team: c }}
"""


def what_plumb_made_reads_back_as_declared():
    _plumb("make", MADE, "apply", "--auto-approve")
    assert "Secret-1" not in str(control("GET", "requests"))
    lab = MLClient(DefaultAzureCredential(), SUBSCRIPTION, "second", "lab")
    _is_the_workspace(lab.workspaces.get("lab"))
    _is_the_cluster(lab.compute.get("gpu"))
    _is_the_instance(lab.compute.get("ci-alice"))


def _is_the_workspace(workspace):
    shows(workspace, resource_group="second", location=LOCATION, display_name="Lab", tags={"team": "a"})
    shows(workspace, description="Where it is tried", public_network_access="Disabled")
    assert "/storageAccounts/" in workspace.storage_account


def _is_the_cluster(cluster):
    shows(
        cluster,
        location="northeurope",
        size="STANDARD_NC6S_V3",
        description="for training",
        tier="low_priority",
        min_instances=1,
        max_instances=6,
        idle_time_before_scale_down=600,
        ssh_public_access_enabled=True,
        tags={"team": "b"},
    )
    shows(cluster.ssh_settings, admin_username="me", ssh_key_value=KEY)
    (identity,) = cluster.identity.user_assigned_identities
    trainer = "/resourceGroups/second/providers/Microsoft.ManagedIdentity/userAssignedIdentities/trainer"
    assert identity.resource_id.endswith(trainer)


def _is_the_instance(instance):
    shows(
        instance,
        size="STANDARD_DS4_V2",
        description="for Alice",
        state="Stopped",
        ssh_public_access_enabled=True,
        idle_time_before_shutdown_minutes=45,
        enable_root_access=False,
        release_quota_on_stop=True,
        tags={"team": "c"},
    )
    shows(instance.ssh_settings, ssh_key_value=KEY)
    shows(instance.create_on_behalf_of, user_tenant_id=TENANT, user_object_id=ALICE)
    (application,) = instance.custom_applications
    shows(application, name="rs")
    shows(application.image, reference="img")
    shows(application.endpoints[0], target=8787, published=8788)
    shows(instance.setup_scripts.creation_script, path="Users/alice/make.sh", command="all", timeout_minutes="9")
    stop, start = instance.schedules.compute_start_stop
    shows(stop, action="Stop", state="Enabled")
    shows(stop.trigger, expression="0 18 * * 1-5", time_zone="W. Europe Standard Time")
    shows(start, action="Start", state="Disabled")
    shows(start.trigger, frequency="Week", interval=2)
    shows(start.trigger.schedule, hours=[8], minutes=[30], week_days=["Monday", "Friday"])


run()
