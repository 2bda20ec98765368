//! Networks: subnets in two views, references that must hold, and what cannot go while it is used.

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, message};

fn cloud() -> Cloud {
    let mut cloud = Cloud::new(Options::default());
    cloud.put(GROUP, &json!({ "location": "westeurope" }));
    cloud
}

fn id(kind: &str, name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/{kind}/{name}")
}

fn at_home(properties: Value) -> Value {
    json!({ "location": "westeurope", "properties": properties })
}

fn network_body(subnets: &[(&str, &str)]) -> Value {
    let subnets: Vec<Value> = subnets
        .iter()
        .map(|(name, range)| json!({ "name": name, "properties": { "addressPrefix": range } }))
        .collect();
    at_home(json!({ "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "subnets": subnets }))
}

/// Makes it and waits for it.
fn made(cloud: &mut Cloud, target: &str, body: &Value) -> Value {
    let reply = cloud.put(target, body);
    assert_eq!(reply.status, 201, "{target}: {}", reply.value());
    assert_eq!(reply.value()["properties"]["provisioningState"], "Updating");
    assert_eq!(cloud.status(&reply)["status"], "InProgress");
    cloud.pass(5);
    assert_eq!(cloud.status(&reply)["status"], "Succeeded");
    let shown = cloud.get(target).value();
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    shown
}

fn removed(cloud: &mut Cloud, target: &str) {
    let reply = cloud.delete(target);
    assert_eq!(reply.status, 202, "{target}: {}", reply.value());
    let (status, location) =
        (reply.header("azure-asyncoperation").unwrap(), reply.header("location").unwrap());
    assert_eq!(cloud.follow(location).status, 202);
    cloud.pass(10);
    assert_eq!(cloud.follow(status).value()["status"], "Succeeded");
    assert_eq!(cloud.follow(location).status, 204);
    assert_eq!(cloud.get(target).status, 404);
    assert_eq!(cloud.delete(target).status, 204);
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn a_network_and_its_subnets_are_one_truth() {
    let mut cloud = cloud();
    let network = id("virtualNetworks", "Net");
    let shown = made(&mut cloud, &network, &network_body(&[("b", "10.0.1.0/24"), ("a", "10.0.0.0/24")]));
    assert_eq!(names(&shown["properties"]["subnets"]), ["b", "a"], "in the order they were sent");
    let subnet = cloud.get(&format!("{network}/subnets/a")).value();
    assert_eq!(shown["properties"]["subnets"][1], subnet);
    assert_eq!(subnet["id"], json!(format!("{network}/subnets/a")));
    assert_eq!(subnet["properties"]["privateLinkServiceNetworkPolicies"], "Enabled");
    let etag = subnet["etag"].as_str().unwrap().to_owned();
    assert!(etag.starts_with("W/\""), "{etag}");

    made(
        &mut cloud,
        &format!("{network}/subnets/c"),
        &json!({ "properties": { "addressPrefixes": ["10.0.2.0/24"] } }),
    );
    let shown = cloud.get(&network).value();
    assert_eq!(names(&shown["properties"]["subnets"]), ["b", "a", "c"]);
    assert_eq!(names(&cloud.get(&format!("{network}/subnets")).value()["value"]), ["a", "b", "c"]);

    let quiet = at_home(json!({ "addressSpace": { "addressPrefixes": ["10.0.0.0/8"] } }));
    assert_eq!(cloud.put(&network, &quiet).status, 200);
    cloud.pass(5);
    assert_eq!(names(&cloud.get(&network).value()["properties"]["subnets"]), ["b", "a", "c"]);
    assert_eq!(cloud.patch(&network, &json!({ "tags": { "x": "y" } })).status, 200);
    assert_eq!(cloud.get(&network).value()["properties"]["subnets"].as_array().unwrap().len(), 3);
    removed(&mut cloud, &format!("{network}/subnets/b"));
    assert_eq!(names(&cloud.get(&network).value()["properties"]["subnets"]), ["a", "c"]);
    cloud.put(&network, &network_body(&[("c", "10.0.2.0/24")]));
    cloud.pass(5);
    assert_eq!(cloud.get(&format!("{network}/subnets/a")).status, 404);
    removed(&mut cloud, &network);
    assert_eq!(code(&cloud.get(&format!("{network}/subnets/c"))), "ParentResourceNotFound");
}

#[test]
fn subnets_fit_in_the_address_space() {
    let mut cloud = cloud();
    let network = id("virtualNetworks", "net");
    for (subnets, refusal) in [
        (vec![("a", "10.1.0.0/24")], "NetcfgSubnetRangeOutsideVnet"),
        (vec![("a", "10.0.0.0/24"), ("b", "10.0.0.128/25")], "NetcfgSubnetRangesOverlap"),
        (vec![("a", "10.0.0.1/24")], "InvalidCIDRNotation"),
        (vec![("a", "10.0.0.0/30")], "SubnetAddressPrefixTooSmall"),
        (vec![("a", "10.0.0.0/24"), ("A", "10.0.1.0/24")], "InvalidRequestFormat"),
        (vec![("", "10.0.0.0/24")], "InvalidRequestFormat"),
    ] {
        let reply = cloud.put(&network, &network_body(&subnets));
        assert_eq!((reply.status, code(&reply).as_str()), (400, refusal), "{subnets:?}");
    }
    assert_eq!(code(&cloud.put(&network, &at_home(json!({})))), "NoAddressPrefixOrPoolProvided");
    made(&mut cloud, &network, &network_body(&[("a", "10.0.0.0/24")]));
    let overlapping = json!({ "properties": { "addressPrefix": "10.0.0.0/25" } });
    let reply = cloud.put(&format!("{network}/subnets/b"), &overlapping);
    assert_eq!(code(&reply), "NetcfgSubnetRangesOverlap");
    assert_eq!(cloud.get(&format!("{network}/subnets/b")).status, 404);
}

#[test]
fn what_is_used_stays() {
    let mut cloud = cloud();
    let (network, group) = (id("virtualNetworks", "net"), id("networkSecurityGroups", "guard"));
    made(&mut cloud, &group, &at_home(json!({})));
    let mut body = network_body(&[("a", "10.0.0.0/24")]);
    body["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] = json!({ "id": group });
    made(&mut cloud, &network, &body);
    let subnet = format!("{network}/subnets/a");
    assert_eq!(cloud.get(&group).value()["properties"]["subnets"], json!([{ "id": subnet }]));
    assert_eq!(code(&cloud.delete(&group)), "InUseNetworkSecurityGroupCannotBeDeleted");

    let interface = id("networkInterfaces", "nic");
    let configuration = json!({ "name": "one", "properties": { "subnet": { "id": subnet } } });
    let shown = made(&mut cloud, &interface, &at_home(json!({ "ipConfigurations": [configuration] })));
    let configuration = &shown["properties"]["ipConfigurations"][0];
    assert_eq!(configuration["properties"]["privateIPAddress"], "10.0.0.4");
    assert_eq!(
        cloud.get(&subnet).value()["properties"]["ipConfigurations"],
        json!([{ "id": format!("{interface}/ipConfigurations/one") }])
    );
    for target in [&subnet, &network] {
        let reply = cloud.delete(target);
        assert_eq!((reply.status, code(&reply).as_str()), (400, "InUseSubnetCannotBeDeleted"));
        assert!(message(&reply).contains("networkInterfaces/nic"), "{}", message(&reply));
    }
    assert_eq!(code(&cloud.put(&network, &network_body(&[]))), "InUseSubnetCannotBeDeleted");
    let mut moved = body.clone();
    moved["properties"]["subnets"][0]["properties"]["addressPrefix"] = json!("10.0.9.0/24");
    assert_eq!(code(&cloud.put(&network, &moved)), "InUsePrefixCannotBeDeleted");
    removed(&mut cloud, &interface);
    removed(&mut cloud, &network);
    removed(&mut cloud, &group);
}

#[test]
fn a_reference_must_lead_somewhere() {
    let mut cloud = cloud();
    let network = id("virtualNetworks", "net");
    let mut body = network_body(&[("a", "10.0.0.0/24")]);
    let group = id("networkSecurityGroups", "guard");
    body["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] = json!({ "id": group });
    let reply = cloud.put(&network, &body);
    assert_eq!((reply.status, code(&reply).as_str()), (400, "InvalidResourceReference"));
    assert_eq!(cloud.get(&network).status, 404, "nothing of it is made");
    cloud.put(&group, &json!({ "location": "eastus", "properties": {} }));
    cloud.pass(5);
    assert_eq!(code(&cloud.put(&network, &body)), "InvalidResourceReference", "it is in another region");
    removed(&mut cloud, &group);
    cloud.put(&group, &at_home(json!({})));
    let early = cloud.put(&network, &body);
    assert_eq!((early.status, code(&early).as_str()), (409, "ReferencedResourceNotProvisioned"));
    cloud.pass(5);
    made(&mut cloud, &network, &body);
}

#[test]
fn security_rules_are_checked_and_come_with_the_groups_own() {
    let mut cloud = cloud();
    let group = id("networkSecurityGroups", "guard");
    let rule = |priority: i64| {
        json!({ "properties": {
            "priority": priority, "direction": "inbound", "access": "ALLOW", "protocol": "tcp",
            "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "22",
        }})
    };
    let shown = made(&mut cloud, &group, &at_home(json!({})));
    assert_eq!(shown["properties"]["defaultSecurityRules"].as_array().unwrap().len(), 6);
    let ssh = format!("{group}/securityRules/ssh");
    let shown = made(&mut cloud, &ssh, &rule(1010));
    assert_eq!(shown["properties"]["direction"], "Inbound");
    assert_eq!(shown["properties"]["protocol"], "Tcp");
    assert_eq!(names(&cloud.get(&group).value()["properties"]["securityRules"]), ["ssh"]);
    let twin = cloud.put(&format!("{group}/securityRules/twin"), &rule(1010));
    assert_eq!(code(&twin), "SecurityRuleConflict");
    assert_eq!(code(&cloud.put(&ssh, &rule(99))), "SecurityRuleInvalidPriority");
    assert_eq!(code(&cloud.put(&ssh, &json!({ "properties": {} }))), "InvalidRequestFormat");
    cloud.put(&group, &at_home(json!({})));
    cloud.pass(5);
    assert_eq!(cloud.get(&ssh).status, 404, "a PUT says all of it");
}

#[test]
fn a_public_address_gets_a_name_and_an_address() {
    let mut cloud = cloud();
    let standard = |label: &str| {
        let properties =
            json!({ "publicIPAllocationMethod": "Static", "dnsSettings": { "domainNameLabel": label } });
        json!({ "location": "westeurope", "sku": { "name": "Standard" }, "properties": properties })
    };
    let address = id("publicIPAddresses", "ip");
    let shown = made(&mut cloud, &address, &standard("pool"));
    assert_eq!(shown["properties"]["dnsSettings"]["fqdn"], "pool.westeurope.cloudapp.azure.com");
    assert!(shown["properties"]["ipAddress"].as_str().unwrap().starts_with("198."));
    assert_eq!(shown["sku"], json!({ "name": "Standard", "tier": "Regional" }));
    assert_eq!(code(&cloud.put(&id("publicIPAddresses", "two"), &standard("pool"))), "DnsRecordInUse");
    let mut dynamic = standard("other");
    dynamic["properties"]["publicIPAllocationMethod"] = json!("Dynamic");
    assert_eq!(code(&cloud.put(&address, &dynamic)), "StandardSkuPublicIPAddressMustBeStatic");
    let basic = made(&mut cloud, &id("publicIPAddresses", "old"), &at_home(json!({})));
    assert_eq!(basic["properties"]["publicIPAllocationMethod"], "Dynamic");
    assert!(basic["properties"].get("ipAddress").is_none(), "nobody has it yet");
    let other = json!({ "location": "westeurope", "sku": { "name": "Basic" } });
    let other = cloud.put(&address, &other);
    assert_eq!((other.status, code(&other).as_str()), (409, "PropertyChangeNotAllowed"));
}

fn balancer_body(balancer: &str, address: &str) -> Value {
    let part = |kind: &str, name: &str| json!({ "id": format!("{balancer}/{kind}/{name}") });
    json!({ "location": "westeurope", "sku": { "name": "Standard" }, "properties": {
        "frontendIPConfigurations": [{ "name": "front", "properties": { "publicIPAddress": { "id": address } } }],
        "backendAddressPools": [{ "name": "pool" }],
        "probes": [{ "name": "probe", "properties": { "protocol": "tcp", "port": 22, "intervalInSeconds": 5 } }],
        "loadBalancingRules": [{ "name": "ssh", "properties": {
            "protocol": "Tcp", "frontendPort": 22, "backendPort": 22, "loadDistribution": "SourceIP",
            // The casing of the template: ids compare without it.
            "frontendIPConfiguration": part("frontendIPConfigurations", "Front"),
            "backendAddressPool": part("backendAddressPools", "pool"),
            "probe": part("probes", "probe"),
        }}],
    }})
}

#[test]
fn a_load_balancer_is_said_in_one_put() {
    let mut cloud = cloud();
    let (balancer, address) = (id("loadBalancers", "lb"), id("publicIPAddresses", "ip"));
    let body = balancer_body(&balancer, &address);
    assert_eq!(code(&cloud.put(&balancer, &body)), "InvalidResourceReference");
    made(&mut cloud, &address, &json!({ "location": "westeurope", "sku": { "name": "Standard" } }));
    let shown = made(&mut cloud, &balancer, &body)["properties"].clone();
    let rule = json!([{ "id": format!("{balancer}/loadBalancingRules/ssh") }]);
    for (list, name) in
        [("frontendIPConfigurations", "front"), ("backendAddressPools", "pool"), ("probes", "probe")]
    {
        let part = &shown[list][0];
        assert_eq!(part["id"], json!(format!("{balancer}/{list}/{name}")));
        assert_eq!(part["properties"]["loadBalancingRules"], rule, "{list}");
        assert_eq!(&cloud.get(&format!("{balancer}/{list}/{name}")).value(), part);
        assert_eq!(names(&cloud.get(&format!("{balancer}/{list}")).value()["value"]), [name]);
    }
    assert_eq!(shown["loadBalancingRules"][0]["properties"]["idleTimeoutInMinutes"], 4);
    assert_eq!(
        shown["loadBalancingRules"][0]["properties"]["backendAddressPools"].as_array().unwrap().len(),
        1
    );
    assert_eq!(shown["inboundNatRules"], json!([]));
    let front = format!("{balancer}/frontendIPConfigurations/front");
    assert_eq!(cloud.get(&address).value()["properties"]["ipConfiguration"], json!({ "id": front }));
    assert_eq!(code(&cloud.delete(&address)), "PublicIPAddressCannotBeDeleted");
    assert_eq!(cloud.delete(&front).status, 405);

    let mut dangling = body.clone();
    dangling["properties"]["probes"] = json!([]);
    assert_eq!(code(&cloud.put(&balancer, &dangling)), "InvalidResourceReference");
    let mut twice = body.clone();
    let mut twin = twice["properties"]["loadBalancingRules"][0].clone();
    twin["name"] = json!("twin");
    twice["properties"]["loadBalancingRules"].as_array_mut().unwrap().push(twin);
    assert_eq!(code(&cloud.put(&balancer, &twice)), "RulesUseSameFrontendPortProtocolAndIPConfiguration");
    made(&mut cloud, &format!("{balancer}/backendAddressPools/second"), &json!({}));
    assert_eq!(names(&cloud.get(&balancer).value()["properties"]["backendAddressPools"]), ["pool", "second"]);
    assert_eq!(
        code(&cloud.delete(&format!("{balancer}/backendAddressPools/pool"))),
        "BackendAddressPoolInUse"
    );

    let mut bare = body.clone();
    for list in ["loadBalancingRules", "probes", "backendAddressPools"] {
        bare["properties"][list] = json!([]);
    }
    assert_eq!(cloud.put(&balancer, &bare).status, 200, "rule, probe and pools go together");
    cloud.pass(5);
    assert_eq!(cloud.get(&format!("{balancer}/probes/probe")).status, 404);
    let basic = id("publicIPAddresses", "basic");
    made(&mut cloud, &basic, &at_home(json!({})));
    let mixed = balancer_body(&balancer, &basic);
    assert_eq!(code(&cloud.put(&balancer, &mixed)), "DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed");
    removed(&mut cloud, &balancer);
    removed(&mut cloud, &address);
}

#[test]
fn a_network_in_motion_takes_no_other_write() {
    let mut cloud = cloud();
    let network = id("virtualNetworks", "net");
    cloud.put(&network, &network_body(&[]));
    let subnet = json!({ "properties": { "addressPrefix": "10.0.0.0/24" } });
    assert_eq!(cloud.put(&format!("{network}/subnets/a"), &subnet).status, 409);
    cloud.pass(5);
    assert_eq!(cloud.put(&format!("{network}/subnets/a"), &subnet).status, 201);
    assert_eq!(cloud.put(&format!("{network}/subnets/b"), &subnet).status, 409, "one child at a time");
    assert_eq!(cloud.get(&network).value()["properties"]["provisioningState"], "Updating");
    cloud.pass(5);
    assert_eq!(cloud.get(&network).value()["properties"]["provisioningState"], "Succeeded");
}

#[test]
fn a_cluster_holds_its_subnet() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let network = id("virtualNetworks", "net");
    made(&mut cloud, &network, &network_body(&[("nodes", "10.0.0.0/24")]));
    let subnet = format!("{network}/subnets/nodes");
    let mut body = crate::support::cluster_body();
    body["properties"]["properties"]["subnet"] = json!({ "id": subnet });
    assert_eq!(cloud.put(&crate::support::compute("cpu"), &body).status, 201);
    assert_eq!(code(&cloud.delete(&subnet)), "InUseSubnetCannotBeDeleted");
    cloud.pass(20);
    cloud.delete(&format!("{}?underlyingResourceAction=Delete", crate::support::compute("cpu")));
    cloud.pass(100);
    removed(&mut cloud, &subnet);
}

#[test]
fn a_private_endpoint_is_approved_and_seen_from_its_subnet() {
    let mut cloud = cloud();
    let network = id("virtualNetworks", "net");
    made(&mut cloud, &network, &network_body(&[("a", "10.0.0.0/24")]));
    let endpoint = id("privateEndpoints", "pe");
    let connection =
        json!({ "name": "c", "properties": { "privateLinkServiceId": "/x", "groupIds": ["blob"] } });
    let subnet = json!({ "id": format!("{network}/subnets/a") });
    let body = at_home(json!({ "subnet": subnet, "privateLinkServiceConnections": [connection] }));
    let shown = made(&mut cloud, &endpoint, &body);
    let state = &shown["properties"]["privateLinkServiceConnections"][0]["properties"];
    assert_eq!(state["privateLinkServiceConnectionState"]["status"], "Approved");
    let seen = cloud.get(&format!("{network}/subnets/a")).value();
    assert_eq!(seen["properties"]["privateEndpoints"], json!([{ "id": endpoint }]));
    assert_eq!(cloud.call(Method::Head, &endpoint, None).status, 204);
}

#[test]
fn a_write_can_ask_for_the_version_it_knows() {
    let mut cloud = cloud();
    let network = id("virtualNetworks", "net");
    let mut send = |header: &str, value: &str| {
        let asked =
            crate::support::request(Method::Put, &network).json(&network_body(&[])).header(header, value);
        let reply = cloud.send(&asked);
        cloud.pass(5);
        (reply.status, code(&reply), cloud.get(&network).value()["etag"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(send("if-match", "W/\"old\"").0, 412, "nothing is there yet");
    let (status, _, first) = send("if-none-match", "*");
    assert_eq!(status, 201);
    assert_eq!(send("if-none-match", "*").0, 412);
    let (status, _, second) = send("if-match", &first);
    assert_eq!(status, 200);
    assert_ne!(first, second);
    assert_eq!(send("if-match", &first).1, "PreconditionFailed");
    assert_eq!(send("if-match", "*").0, 200);
}

#[test]
fn lists_take_filters_or_refuse_them() {
    let mut cloud = cloud();
    for (name, location) in [("one", "westeurope"), ("two", "eastus")] {
        cloud.put(&id("networkSecurityGroups", name), &json!({ "location": location, "properties": {} }));
    }
    let subscription = GROUP.split("/resourceGroups").next().unwrap();
    for scope in [subscription, GROUP] {
        let list = format!("{scope}/providers/Microsoft.Network/networkSecurityGroups");
        let found = cloud.get(&format!("{list}?$filter=location%20eq%20'eastus'")).value();
        assert_eq!(names(&found["value"]), ["two"], "{scope}");
        assert_eq!(cloud.get(&format!("{list}?$filter=color%20eq%20'red'")).status, 400);
    }
}
