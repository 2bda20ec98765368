//! The platform images that the emulator can list: the Data Science VMs and the Ubuntus they stand on, and a Windows.
//!
//! Images of other publishers are taken as they are named; of these publishers only what is here.

use serde_json::{Value, json};

use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::wire::Response;
use crate::world::Call;

struct Image {
    publisher: &'static str,
    offer: &'static str,
    sku: &'static str,
    generation: &'static str,
    versions: &'static [&'static str],
}

const fn image(
    names: [&'static str; 3],
    generation: &'static str,
    versions: &'static [&'static str],
) -> Image {
    let [publisher, offer, sku] = names;
    Image { publisher, offer, sku, generation, versions }
}

const IMAGES: [Image; 13] = [
    image(["Canonical", "0001-com-ubuntu-server-focal", "20_04-lts"], "V1", &["20.04.202505200"]),
    image(["Canonical", "0001-com-ubuntu-server-focal", "20_04-lts-gen2"], "V2", &["20.04.202505200"]),
    image(
        ["Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts"],
        "V1",
        &["22.04.202608010", "22.04.202610020"],
    ),
    image(
        ["Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"],
        "V2",
        &["22.04.202608010", "22.04.202610020"],
    ),
    image(["Canonical", "UbuntuServer", "16.04-LTS"], "V1", &["16.04.202109280"]),
    image(["Canonical", "UbuntuServer", "18.04-LTS"], "V1", &["18.04.202401161"]),
    image(["Canonical", "ubuntu-24_04-lts", "server"], "V2", &["24.04.202608010", "24.04.202610020"]),
    image(["MicrosoftWindowsServer", "WindowsServer", "2016-Datacenter"], "V1", &["14393.8783.260901"]),
    image(["MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2"], "V2", &["20348.4529.261005"]),
    image(["microsoft-ads", "linux-data-science-vm-ubuntu", "linuxdsvmubuntu"], "V1", &["19.08.23"]),
    image(["microsoft-dsvm", "ubuntu-1804", "1804-gen2"], "V2", &["22.08.01"]),
    image(["microsoft-dsvm", "ubuntu-2004", "2004-gen2"], "V2", &["23.04.24", "24.11.12"]),
    image(["microsoft-dsvm", "ubuntu-2204", "2204-gen2"], "V2", &["26.06.03", "26.09.11"]),
];

impl Image {
    fn is_windows(&self) -> bool {
        self.publisher == "MicrosoftWindowsServer"
    }

    fn names(&self) -> [&'static str; 3] {
        [self.publisher, self.offer, self.sku]
    }

    /// Whether it lies below these names, compared without case.
    fn lies_below(&self, path: &[&str]) -> bool {
        path.iter().zip(self.names()).all(|(wanted, name)| wanted.eq_ignore_ascii_case(name))
    }
}

/// Whether an image reference names a Windows.
pub(super) fn is_windows(reference: &Value) -> bool {
    let names = ["/publisher", "/offer"].map(|at| json::text(reference, at).to_ascii_lowercase());
    names.iter().any(|name| name.contains("windows"))
}

fn named(reference: &Value) -> Option<&'static Image> {
    let path = ["/publisher", "/offer", "/sku"].map(|at| json::text(reference, at));
    IMAGES.iter().find(|image| image.lies_below(&path))
}

/// The version that an image reference means today.
pub(super) fn exact_version(reference: &Value) -> String {
    let wanted = json::text(reference, "/version");
    let latest = named(reference).and_then(|image| image.versions.last());
    match latest {
        Some(latest) if wanted.is_empty() || wanted.eq_ignore_ascii_case("latest") => (*latest).to_owned(),
        _ => wanted.to_owned(),
    }
}

/// Refuses an image of a known publisher that is not there.
pub(super) fn check(reference: &Value) -> Result<(), ArmError> {
    if !json::text(reference, "/id").is_empty() {
        return Ok(());
    }
    let parts =
        ["publisher", "offer", "sku", "version"].map(|part| json::text(reference, &format!("/{part}")));
    let is_known = IMAGES.iter().any(|image| image.publisher.eq_ignore_ascii_case(parts[0]));
    let is_there = named(reference).is_some_and(|image| {
        parts[3].is_empty() || parts[3].eq_ignore_ascii_case("latest") || image.versions.contains(&parts[3])
    });
    // The Windows Data Science VM of old templates is not listed and is taken.
    if !is_known || is_there || parts[1].contains("windows") {
        return Ok(());
    }
    let message = format!(
        "The platform image '{}' is not available. Verify that all fields in the storage profile are correct. For more \
         details about storage profile information, please refer to https://aka.ms/storageprofile",
        parts.join(":")
    );
    Err(ArmError::service(404, "PlatformImageNotFound", message).about("imageReference"))
}

