//! What a step came to, in C's words.

use super::sys::{self, umqtt_step_t};
use crate::client::{Body, Client, Step, Wait};
use crate::codec::{Field, PacketIdentifier};

fn tell_message(step: &mut umqtt_step_t, client: &Client) {
    let message = client.message();
    step.qos = message.delivery.qos() as u8;
    step.flags = message.flags;
    step.packet_identifier = message.delivery.packet_identifier().map_or(0, PacketIdentifier::get);
    step.body = message.body as u8;
    step.topic.data = client.octets(message.topic_start, message.topic_len.into()).as_ptr();
    step.topic.len = message.topic_len.into();
    step.payload.data = client.octets(message.payload_start, message.payload_len).as_ptr();
    step.payload.len = message.payload_len as usize;
}

// Written out with `as` above.
const _: () = assert!(
    Body::Buffered as u32 == sys::UMQTT_BODY_BUFFERED
        && Body::Lent as u32 == sys::UMQTT_BODY_LENT
        && Body::Dropped as u32 == sys::UMQTT_BODY_DROPPED
);

/// Writes what to wait for into `step`.
#[inline]
pub fn tell_wait(step: &mut umqtt_step_t, Wait { read, write, ms }: Wait) -> u32 {
    step.want = u8::from(read) | u8::from(write) << 1;
    step.wait_ms = ms;
    sys::UMQTT_WAIT
}

/// Writes what a step came to into `step`: its status.
pub fn tell(step: &mut umqtt_step_t, client: &Client, told: Step) -> u32 {
    match told {
        Step::Done => sys::UMQTT_DONE,
        Step::Wait(wait) => tell_wait(step, wait),
        Step::Lend(slot) => {
            step.slot = slot;
            sys::UMQTT_LEND
        }
        Step::Room => {
            let long = client.long();
            step.field = u8::from(long.field() == Field::Payload);
            step.come = client.come();
            step.total = long.total();
            sys::UMQTT_ROOM
        }
        Step::Message => {
            tell_message(step, client);
            sys::UMQTT_MESSAGE
        }
    }
}
