//! Scale sets: a model, its instances on the cloud's clock, and what regions answer about machines.

use emulator::Options;
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, message};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";

fn id(kind: &str, name: &str) -> String {
    format!("{GROUP}/providers/{kind}/{name}")
}

fn set() -> String {
    id("Microsoft.Compute/virtualMachineScaleSets", "pool")
}

fn subnet() -> String {
    format!("{}/subnets/machines", id("Microsoft.Network/virtualNetworks", "net"))
}

fn cloud(options: Options) -> Cloud {
    let mut cloud = Cloud::new(options);
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    let subnet = json!({ "name": "machines", "properties": { "addressPrefix": "10.0.0.0/24" } });
    let network = json!({ "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "subnets": [subnet] });
    let body = json!({ "location": "westeurope", "properties": network });
    assert_eq!(cloud.put(&id("Microsoft.Network/virtualNetworks", "net"), &body).status, 201);
    cloud.pass(10);
    cloud
}

fn body(capacity: i64) -> Value {
    let configuration = json!({ "name": "ip", "properties": { "subnet": { "id": subnet() } } });
    json!({
        "location": "westeurope",
        "sku": { "name": "Standard_D2s_v3", "tier": "Standard", "capacity": capacity },
        "properties": {
            "overprovision": false,
            "upgradePolicy": { "mode": "manual" },
            "virtualMachineProfile": {
                "storageProfile": {
                    "imageReference": { "publisher": "microsoft-dsvm", "offer": "ubuntu-2204", "sku": "2204-gen2", "version": "latest" },
                    "osDisk": { "createOption": "FromImage", "caching": "ReadWrite" },
                },
                "osProfile": { "computerNamePrefix": "pool", "adminUsername": "dsvmuser", "adminPassword": "Secret-Word-1" },
                "networkProfile": { "networkInterfaceConfigurations": [
                    { "name": "nic", "properties": { "primary": "true", "ipConfigurations": [configuration] } },
                ]},
            },
        },
    })
}

/// A cloud with a set of so many instances, ready.
fn with_set(capacity: i64) -> Cloud {
    let mut cloud = cloud(Options::default());
    let reply = cloud.put(&set(), &body(capacity));
    assert_eq!(reply.status, 201, "{}", reply.value());
    assert_eq!(reply.value()["properties"]["provisioningState"], "Creating");
    assert!(reply.header("location").is_none());
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    cloud.pass(90);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    cloud
}

fn instances(cloud: &mut Cloud) -> Vec<Value> {
    let reply = cloud.get(&format!("{}/virtualMachines?$expand=instanceView", set()));
    assert_eq!(reply.status, 200, "{}", reply.value());
    reply.value()["value"].as_array().unwrap().clone()
}

fn numbers(cloud: &mut Cloud) -> Vec<String> {
    instances(cloud).iter().map(|one| one["instanceId"].as_str().unwrap().to_owned()).collect()
}

fn power(cloud: &mut Cloud, number: &str) -> String {
    let view = cloud.get(&format!("{}/virtualMachines/{number}/instanceView", set())).value();
    view["statuses"][1]["code"].as_str().unwrap().to_owned()
}

/// An action, done.
fn act(cloud: &mut Cloud, action: &str, sent: Option<&Value>) {
    let reply = cloud.post(&format!("{}/{action}", set()), sent);
    assert_eq!(reply.status, 202, "{action}: {}", reply.value());
    let location = reply.header("location").unwrap();
    assert!(location.contains("monitor=true"));
    assert_eq!(cloud.follow(location).status, 202);
    cloud.pass(40);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    assert_eq!(cloud.follow(location).status, 204);
}

#[test]
fn a_set_fills_in_what_it_was_not_told_and_answers_no_secret() {
    let mut cloud = with_set(2);
    let shown = cloud.get(&set()).value();
    assert!(!shown.to_string().contains("Secret-Word-1"));
    let profile = &shown["properties"]["virtualMachineProfile"];
    assert_eq!(profile["osProfile"]["secrets"], json!([]));
    assert_eq!(profile["osProfile"]["linuxConfiguration"]["provisionVMAgent"], true);
    assert_eq!(profile["storageProfile"]["osDisk"]["managedDisk"]["storageAccountType"], "Premium_LRS");
    let interface = &profile["networkProfile"]["networkInterfaceConfigurations"][0]["properties"];
    assert_eq!((&interface["primary"], &interface["enableIPForwarding"]), (&json!(true), &json!(false)));
    assert_eq!(interface["ipConfigurations"][0]["properties"]["privateIPAddressVersion"], "IPv4");
    assert_eq!(shown["properties"]["upgradePolicy"]["mode"], "Manual");
    assert_eq!(shown["properties"]["singlePlacementGroup"], true);
    assert_eq!(shown["sku"]["capacity"], 2);
    for list in [GROUP, SUBSCRIPTION] {
        let listed =
            cloud.get(&format!("{list}/providers/Microsoft.Compute/virtualMachineScaleSets")).value();
        assert_eq!(listed["value"][0]["id"], json!(set()), "{list}");
    }
}

#[test]
fn instances_come_with_the_set_and_show_what_they_are() {
    let mut cloud = cloud(Options::default());
    cloud.put(&set(), &body(2));
    assert_eq!(power(&mut cloud, "0"), "PowerState/starting");
    cloud.pass(90);
    let all = instances(&mut cloud);
    assert_eq!(numbers(&mut cloud), ["0", "1"]);
    let (one, properties) = (&all[1], &all[1]["properties"]);
    assert_eq!(one["name"], "pool_1");
    assert_eq!(properties["latestModelApplied"], true);
    assert_eq!(properties["osProfile"]["computerName"], "pool000001");
    assert_eq!(properties["storageProfile"]["imageReference"]["exactVersion"], "26.09.11");
    assert_eq!(properties["instanceView"]["statuses"][1]["code"], "PowerState/running");
    let plain = cloud.get(&format!("{}/virtualMachines/1", set())).value();
    assert!(plain["properties"].get("instanceView").is_none(), "only when asked for");
    let missing = cloud.get(&format!("{}/virtualMachines/9", set()));
    assert_eq!((missing.status, code(&missing).as_str()), (404, "NotFound"));
    let view = cloud.get(&format!("{}/instanceView", set())).value();
    let succeeded = json!({ "code": "ProvisioningState/succeeded", "count": 2 });
    assert!(view["virtualMachine"]["statusesSummary"].as_array().unwrap().contains(&succeeded), "{view}");
    assert_eq!(view["statuses"][0]["displayStatus"], "Provisioning succeeded");
    let sizes = cloud.get(&format!("{}/skus", set())).value();
    assert_eq!(sizes["value"][0]["capacity"]["minimum"], 0);
}

#[test]
fn capacity_changes_over_time_and_numbers_are_never_used_again() {
    let mut cloud = with_set(3);
    let reply = cloud.patch(&set(), &json!({ "sku": { "name": "Standard_D2s_v3", "capacity": 5 } }));
    assert_eq!((reply.status, &reply.value()["sku"]["capacity"]), (200, &json!(5)));
    assert_eq!(code(&cloud.patch(&set(), &json!({ "tags": {} }))), "Conflict");
    let states: Vec<Value> =
        instances(&mut cloud).iter().map(|one| one["properties"]["provisioningState"].clone()).collect();
    assert_eq!(states, ["Succeeded", "Succeeded", "Succeeded", "Creating", "Creating"]);
    cloud.pass(60);
    assert_eq!(
        cloud
            .put(
                &set(),
                &json!({ "location": "westeurope", "sku": { "name": "Standard_D2s_v3", "capacity": 2 } })
            )
            .status,
        200
    );
    assert_eq!(numbers(&mut cloud).len(), 5, "they go over time");
    cloud.pass(40);
    assert_eq!(numbers(&mut cloud), ["0", "1"], "the newest first");
    let shown = cloud.get(&set()).value();
    assert_eq!(
        shown["properties"]["virtualMachineProfile"]["osProfile"]["adminUsername"], "dsvmuser",
        "a PUT mixes"
    );
    act(&mut cloud, "delete", Some(&json!({ "instanceIds": ["0"] })));
    assert_eq!(cloud.get(&set()).value()["sku"]["capacity"], 1);
    cloud.patch(&set(), &json!({ "sku": { "capacity": 2 } }));
    cloud.pass(60);
    assert_eq!(numbers(&mut cloud), ["1", "5"]);
    cloud.patch(
        &set(),
        &json!({ "sku": { "capacity": 0 }, "properties": { "scaleInPolicy": { "rules": ["OldestVM"] } } }),
    );
    cloud.pass(60);
    assert_eq!(numbers(&mut cloud), Vec::<String>::new());
    assert_eq!(cloud.get(&subnet()).status, 200);
    assert_eq!(code(&cloud.delete(&subnet())), "InUseSubnetCannotBeDeleted", "also without instances");
}

#[test]
fn overprovisioning_leaves_gaps() {
    let mut cloud = cloud(Options::default());
    let mut generous = body(20);
    generous["properties"]["overprovision"] = json!(true);
    cloud.put(&set(), &generous);
    cloud.pass(90);
    let mut numbers: Vec<i64> = numbers(&mut cloud).iter().map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers.len(), 20);
    assert!(*numbers.last().unwrap() > 19, "{numbers:?}");
}

#[test]
fn power_goes_for_some_or_for_all() {
    let mut cloud = with_set(2);
    act(&mut cloud, "poweroff", Some(&json!({ "instanceIds": ["1"] })));
    assert_eq!(
        [power(&mut cloud, "0"), power(&mut cloud, "1")],
        ["PowerState/running", "PowerState/stopped"]
    );
    act(&mut cloud, "deallocate", None);
    assert_eq!(power(&mut cloud, "0"), "PowerState/deallocated");
    act(&mut cloud, "start", Some(&json!({ "instanceIds": ["*"] })));
    assert_eq!(power(&mut cloud, "1"), "PowerState/running");
    for action in ["restart", "reimage", "redeploy"] {
        act(&mut cloud, action, None);
        assert_eq!(power(&mut cloud, "0"), "PowerState/running");
    }
    let reply = cloud.post(&format!("{}/virtualMachines/0/deallocate", set()), None);
    assert_eq!(reply.status, 202);
    cloud.pass(30);
    assert_eq!(
        [power(&mut cloud, "0"), power(&mut cloud, "1")],
        ["PowerState/deallocated", "PowerState/running"]
    );
    let unknown = cloud.post(&format!("{}/start", set()), Some(&json!({ "instanceIds": ["7"] })));
    assert_eq!((unknown.status, code(&unknown).as_str()), (400, "InvalidParameter"));
    assert_eq!(cloud.get(&format!("{}/start", set())).status, 405);
    let reply = cloud.delete(&format!("{}/virtualMachines/1", set()));
    assert_eq!(reply.status, 202);
    cloud.pass(40);
    assert_eq!(numbers(&mut cloud), ["0"]);
    assert_eq!(cloud.get(&set()).value()["sku"]["capacity"], 1);
}

fn latest(cloud: &mut Cloud) -> Vec<Value> {
    instances(cloud).iter().map(|one| one["properties"]["latestModelApplied"].clone()).collect()
}

#[test]
fn a_new_model_reaches_instances_when_the_policy_says_so() {
    let mut cloud = with_set(2);
    let script = format!("{}/extensions/mount", set());
    let extension = json!({ "properties": {
        "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
        "settings": { "timestamp": 1 }, "protectedSettings": { "commandToExecute": "bash mount.sh KEY-1" },
    }});
    let reply = cloud.put(&script, &extension);
    assert_eq!(reply.status, 201, "{}", reply.value());
    cloud.pass(10);
    let shown = cloud.get(&set()).value();
    assert_eq!(
        shown["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["name"],
        "mount"
    );
    assert!(
        !shown.to_string().contains("KEY-1") && !cloud.get(&script).value().to_string().contains("KEY-1")
    );
    assert_eq!(latest(&mut cloud), [false, false]);
    act(&mut cloud, "manualupgrade", Some(&json!({ "instanceIds": ["1"] })));
    assert_eq!(latest(&mut cloud), [false, true]);
    assert_eq!(instances(&mut cloud)[1]["resources"][0]["name"], "mount");
    assert_eq!(code(&cloud.post(&format!("{}/manualupgrade", set()), None)), "InvalidParameter");
    cloud.patch(&set(), &json!({ "sku": { "capacity": 3 } }));
    cloud.pass(60);
    assert_eq!(latest(&mut cloud), [false, true, true], "new ones are born current");
    cloud.patch(&set(), &json!({ "properties": { "upgradePolicy": { "mode": "Automatic" } } }));
    cloud.pass(10);
    assert_eq!(cloud.delete(&script).status, 202);
    cloud.pass(10);
    assert_eq!(latest(&mut cloud), [true, true, true]);
    assert_eq!(instances(&mut cloud)[0]["resources"], json!([]));
    assert_eq!(code(&cloud.put(&script, &json!({ "properties": {} }))), "InvalidParameter");
}

#[test]
fn wrong_sets_are_refused() {
    let mut cloud = cloud(Options::default());
    let changed = |pointer: &str, value: Value| {
        let mut body = body(1);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let profile = "/properties/virtualMachineProfile";
    let nic =
        "networkProfile/networkInterfaceConfigurations/0/properties/ipConfigurations/0/properties/subnet/id";
    let cases = [
        ("/sku/name".to_owned(), json!("Standard_Nope"), 400, "InvalidParameter"),
        ("/sku/capacity".to_owned(), json!(101), 400, "InvalidParameter"),
        ("/sku/capacity".to_owned(), json!(-1), 400, "InvalidParameter"),
        (format!("{profile}/osProfile/adminPassword"), json!("simple"), 400, "InvalidParameter"),
        (format!("{profile}/osProfile/adminPassword"), json!(null), 400, "InvalidParameter"),
        (
            format!("{profile}/osProfile/computerNamePrefix"),
            json!("much-too-long-for-it"),
            400,
            "InvalidParameter",
        ),
        (format!("{profile}/storageProfile/imageReference/sku"), json!("nope"), 404, "PlatformImageNotFound"),
        (format!("{profile}/{nic}"), json!(format!("{}x", subnet())), 400, "InvalidResourceReference"),
    ];
    for (pointer, value, status, refusal) in cases {
        let reply = cloud.put(&set(), &changed(&pointer, value));
        assert_eq!(
            (reply.status, code(&reply).as_str()),
            (status, refusal),
            "{pointer}: {}",
            message(&reply)
        );
    }
    assert_eq!(cloud.get(&set()).status, 404);
    let mut keyed = changed(&format!("{profile}/osProfile/adminPassword"), json!(null));
    let key = json!({ "path": "/home/dsvmuser/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA" });
    keyed["properties"]["virtualMachineProfile"]["osProfile"]["linuxConfiguration"] =
        json!({ "disablePasswordAuthentication": true, "ssh": { "publicKeys": [key] } });
    assert_eq!(cloud.put(&set(), &keyed).status, 201, "a key is enough");
    cloud.pass(90);
    let other =
        json!({ "properties": { "virtualMachineProfile": { "osProfile": { "adminUsername": "other" } } } });
    let reply = cloud.patch(&set(), &other);
    assert_eq!((reply.status, code(&reply).as_str()), (409, "PropertyChangeNotAllowed"));
}

#[test]
fn cores_are_counted_apart_from_machine_learning() {
    let mut options = Options { core_limit: 20, ..Options::default() };
    options.core_limits.insert("standardDSv3Family".to_owned(), 8);
    let mut cloud = cloud(options);
    cloud.put(&set(), &body(3));
    cloud.pass(90);
    let usages = format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/usages");
    let mut used = |name: &str| {
        let rows = cloud.get(&usages).value()["value"].as_array().unwrap().clone();
        let row = rows.iter().find(|row| row["name"]["value"] == name).unwrap().clone();
        (row["currentValue"].as_i64().unwrap(), row["limit"].as_i64().unwrap())
    };
    assert_eq!(used("standardDSv3Family"), (6, 8));
    assert_eq!(used("cores"), (6, 20));
    assert_eq!((used("virtualMachines").0, used("virtualMachineScaleSets").0), (3, 1));
    let ml =
        format!("{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/westeurope/usages");
    let rows = cloud.get(&ml).value()["value"].as_array().unwrap().clone();
    assert!(rows.iter().all(|row| row["currentValue"] == 0), "not counted there");
    let reply = cloud.patch(&set(), &json!({ "sku": { "capacity": 5 } }));
    assert_eq!((reply.status, code(&reply).as_str()), (409, "OperationNotAllowed"));
    assert!(
        message(&reply).contains("Current Limit: 8, Current Usage: 6, Additional Required: 4"),
        "{}",
        message(&reply)
    );
    assert_eq!(cloud.patch(&set(), &json!({ "sku": { "capacity": 4 } })).status, 200);
    cloud.pass(60);
    let mut spot = body(6);
    spot["properties"]["virtualMachineProfile"]["priority"] = json!("spot");
    let reply = cloud.put(&set().replace("pool", "spot"), &spot);
    assert_eq!(reply.status, 201, "spot machines have a quota of their own: {}", reply.value());
    assert_eq!(reply.value()["properties"]["virtualMachineProfile"]["evictionPolicy"], "Deallocate");
    cloud.pass(90);
    cloud.delete(&set());
    cloud.pass(40);
    let rows = cloud.get(&usages).value()["value"].as_array().unwrap().clone();
    let of =
        |name: &str| rows.iter().find(|row| row["name"]["value"] == name).unwrap()["currentValue"].clone();
    assert_eq!((of("cores"), of("lowPriorityCores")), (json!(0), json!(12)));
}

#[test]
fn a_set_and_its_balancer_hold_each_other() {
    let mut cloud = cloud(Options::default());
    let balancer = id("Microsoft.Network/loadBalancers", "lb");
    let front = json!({ "name": "front", "properties": { "subnet": { "id": subnet() } } });
    let parts = json!({ "frontendIPConfigurations": [front], "backendAddressPools": [{ "name": "pool" }] });
    let balanced = json!({ "location": "westeurope", "sku": { "name": "Standard" }, "properties": parts });
    cloud.put(&balancer, &balanced);
    cloud.pass(5);
    let mut joined = body(1);
    let pool = json!([{ "id": format!("{balancer}/backendAddressPools/pool") }]);
    let configurations = "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/0/properties/ipConfigurations";
    let configuration = joined.pointer_mut(&format!("{configurations}/0/properties")).unwrap();
    configuration["loadBalancerBackendAddressPools"] = pool;
    assert_eq!(cloud.put(&set(), &joined).status, 201);
    cloud.pass(90);
    let seen = format!("{}/virtualMachines/0/networkInterfaces/nic/ipConfigurations/ip", set());
    let pool = cloud.get(&format!("{balancer}/backendAddressPools/pool")).value();
    assert_eq!(pool["properties"]["backendIPConfigurations"], json!([{ "id": seen }]));
    let both = cloud.get(&subnet()).value()["properties"]["ipConfigurations"].clone();
    assert_eq!(both.as_array().unwrap().len(), 2, "that of the frontend, too: {both}");
    assert_eq!(code(&cloud.delete(&balancer)), "LoadBalancerInUseByVirtualMachineScaleSet");
    let mut without = balanced.clone();
    without["properties"]["backendAddressPools"] = json!([]);
    let reply = cloud.put(&balancer, &without);
    assert_eq!(reply.status, 400);
    assert!(message(&reply).contains("Cannot remove backend address pool pool"), "{}", message(&reply));
    let reply = cloud.delete(&format!("{}?forceDeletion=true", set()));
    assert_eq!(reply.status, 202);
    cloud.pass(30);
    assert_eq!(cloud.get(&set()).status, 404);
    assert_eq!(cloud.delete(&balancer).status, 202);
}

#[test]
fn regions_list_sizes_and_images() {
    let mut cloud = cloud(Options::default());
    let here = format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope");
    let sizes = cloud.get(&format!("{here}/vmSizes")).value();
    let size = |rows: &Value, name: &str| {
        rows["value"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone()
    };
    let ds3 = size(&sizes, "Standard_DS3_v2");
    assert_eq!((&ds3["numberOfCores"], &ds3["memoryInMB"]), (&json!(4), &json!(14_336)));
    let skus =
        format!("{SUBSCRIPTION}/providers/Microsoft.Compute/skus?$filter=location%20eq%20'westeurope'");
    let skus = cloud.get(&skus).value();
    assert!(skus["value"].as_array().unwrap().iter().all(|row| row["locations"] == json!(["westeurope"])));
    let gpu = size(&skus, "Standard_NC24ads_A100_v4");
    let can = |name: &str| {
        let all = gpu["capabilities"].as_array().unwrap();
        all.iter().find(|row| row["name"] == name).unwrap()["value"].as_str().unwrap().to_owned()
    };
    assert_eq!([can("vCPUs"), can("MemoryGB"), can("GPUs")], ["24", "220", "1"]);
    assert_eq!(gpu["locationInfo"][0]["zones"], json!(["1", "2", "3"]));
    let mut names = |path: &str| -> Vec<String> {
        let reply = cloud.get(&format!("{here}/{path}")).value();
        reply.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("publishers").contains(&"microsoft-dsvm".to_owned()));
    let offers = "publishers/MICROSOFT-dsvm/artifacttypes/vmimage/offers";
    assert_eq!(names(offers), ["ubuntu-1804", "ubuntu-2004", "ubuntu-2204"]);
    let versions = format!("{offers}/ubuntu-2204/skus/2204-gen2/versions");
    assert_eq!(names(&format!("{versions}?$orderby=name%20desc&$top=1")), ["26.09.11"]);
    let image = cloud.get(&format!("{here}/{versions}/26.09.11")).value();
    assert_eq!(image["properties"]["osDiskImage"]["operatingSystem"], "Linux");
    assert_eq!(image["properties"]["hyperVGeneration"], "V2");
    assert_eq!(cloud.get(&format!("{here}/{offers}/nope/skus")).status, 404);
}

#[test]
fn autoscale_settings_are_kept_with_their_rules() {
    let mut cloud = cloud(Options::default());
    let target = id("Microsoft.Insights/autoscaleSettings", "Scale");
    let rule = json!({
        "metricTrigger": {
            "metricName": "Percentage CPU", "metricResourceUri": set(), "timeGrain": "PT1M", "statistic": "average",
            "timeWindow": "PT5M", "timeAggregation": "Average", "operator": "GreaterThan", "threshold": 10.0,
        },
        "scaleAction": { "direction": "Increase", "type": "ChangeCount", "cooldown": "PT5M" },
    });
    let setting = |maximum: &str| {
        let capacity = json!({ "minimum": "1", "maximum": maximum, "default": "1" });
        let profile = json!({ "name": "day", "capacity": capacity, "rules": [rule] });
        json!({ "location": "West Europe", "properties": { "profiles": [profile], "targetResourceUri": set() } })
    };
    let reply = cloud.put(&target, &setting("10"));
    assert_eq!(reply.status, 201, "{}", reply.value());
    assert_eq!(cloud.put(&target, &setting("5")).status, 200);
    let shown = cloud.get(&target).value();
    assert!(
        shown["id"]
            .as_str()
            .unwrap()
            .contains("/resourcegroups/rg/providers/microsoft.insights/autoscalesettings/Scale")
    );
    assert_eq!(shown["type"], "Microsoft.Insights/autoscaleSettings");
    let trigger = &shown["properties"]["profiles"][0]["rules"][0]["metricTrigger"];
    assert_eq!((&trigger["statistic"], &trigger["dividePerInstance"]), (&json!("Average"), &json!(false)));
    assert_eq!(shown["properties"]["profiles"][0]["rules"][0]["scaleAction"]["value"], "1");
    assert_eq!(
        cloud.patch(&target, &json!({ "properties": { "enabled": false } })).value()["properties"]["enabled"],
        false
    );
    for list in [GROUP, SUBSCRIPTION] {
        let listed = cloud.get(&format!("{list}/providers/microsoft.insights/autoscalesettings")).value();
        assert_eq!(listed["value"].as_array().unwrap().len(), 1, "{list}");
    }
    assert_eq!(cloud.put(&target, &setting("0")).status, 400);
    assert_eq!((cloud.delete(&target).status, cloud.delete(&target).status), (200, 204));
}

#[test]
fn a_template_makes_a_whole_pool_in_order() {
    let mut cloud = Cloud::new(Options::default());
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    let mut machines = body(2);
    let part = |list: &str, name: &str| json!({ "id": format!("[resourceId('Microsoft.Network/loadBalancers/{list}', 'lb', '{name}')]") });
    let nic = "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/0";
    *machines.pointer_mut(&format!("{nic}/properties/ipConfigurations/0/properties")).unwrap() = json!({
        "subnet": { "id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'machines')]" },
        "loadBalancerBackendAddressPools": [part("backendAddressPools", "pool")],
    });
    let address = "[resourceId('Microsoft.Network/publicIPAddresses', 'ip')]";
    let resource = |kind: &str, name: &str, waits: &[&str], body: Value| {
        let mut resource =
            json!({ "type": kind, "name": name, "apiVersion": "2025-01-01", "dependsOn": waits });
        resource["location"] = json!("[resourceGroup().location]");
        resource.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        resource
    };
    let template = json!({ "resources": [
        resource("Microsoft.Compute/virtualMachineScaleSets", "pool", &["lb", "net"], json!({
            "sku": machines["sku"], "properties": machines["properties"],
        })),
        resource("Microsoft.Network/loadBalancers", "lb", &["ip"], json!({ "sku": { "name": "Standard" }, "properties": {
            "frontendIPConfigurations": [{ "name": "front", "properties": { "publicIPAddress": { "id": address } } }],
            "backendAddressPools": [{ "name": "pool" }],
            "probes": [{ "name": "ssh", "properties": { "protocol": "Tcp", "port": 22 } }],
            "loadBalancingRules": [{ "name": "ssh", "properties": {
                "protocol": "Tcp", "frontendPort": 22, "backendPort": 22,
                "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
                "backendAddressPool": part("backendAddressPools", "pool"),
                "probe": part("probes", "ssh"),
            }}],
        }})),
        resource("Microsoft.Network/publicIPAddresses", "ip", &[], json!({ "sku": { "name": "Standard" } })),
        resource("Microsoft.Network/virtualNetworks", "net", &[], json!({ "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "subnets": [{ "name": "machines", "properties": { "addressPrefix": "10.0.0.0/24" } }],
        }})),
    ]});
    let deployment = id("Microsoft.Resources/deployments", "pool");
    let reply =
        cloud.put(&deployment, &json!({ "properties": { "mode": "Incremental", "template": template } }));
    assert_eq!(reply.status, 201, "{}", reply.value());
    cloud.pass(600);
    let done = cloud.get(&deployment).value();
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{}", done["properties"]["error"]);
    assert_eq!(numbers(&mut cloud), ["0", "1"]);
    assert!(!done.to_string().contains("Secret-Word-1"));
    let pool = cloud
        .get(&format!("{}/backendAddressPools/pool", id("Microsoft.Network/loadBalancers", "lb")))
        .value();
    assert_eq!(pool["properties"]["backendIPConfigurations"].as_array().unwrap().len(), 2);
}
