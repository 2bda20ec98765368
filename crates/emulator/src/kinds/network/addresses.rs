//! Ranges of IPv4 addresses, as networks write them: `10.0.0.0/24`. Ranges of IPv6 are taken and not looked into.

use std::net::Ipv4Addr;

/// A range: its first address, and how many leading bits are fixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    first: u32,
    bits: u32,
}

impl Range {
    /// Reads a range; bits beyond the prefix must be zero.
    pub(super) fn parse(text: &str) -> Option<Range> {
        let (address, bits) = text.split_once('/')?;
        let (first, bits) = (u32::from(address.parse::<Ipv4Addr>().ok()?), bits.parse().ok()?);
        let range = Range { first, bits };
        (bits <= 32 && first & !range.mask() == 0).then_some(range)
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.bits).unwrap_or(0)
    }

    /// Whether all of `other` lies in it.
    pub(super) fn holds(self, other: Range) -> bool {
        self.bits <= other.bits && other.first & self.mask() == self.first
    }

    /// Whether an address lies in both.
    pub(super) fn overlaps(self, other: Range) -> bool {
        self.holds(other) || other.holds(self)
    }

    /// Whether Azure can work in it: five addresses are its own.
    pub(super) fn is_big_enough(self) -> bool {
        self.bits <= 29
    }

    /// The address so many places behind the first; wraps around within the range.
    pub(super) fn address(self, place: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.first | (place & !self.mask()))
    }
}

/// Whether a text is a range of IPv6, whose insides the emulator does not look at.
pub(super) fn is_version_6(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, _)| address.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        Range::parse(text).unwrap()
    }

    #[test]
    fn ranges_hold_and_overlap() {
        assert!(range("10.0.0.0/16").holds(range("10.0.255.0/24")));
        assert!(!range("10.0.0.0/16").holds(range("10.1.0.0/24")));
        assert!(range("10.0.1.0/24").overlaps(range("10.0.0.0/16")));
        assert!(!range("10.0.0.0/24").overlaps(range("10.0.1.0/24")));
        assert!(range("0.0.0.0/0").holds(range("203.0.113.7/32")));
    }

    #[test]
    fn only_whole_prefixes_are_ranges() {
        for text in ["10.0.0.1/24", "10.0.0.0", "10.0.0.0/33", "10.0.0/24", "x/8", "::/0"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
        assert!(is_version_6("fd00::/48"));
    }

    #[test]
    fn addresses_stay_inside() {
        assert_eq!(range("10.0.1.0/24").address(4).to_string(), "10.0.1.4");
        assert_eq!(range("10.0.1.0/24").address(256).to_string(), "10.0.1.0");
        assert!(range("10.0.0.0/29").is_big_enough() && !range("10.0.0.0/30").is_big_enough());
    }
}
