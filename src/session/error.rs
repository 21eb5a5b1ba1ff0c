//! Protocol faults of the Server, its silence, and tables that are full.

use crate::codec::DecodeError;

/// Why the session cannot go on as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionError {
    /// The Server sent a malformed packet.
    Malformed(DecodeError),
    /// The Server sent another packet before CONNACK [MQTT-3.2.0-1].
    BeforeConnack,
    /// The Server sent a second CONNACK, see 3.2.
    SecondConnack,
    /// The Server left more QoS 2 messages unreleased than the table holds that tells them apart, see `INCOMING`.
    IncomingFull,
    /// The Server was silent after PINGREQ, see 3.1.2.10.
    Silent,
    /// The caller has `IN_FLIGHT` exchanges under way, or one less for a message at QoS 1 or 2; one must end first.
    OutgoingFull,
}

impl From<DecodeError> for SessionError {
    fn from(error: DecodeError) -> Self {
        SessionError::Malformed(error)
    }
}
