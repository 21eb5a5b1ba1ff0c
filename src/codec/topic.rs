//! Topic Names and Topic Filters, checked when they are made, see 4.7.

use super::error::TopicError;

const fn is_wildcard(octet: u8) -> bool {
    matches!(octet, b'+' | b'#')
}

/// Checks a UTF-8 string as MQTT wants it octet by octet, as they come.
///
/// `core::str::from_utf8` alone is larger than this, and wants all of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    /// Octets that the character in hand still has to have, and the range of the next one.
    missing: u8,
    lowest: u8,
    highest: u8,
    has_wildcard: bool,
}

impl Scan {
    /// Nothing has come.
    pub const NEW: Self = Scan { missing: 0, lowest: 0, highest: 0, has_wildcard: false };

    /// Takes the next octets.
    ///
    /// # Errors
    /// [`TopicError::NotUtf8`] [MQTT-1.5.3-1]; [`TopicError::Nul`] [MQTT-1.5.3-2].
    pub fn take(&mut self, octets: &[u8]) -> Result<(), TopicError> {
        for &octet in octets {
            if self.missing > 0 {
                self.continues(octet)?;
            } else if octet == 0 {
                return Err(TopicError::Nul);
            } else if octet.is_ascii() {
                self.has_wildcard |= is_wildcard(octet);
            } else {
                self.begins(octet)?;
            }
        }
        Ok(())
    }

    /// The first octet of a character that is not ASCII: how many follow, and the range of the next one. With the longest form
    /// and the surrogates excluded, only the second octet of a character has another than the last.
    fn begins(&mut self, first: u8) -> Result<(), TopicError> {
        (self.missing, self.lowest, self.highest) = match first {
            0xC2..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xE1..=0xEF => (2, 0x80, 0xBF),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return Err(TopicError::NotUtf8),
        };
        Ok(())
    }

    fn continues(&mut self, octet: u8) -> Result<(), TopicError> {
        if !(self.lowest..=self.highest).contains(&octet) {
            return Err(TopicError::NotUtf8);
        }
        self.missing -= 1;
        (self.lowest, self.highest) = (0x80, 0xBF);
        Ok(())
    }

    /// The string ends here: whether it holds a wildcard.
    ///
    /// # Errors
    /// [`TopicError::NotUtf8`] in the middle of a character.
    pub const fn end(self) -> Result<bool, TopicError> {
        if self.missing > 0 { Err(TopicError::NotUtf8) } else { Ok(self.has_wildcard) }
    }
}

/// Checks a UTF-8 string of 1 to 65,535 octets: whether it holds a wildcard.
fn scan(octets: &[u8]) -> Result<bool, TopicError> {
    if octets.is_empty() {
        return Err(TopicError::Empty);
    }
    if octets.len() > usize::from(u16::MAX) {
        return Err(TopicError::TooLong);
    }
    let mut scan = Scan::NEW;
    scan.take(octets)?;
    scan.end()
}

/// Whether eight octets are ASCII, without the null character and wildcards.
#[cfg(feature = "quick")]
const fn is_plain_word(octets: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_ne_bytes(octets);
    // The two wildcards differ in one bit. With that bit set they are one octet, and made zero here.
    let marked = (word | (ONES * (b'+' ^ b'#') as u64)) ^ (ONES * b'+' as u64);
    // Taking 1 away sets the highest bit of a zero (and may of octets above it); of the others only 0x80 loses that bit so, and
    // what is 0x80 here is not 0x80 there.
    (word.wrapping_sub(ONES) | marked.wrapping_sub(ONES)) & (ONES << 7) == 0
}

/// Whether these octets are a Topic Name of ASCII alone, as most are: that takes a quarter of the time to see.
#[cfg(feature = "quick")]
#[inline]
fn is_plain(octets: &[u8]) -> bool {
    if u16::try_from(octets.len()).is_err() {
        return false;
    }
    // What is left over at the end is looked at together with what comes before it, for as many as make a word.
    if let Some(&last) = octets.last_chunk() {
        let mut rest = octets;
        while let Some((&word, after)) = rest.split_first_chunk() {
            if !is_plain_word(word) {
                return false;
            }
            rest = after;
        }
        return is_plain_word(last);
    }
    if let (Some(&[a, b, c, d]), Some(&[e, f, g, h])) = (octets.first_chunk(), octets.last_chunk()) {
        return is_plain_word([a, b, c, d, e, f, g, h]);
    }
    // For three octets at most.
    !octets.is_empty() && octets.iter().all(|octet| matches!(octet, 1..0x80) && !is_wildcard(*octet))
}

