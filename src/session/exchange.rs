//! An exchange: a packet of the caller's and, but for PUBLISH at QoS 0, what acknowledges it.

use crate::codec::QoS;

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
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged, or sent at QoS 0.
    Done,
    /// The Server refused the subscription with return code 0x80.
    Refused,
}
