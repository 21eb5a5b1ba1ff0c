//! A step of the client: what the caller waits for, what he lends for it, what it came to.

#[cfg(doc)]
use super::Client;
use crate::codec::{Connect, Delivery};
use crate::session::{Exchange, Instant};

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What was awaited is there.
    Done,
    /// Nothing more can be done for now: wait for the stream, or for the time to pass, and poll again.
    Wait(Wait),
    /// The packet of this slot is to be sent: poll again with its topic and payload in [`Lent::packet`].
    Lend(u8),
    /// The long message of [`Client::long`] needs room for its field in hand: poll again with more of it in [`Lent`] than
    /// has come. The Server says how long it will be: only what has come is sure.
    Room,
    /// A message, [`Client::message`]: take it before the next call, then [`Client::taken`] and [`Client::delivered`]. Once
    /// the time of what is awaited is over ([`Client::is_late`]) it is to be kept, not handed
    /// to anybody who may take his time.
    Message,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Until octets can be read. Not so while answers wait to be written that have to leave first.
    pub read: bool,
    /// Until octets can be written.
    pub write: bool,
    /// Until this many milliseconds have passed; `u32::MAX`: no limit.
    pub ms: u32,
}

/// A message that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Its QoS and Packet Identifier.
    pub delivery: Delivery,
    /// The flags of its fixed header, see 2.2.2 and 3.3.1: DUP, QoS, RETAIN.
    pub flags: u8,
    /// Where its octets lie.
    pub body: Body,
    /// Place of a buffered Topic Name in [`Client::octets`].
    pub topic_start: u16,
    /// Octets of the Topic Name.
    pub topic_len: u16,
    /// Place of a buffered payload; it ends with the packet.
    pub payload_start: u16,
    /// Octets of the payload.
    pub payload_len: u32,
}

/// Where the topic and the payload of a message lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// In the receive buffer.
    Buffered,
    /// In the fields that the caller lent, from their first octet on.
    Lent,
    /// Nowhere: the caller did not want it ([`Client::decline`]).
    Dropped,
}

/// What a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// A message, or the answer to a ping.
    Message,
    /// CONNACK.
    Connack,
    /// The end of this slot's exchange.
    Slot(u8),
    /// That an exchange of this kind can begin.
    RoomFor(Exchange),
    /// That there is a place in the outbox again.
    Outbox,
    /// That the outbox and the packet being sent have left.
    Flushed,
    /// After DISCONNECT has left: the end of what the Server sends, which is told as [`super::Error::EndOfStream`]. All that comes
    /// until then is read and forgotten.
    End,
}

/// One thing that a caller awaits, and what he can do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// What it is.
    pub awaited: Awaited,
    /// The caller's own limit. That of an exchange comes on top: when its answer is due.
    pub deadline: Option<Instant>,
    /// Whether the stream may be read. A caller who has just written, or who knows that nothing has come, saves the read.
    pub may_read: bool,
    /// Whether the caller can take messages, or room for them. If not, they stay where they are, and all behind them.
    pub takes: bool,
    /// Whether PINGRESP, if it is to come, is looked for on behalf of a caller who otherwise would not read. In the first poll for
    /// what he awaits: a Server that sends without end must not keep him from his own affair.
    pub attends: bool,
}

impl Call {
    /// A call that may read and takes messages, without a limit of its own.
    #[must_use]
    pub const fn new(awaited: Awaited) -> Self {
        Call { awaited, deadline: None, may_read: true, takes: true, attends: true }
    }
}

/// What the caller lends for one call.
#[derive(Debug, Default)]
pub struct Lent<'a> {
    /// While CONNACK is awaited: CONNECT.
    pub connect: Option<&'a Connect<'a>>,
    /// The slot that [`Step::Lend`] asked for, its topic (or filter) and its payload. The topic was checked when the
    /// exchange began; what the caller makes of it since is his own affair, as long as it keeps its length.
    pub packet: Option<(u8, &'a [u8], &'a [u8])>,
    /// Room for the topic of a long message, from its first octet on. It is the same, or a longer one that begins with the same
    /// octets, until [`Client::uses_rooms`] says that it is free. A call without it does not go on with that message.
    pub topic: &'a mut [u8],
    /// Room for the payload of a long message, from its first octet on.
    pub payload: &'a mut [u8],
}
