//! The pool of data-science machines, `plumb/dsvm-pool`, as `examples/dsvm-pool` uses it.

use std::fs;

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::project::{Project, Said};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/dsvm";
const ACCOUNT: &str = "Microsoft.Storage/storageAccounts/dsvmpoolfiles";
const SET: &str = "Microsoft.Compute/virtualMachineScaleSets/dsvm";

fn id(resource: &str) -> String {
    format!("{GROUP}/providers/{resource}")
}

fn bench() -> (Cloud, Project) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::copy_of(&testkit::workspace_root().join("examples/dsvm-pool"));
    project.endpoint = Some(cloud.endpoint());
    (cloud, project)
}

fn applied() -> (Cloud, Project) {
    let (mut cloud, project) = bench();
    project.ok(&["apply", "--auto-approve"]);
    cloud.new_requests();
    (cloud, project)
}

fn settled(project: &Project, more: &[&str]) {
    let said = project.run(&[&["plan", "--detailed-exitcode"], more].concat());
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
}

/// The account's key as Azure lists it.
fn key(cloud: &Cloud) -> String {
    let listed = cloud.post(&format!("{}/listKeys", id(ACCOUNT)), "2023-05-01", &json!({}));
    listed["keys"][0]["value"].as_str().expect("a key").to_owned()
}

/// `METHOD last/two` of the requests since the last look that are no reading of a resource.
fn sent(cloud: &mut Cloud) -> Vec<String> {
    let line = |request: &Value| {
        let path = request["path"].as_str().unwrap_or_default();
        let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
        parts.reverse();
        format!("{} {}", request["method"].as_str().unwrap_or_default(), parts.join("/"))
    };
    cloud.new_requests().iter().filter(|request| request["method"] != "GET").map(line).collect()
}

fn instances(cloud: &Cloud) -> Vec<Value> {
    let listed = cloud.read(&format!("{}/virtualMachines", id(SET)));
    listed["value"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_pool_is_made_in_order_plans_empty_and_goes_without_leftover() {
    let (mut cloud, project) = bench();
    let said = project.ok(&["apply", "--auto-approve", "--parallelism", "1"]);
    assert!(said.stdout.contains("11 added"), "{}", said.stdout);
    let made = sent(&mut cloud);
    let at = |line: &str| made.iter().position(|l| l == line).unwrap_or_else(|| panic!("{line}: {made:?}"));
    let set = at("PUT virtualMachineScaleSets/dsvm");
    // The old template's set waited for the balancer alone.
    for before in ["virtualNetworks/dsvm-vnet", "subnets/dsvmcluster", "loadBalancers/dsvmlb"] {
        assert!(at(&format!("PUT {before}")) < set, "{before}: {made:?}");
    }
    assert!(at("PUT networkSecurityGroups/dsvm-nsg") < at("PUT subnets/dsvmcluster"), "{made:?}");
    let asked: Vec<usize> = (0..made.len()).filter(|at| made[*at].contains("listKeys")).collect();
    assert_eq!(
        asked,
        [at("PUT extensions/filesextension") - 1],
        "once, and just before it is sent on: {made:?}"
    );
    assert!(at("PUT shares/dsvmshare") < asked[0] && set < asked[0], "{made:?}");
    settled(&project, &[]);
    assert_eq!(project.run(&["drift"]).code, 0);
    assert_eq!(sent(&mut cloud), Vec::<String>::new(), "looking asks for no key");
    let urls = project.ok(&["output"]).stdout;
    for url in [
        "https://dsvm-example.westeurope.cloudapp.azure.com:8000",
        "ssh dsvmuser@dsvm-example.westeurope.cloudapp.azure.com",
        "https://dsvmpoolfiles.file.core.windows.net/dsvmshare",
    ] {
        assert!(urls.contains(url), "{urls}");
    }
    project.ok(&["destroy", "--auto-approve", "--parallelism", "1"]);
    let deleted = sent(&mut cloud);
    let at = |line: &str| deleted.iter().position(|l| l == line).expect(line);
    let order = [
        "DELETE extensions/filesextension",
        "DELETE virtualMachineScaleSets/dsvm",
        "DELETE loadBalancers/dsvmlb",
        "DELETE publicIPAddresses/dsvmpip",
        "DELETE resourceGroups/dsvm",
    ];
    assert!(order.windows(2).all(|two| at(two[0]) < at(two[1])), "{deleted:?}");
    assert!(at("DELETE autoscaleSettings/dsvm-autoscale") < at(order[1]), "{deleted:?}");
    assert!(at(order[1]) < at("DELETE subnets/dsvmcluster"), "{deleted:?}");
    assert_eq!(project.ok(&["state", "list"]).stdout, "");
    assert!(cloud.read(GROUP)["error"].is_object());
}

/// Every file of the project, `.plumb` with its journal and history included.
fn files(project: &Project) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![project.root.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()));
        } else {
            let bytes = fs::read(&path).expect("files can be read");
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(found.iter().any(|(name, _)| name.ends_with("state.json")));
    found
}

