//! Why a client could not do what was asked.

use crate::codec::{ConnectReturnCode, EncodeError, TopicError};
use crate::session::SessionError;

/// Everything that can go wrong; `E` is the error of the stream.
///
/// After one that [`Error::is_fatal`], the connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error<E> {
    /// The Server broke the protocol or fell silent, or a table is full.
    Session(SessionError),
    /// The Server refused the connection, see 3.2.2.3.
    Refused(ConnectReturnCode),
    /// The Server refused the subscription, see 3.9.3.
    SubscriptionRefused,
    /// The stream failed.
    Transport(E),
    /// The Server ended the stream.
    EndOfStream,
    /// There is no connection.
    NotConnected,
    /// The Server did not answer in time. The connection stays; a late answer is passed over. The caller abandons the exchange, and
    /// in a clean session discards it.
    Timeout,
    /// The caller's value does not fit into a packet.
    Encode(EncodeError),
    /// The caller's octets are no Topic Name or Topic Filter.
    Topic(TopicError),
    /// A payload or topic changed its length while it was being sent.
    Changed,
}

impl<E> Error<E> {
    /// Whether the connection cannot be used after this error.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        match self {
            Error::Session(SessionError::OutgoingFull)
            | Error::SubscriptionRefused
            | Error::NotConnected
            | Error::Timeout
            | Error::Encode(_)
            | Error::Topic(_) => false,
            Error::Session(_) | Error::Refused(_) | Error::Transport(_) | Error::EndOfStream | Error::Changed => true,
        }
    }
}

impl<E> From<SessionError> for Error<E> {
    fn from(error: SessionError) -> Self {
        Error::Session(error)
    }
}

impl<E> From<EncodeError> for Error<E> {
    fn from(error: EncodeError) -> Self {
        Error::Encode(error)
    }
}

impl<E> From<TopicError> for Error<E> {
    fn from(error: TopicError) -> Self {
        Error::Topic(error)
    }
}