/// Checks a UTF-8 string that is not a topic, such as a Client Identifier: it may be empty, see 1.5.3.
///
/// # Errors
/// [`TopicError::TooLong`], [`TopicError::NotUtf8`] [MQTT-1.5.3-1], [`TopicError::Nul`] [MQTT-1.5.3-2].
pub fn check_string(octets: &[u8]) -> Result<(), TopicError> {
    match scan(octets) {
        Ok(_) | Err(TopicError::Empty) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Where a message is published to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicName<'a>(&'a [u8]);

impl<'a> TopicName<'a> {
    /// Checks that these octets are a Topic Name.
    ///
    /// # Errors
    /// [`TopicError`]; a wildcard is one [MQTT-3.3.2-2].
    #[cfg_attr(feature = "quick", inline)]
    pub fn new(octets: &'a [u8]) -> Result<Self, TopicError> {
        #[cfg(feature = "quick")]
        if is_plain(octets) {
            return Ok(TopicName(octets));
        }
        Self::scanned(octets)
    }

    fn scanned(octets: &'a [u8]) -> Result<Self, TopicError> {
        if scan(octets)? {
            return Err(TopicError::Wildcard);
        }
        Ok(TopicName(octets))
    }

    /// These octets once more, after [`TopicName::new`] has taken them.
    pub(crate) const fn again(octets: &'a [u8]) -> Self {
        TopicName(octets)
    }

    /// Its UTF-8 octets, 1 to 65,535.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }
}

/// What a subscription asks for: a Topic Name with wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicFilter<'a>(&'a [u8]);

impl<'a> TopicFilter<'a> {
    /// Checks that these octets are a Topic Filter.
    ///
    /// # Errors
    /// [`TopicError`]; [`TopicError::Wildcard`] where `#` is not the last level or shares its level [MQTT-4.7.1-2], or `+`
    /// shares its level [MQTT-4.7.1-3].
    pub fn new(octets: &'a [u8]) -> Result<Self, TopicError> {
        let has_wildcard = scan(octets)?;
        let mut before = b'/';
        let mut rest = octets;
        while let (true, Some((&octet, after))) = (has_wildcard, rest.split_first()) {
            // Alone between two separators; what ends the filter counts as one, and nothing else may follow `#`.
            let ends = after.first().is_none_or(|&after| after == b'/' && octet == b'+');
            if is_wildcard(octet) && !(before == b'/' && ends) {
                return Err(TopicError::Wildcard);
            }
            before = octet;
            rest = after;
        }
        Ok(TopicFilter(octets))
    }

    /// These octets once more, after [`TopicFilter::new`] has taken them.
    pub(crate) const fn again(octets: &'a [u8]) -> Self {
        TopicFilter(octets)
    }

    /// Its UTF-8 octets, 1 to 65,535.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-1.5.3-1] [MQTT-1.5.3-2]
    #[test]
    fn a_topic_is_utf8_without_null_and_not_empty() {
        for (octets, error) in [
            (&b""[..], TopicError::Empty),
            (b"a\0b", TopicError::Nul),
            (b"a\xFF", TopicError::NotUtf8),
            (b"\xED\xA0\x80", TopicError::NotUtf8),
            (b"\xC0\x80", TopicError::NotUtf8),
        ] {
            assert_eq!(TopicName::new(octets), Err(error));
            assert_eq!(TopicFilter::new(octets), Err(error));
        }
        assert!(TopicName::new("/温度/#".split_at(7).0.as_bytes()).is_ok());
        assert!(check_string(b"").is_ok());
        assert_eq!(check_string(b"\0"), Err(TopicError::Nul));
    }

    // [MQTT-1.5.3-1] Each string of two octets, and each beginning of a longer character with what may follow.
    #[test]
    fn utf8_is_what_the_standard_library_takes_for_it() {
        let agrees = |octets: &[u8]| {
            let expected = core::str::from_utf8(octets).is_ok();
            assert_eq!(scan(octets) != Err(TopicError::NotUtf8), expected, "{octets:02X?}");
        };
        let edges = [0x01, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xFF];
        for first in 1..=255 {
            agrees(&[first]);
            for second in 1..=255 {
                agrees(&[first, second]);
                for third in edges {
                    agrees(&[first, second, third]);
                    for fourth in edges {
                        agrees(&[first, second, third, fourth]);
                        agrees(&[first, second, third, fourth, b'a']);
                    }
                }
            }
        }
    }

    // [MQTT-4.7.3-1] [MQTT-3.3.2-2]
    #[cfg(feature = "quick")]
    #[test]
    fn a_plain_topic_is_one_without_any_other_octet_at_any_place() {
        assert!(!is_plain(b""));
        for len in 1..20 {
            for place in 0..len {
                for octet in 0..=255 {
                    for around in [b'a', 0x01, 0x7F, b'*', b'"'] {
                        let mut octets = std::vec![around; len];
                        octets[place] = octet;
                        let is_one = octet.is_ascii() && octet != 0 && !is_wildcard(octet);
                        assert_eq!(is_plain(&octets), is_one, "{octets:02X?}");
                    }
                }
            }
        }
    }

    // [MQTT-4.7.3-3]
    #[test]
    fn a_topic_ends_at_65535_octets() {
        let octets = std::vec![b'a'; 65_536];
        assert!(TopicName::new(&octets[..65_535]).is_ok());
        assert!(TopicFilter::new(&octets[..65_535]).is_ok());
        assert_eq!(TopicName::new(&octets), Err(TopicError::TooLong));
        assert_eq!(TopicFilter::new(&octets), Err(TopicError::TooLong));
    }

    // [MQTT-3.3.2-2]
    #[test]
    fn a_topic_name_has_no_wildcard() {
        for octets in [&b"+"[..], b"#", b"a/+/b", b"a/#", b"a+", b"#a"] {
            assert_eq!(TopicName::new(octets), Err(TopicError::Wildcard));
        }
    }

    // [MQTT-4.7.1-2] [MQTT-4.7.1-3]
    #[test]
    fn a_wildcard_takes_a_whole_level_and_number_sign_the_last() {
        for octets in [&b"#"[..], b"+", b"/", b"a/#", b"+/a/+", b"/+", b"+/#", b"a//b", b"$SYS/#", b"a b"] {
            assert!(TopicFilter::new(octets).is_ok(), "{octets:?}");
        }
        for octets in [&b"a#"[..], b"#/a", b"a/#/b", b"a+", b"+a", b"a/+b", b"##", b"a/b#", b"#/"] {
            assert_eq!(TopicFilter::new(octets), Err(TopicError::Wildcard), "{octets:?}");
        }
    }
}
