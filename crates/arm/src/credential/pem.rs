//! PEM: blocks of base64 between lines of dashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One block.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Vec<u8>,
    /// Whether its content is encrypted, in either form that is met.
    pub(super) encrypted: bool,
}

/// The blocks of a text, in order; what lies between them, and what is broken, is left out.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut lines = text.lines().map(str::trim);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|l| l.strip_suffix("-----")) else {
            continue;
        };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("-----END ")).collect();
        // Only old encrypted keys have headers; base64 has no colon.
        let headers = inside.iter().filter(|line| line.contains(':')).count();
        let encrypted = label.starts_with("ENCRYPTED") || headers > 0;
        let body: String = inside.into_iter().skip(headers).collect();
        if let Ok(der) = STANDARD.decode(body) {
            found.push(Block { label: label.to_owned(), der, encrypted });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_anything() {
        let text = "Bag Attributes: <none>\r\n-----BEGIN A-----\r\nAQID\r\n BA== \r\n-----END A-----\nx\n\
                    -----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAQ==\n\
                    -----END RSA PRIVATE KEY-----\n-----BEGIN B-----\n?\n-----END B-----\n\
                    -----BEGIN ENCRYPTED PRIVATE KEY-----\nAg==";
        let found: Vec<_> = blocks(text).into_iter().map(|b| (b.label, b.der, b.encrypted)).collect();
        assert_eq!(
            found,
            [
                ("A".to_owned(), vec![1, 2, 3, 4], false),
                ("RSA PRIVATE KEY".to_owned(), vec![1], true),
                ("ENCRYPTED PRIVATE KEY".to_owned(), vec![2], true),
            ]
        );
        assert!(blocks("").is_empty());
    }
}
