//! Where ARM is. One origin (scheme, host, port), fixed by configuration, gets the token: nothing that
//! a reply or a state file names can add another (arm-faults §1, rule 6).

use model::ArmId;
use thiserror::Error;
use url::Url;

/// An ARM endpoint: a named cloud, or an emulator on this machine.
#[derive(Debug, Clone)]
pub struct Endpoint {
    cloud: Cloud,
    base: Url,
}

/// Which cloud an endpoint belongs to, and so who issues its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// The public cloud.
    Azure,
    /// Azure Government.
    UsGov,
    /// Azure in China.
    China,
    /// An emulator on this machine; it gets a token of its own, never one of Azure's.
    Loopback,
}

/// Why there is no such endpoint.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// Not a name that we know.
    #[error("there is no cloud named `{0}`; the named ones are azure, azure-usgov and azure-china")]
    Unknown(String),
    /// Not a URL.
    #[error("`{0}` is not a URL")]
    NotUrl(String, #[source] url::ParseError),
    /// Not on this machine.
    #[error("`{0}` is not on this machine: an endpoint is a named cloud or a loopback URL without path")]
    NotLoopback(String),
}

/// What there is to know about a named cloud.
struct Named {
    name: &'static str,
    cloud: Cloud,
    /// Its Resource Manager.
    base: &'static str,
    /// Who issues its tokens.
    authority: &'static str,
    /// The audience of tokens that a CI issues to be exchanged for Azure's.
    exchange_audience: &'static str,
    /// What the hosts of its storage accounts end in.
    storage: &'static str,
}

const CLOUDS: [Named; 3] = [
    Named {
        name: "azure",
        cloud: Cloud::Azure,
        base: "https://management.azure.com",
        authority: "https://login.microsoftonline.com",
        exchange_audience: "api://AzureADTokenExchange",
        storage: "core.windows.net",
    },
    Named {
        name: "azure-usgov",
        cloud: Cloud::UsGov,
        base: "https://management.usgovcloudapi.net",
        authority: "https://login.microsoftonline.us",
        exchange_audience: "api://AzureADTokenExchangeUSGov",
        storage: "core.usgovcloudapi.net",
    },
    Named {
        name: "azure-china",
        cloud: Cloud::China,
        base: "https://management.chinacloudapi.cn",
        authority: "https://login.chinacloudapi.cn",
        exchange_audience: "api://AzureADTokenExchangeChina",
        storage: "core.chinacloudapi.cn",
    },
];

impl Endpoint {
    /// The endpoint of a named cloud: `azure`, `azure-usgov`, `azure-china`.
    pub fn named(name: &str) -> Result<Self, EndpointError> {
        let found = CLOUDS.iter().find(|c| c.name == name);
        let named = found.ok_or_else(|| EndpointError::Unknown(name.to_owned()))?;
        let base = Url::parse(named.base).expect("BUG: the hosts of named clouds are URLs");
        Ok(Self { cloud: named.cloud, base })
    }

    /// An emulator on this machine: `http://127.0.0.1:8080`.
    pub fn loopback(text: &str) -> Result<Self, EndpointError> {
        let base = Url::parse(text).map_err(|e| EndpointError::NotUrl(text.to_owned(), e))?;
        let plain = matches!(base.scheme(), "http" | "https") && base.path() == "/" && base.query().is_none();
        if !plain || !is_loopback_host(&base) || has_user(&base) {
            return Err(EndpointError::NotLoopback(text.to_owned()));
        }
        Ok(Self { cloud: Cloud::Loopback, base })
    }

