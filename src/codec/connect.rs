//! CONNECT with its Will out, CONNACK in, see 3.1 and 3.2.

use super::error::DecodeError;
use super::outgoing::ControlPacket;
use super::topic::TopicName;
use super::types::{ConnectReturnCode, QoS};
use super::wire::Window;

/// Length and name of the protocol, and its level: MQTT 3.1.1 [MQTT-3.1.2-1].
const PROTOCOL: [u8; 7] = [0, 4, b'M', b'Q', b'T', b'T', 4];

/// The message that the Server publishes when the connection ends without DISCONNECT, see 3.1.2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Will<'a> {
    /// Where it is published.
    pub topic: TopicName<'a>,
    /// Its payload, at most 65,535 octets.
    pub message: &'a [u8],
    /// Its QoS.
    pub qos: QoS,
    /// Whether the Server retains it.
    pub retain: bool,
}

/// The first packet of a connection [MQTT-3.1.0-1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connect<'a> {
    /// UTF-8, at most 65,535 octets; empty only with `clean_session` [MQTT-3.1.3-7].
    pub client_identifier: &'a [u8],
    /// Whether the Server forgets what it knew of this Client, and forgets again afterwards [MQTT-3.1.2-6].
    pub clean_session: bool,
    /// Seconds that may pass between two packets of the Client; 0 turns the check off, see 3.1.2.10.
    pub keep_alive_s: u16,
    /// The Will, if there is one.
    pub will: Option<Will<'a>>,
    /// UTF-8, at most 65,535 octets.
    pub user_name: Option<&'a [u8]>,
    /// At most 65,535 octets; only with a user name [MQTT-3.1.2-22].
    pub password: Option<&'a [u8]>,
}

impl Connect<'_> {
    /// The connect flags, see 3.1.2.3; the reserved bit stays 0 [MQTT-3.1.2-3].
    fn flags(&self) -> u8 {
        let mut flags = u8::from(self.clean_session) << 1;
        if let Some(will) = self.will {
            flags |= 0x04 | (will.qos as u8) << 3 | u8::from(will.retain) << 5;
        }
        flags | u8::from(self.password.is_some()) << 6 | u8::from(self.user_name.is_some()) << 7
    }
}

impl ControlPacket for Connect<'_> {
    fn first_octet(&self) -> u8 {
        0x10
    }

    /// The fields come in the order of [MQTT-3.1.3-1].
    fn put_body(&self, window: &mut Window) {
        window.put(&PROTOCOL);
        window.put(&[self.flags()]);
        window.put_u16(self.keep_alive_s);
        window.put_field(self.client_identifier);
        let (topic, message) = self.will.map(|will| (will.topic.octets(), will.message)).unzip();
        for field in [topic, message, self.user_name, self.password].into_iter().flatten() {
            window.put_field(field);
        }
    }
}

/// The Server's answer to CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connack {
    /// Whether the Server still knows this Client's session, see 3.2.2.2.
    pub session_present: bool,
    /// Accepted, or why not.
    pub return_code: ConnectReturnCode,
}

impl Connack {
    /// Reads what follows the fixed header.
    ///
    /// # Errors
    /// [`DecodeError::ConnackFlags`] for a reserved flag, or for Session Present in a refusal [MQTT-3.2.2-4];
    /// [`DecodeError::ConnectReturnCode`] for a reserved code; [`DecodeError::Length`] for any other length than 2.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let &[flags, code] = body else { return Err(DecodeError::Length) };
        let return_code = ConnectReturnCode::try_from(code)?;
        let session_present = match (flags, return_code) {
            (0, _) => false,
            (1, ConnectReturnCode::Accepted) => true,
            _ => return Err(DecodeError::ConnackFlags),
        };
        Ok(Connack { session_present, return_code })
    }
}
