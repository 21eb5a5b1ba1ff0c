//! The small values that several packets share.

use core::num::NonZeroU16;

use super::error::DecodeError;

/// Quality of Service, see 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum QoS {
    /// At most once: no acknowledgement.
    AtMostOnce = 0,
    /// At least once: PUBACK.
    AtLeastOnce = 1,
    /// Exactly once: PUBREC, PUBREL, PUBCOMP.
    ExactlyOnce = 2,
}

impl QoS {
    /// The QoS of this number, or `None` for anything but 0, 1 and 2 [MQTT-3.3.1-4].
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0 => Some(QoS::AtMostOnce),
            1 => Some(QoS::AtLeastOnce),
            2 => Some(QoS::ExactlyOnce),
            _ => None,
        }
    }
}

/// Names one exchange that awaits an acknowledgement; never 0 [MQTT-2.3.1-1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketIdentifier(NonZeroU16);

impl PacketIdentifier {
    /// The first one given out.
    pub const FIRST: Self = PacketIdentifier(NonZeroU16::MIN);

    /// The Packet Identifier of this number, or `None` for 0.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(PacketIdentifier(number)),
            None => None,
        }
    }

    /// Its number, 1 to 65,535.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// The one after it: 1 comes after 65,535.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.0.checked_add(1) {
            Some(number) => PacketIdentifier(number),
            None => Self::FIRST,
        }
    }
}

/// How the Server answered CONNECT, see 3.2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ConnectReturnCode {
    /// The connection stands.
    Accepted = 0,
    /// The Server does not speak MQTT 3.1.1.
    UnacceptableProtocolVersion = 1,
    /// The Client Identifier is correct UTF-8 but not allowed.
    IdentifierRejected = 2,
    /// The MQTT service is unavailable.
    ServerUnavailable = 3,
    /// The data in the user name or password is malformed.
    BadUserNameOrPassword = 4,
    /// The Client is not authorized to connect.
    NotAuthorized = 5,
}

impl TryFrom<u8> for ConnectReturnCode {
    type Error = DecodeError;

    /// # Errors
    /// [`DecodeError::ConnectReturnCode`] for the reserved codes 6 to 255.
    fn try_from(code: u8) -> Result<Self, DecodeError> {
        Ok(match code {
            0 => ConnectReturnCode::Accepted,
            1 => ConnectReturnCode::UnacceptableProtocolVersion,
            2 => ConnectReturnCode::IdentifierRejected,
            3 => ConnectReturnCode::ServerUnavailable,
            4 => ConnectReturnCode::BadUserNameOrPassword,
            5 => ConnectReturnCode::NotAuthorized,
            _ => return Err(DecodeError::ConnectReturnCode),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // [MQTT-2.3.1-1]
    #[test]
    fn packet_identifiers_wrap_past_zero() {
        assert_eq!(PacketIdentifier::new(0), None);
        assert_eq!(PacketIdentifier::FIRST.get(), 1);
        assert_eq!(PacketIdentifier::new(65_535).map(|last| last.next().get()), Some(1));
    }
}
