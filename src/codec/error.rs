//! What can be wrong with octets from the Server, and with values that the caller wants to send.

/// The Server sent octets that MQTT 3.1.1 does not allow; the connection cannot go on [MQTT-4.8.0-1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// Remaining Length is longer than four octets, see 2.2.3.
    RemainingLength,
    /// The flags of the first octet are not those that 2.2.2 fixes for the packet type [MQTT-2.2.2-2].
    ReservedFlags,
    /// A packet type that only a Client sends, or that is reserved, see 2.2.1.
    UnexpectedType,
    /// The fields of a packet do not fill its Remaining Length exactly.
    Length,
    /// A PUBLISH asks for QoS 3 [MQTT-3.3.1-4].
    BothQosBits,
    /// A PUBLISH at QoS 0 says that it is a duplicate [MQTT-3.3.1-2].
    DupAtMostOnce,
    /// Packet Identifier 0 [MQTT-2.3.1-1].
    PacketIdentifier,
    /// The Topic Name of a PUBLISH is not one [MQTT-3.3.2-1], [MQTT-3.3.2-2].
    Topic,
    /// A CONNACK sets reserved acknowledge flags, see 3.2.2.1.
    ConnackFlags,
    /// A CONNACK return code from 6 to 255, see 3.2.2.3.
    ConnectReturnCode,
    /// A SUBACK return code other than 0, 1, 2 and 0x80 [MQTT-3.9.3-2].
    SubackReturnCode,
}

/// The caller wants to send what does not fit into MQTT's length fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// A string or binary field is longer than 65,535 octets, see 1.5.3.
    FieldTooLong,
    /// The packet is longer than Remaining Length can say: 268,435,455 octets, see 2.2.3.
    PacketTooLong,
}

/// Why octets are no Topic Name or no Topic Filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicError {
    /// Empty [MQTT-4.7.3-1].
    Empty,
    /// Longer than 65,535 octets [MQTT-4.7.3-3].
    TooLong,
    /// Not UTF-8 [MQTT-1.5.3-1].
    NotUtf8,
    /// Holds the null character [MQTT-4.7.3-2].
    Nul,
    /// A wildcard in a Topic Name [MQTT-3.3.2-2], or a misplaced one in a Topic Filter [MQTT-4.7.1-2], [MQTT-4.7.1-3].
    Wildcard,
}
