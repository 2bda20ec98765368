//! Keyed hashes, by which the state notices that a secret changed without keeping the secret.

use std::fmt;

use aws_lc_rs::hmac;

/// The key of one state's hashes. It is kept beside the state, never in it.
#[derive(Clone)]
pub struct Seal(hmac::Key);

impl Seal {
    /// A seal from 32 random bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// What tells this key from another without telling the key.
    pub fn fingerprint(&self) -> String {
        self.digest("seal", "", "")
    }

    /// The keyed hash of a value, bound to the attribute it belongs to so that equal secrets of
    /// different resources do not show as equal.
    pub fn digest(&self, address: &str, path: &str, value: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [address, path, value] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        format!("hmac-sha256:{hex}")
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}