#[test]
fn no_byte_that_anybody_could_read_has_the_key() {
    let (mut cloud, mut project) = bench();
    let text = fs::read_to_string(project.root.join("plumb.toml")).expect("its project file");
    let text = text.replace("[outputs]\n", "[outputs]\nkey = '${component[\"standing\"].key}'\n");
    project.write("plumb.toml", &text);
    // What a user's own component might give out of an account is a secret as well.
    project.write(
        "components/files/component.yaml",
        "inputs: { group: { type: string } }\noutputs: { key: \"${storage_account['own'].key}\" }\n",
    );
    project.write(
        "components/files/account.yaml",
        "kind: storage_account\nid: own\nname: ownfiles\nresource_group: ${inputs.group}\nlocation: westeurope\n",
    );
    project
        .write("manifests/files.yaml", "uses: ./components/files\nname: standing\nwith: { group: dsvm }\n");
    project.endpoint = Some(cloud.endpoint());
    let commands: [&[&str]; 16] = [
        &["validate", "--json"],
        &["plan", "--out", ".plumb/saved.plumb"],
        &["apply", ".plumb/saved.plumb"],
        &["plan", "--json"],
        &["plan", "--out", ".plumb/second.plumb"],
        &["show", ".plumb/second.plumb", "--json"],
        &["drift", "--json"],
        &["show"],
        &["show", "--json"],
        &["state", "show", "pool/scale_set_extension/machines/mount"],
        &["state", "show", "pool/storage_account/files"],
        &["state", "pull"],
        &["history"],
        &["output", "--json"],
        &["plan", "--var", "instances=1", "--format", "markdown"],
        &["apply", "--auto-approve", "--json", "--replace", "pool/scale_set_extension/machines/mount"],
    ];
    let all: Vec<(String, Said)> = commands
        .iter()
        .map(|args| {
            let mut command = project.command(args);
            // The most that can be traced.
            let output = command.env("PLUMB_LOG", "trace").output().expect("plumb starts");
            let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
            let code = output.status.code().unwrap_or(-1);
            let said = Said { code, stdout: text(output.stdout), stderr: text(output.stderr) };
            let words: Vec<&str> = said.stderr.lines().filter(|l| !l.contains("plumb::arm")).collect();
            assert_eq!(said.code, 0, "{args:?}: {}{}", said.stdout, words.join("\n"));
            (args.join(" "), said)
        })
        .collect();
    let listed = cloud.post(&format!("{}/listKeys", id(ACCOUNT)), "2023-05-01", &json!({}));
    let own = id("Microsoft.Storage/storageAccounts/ownfiles");
    let listed = [listed, cloud.post(&format!("{own}/listKeys"), "2023-05-01", &json!({}))];
    let keys = listed.iter().flat_map(|l| l["keys"].as_array().expect("keys"));
    let keys: Vec<&str> = keys.map(|key| key["value"].as_str().expect("a key")).collect();
    assert_eq!(keys.len(), 4);
    let clean = |what: &str, text: &str| {
        for key in &keys {
            // As it stands, and its middle as base64 has it at any of the three alignments.
            let forms = (0..3).map(|skip| base64_of(&key.as_bytes()[skip..skip + 30]));
            for form in forms.chain([(*key).to_owned()]) {
                assert!(!text.contains(&form), "{what} shows a key");
            }
        }
    };
    for (command, said) in &all {
        clean(command, &said.stdout);
        clean(command, &said.stderr);
    }
    files(&project).iter().for_each(|(name, text)| clean(name, text));
    // What everybody with a reader's role sees of the pool, and what the cloud kept of our requests.
    for resource in
        [SET, &format!("{SET}/extensions/filesextension"), &format!("{SET}/virtualMachines"), ACCOUNT]
    {
        let seen = cloud.read(&id(resource));
        assert!(seen["error"].is_null(), "{resource}: {seen}");
        clean(resource, &seen.to_string());
    }
    clean("the requests", &json!(cloud.new_requests()).to_string());
}

