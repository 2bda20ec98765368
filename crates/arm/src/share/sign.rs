//! SharedKey: a request to a storage account, signed with one of its keys (Azure Storage's reference, "Authorize with
//! Shared Key", for versions from 2015-02-21 on).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};
use url::Url;

/// A storage account's key. It has no `Debug`, and leaves the process in signatures only.
pub(super) struct Key {
    account: String,
    key: hmac::Key,
}

/// Headers that are signed by their values, in this order, before those whose names begin with `x-ms-`. The length of
/// the body stands between the second and the third.
const SIGNED: [&str; 9] = [
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
];

impl Key {
    /// A key as `listKeys` gives it; `None` if it is not base64.
    pub(super) fn new(account: &str, base64: &str) -> Option<Self> {
        let secret = STANDARD.decode(base64).ok()?;
        Some(Self { account: account.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &secret) })
    }

    /// The value of `Authorization`.
    pub(super) fn authorization(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        length: usize,
    ) -> String {
        let text = to_sign(&self.account, method, url, headers, length);
        let signature = STANDARD.encode(hmac::sign(&self.key, text.as_bytes()));
        format!("SharedKey {}:{signature}", self.account)
    }
}

fn to_sign(account: &str, method: &Method, url: &Url, headers: &HeaderMap, length: usize) -> String {
    let value = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut lines = vec![method.to_string()];
    lines.extend(SIGNED[..2].iter().map(|name| value(name).to_owned()));
    lines.push(if length == 0 { String::new() } else { length.to_string() });
    lines.extend(SIGNED[2..].iter().map(|name| value(name).to_owned()));
    lines.push(value("range").to_owned());
    let mut own: Vec<&str> =
        headers.keys().map(|name| name.as_str()).filter(|n| n.starts_with("x-ms-")).collect();
    own.sort_unstable();
    lines.extend(own.into_iter().map(|name| format!("{name}:{}", value(name).trim())));
    lines.push(format!("/{account}{}", url.path()));
    let mut parameters: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.to_lowercase(), value.into_owned())).collect();
    parameters.sort();
    lines.extend(parameters.into_iter().map(|(name, value)| format!("{name}:{value}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_every_part_in_its_place() {
        let url = Url::parse("https://acct.file.core.windows.net/share/a%20b/c?restype=directory&comp=list")
            .expect("a URL");
        let headers: HeaderMap = [
            ("x-ms-version", "2024-05-04"),
            ("x-ms-date", "Sat, 21 Nov 2026 08:00:00 GMT"),
            ("content-type", "text/plain"),
        ]
        .into_iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
        .collect();
        let text = to_sign("acct", &Method::PUT, &url, &headers, 7);
        let expected = "PUT\n\n\n7\n\ntext/plain\n\n\n\n\n\n\n\
            x-ms-date:Sat, 21 Nov 2026 08:00:00 GMT\nx-ms-version:2024-05-04\n/acct/share/a%20b/c\ncomp:list\nrestype:directory";
        assert_eq!(text, expected);
        assert!(to_sign("acct", &Method::GET, &url, &headers, 0).starts_with("GET\n\n\n\n\ntext/plain\n"));
    }
}
