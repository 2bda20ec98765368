//! Machine images as Batch AI's users wrote them: `publisher:offer:sku:version`, or an alias (batch-ai facts §7).

use serde_json::json;

use crate::Json;
use crate::compare::get;

/// The aliases of the old command line, and what each stands for.
pub const ALIASES: [(&str, &str); 2] = [
    ("UbuntuLTS", "Canonical:UbuntuServer:16.04-LTS:latest"),
    ("UbuntuDSVM", "microsoft-ads:linux-data-science-vm-ubuntu:linuxdsvmubuntu:latest"),
];

const PARTS: [&str; 4] = ["publisher", "offer", "sku", "version"];

/// The image with its alias resolved and its version said; `None` for a text that is no image.
pub fn canonical(text: &str) -> Option<String> {
    if let Some((_, image)) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(text)) {
        return Some((*image).to_owned());
    }
    let parts: Vec<&str> = text.split(':').collect();
    let (version, named) = parts.split_last().filter(|(_, named)| named.len() == 3)?;
    let is_good = named.iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace));
    let version = if version.is_empty() { "latest" } else { version };
    is_good.then(|| format!("{}:{version}", named.join(":")))
}

/// The object that ARM takes for an image.
pub fn to_arm(text: &str) -> Json {
    let image = canonical(text).unwrap_or_default();
    let parts = PARTS.iter().zip(image.split(':')).map(|(name, part)| ((*name).to_owned(), json!(part)));
    Json::Object(parts.collect())
}

/// The image that an object of ARM's names.
pub fn from_arm(object: &Json) -> Option<Json> {
    let part = |name: &str| get(object, name).and_then(Json::as_str);
    let [publisher, offer, sku, version] = PARTS.map(part);
    Some(json!(format!("{}:{}:{}:{}", publisher?, offer?, sku?, version.unwrap_or("latest"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_what_it_stands_for_and_no_version_is_the_latest() {
        let whole = "Canonical:UbuntuServer:16.04-LTS:latest";
        for text in ["ubuntults", "Canonical:UbuntuServer:16.04-LTS:", whole] {
            assert_eq!(canonical(text).as_deref(), Some(whole), "{text}");
        }
        assert_eq!(from_arm(&to_arm("UbuntuLTS")), Some(json!(whole)));
        for text in ["", "Windows", "a:b:c", "a::c:d", "a:b c:d:e"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
