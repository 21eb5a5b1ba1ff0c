//! Moves octets out: whole packets, one after the other, each in one write where the stream takes it.

use heapless::Vec;

use super::error::Error;
use super::transport::{Transport, outcome};
use super::{Client, Lent, Sending};
use crate::codec::wire::Window;
use crate::codec::{EncodeError, Publish, Subscribe, TopicFilter, TopicName, Unsubscribe};
use crate::session::{Exchange, Instant, delivery};

/// Octets that are put together on the stack for one write. A longer packet is written in parts, or by
/// [`Transport::write_both`] together with the caller's payload.
const WINDOW: usize = 512;

/// How far the stream lets packets out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing is left to send.
    Idle,
    /// The stream would block.
    Blocked,
    /// The topic and payload of this slot are needed.
    Lend(u8),
}

/// A packet whose fields the caller lends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outgoing<'a> {
    Publish(Publish<'a>),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Unsubscribe<'a>),
}

impl<'a> Outgoing<'a> {
    fn len(&self) -> Result<u32, EncodeError> {
        match self {
            Outgoing::Publish(packet) => packet.packet_len(),
            Outgoing::Subscribe(packet) => packet.packet_len(),
            Outgoing::Unsubscribe(packet) => packet.packet_len(),
        }
    }

    fn encode(&self, window: &mut Window) -> Result<(), EncodeError> {
        match self {
            Outgoing::Publish(packet) => packet.encode(window),
            Outgoing::Subscribe(packet) => packet.encode(window),
            Outgoing::Unsubscribe(packet) => packet.encode(window),
        }
    }

    /// What of the packet's end need not be copied.
    fn payload(&self) -> &'a [u8] {
        match self {
            Outgoing::Publish(packet) => packet.payload,
            Outgoing::Subscribe(_) | Outgoing::Unsubscribe(_) => &[],
        }
    }
}

/// Writes a packet from `offset` on, in one go where the stream can: how many octets left, `None` for "would block".
pub(super) fn write_from<T: Transport>(
    stream: &mut T,
    offset: u32,
    len: u32,
    payload: &[u8],
    encode: impl FnOnce(&mut Window) -> Result<(), EncodeError>,
) -> Result<Option<usize>, Error<T::Error>> {
    let left = (len - offset) as usize;
    // All that is left is payload: out of the caller's memory.
    if let Some(start) = payload.len().checked_sub(left) {
        return outcome::<T>(stream.write(payload.get(start..).unwrap_or(&[])));
    }
    let mut octets: Vec<u8, WINDOW> = Vec::new();
    encode(&mut Window::new(&mut octets, offset))?;
    if left <= octets.len() {
        return outcome::<T>(stream.write(&octets));
    }
    // The window holds the start of the payload, too; the rest follows it.
    let rest = payload.len().checked_sub(left - octets.len()).and_then(|start| payload.get(start..));
    outcome::<T>(stream.write_both(&octets, rest.unwrap_or(&[])))
}

impl Client {
    /// The packet of a slot, with what the caller lends for it.
    ///
    /// # Errors
    /// [`Error::Topic`] if the lent topic is none (any more).
    pub(super) fn packet<'a, E>(&self, slot: u8, topic: &'a [u8], payload: &'a [u8]) -> Result<Outgoing<'a>, Error<E>> {
        let Some((exchange, packet_identifier, dup)) = self.session.outgoing().packet(slot) else {
            return Err(Error::NotConnected);
        };
        Ok(match exchange {
            Exchange::Publish { qos, retain } => {
                let delivery = delivery(qos, packet_identifier);
                Outgoing::Publish(Publish { dup, delivery, retain, topic: TopicName::new(topic)?, payload })
            }
            Exchange::Subscribe(qos) => {
                Outgoing::Subscribe(Subscribe { packet_identifier, filter: TopicFilter::new(topic)?, qos })
            }
            Exchange::Unsubscribe => {
                Outgoing::Unsubscribe(Unsubscribe { packet_identifier, filter: TopicFilter::new(topic)? })
            }
        })
    }

    /// Sends what is to be sent, as far as the stream takes it: the packet that has begun, the outbox, and then, unless
    /// `begun_only`, the packets of the slots.
    pub(super) fn flush<T: Transport>(
        &mut self,
        stream: &mut T,
        lent: &mut Lent,
        begun_only: bool,
        now: Instant,
    ) -> Result<Flow, Error<T::Error>> {
        loop {
            if self.sending.is_none() && !self.outbox.is_empty() {
                match outcome::<T>(stream.write(self.outbox.offer()))? {
                    Some(len) => self.outbox.took(len),
                    None => return Ok(Flow::Blocked),
                }
                self.session.replied(now);
                continue;
            }
            let slot = match self.sending {
                Some(sending) => sending.slot,
                None if begun_only => return Ok(Flow::Idle),
                None => match self.session.outgoing().next_queued() {
                    Some(slot) => slot,
                    None => return Ok(Flow::Idle),
                },
            };
            let lent_packet = lent.packet.filter(|&(lent_slot, ..)| lent_slot == slot);
            let Some((_, topic, payload)) = lent_packet else { return Ok(Flow::Lend(slot)) };
            if !self.send(stream, slot, topic, payload, now)? {
                return Ok(Flow::Blocked);
            }
        }
    }

    /// Sends the packet of a slot, or the rest of it: whether it has left.
    fn send<T: Transport>(
        &mut self,
        stream: &mut T,
        slot: u8,
        topic: &[u8],
        payload: &[u8],
        now: Instant,
    ) -> Result<bool, Error<T::Error>> {
        let packet = self.packet::<T::Error>(slot, topic, payload);
        let packet = packet.and_then(|packet| Ok((packet, packet.len()?)));
        // What the caller's objects hold was right when it was queued, and began to be sent with this length.
        let unchanged = packet.ok().filter(|&(_, len)| self.sending.is_none_or(|sending| sending.len == len));
        let Some((packet, len)) = unchanged else {
            self.session.outgoing_mut().discard(slot);
            return Err(Error::Changed);
        };
        let mut sending = self.sending.unwrap_or(Sending { slot, offset: 0, len });
        // From the first try on, this packet comes first: a TLS stream that would block has to be offered the same again.
        self.sending = Some(sending);
        while sending.offset < len {
            let written = write_from(stream, sending.offset, len, packet.payload(), |window| packet.encode(window))?;
            let Some(written) = written else { return Ok(false) };
            // At most `len`, which is under 2^28 + 5.
            #[allow(clippy::cast_possible_truncation)]
            let written = written as u32;
            sending.offset = sending.offset.saturating_add(written);
            self.sending = Some(sending);
            self.session.progressed(slot, now);
            if !self.outbox.is_empty() {
                // PINGREQ may wait behind this packet: the time for its answer has not begun.
                self.session.heard(now);
            }
        }
        self.sending = None;
        self.session.sent(slot, now);
        Ok(true)
    }
}