fn base64_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let triple = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[number >> shift & 63]))
    };
    bytes.chunks_exact(3).flat_map(triple).collect()
}

#[test]
fn the_pool_goes_to_no_machines_and_comes_back() {
    let (mut cloud, project) = applied();
    assert_eq!(instances(&cloud).len(), 2);
    let none = ["--var", "instances=0"];
    let plan = project.ok(&["plan", "--var", "instances=0"]).stdout;
    assert!(plan.contains("~ instances = (write-only value) -> 0"), "{plan}");
    project.ok(&["apply", "--auto-approve", "--var", "instances=0"]);
    assert_eq!(sent(&mut cloud), ["PATCH virtualMachineScaleSets/dsvm"]);
    assert_eq!(instances(&cloud).len(), 0);
    settled(&project, &none);
    project.ok(&["apply", "--auto-approve"]);
    assert_eq!((sent(&mut cloud).len(), instances(&cloud).len()), (1, 2));
    // The autoscaler is at work: no drift, and nothing to do.
    cloud.control(
        Method::Patch,
        &format!("resource?id={}", id(SET)),
        Some(&json!({ "sku": { "capacity": 5 } })),
    );
    settled(&project, &[]);
    assert_eq!(project.run(&["drift"]).code, 0);
}

#[test]
fn another_mount_point_reaches_the_machines_that_run() {
    let (mut cloud, project) = applied();
    let text = fs::read_to_string(project.root.join("manifests/pool.yaml")).expect("the pool");
    project.write("manifests/pool.yaml", &text.replace("/mnt/dsvmshare", "/data/share"));
    let plan = project.ok(&["plan"]).stdout;
    assert!(plan.contains("~ script           = (sensitive value) (changed)"), "{plan}");
    assert!(plan.contains("\"dsvmshare at /mnt/dsvmshare\" -> \"dsvmshare at /data/share\""), "{plan}");
    assert!(plan.contains("0 to add, 1 to change, 0 to destroy"), "{plan}");
    project.ok(&["apply", "--auto-approve"]);
    assert_eq!(sent(&mut cloud), ["POST dsvmpoolfiles/listKeys", "PUT extensions/filesextension"]);
    let machines = instances(&cloud);
    assert_eq!(machines.len(), 2);
    for machine in machines {
        assert_eq!(machine["properties"]["latestModelApplied"], true);
        let extension = &machine["resources"][0]["properties"];
        assert_eq!(extension["forceUpdateTag"], "dsvmshare at /data/share", "{machine}");
    }
    settled(&project, &[]);
}

