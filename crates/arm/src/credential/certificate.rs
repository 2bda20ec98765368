//! A certificate's key, and the statements that it signs: JSON Web Tokens as Entra wants them, PS256
//! with the SHA-256 thumbprint of the certificate. No openssl: aws-lc-rs is linked for TLS anyway.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use uuid::Uuid;

use super::pem;

/// How long a statement is good for.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A key with its certificate.
pub(super) struct Certificate {
    key: KeyPair,
    /// DER; the key's own first, then what vouches for it.
    chain: Vec<Vec<u8>>,
    send_chain: bool,
}

impl Certificate {
    /// Reads a PEM file with a private key in clear and its certificate, in any order. The chain is
    /// sent along where a subject name and issuer are trusted rather than one certificate.
    pub(super) fn read(path: &Path, send_chain: bool) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
        Self::parse(&bytes, &path.display().to_string(), send_chain)
    }

    fn parse(bytes: &[u8], file: &str, send_chain: bool) -> Result<Self, String> {
        // DER begins with a SEQUENCE; nothing of text does.
        if bytes.first() == Some(&0x30) {
            return Err(format!(
                "is PKCS#12 or DER, not PEM; convert it: openssl pkcs12 -in {file} -out {file}.pem -noenc"
            ));
        }
        let text = String::from_utf8_lossy(bytes);
        let blocks = pem::blocks(&text);
        let key = private_key(&blocks, file)?;
        let public = key.public_key();
        let (own, others): (Vec<_>, Vec<_>) = blocks
            .into_iter()
            .filter(|block| block.label == "CERTIFICATE")
            .map(|block| block.der)
            // A certificate has its public key in it, in the very form that the key pair gives.
            .partition(|der| contains(der, public.as_ref()));
        let chain: Vec<Vec<u8>> = own.into_iter().chain(others).collect();
        match chain.first() {
            Some(first) if contains(first, public.as_ref()) => Ok(Self { key, chain, send_chain }),
            Some(_) => Err("has no certificate of its private key".to_owned()),
            None => Err("has no certificate".to_owned()),
        }
    }

    /// A new statement that this client is who it says, to one token endpoint.
    pub(super) fn assertion(&self, audience: &str, client: &str) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut header = json!({
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.chain[0])),
        });
        if self.send_chain {
            header["x5c"] = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
        }
        let claims = json!({
            "aud": audience,
            "iss": client,
            "sub": client,
            "jti": Uuid::new_v4().to_string(),
            "nbf": now.as_secs(),
            "iat": now.as_secs(),
            "exp": (now + LIFETIME).as_secs(),
        });
        let part = |json: &model::Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let done = self.key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        done.map_err(|_| "the certificate's key could not sign".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn private_key(blocks: &[pem::Block], file: &str) -> Result<KeyPair, String> {
    let keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let key = keys.into_iter().next().ok_or("has no private key")?;
    let read = match key.label.as_str() {
        _ if key.encrypted => {
            return Err(format!(
                "has an encrypted private key; take the password off (openssl pkey -in {file} -out {file}.key), and give a file with that key and the certificate"
            ));
        }
        "PRIVATE KEY" => KeyPair::from_pkcs8(&key.der),
        "RSA PRIVATE KEY" => KeyPair::from_der(&key.der),
        other => return Err(format!("has a key of another kind, {other}; Entra takes RSA")),
    };
    read.map_err(|_| "has a private key that cannot be read; Entra takes RSA of 2048 bits or more".to_owned())
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}
