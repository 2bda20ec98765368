"""azure-ai-ml: compute instances, through their whole life."""

from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    AssignedUserConfiguration,
    ComputeInstance,
    ComputeInstanceSshSettings,
    ComputeSchedules,
    ComputeStartStopSchedule,
    CronTrigger,
    CustomApplications,
    EndpointsSettings,
    ImageSettings,
    RecurrencePattern,
    RecurrenceTrigger,
    ScriptReference,
    SetupScripts,
    VolumeSettings,
)
from azure.identity import DefaultAzureCredential

from support import (
    GROUP,
    LOCATION,
    SUBSCRIPTION,
    TENANT,
    WORKSPACE,
    WORKSPACE_ID,
    make_workspace,
    refused,
    run,
    shows,
)

ALICE = "30000000-0000-0000-0000-000000000003"
START = "2026-01-01T00:00:00"

ml = MLClient(DefaultAzureCredential(), SUBSCRIPTION, GROUP, WORKSPACE)


def a_minimal_instance_runs():
    make_workspace()
    made = ml.compute.begin_create_or_update(ComputeInstance(name="ci-bob")).result()
    shows(
        made,
        id=f"{WORKSPACE_ID}/computes/ci-bob",
        type="computeinstance",
        location=LOCATION,
        size="STANDARD_DS3_V2",
        state="Running",
        schedules=None,
        setup_scripts=None,
        custom_applications=None,
        ssh_public_access_enabled=False,
        enable_node_public_ip=True,
        enable_sso=True,
        enable_root_access=True,
    )
    _shows_last(made, operationName="Create", operationStatus="Succeeded", operationTrigger="User")
    assert made.os_image_metadata.is_latest_os_image_version
    assert {each["displayName"] for each in made.services} == {"Jupyter", "Jupyter Lab"}
    assert made.network_settings.private_ip_address.startswith("10.")


def _shows_last(instance, **expected):
    assert expected.items() <= instance.last_operation.items(), instance.last_operation


def a_full_instance_keeps_what_it_was_given():
    made = ml.compute.begin_create_or_update(_full()).result()
    for instance in (made, ml.compute.get("ci-alice")):
        # Single sign-on is off where somebody else's instance runs scripts.
        shows(instance, description="for Alice", tags={"team": "a"}, state="Running", enable_sso=False)
        shows(instance, idle_time_before_shutdown_minutes=30, ssh_public_access_enabled=True)
        shows(instance.ssh_settings, ssh_key_value="ssh-rsa AAAA me", admin_username="azureuser")
        shows(instance.create_on_behalf_of, user_tenant_id=TENANT, user_object_id=ALICE)
        _has_schedules(instance.schedules.compute_start_stop)
        _has_scripts(instance.setup_scripts)
        _has_application(*instance.custom_applications)


def _full():
    evening = CronTrigger(expression="0 18 * * *", time_zone="W. Europe Standard Time", start_time=START)
    pattern = RecurrencePattern(hours=[8], minutes=[0], week_days=["monday"])
    morning = RecurrenceTrigger(
        frequency="week", interval=1, time_zone="UTC", start_time=START, schedule=pattern
    )
    return ComputeInstance(
        name="ci-alice",
        size="Standard_DS3_v2",
        description="for Alice",
        tags={"team": "a"},
        ssh_public_access_enabled=True,
        ssh_settings=ComputeInstanceSshSettings(ssh_key_value="ssh-rsa AAAA me"),
        create_on_behalf_of=AssignedUserConfiguration(user_tenant_id=TENANT, user_object_id=ALICE),
        idle_time_before_shutdown_minutes=30,
        schedules=ComputeSchedules(
            compute_start_stop=[
                ComputeStartStopSchedule(action="Stop", trigger=evening),
                ComputeStartStopSchedule(action="Start", state="Disabled", trigger=morning),
            ]
        ),
        setup_scripts=SetupScripts(
            startup_script=ScriptReference(path="Users/a/start.sh", command="x y", timeout_minutes=5),
            # Without a timeout the SDK sends "Nonem".
            creation_script=ScriptReference(path="Users/a/make.sh", command="z"),
        ),
        custom_applications=[
            CustomApplications(
                name="rs",
                image=ImageSettings(reference="img"),
                endpoints=[EndpointsSettings(target=8787, published=8788)],
                environment_variables={"A": "1"},
                bind_mounts=[VolumeSettings(source="/home", target="/h")],
            )
        ],
    )


def _has_schedules(schedules):
    evening, morning = schedules
    shows(evening, action="Stop", state="Enabled", provisioning_state="Completed")
    shows(evening.trigger, expression="0 18 * * *", time_zone="W. Europe Standard Time", start_time=START)
    shows(morning, action="Start", state="Disabled")
    shows(morning.trigger, frequency="Week", interval=1, time_zone="UTC")
    shows(morning.trigger.schedule, hours=[8], minutes=[0], week_days=["Monday"])
    assert evening.schedule_id and evening.schedule_id != morning.schedule_id


def _has_scripts(scripts):
    shows(scripts.startup_script, path="Users/a/start.sh", command="x y", timeout_minutes="5")
    shows(scripts.creation_script, path="Users/a/make.sh", command="z", timeout_minutes=None)


def _has_application(application):
    shows(application, name="rs", type="docker", environment_variables={"A": "1"})
    assert application.image.reference == "img"
    shows(application.endpoints[0], target=8787, published=8788)
    shows(application.bind_mounts[0], source="/home", target="/h")


def it_stops_starts_and_restarts():
    for action, state in (("stop", "Stopped"), ("start", "Running"), ("restart", "Running")):
        getattr(ml.compute, f"begin_{action}")("ci-alice").result()
        instance = ml.compute.get("ci-alice")
        shows(instance, state=state)
        _shows_last(instance, operationName=action.capitalize(), operationStatus="Succeeded")


def single_sign_on_is_switched():
    for wanted in (False, True):
        ml.compute.enable_sso(name="ci-bob", enable_sso=wanted)
        shows(ml.compute.get("ci-bob"), enable_sso=wanted)


def what_azure_refuses_is_refused():
    refused("UserError", lambda: list(ml.compute.list_nodes("ci-bob")))
    bob = ml.compute.get("ci-bob")
    bob.tags = {"team": "b"}
    error = refused("UserError", lambda: ml.compute.begin_update(bob).result())
    assert "already exists" in error.message


def lists_show_instances():
    listed = {each.name: each for each in ml.compute.list(compute_type="computeinstance")}
    assert sorted(listed) == ["ci-alice", "ci-bob"]
    shows(listed["ci-alice"], state="Running", size="STANDARD_DS3_V2")


def a_deleted_instance_is_gone():
    assert ml.compute.begin_delete("ci-alice").result() is None
    refused("ResourceNotFound", ml.compute.get, "ci-alice")
    assert [each.name for each in ml.compute.list()] == ["ci-bob"]


run()
