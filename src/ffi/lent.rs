//! What C lends for a call, as slices.

use super::qos;
use super::sys::{self, umqtt_connect_t, umqtt_octets_t, umqtt_room_t};
use crate::codec::{Connect, TopicName, Will};

/// # Safety
/// `octets` is good for reads, or its length is 0, until the end of `'a`.
pub unsafe fn slice<'a>(octets: umqtt_octets_t) -> &'a [u8] {
    if octets.len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; a Python object is never longer than isize::MAX.
    unsafe { core::slice::from_raw_parts(octets.data, octets.len) }
}

/// # Safety
/// `room` is good for reads and writes and nobody else's, or its length is 0, until the end of `'a`.
pub unsafe fn slice_mut<'a>(room: umqtt_room_t) -> &'a mut [u8] {
    if room.len == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(room.data, room.len) }
}

/// # Safety
/// The pointers are valid for the call, and so are the buffers that `connect` names.
pub unsafe fn connect_packet<'a>(connect: *const umqtt_connect_t) -> Connect<'a> {
    // SAFETY: the caller's promise.
    let connect = unsafe { &*connect };
    let [client_identifier, topic, message, user_name, password] = connect.field.map(|field| {
        // SAFETY: the caller's promise, for each field that is there.
        (!field.data.is_null()).then(|| unsafe { slice(field) })
    });
    // C had the topic checked when it was set.
    let will = topic.map(|topic| Will {
        topic: TopicName::again(topic),
        message: message.unwrap_or_default(),
        qos: qos(connect.will_qos),
        retain: connect.will_retain,
    });
    let client_identifier = client_identifier.unwrap_or_default();
    let &umqtt_connect_t { clean_session, keep_alive_s, .. } = connect;
    Connect { client_identifier, clean_session, keep_alive_s, will, user_name, password }
}

// The order of the fields.
const _: () = assert!(
    sys::UMQTT_CLIENT_ID == 0
        && sys::UMQTT_WILL_TOPIC == 1
        && sys::UMQTT_WILL_MSG == 2
        && sys::UMQTT_USER == 3
        && sys::UMQTT_PASSWORD == 4
);
