//! Topic Names and Topic Filters, checked when they are made, see 4.7.

use super::error::TopicError;

/// The octets of a UTF-8 string as MQTT wants it: 1 to 65,535 octets, no null character.
fn checked(octets: &[u8]) -> Result<&[u8], TopicError> {
    if octets.is_empty() {
        return Err(TopicError::Empty);
    }
    if octets.len() > usize::from(u16::MAX) {
        return Err(TopicError::TooLong);
    }
    if core::str::from_utf8(octets).is_err() {
        return Err(TopicError::NotUtf8);
    }
    if octets.contains(&0) {
        return Err(TopicError::Nul);
    }
    Ok(octets)
}

/// Checks a UTF-8 string that is not a topic, such as a Client Identifier: it may be empty, see 1.5.3.
///
/// # Errors
/// [`TopicError::TooLong`], [`TopicError::NotUtf8`] [MQTT-1.5.3-1], [`TopicError::Nul`] [MQTT-1.5.3-2].
pub fn check_string(octets: &[u8]) -> Result<(), TopicError> {
    match checked(octets) {
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
    pub fn new(octets: &'a [u8]) -> Result<Self, TopicError> {
        let octets = checked(octets)?;
        if octets.iter().any(|octet| matches!(octet, b'+' | b'#')) {
            return Err(TopicError::Wildcard);
        }
        Ok(TopicName(octets))
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
        let octets = checked(octets)?;
        let mut levels = octets.split(|&octet| octet == b'/').peekable();
        while let Some(level) = levels.next() {
            let misplaced = match level {
                [b'+'] => false,
                [b'#'] => levels.peek().is_some(),
                _ => level.iter().any(|octet| matches!(octet, b'+' | b'#')),
            };
            if misplaced {
                return Err(TopicError::Wildcard);
            }
        }
        Ok(TopicFilter(octets))
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