#[test]
fn a_key_that_was_made_anew_is_noticed_and_mounted_with() {
    let (mut cloud, project) = applied();
    let before = key(&cloud);
    cloud.post(&format!("{}/regenerateKey", id(ACCOUNT)), "2023-05-01", &json!({ "keyName": "key1" }));
    assert_ne!(before, key(&cloud));
    cloud.new_requests();
    let plan = project.ok(&["plan"]).stdout;
    assert!(plan.contains("# pool/scale_set_extension/machines/mount will be updated in-place"), "{plan}");
    assert_eq!(sent(&mut cloud), Vec::<String>::new(), "a plan reads no key");
    project.ok(&["apply", "--auto-approve"]);
    assert_eq!(sent(&mut cloud), ["POST dsvmpoolfiles/listKeys", "PUT extensions/filesextension"]);
    settled(&project, &[]);
    // The other key is nobody's business.
    cloud.post(&format!("{}/regenerateKey", id(ACCOUNT)), "2023-05-01", &json!({ "keyName": "key2" }));
    settled(&project, &[]);
}

#[test]
fn what_somebody_changed_is_found_and_put_right() {
    let (cloud, project) = applied();
    let edits = [
        (
            "Microsoft.Network/publicIPAddresses/dsvmpip",
            json!({ "properties": { "idleTimeoutInMinutes": 30 } }),
        ),
        (SET, json!({ "properties": { "upgradePolicy": { "mode": "Manual" } } })),
        (
            &format!("{SET}/extensions/filesextension"),
            json!({ "properties": { "forceUpdateTag": "theirs" } }),
        ),
        (
            "Microsoft.Insights/autoscaleSettings/dsvm-autoscale",
            json!({ "properties": { "enabled": false } }),
        ),
    ];
    for (resource, edit) in &edits {
        cloud.control(Method::Patch, &format!("resource?id={}", id(resource)), Some(edit));
    }
    let drift = project.run(&["drift"]);
    assert_eq!(drift.code, 2, "{}{}", drift.stdout, drift.stderr);
    for words in ["idle_timeout_minutes", "upgrade_policy", "force_update_tag", "enabled"] {
        assert!(drift.stdout.contains(words), "{words}: {}", drift.stdout);
    }
    let said = project.ok(&["apply", "--auto-approve"]);
    assert!(said.stdout.contains("0 added, 4 changed, 0 destroyed"), "{}", said.stdout);
    settled(&project, &[]);
    assert_eq!(project.run(&["drift"]).code, 0);
}

#[test]
fn an_account_that_stands_is_used_and_never_touched() {
    let (mut cloud, project) = bench();
    let theirs = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/data";
    let account = format!("{theirs}/providers/Microsoft.Storage/storageAccounts/theirfiles");
    let share = format!("{account}/fileServices/default/shares/common");
    let text = fs::read_to_string(project.root.join("manifests/pool.yaml")).expect("the pool");
    let text = text.replace("storage_account: dsvmpoolfiles", &format!("storage_account: {account}"));
    project.write("manifests/pool.yaml", &format!("{text}  share: common\n  share_exists: true\n"));
    let missing = project.run(&["plan"]);
    assert_eq!(missing.code, 1);
    let words = "pool/storage_account/files is `existing`, and Azure has nothing at its id";
    assert!(missing.stderr.contains(words), "{}", missing.stderr);
    cloud.put(theirs, "2022-09-01", &json!({ "location": "northeurope" }));
    let body = json!({ "location": "northeurope", "kind": "StorageV2", "sku": { "name": "Standard_GRS" } });
    cloud.put(&account, "2023-05-01", &body);
    cloud.put(&share, "2023-05-01", &json!({ "properties": { "shareQuota": 7 } }));
    cloud.new_requests();
    let said = project.ok(&["apply", "--auto-approve"]);
    assert!(said.stdout.contains("9 added, 0 changed, 0 destroyed"), "{}", said.stdout);
    assert!(said.stdout.contains("https://theirfiles.file.core.windows.net/common"), "{}", said.stdout);
    settled(&project, &[]);
    assert!(!project.ok(&["state", "list"]).stdout.contains("storage_account"));
    project.ok(&["destroy", "--auto-approve"]);
    let written = sent(&mut cloud);
    let of_theirs: Vec<&String> =
        written.iter().filter(|l| l.contains("theirfiles") || l.contains("common")).collect();
    assert_eq!(of_theirs, ["POST theirfiles/listKeys"], "{written:?}");
    assert_eq!(cloud.read(&share)["properties"]["shareQuota"], 7);
}

