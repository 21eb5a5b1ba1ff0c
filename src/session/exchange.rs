//! An exchange: a packet of the caller's and, but for PUBLISH at QoS 0, what acknowledges it.

use crate::codec::{EncodeError, QoS};

/// What an exchange is about. Topic and payload stay with the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// PUBLISH at this QoS.
    Publish {
        /// How it is acknowledged.
        qos: QoS,
        /// Its RETAIN flag.
        retain: bool,
    },
    /// SUBSCRIBE, asking for at most this QoS.
    Subscribe(QoS),
    /// UNSUBSCRIBE.
    Unsubscribe,
}

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The slot is free.
    Free,
    /// Its packet has not left, or not wholly.
    Queued,
    /// The same, but the caller has forgotten it: over when its packet, which had begun to leave, has left.
    Discarded,
    /// A PUBLISH at QoS 1 has left.
    AwaitsPuback,
    /// A PUBLISH at QoS 2 has left.
    AwaitsPubrec,
    /// PUBREL is the packet in hand.
    AwaitsPubcomp,
    /// SUBSCRIBE has left.
    AwaitsSuback,
    /// UNSUBSCRIBE has left.
    AwaitsUnsuback,
    /// Over, with an outcome that the caller has not taken yet: [`Outcome::Done`].
    Done,
    /// The same: [`Outcome::Refused`].
    Refused,
    /// The same: [`Outcome::Unsendable`], for a field that is too long.
    FieldTooLong,
    /// The same, for a packet that is too long.
    PacketTooLong,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged, or sent at QoS 0.
    Done,
    /// The Server refused the subscription with return code 0x80.
    Refused,
    /// Not sent: by then its topic and payload did not fit into a packet any more.
    Unsendable(EncodeError),
}

impl Outcome {
    /// The stage of an exchange that has this outcome and whose caller does not know it yet.
    pub(super) const fn stage(self) -> Stage {
        match self {
            Outcome::Done => Stage::Done,
            Outcome::Refused => Stage::Refused,
            Outcome::Unsendable(EncodeError::FieldTooLong) => Stage::FieldTooLong,
            Outcome::Unsendable(EncodeError::PacketTooLong) => Stage::PacketTooLong,
        }
    }
}

impl Stage {
    /// How an exchange at this stage has ended, if it has.
    pub(super) const fn outcome(self) -> Option<Outcome> {
        match self {
            Stage::Done => Some(Outcome::Done),
            Stage::Refused => Some(Outcome::Refused),
            Stage::FieldTooLong => Some(Outcome::Unsendable(EncodeError::FieldTooLong)),
            Stage::PacketTooLong => Some(Outcome::Unsendable(EncodeError::PacketTooLong)),
            _ => None,
        }
    }

    /// Whether the packet has left and its acknowledgement is to come.
    pub(super) const fn awaits_answer(self) -> bool {
        matches!(
            self,
            Stage::AwaitsPuback
                | Stage::AwaitsPubrec
                | Stage::AwaitsPubcomp
                | Stage::AwaitsSuback
                | Stage::AwaitsUnsuback
        )
    }
}
