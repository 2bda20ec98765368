//! Keyed hashes, by which the state notices that a secret changed without keeping the secret, and a saved plan
//! that somebody edited it.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};

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
    pub fn digest(&self, owner: &str, path: &str, value: &str) -> String {
        format!("hmac-sha256:{}", self.tag(&[owner, path, value]))
    }

    /// The hash of a whole text by this key, 64 hexadecimal digits. `purpose` keeps the texts of one use from
    /// passing for those of another.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        // Digests are of three parts.
        self.tag(&["sign", purpose, "", text])
    }

    /// Whether `signature` is what [`Seal::sign`] gives, compared in a time that does not tell where they differ.
    pub fn verifies(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let expected = self.sign(purpose, text);
        constant_time::verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).is_ok()
    }

    fn tag(&self, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign().as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}
