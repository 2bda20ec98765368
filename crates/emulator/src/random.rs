//! A small seeded generator (splitmix64): whatever looks random in the cloud repeats with its seed.

use uuid::Uuid;

/// The generator; its state is one number, which the cloud file keeps.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        const STEPS: f64 = (1_u64 << 53) as f64;
        ((self.next() >> 11) as f64) < probability * STEPS
    }

    /// A guid of version 4.
    pub(crate) fn guid(&mut self) -> String {
        let (high, low) = (u128::from(self.next()), u128::from(self.next()));
        uuid::Builder::from_random_bytes((high << 64 | low).to_be_bytes()).into_uuid().to_string()
    }

    /// `length` characters of the URL-safe base64 alphabet, as in keys and signatures.
    pub(crate) fn token(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(ALPHABET[(self.next() % 64) as usize])).collect()
    }
}

/// The guid that always belongs to this text, for things whose id follows from their name.
pub(crate) fn guid_of(text: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.to_ascii_lowercase().as_bytes()).to_string()
}
