//! The client on a scripted stream: single octets, "would block" at every point, errors, the end of the stream.

mod support;

#[path = "client/any_stream.rs"]
mod any_stream;
#[path = "client/backpressure.rs"]
mod backpressure;
#[path = "client/connecting.rs"]
mod connecting;
#[path = "client/ending.rs"]
mod ending;
#[path = "client/incoming.rs"]
mod incoming;
#[path = "client/keep_alive.rs"]
mod keep_alive;
#[path = "client/long_messages.rs"]
mod long_messages;
#[path = "client/outgoing.rs"]
mod outgoing;
#[cfg(feature = "quick")]
#[path = "client/quick.rs"]
mod quick;
#[path = "client/resuming.rs"]
mod resuming;

use support::caller::Received;
use umqtt::codec::{Delivery, PacketIdentifier};

fn identifier(number: u16) -> PacketIdentifier {
    PacketIdentifier::new(number).expect("not 0")
}

/// A message at QoS 0.
fn received(topic: &[u8], payload: &[u8]) -> Received {
    Received { topic: topic.to_vec(), payload: payload.to_vec(), delivery: Delivery::AtMostOnce }
}
