//! MQTT 3.1.1 control packets: octets to values and back.
//!
//! Nothing here has state, a clock or a stream. What the Server sent is checked to the letter of the standard before
//! anyone sees it: a value of this layer is always well formed. Decoding borrows from the octets, encoding copies into a
//! window that the caller lends, so neither allocates.

pub mod ack;
pub mod connect;
pub mod error;
pub mod fixed_header;
pub mod long_publish;
pub mod outgoing;
pub mod packet;
pub mod publish;
pub mod reader;
pub mod subscribe;
pub mod topic;
pub mod types;
pub mod wire;

pub use ack::{Ack, AckType};
pub use connect::{Connack, Connect, Will};
pub use error::{DecodeError, EncodeError, TopicError};
pub use long_publish::{Field, LongPublish};
pub use outgoing::{ControlPacket, OutgoingPacket, packet_len};
pub use packet::{DISCONNECT, PINGREQ, Packet};
pub use publish::{Delivery, Publish};
pub use reader::{Cut, Reader};
pub use subscribe::{Suback, Subscribe, Unsubscribe};
pub use topic::{TopicFilter, TopicName};
pub use types::{ConnectReturnCode, PacketIdentifier, QoS};
pub use wire::Window;
