"""azure-mgmt-network: networks and subnets in two views, security groups, addresses, a load balancer, an interface."""

from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient

from support import BASE, GROUP, GROUP_ID, LOCATION, SUBSCRIPTION, credential, make, refused, run

client = NetworkManagementClient(credential(), SUBSCRIPTION, **BASE)


def _id(kind, name):
    return f"{GROUP_ID}/providers/Microsoft.Network/{kind}/{name}"


def _here(**properties):
    return {"location": LOCATION, "properties": properties}


def _missing(call, *args):
    try:
        call(*args)
    except ResourceNotFoundError as error:
        assert error.status_code == 404
        return
    raise AssertionError("it is there")


def a_network_shows_the_subnets_it_was_made_with():
    make(GROUP_ID, {"location": LOCATION})
    subnet = {"name": "nodes", "properties": {"addressPrefix": "10.0.0.0/24"}}
    body = _here(addressSpace={"addressPrefixes": ["10.0.0.0/16"]}, subnets=[subnet])
    made = client.virtual_networks.begin_create_or_update(GROUP, "net", {**body, "tags": {"team": "a"}}).result()
    assert (made.name, made.location, made.tags) == ("net", LOCATION, {"team": "a"})
    assert made.address_space.address_prefixes == ["10.0.0.0/16"]
    assert made.provisioning_state == "Succeeded"
    assert made.etag.startswith('W/"')
    read = client.virtual_networks.get(GROUP, "net")
    assert read.as_dict() == made.as_dict()
    nodes = client.subnets.get(GROUP, "net", "nodes")
    assert nodes.id == _id("virtualNetworks", "net") + "/subnets/nodes"
    assert nodes.as_dict() == read.subnets[0].as_dict()


def a_subnet_made_alone_shows_in_its_network():
    body = {"name": "more", "properties": {"addressPrefix": "10.0.1.0/24", "privateEndpointNetworkPolicies": "Disabled"}}
    made = client.subnets.begin_create_or_update(GROUP, "net", "more", body).result()
    assert (made.address_prefix, made.provisioning_state) == ("10.0.1.0/24", "Succeeded")
    assert [each.name for each in client.virtual_networks.get(GROUP, "net").subnets] == ["nodes", "more"]
    assert sorted(each.name for each in client.subnets.list(GROUP, "net")) == ["more", "nodes"]
    overlapping = {"properties": {"addressPrefix": "10.0.1.128/25"}}
    refused("NetcfgSubnetRangesOverlap", client.subnets.begin_create_or_update, GROUP, "net", "bad", overlapping)
    client.subnets.begin_delete(GROUP, "net", "more").result()
    _missing(client.subnets.get, GROUP, "net", "more")
    assert [each.name for each in client.virtual_networks.get(GROUP, "net").subnets] == ["nodes"]


def tags_are_changed_by_patch_and_lists_show_the_network():
    tagged = client.virtual_networks.update_tags(GROUP, "net", {"tags": {"team": "b"}})
    assert (tagged.tags, len(tagged.subnets)) == ({"team": "b"}, 1)
    assert [each.name for each in client.virtual_networks.list(GROUP)] == ["net"]
    assert [each.name for each in client.virtual_networks.list_all()] == ["net"]