    /// Which cloud it is.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.cloud == Cloud::Loopback
    }

    /// Its URL.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Who issues its tokens; nobody for a loopback one.
    pub fn authority(&self) -> Option<&'static str> {
        self.known().map(|named| named.authority)
    }

    /// The audience of a CI's tokens that its authority exchanges; the public cloud's for a loopback one.
    pub(crate) fn exchange_audience(&self) -> &'static str {
        self.known().unwrap_or(&CLOUDS[0]).exchange_audience
    }

    fn known(&self) -> Option<&'static Named> {
        CLOUDS.iter().find(|c| c.cloud == self.cloud)
    }

    /// The scope that tokens for it are asked for.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.base.as_str().trim_end_matches('/'))
    }

    /// The scope that tokens for the data plane of storage accounts are asked for; an emulator takes its own.
    pub(crate) fn storage_scope(&self) -> String {
        self.known().map_or_else(|| self.scope(), |_| "https://storage.azure.com/.default".to_owned())
    }

    /// The URL of a file share. Its host follows from the account's name and the cloud alone; on this machine, where
    /// there is one host, both names stand in the path. `None` when a name could lead elsewhere.
    pub(crate) fn files(&self, account: &str, share: &str) -> Option<Url> {
        let plain = |name: &str, extra: &str| {
            (3..=63).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c))
        };
        if !plain(account, "") || account.len() > 24 || !plain(share, "-") {
            return None;
        }
        match self.known() {
            Some(named) => Url::parse(&format!("https://{account}.file.{}/{share}", named.storage)).ok(),
            None => self.base.join(&format!("/_files/{account}/{share}")).ok(),
        }
    }

    /// The URL of a resource, or of what lies below it: `tail` are further path segments.
    pub fn url(&self, id: &ArmId, tail: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        let segments = id.as_str().split('/').filter(|s| !s.is_empty());
        let tail = tail.iter().flat_map(|t| t.split('/'));
        url.path_segments_mut().expect("BUG: http URLs have paths").clear().extend(segments.chain(tail));
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// A URL that a reply names, if it is of this origin; a path alone counts as such. The error is
    /// the origin that it names, for people.
    pub fn admit(&self, text: &str) -> Result<Url, String> {
        let text = text.trim();
        let whole = if text.starts_with('/') { self.base.join(text) } else { Url::parse(text) };
        let url = whole.map_err(|_| "an unreadable address".to_owned())?;
        let sendable = !has_user(&url) && url.as_str().parse::<http::Uri>().is_ok();
        let same = url.origin() == self.base.origin() && sendable;
        if same { Ok(url) } else { Err(url.origin().ascii_serialization()) }
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

pub(crate) fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_clouds_have_their_own_scopes_and_authorities() {
        let of = |name| {
            let endpoint = Endpoint::named(name).expect("a cloud");
            (endpoint.scope(), endpoint.authority())
        };
        let rows = [
            ("azure", "https://management.azure.com/.default", "https://login.microsoftonline.com"),
            (
                "azure-usgov",
                "https://management.usgovcloudapi.net/.default",
                "https://login.microsoftonline.us",
            ),
            ("azure-china", "https://management.chinacloudapi.cn/.default", "https://login.chinacloudapi.cn"),
        ];
        for (name, scope, authority) in rows {
            assert_eq!(of(name), (scope.to_owned(), Some(authority)));
        }
        assert_eq!(Endpoint::loopback("https://localhost:1").expect("an endpoint").authority(), None);
        assert!(Endpoint::named("https://management.azure.com").is_err());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for url in ["http://127.0.0.1:80", "http://localhost:9/", "https://[::1]:4443"] {
            assert!(Endpoint::loopback(url).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://u:p@localhost",
            "ftp://localhost",
            "http://localhost/x",
        ] {
            assert!(Endpoint::loopback(url).is_err(), "{url}");
        }
    }

    #[test]
    fn one_origin_is_admitted() {
        let endpoint = Endpoint::named("azure").expect("a cloud");
        assert!(endpoint.admit("https://management.azure.com:443/x?t=1%2B2").is_ok());
        assert!(endpoint.admit("/subscriptions/s/x?y=1").is_ok());
        for url in [
            "http://management.azure.com/x",
            "https://management.azure.com:8443/x",
            "https://management.azure.com.evil.example/x",
            "https://management.azure.com@evil.example/x",
            "https://u@management.azure.com/x",
            "//evil.example/x",
            "\\\\evil.example/x",
            "file:///etc/passwd",
            "x/y",
            "",
        ] {
            assert!(endpoint.admit(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_host_of_a_share_is_made_of_plain_names_alone() {
        let url = |name, account, share| {
            Endpoint::named(name).expect("a cloud").files(account, share).map(|url| url.to_string())
        };
        let share = "code-391ff5ac-6576-460f-ba4d-7e03433c68b6";
        assert_eq!(
            url("azure", "acct1", share),
            Some(format!("https://acct1.file.core.windows.net/{share}"))
        );
        assert_eq!(
            url("azure-china", "acct1", share),
            Some(format!("https://acct1.file.core.chinacloudapi.cn/{share}"))
        );
        let local = Endpoint::loopback("http://127.0.0.1:80").expect("an endpoint").files("acct1", share);
        assert_eq!(local.map(|url| url.to_string()), Some(format!("http://127.0.0.1/_files/acct1/{share}")));
        for (account, share) in [
            ("evil.example/", share),
            ("evil.example#", share),
            ("a@b", share),
            ("acct1.", share),
            ("ACCT1", share),
            ("", share),
            ("acct1", "../x"),
            ("acct1", "a?b"),
            ("acct1", ""),
        ] {
            assert_eq!(url("azure", account, share), None, "{account} {share}");
        }
    }

    #[test]
    fn paths_are_encoded_segment_by_segment() {
        let endpoint = Endpoint::named("azure").expect("a cloud");
        let id = ArmId::group("s", "my(group)é").in_group("Microsoft.X/ys", "a?b#c%");
        let url = endpoint.url(&id, &["start"], &[("api-version", "2026-05-01")]);
        assert_eq!(
            url.as_str(),
            "https://management.azure.com/subscriptions/s/resourceGroups/my(group)%C3%A9\
             /providers/Microsoft.X/ys/a%3Fb%23c%25/start?api-version=2026-05-01"
        );
    }
}