/// `…/publishers[/{p}/artifacttypes/vmimage/offers[/{o}/skus[/{s}/versions[/{v}]]]]`, as bare arrays.
pub(crate) fn list(call: &Call, subscription: &str, location: &str, rest: &[String]) -> Option<Reply> {
    let folded: Vec<String> = rest.iter().map(|part| part.to_ascii_lowercase()).collect();
    let words: Vec<&str> = folded.iter().map(String::as_str).collect();
    let path: Vec<&str> = match *words {
        ["publishers"] => vec![],
        ["publishers", publisher, "artifacttypes", "vmimage", "offers", ref rest @ ..] => match *rest {
            [] => vec![publisher],
            [offer, "skus"] => vec![publisher, offer],
            [offer, "skus", sku, "versions"] => vec![publisher, offer, sku],
            [offer, "skus", sku, "versions", version] => {
                return Some(one(subscription, location, &[publisher, offer, sku], version));
            }
            _ => return None,
        },
        _ => return None,
    };
    let found = below(subscription, location, &path);
    if found.is_empty() && !path.is_empty() {
        return Some(Err(not_found(&path)));
    }
    Some(sorted(call, found).map(|found| {
        let rows =
            found.into_iter().map(|(name, id)| json!({ "location": location, "name": name, "id": id }));
        Response::json(200, &rows.collect())
    }))
}

/// The names right below a path, each once, and their ids.
fn below(subscription: &str, location: &str, path: &[&str]) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for image in IMAGES.iter().filter(|image| image.lies_below(path)) {
        let names = image.names();
        let next: Vec<&str> = names.get(path.len()).map_or(image.versions.to_vec(), |name| vec![*name]);
        for name in next {
            let entry = (name, id(subscription, location, image, path.len(), name));
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

/// `$orderby=name [asc|desc]` and `$top`.
fn sorted<'a>(call: &Call, mut found: Vec<(&'a str, String)>) -> Result<Vec<(&'a str, String)>, ArmError> {
    found.sort();
    match call.request.parameter("$orderby").unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "name" | "name asc" => {}
        "name desc" => found.reverse(),
        other => return Err(bad_content(format!("The order '{other}' is not supported.")).about("$orderby")),
    }
    let top = call.request.parameter("$top").and_then(|top| top.parse().ok()).unwrap_or(usize::MAX);
    found.truncate(top);
    Ok(found)
}

fn id(subscription: &str, location: &str, image: &Image, depth: usize, name: &str) -> String {
    let start = format!("/Subscriptions/{subscription}/Providers/Microsoft.Compute/Locations/{location}");
    let [publisher, offer, sku] = image.names();
    let offers = format!("{start}/Publishers/{publisher}/ArtifactTypes/VMImage/Offers");
    match depth {
        0 => format!("{start}/Publishers/{name}"),
        1 => format!("{offers}/{name}"),
        2 => format!("{offers}/{offer}/Skus/{name}"),
        _ => format!("{offers}/{offer}/Skus/{sku}/Versions/{name}"),
    }
}

fn one(subscription: &str, location: &str, path: &[&str], version: &str) -> Reply {
    let image = IMAGES.iter().find(|image| image.lies_below(path)).ok_or_else(|| not_found(path))?;
    let known = image.versions.iter().find(|known| **known == version || version == "latest");
    let name = known.ok_or_else(|| not_found(&[path, &[version]].concat()))?;
    let is_plan = image.publisher == "microsoft-ads";
    let plan = json!({ "name": image.sku, "product": image.offer, "publisher": image.publisher });
    let body = json!({
        "location": location,
        "name": name,
        "id": id(subscription, location, image, 3, name),
        "properties": {
            "plan": is_plan.then_some(plan),
            "osDiskImage": {
                "operatingSystem": if image.is_windows() { "Windows" } else { "Linux" },
                "sizeInGb": if image.is_windows() { 127 } else { 30 },
            },
            "dataDiskImages": [],
            "automaticOSUpgradeProperties": { "automaticOSUpgradeSupported": false },
            "hyperVGeneration": image.generation,
            "architecture": "x64",
            "features": [],
            "imageDeprecationStatus": { "imageState": "Active" },
        },
    });
    Ok(Response::json(200, &body))
}

fn not_found(path: &[&str]) -> ArmError {
    let message = format!("Artifact: VMImage was not found: {}.", path.join("/"));
    ArmError::service(404, "NotFound", message)
}
