//! Every error to the status that C turns into an exception. No match here has a wildcard arm: a new error is a choice.

use core::ffi::c_int;

use super::stream::StreamError;
use super::sys;
use crate::client::Error;
use crate::codec::{DecodeError, EncodeError, TopicError};
use crate::session::SessionError;

/// The status of an error, of a stream with this `errno`, and the code that goes with it: an errno, the return code of CONNACK, or 0.
pub fn of_error(error: Error<StreamError>, errno: i32) -> (c_int, i32) {
    match error {
        Error::Session(SessionError::Silent) => of_errno(sys::MP_ETIMEDOUT),
        Error::Session(error) => (of_session(error), 0),
        Error::Refused(code) => (status(sys::UMQTT_REFUSED), code as i32),
        Error::SubscriptionRefused => (status(sys::UMQTT_SUBSCRIPTION_REFUSED), 0),
        Error::Transport(StreamError::WouldBlock) => (status(sys::UMQTT_WAIT), 0),
        Error::Transport(StreamError::Raised) => (status(sys::UMQTT_RAISED), 0),
        Error::Transport(StreamError::Failed) => (status(sys::UMQTT_STREAM_ERROR), errno),
        Error::EndOfStream => of_errno(sys::MP_ECONNRESET),
        Error::NotConnected => (status(sys::UMQTT_NOT_CONNECTED), 0),
        Error::Timeout => (status(sys::UMQTT_TIMEOUT), 0),
        Error::Encode(error) => (of_encode(error), 0),
        Error::Topic(error) => (of_topic(error), 0),
        Error::Changed => (status(sys::UMQTT_CHANGED), 0),
    }
}

/// A fault of the network that the port has an errno for.
fn of_errno(errno: u32) -> (c_int, i32) {
    (status(sys::UMQTT_STREAM_ERROR), errno.cast_signed())
}

/// A constant of umqtt.h as what its functions return.
pub const fn status(constant: u32) -> c_int {
    constant.cast_signed()
}

/// The status of a value that does not fit.
pub fn of_encode(error: EncodeError) -> c_int {
    status(match error {
        EncodeError::FieldTooLong => sys::UMQTT_FIELD_TOO_LONG,
        EncodeError::PacketTooLong => sys::UMQTT_PACKET_TOO_LONG,
    })
}

/// The status of what is no topic.
pub fn of_topic(error: TopicError) -> c_int {
    status(match error {
        TopicError::Empty => sys::UMQTT_TOPIC_EMPTY,
        TopicError::TooLong => sys::UMQTT_TOPIC_TOO_LONG,
        TopicError::NotUtf8 => sys::UMQTT_TOPIC_NOT_UTF8,
        TopicError::Nul => sys::UMQTT_TOPIC_NUL,
        TopicError::Wildcard => sys::UMQTT_TOPIC_WILDCARD,
    })
}

fn of_session(error: SessionError) -> c_int {
    status(match error {
        SessionError::Malformed(error) => match error {
            DecodeError::RemainingLength => sys::UMQTT_BAD_REMAINING_LENGTH,
            DecodeError::ReservedFlags => sys::UMQTT_BAD_FLAGS,
            DecodeError::UnexpectedType => sys::UMQTT_BAD_TYPE,
            DecodeError::Length => sys::UMQTT_BAD_LENGTH,
            DecodeError::BothQosBits => sys::UMQTT_BAD_QOS,
            DecodeError::DupAtMostOnce => sys::UMQTT_BAD_DUP,
            DecodeError::PacketIdentifier => sys::UMQTT_BAD_IDENTIFIER,
            DecodeError::Topic => sys::UMQTT_BAD_TOPIC,
            DecodeError::ConnackFlags => sys::UMQTT_BAD_CONNACK_FLAGS,
            DecodeError::ConnectReturnCode => sys::UMQTT_BAD_CONNACK_CODE,
            DecodeError::SubackReturnCode => sys::UMQTT_BAD_SUBACK_CODE,
        },
        SessionError::BeforeConnack => sys::UMQTT_BEFORE_CONNACK,
        SessionError::SecondConnack => sys::UMQTT_SECOND_CONNACK,
        SessionError::IncomingFull => sys::UMQTT_INCOMING_FULL,
        SessionError::Silent => sys::UMQTT_STREAM_ERROR,
        SessionError::OutgoingFull => sys::UMQTT_FULL,
    })
}