#[test]
fn an_account_of_ones_own_can_be_left_to_others() {
    let (mut cloud, project) = applied();
    let text = fs::read_to_string(project.root.join("manifests/pool.yaml")).expect("the pool");
    let text = text.replace("storage_account: dsvmpoolfiles", &format!("storage_account: {}", id(ACCOUNT)));
    project.write("manifests/pool.yaml", &format!("{text}  share_exists: true\n"));
    let said = project.ok(&["apply", "--auto-approve"]);
    assert!(
        said.stdout.contains("its document says `existing` now: it stays in Azure as it is"),
        "{}",
        said.stdout
    );
    assert_eq!(sent(&mut cloud), Vec::<String>::new());
    assert!(!project.ok(&["state", "list"]).stdout.contains("storage_account"));
    settled(&project, &[]);
}

/// The names of the old template, made as it makes them; what it says of the resources themselves says nothing here.
fn old_template() -> Value {
    let resource = |kind: &str, name: &str| json!({ "type": kind, "apiVersion": "2017-06-01", "name": name, "properties": {} });
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "vmssName": { "type": "string", "maxLength": 9 },
            "storageAccountKey": { "type": "securestring" },
        },
        "variables": {
            "vnetName": "[concat(parameters('vmssName'), '-vnet')]",
            "vnetId": "[resourceId('Microsoft.Network/virtualNetworks', variables('vnetName'))]",
            "subnetId": "[concat(variables('vnetID'), '/subnets/dsvmcluster')]",
            "lbID": "[concat('/subscriptions/', subscription().subscriptionId, '/resourceGroups/', resourceGroup().name, '/providers/Microsoft.Network/loadBalancers/', variables('lbName'))]",
            "lbName": "[concat(parameters('vmssName'), 'lb')]",
            "location": "[resourceGroup().location]",
        },
        "resources": [
            resource("Microsoft.Network/virtualNetworks", "[variables('vnetName')]"),
            resource("Microsoft.Network/publicIPAddresses", "[concat(parameters('vmssName'), 'pip')]"),
            resource("Microsoft.Network/loadBalancers", "[variables('lbName')]"),
            resource("Microsoft.Compute/virtualMachineScaleSets", "[parameters('vmssName')]"),
        ],
    })
}

#[test]
fn a_pool_of_the_old_template_is_taken_over_as_it_stands() {
    let (mut cloud, ours) = applied();
    let mut theirs = Project::empty();
    theirs.endpoint = ours.endpoint.clone();
    theirs.write("plumb.toml", "[project]\nname = \"theirs\"\n");
    theirs.write("template.json", &old_template().to_string());
    let parameters = json!({ "parameters": { "vmssName": { "value": "dsvm" }, "storageAccountKey": { "value": "c4nary" } } });
    theirs.write("parameters.json", &parameters.to_string());
    let said = theirs.ok(&[
        "import",
        "--from-template",
        "template.json",
        "--parameters",
        "parameters.json",
        "-g",
        "dsvm",
    ]);
    let listed = theirs.ok(&["state", "list"]).stdout;
    for address in
        ["virtual_network/dsvm-vnet", "public_ip/dsvmpip", "load_balancer/dsvmlb", "scale_set/dsvm"]
    {
        assert!(listed.contains(address), "{address}: {listed}{}", said.stdout);
    }
    settled(&theirs, &[]);
    assert_eq!(sent(&mut cloud), Vec::<String>::new());
}
