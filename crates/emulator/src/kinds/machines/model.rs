//! A scale set's model: what the service fills into it, and what it refuses.

use serde_json::{Value, json};

use super::images;
use super::invalid;
use super::scale_set::{capacity, is_spot, size_of};
use crate::error::ArmError;
use crate::json;
use crate::regions::vm_sizes;
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

const PROFILE: &str = "/properties/virtualMachineProfile";

/// Fills in what a set answers without having been told, and takes out what it never answers (dsvm-pool §4).
pub(super) fn finish(_world: &World, _target: &Target, body: &mut Value) {
    let is_spot = is_spot(body);
    let is_premium =
        vm_sizes::find(json::text(body, "/sku/name")).is_some_and(|size| size.has_premium_disks());
    let Some(profile) = body.pointer_mut(PROFILE).filter(|profile| profile.is_object()) else { return };
    for secret in ["/osProfile/adminPassword", "/osProfile/customData"] {
        json::remove(profile, secret);
    }
    if is_spot {
        json::fill(
            profile,
            &json!({ "evictionPolicy": "Deallocate", "billingProfile": { "maxPrice": -1.0 } }),
        );
    }
    finish_system(profile);
    finish_disk(profile, is_premium);
    json::for_each(profile, "/networkProfile/networkInterfaceConfigurations/*", &mut finish_interface);
}

fn is_windows(profile: &Value) -> bool {
    images::is_windows(json::at(profile, "/storageProfile/imageReference"))
}

fn finish_system(profile: &mut Value) {
    if !json::at(profile, "/osProfile").is_object() {
        return;
    }
    let own = if is_windows(profile) {
        json!({ "windowsConfiguration": { "provisionVMAgent": true, "enableAutomaticUpdates": true } })
    } else {
        json!({ "linuxConfiguration": { "disablePasswordAuthentication": false, "provisionVMAgent": true } })
    };
    let all = json!({ "secrets": [], "allowExtensionOperations": true, "requireGuestProvisionSignal": true });
    for defaults in [all, own] {
        json::fill(&mut profile["osProfile"], &defaults);
    }
}

fn finish_disk(profile: &mut Value, is_premium: bool) {
    if !json::at(profile, "/storageProfile").is_object() {
        return;
    }
    let (system, size) = if is_windows(profile) { ("Windows", 127) } else { ("Linux", 30) };
    let disk = json!({
        "osType": system,
        "createOption": "FromImage",
        "caching": "ReadWrite",
        "managedDisk": { "storageAccountType": if is_premium { "Premium_LRS" } else { "Standard_LRS" } },
        "diskSizeGB": size,
    });
    json::fill(&mut profile["storageProfile"], &json!({ "osDisk": disk }));
}

fn finish_interface(interface: &mut Value) {
    json::fill(
        interface,
        &json!({ "properties": {
            "primary": true,
            "enableAcceleratedNetworking": false,
            "enableIPForwarding": false,
            "dnsSettings": { "dnsServers": [] },
        }}),
    );
    // `az` sends the text "true".
    json::for_each(interface, "/properties/primary", &mut |primary| {
        if let Some(text) = primary.as_str() {
            *primary = json!(text.eq_ignore_ascii_case("true"));
        }
    });
    json::for_each(interface, "/properties/ipConfigurations/*", &mut |configuration| {
        json::fill(configuration, &json!({ "properties": { "privateIPAddressVersion": "IPv4" } }));
    });
}

/// Refuses what the service would refuse of a set as a whole.
pub(super) fn check(
    _world: &World,
    _target: &Target,
    body: &Value,
    stands: Option<&Resource>,
) -> Result<(), ArmError> {
    size_of(body)?;
    let is_single = json::at(body, "/properties/singlePlacementGroup") != &json!(false);
    let most = if is_single { 100 } else { 1000 };
    if !(0..=most).contains(&capacity(body)) || !json::at(body, "/sku/capacity").is_u64() {
        let message = format!(
            "The value {} of parameter 'sku.capacity' is invalid: 0 to {most}.",
            json::at(body, "/sku/capacity")
        );
        return Err(invalid("sku.capacity", message));
    }
    let was_single = stands
        .is_none_or(|stands| json::at(&stands.body, "/properties/singlePlacementGroup") == &json!(true));
    if is_single && !was_single {
        let message = "SinglePlacementGroup property cannot be updated from false to true.";
        return Err(ArmError::service(409, "PropertyChangeNotAllowed", message).about("singlePlacementGroup"));
    }
    let profile = json::at(body, PROFILE);
    let is_flexible = json::text(body, "/properties/orchestrationMode") == "Flexible";
    if profile.is_null() && is_flexible {
        return Ok(());
    }
    check_profile(profile)
}

fn check_profile(profile: &Value) -> Result<(), ArmError> {
    let prefix = json::text(profile, "/osProfile/computerNamePrefix");
    if !(1..=15).contains(&prefix.len()) {
        let message = "Computer name prefix must be between 1 and 15 characters in length.";
        return Err(invalid("computerNamePrefix", message));
    }
    for (pointer, name) in [
        ("/osProfile/adminUsername", "adminUsername"),
        ("/storageProfile/imageReference", "imageReference"),
        ("/networkProfile/networkInterfaceConfigurations/0", "networkProfile"),
    ] {
        if json::at(profile, pointer).is_null() {
            return Err(invalid(name, format!("Required parameter '{name}' is missing (null).")));
        }
    }
    let subnets = "/networkProfile/networkInterfaceConfigurations/*/properties/ipConfigurations/*";
    if json::every(profile, subnets)
        .iter()
        .any(|configuration| json::text(configuration, "/properties/subnet/id").is_empty())
    {
        return Err(invalid("subnet", "Required parameter 'subnet' is missing (null)."));
    }
    images::check(json::at(profile, "/storageProfile/imageReference"))
}

/// Refuses a new set that nobody could log in to, and a password that is too simple. Looks at what was sent: a password
/// is kept nowhere.
pub(super) fn check_credentials(sent: &Value, is_new: bool) -> Result<(), ArmError> {
    let profile = json::at(sent, &format!("{PROFILE}/osProfile")).clone();
    let password = json::text(&profile, "/adminPassword");
    let has_keys = !json::every(&profile, "/linuxConfiguration/ssh/publicKeys/*").is_empty();
    if password.is_empty() {
        if is_new && profile.is_object() && !has_keys {
            return Err(invalid("adminPassword", "Required parameter 'adminPassword' is missing (null)."));
        }
        return Ok(());
    }
    let classes: [fn(char) -> bool; 4] = [
        |each| each.is_ascii_lowercase(),
        |each| each.is_ascii_uppercase(),
        |each| each.is_ascii_digit(),
        |each| !each.is_ascii_alphanumeric(),
    ];
    let met = classes.iter().filter(|class| password.chars().any(class)).count();
    if (6..=72).contains(&password.chars().count()) && met >= 3 {
        return Ok(());
    }
    let message = "The supplied password must be between 6-72 characters long and must satisfy at least 3 of password \
                   complexity requirements from the following: 1) Contains an uppercase character 2) Contains a \
                   lowercase character 3) Contains a numeric digit 4) Contains a special character.";
    Err(invalid("adminPassword", message))
}