def a_security_group_guards_a_subnet():
    rule = {"name": "ssh", "properties": {
        "protocol": "Tcp", "access": "Allow", "direction": "Inbound", "priority": 1010,
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22"}}
    made = client.network_security_groups.begin_create_or_update(GROUP, "guard", _here(securityRules=[rule])).result()
    assert [(each.name, each.priority) for each in made.security_rules] == [("ssh", 1010)]
    assert len(made.default_security_rules) == 6
    web = {**rule, "name": "web", "properties": {**rule["properties"], "priority": 1020, "destinationPortRange": "8000"}}
    client.security_rules.begin_create_or_update(GROUP, "guard", "web", web).result()
    assert [each.name for each in client.security_rules.list(GROUP, "guard")] == ["ssh", "web"]
    assert client.security_rules.get(GROUP, "guard", "web").destination_port_range == "8000"
    subnet = client.subnets.get(GROUP, "net", "nodes")
    subnet.network_security_group = {"id": made.id}
    client.subnets.begin_create_or_update(GROUP, "net", "nodes", subnet).result()
    read = client.network_security_groups.get(GROUP, "guard")
    assert [each.id for each in read.subnets] == [subnet.id]
    refused("InUseNetworkSecurityGroupCannotBeDeleted", client.network_security_groups.begin_delete, GROUP, "guard")
    client.security_rules.begin_delete(GROUP, "guard", "web").result()
    assert [each.name for each in client.network_security_groups.get(GROUP, "guard").security_rules] == ["ssh"]


def a_load_balancer_stands_on_a_public_address():
    address = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {
        "publicIPAllocationMethod": "Static", "dnsSettings": {"domainNameLabel": "pool"}}}
    made = client.public_ip_addresses.begin_create_or_update(GROUP, "ip", address).result()
    assert made.dns_settings.fqdn == f"pool.{LOCATION}.cloudapp.azure.com"
    assert made.ip_address
    balancer = _id("loadBalancers", "lb")
    part = lambda kind, name: {"id": f"{balancer}/{kind}/{name}"}
    rule = {"name": "ssh", "properties": {
        "protocol": "Tcp", "frontendPort": 22, "backendPort": 22, "loadDistribution": "SourceIP",
        "frontendIPConfiguration": part("frontendIPConfigurations", "front"),
        "backendAddressPool": part("backendAddressPools", "pool"), "probe": part("probes", "ssh")}}
    body = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {
        "frontendIPConfigurations": [{"name": "front", "properties": {"publicIPAddress": {"id": made.id}}}],
        "backendAddressPools": [{"name": "pool"}],
        "probes": [{"name": "ssh", "properties": {"protocol": "Tcp", "port": 22, "intervalInSeconds": 5, "numberOfProbes": 2}}],
        "loadBalancingRules": [rule]}}
    made = client.load_balancers.begin_create_or_update(GROUP, "lb", body).result()
    assert made.load_balancing_rules[0].probe.id == part("probes", "ssh")["id"]
    assert made.frontend_ip_configurations[0].load_balancing_rules[0].id == part("loadBalancingRules", "ssh")["id"]
    assert client.load_balancer_backend_address_pools.get(GROUP, "lb", "pool").id == part("backendAddressPools", "pool")["id"]
    assert [each.port for each in client.load_balancer_probes.list(GROUP, "lb")] == [22]
    assert [each.name for each in client.load_balancer_frontend_ip_configurations.list(GROUP, "lb")] == ["front"]
    assert [each.name for each in client.load_balancer_load_balancing_rules.list(GROUP, "lb")] == ["ssh"]
    client.load_balancer_backend_address_pools.begin_create_or_update(GROUP, "lb", "second", {"name": "second"}).result()
    assert len(client.load_balancers.get(GROUP, "lb").backend_address_pools) == 2
    holder = client.public_ip_addresses.get(GROUP, "ip").ip_configuration
    assert holder.id == part("frontendIPConfigurations", "front")["id"]
    refused("PublicIPAddressCannotBeDeleted", client.public_ip_addresses.begin_delete, GROUP, "ip")
    missing = {**body, "properties": {**body["properties"], "probes": []}}
    refused("InvalidResourceReference", client.load_balancers.begin_create_or_update, GROUP, "lb", missing)


def what_is_used_goes_last():
    configuration = {"name": "one", "properties": {"subnet": {"id": _id("virtualNetworks", "net") + "/subnets/nodes"}}}
    made = client.network_interfaces.begin_create_or_update(GROUP, "nic", _here(ipConfigurations=[configuration])).result()
    assert made.ip_configurations[0].private_ip_address == "10.0.0.4"
    refused("InUseSubnetCannotBeDeleted", client.subnets.begin_delete, GROUP, "net", "nodes")
    refused("InUseSubnetCannotBeDeleted", client.virtual_networks.begin_delete, GROUP, "net")
    for group, name in [("network_interfaces", "nic"), ("load_balancers", "lb"), ("public_ip_addresses", "ip"),
                        ("virtual_networks", "net"), ("network_security_groups", "guard")]:
        getattr(client, group).begin_delete(GROUP, name).result()
        _missing(getattr(client, group).get, GROUP, name)


run()
