//! Moves octets out: whole packets, one after the other, each in one write where the stream takes it.

use heapless::Vec;

use super::error::Error;
use super::transport::{Transport, write};
use super::{CONNECT, Client, Lent, Sending};
use crate::codec::wire::Window;
use crate::codec::{ControlPacket, OutgoingPacket, Publish, Subscribe, TopicFilter, TopicName, Unsubscribe};
use crate::session::{Exchange, Instant, delivery};
use crate::settings::WINDOW;

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

/// Writes a packet from where it stands on, in one go where the stream can: how many octets left, `None` for "would block".
#[inline(never)]
fn write_from<T: Transport>(
    stream: &mut T,
    sending: Sending,
    packet: &OutgoingPacket,
) -> Result<Option<usize>, Error<T::Error>> {
    let left = sending.left() as usize;
    let payload = packet.payload();
    // All that is left is payload: out of the caller's memory.
    if let Some(start) = payload.len().checked_sub(left) {
        return write(stream, payload.get(start..).unwrap_or(&[]), &[]);
    }
    let mut octets: Vec<u8, WINDOW> = Vec::new();
    packet.put(sending.remaining_length.get(), &mut Window::new(&mut octets, sending.offset));
    // The window may hold the start of the payload, too; the rest follows it.
    let rest = payload.len().checked_sub(left - octets.len()).and_then(|start| payload.get(start..));
    write(stream, &octets, rest.unwrap_or(&[]))
}

impl Client {
    /// The packet of a slot, if the caller lends what is in it.
    ///
    /// A function of its own, as some others here: inlined into the one large step, its values would push others out of the
    /// registers, which is more code and more stack.
    #[inline(never)]
    fn packet<'a>(&self, slot: u8, lent: &Lent<'a>) -> Option<OutgoingPacket<'a>> {
        if slot == CONNECT {
            return lent.connect.map(OutgoingPacket::Connect);
        }
        let (_, topic, payload) = lent.packet.filter(|&(lent_slot, ..)| lent_slot == slot)?;
        let (exchange, packet_identifier, dup) = self.session.outgoing().packet(slot)?;
        let filter = TopicFilter::again(topic);
        Some(match exchange {
            Exchange::Publish { qos, retain } => {
                let delivery = delivery(qos, packet_identifier);
                OutgoingPacket::Publish(Publish { dup, delivery, retain, topic: TopicName::again(topic), payload })
            }
            Exchange::Subscribe(qos) => OutgoingPacket::Subscribe(Subscribe { packet_identifier, filter, qos }),
            Exchange::Unsubscribe => OutgoingPacket::Unsubscribe(Unsubscribe { packet_identifier, filter }),
        })
    }

    /// Sends what is to be sent, as far as the stream takes it: the packet that has begun, the outbox, and then, unless
    /// `begun_only`, the packets of the slots.
    pub(super) fn flush<T: Transport>(
        &mut self,
        stream: &mut T,
        lent: &Lent,
        begun_only: bool,
        now: Instant,
    ) -> Result<Flow, Error<T::Error>> {
        loop {
            let slot = match self.sending {
                Some(sending) => sending.slot,
                None if !self.outbox.is_empty() => {
                    match write(stream, self.outbox.offer(), &[])? {
                        Some(len) => self.outbox.took(len),
                        None => return Ok(Flow::Blocked),
                    }
                    self.session.sent_without_slot(now);
                    self.session.moved(!self.outbox.has_pingreq(), now);
                    continue;
                }
                None if begun_only => return Ok(Flow::Idle),
                None => match self.session.outgoing().next_queued() {
                    Some(slot) => slot,
                    None => return Ok(Flow::Idle),
                },
            };
            let Some(packet) = self.packet(slot, lent) else { return Ok(Flow::Lend(slot)) };
            match self.send(stream, slot, &packet, now) {
                Ok(true) => {}
                Ok(false) => return Ok(Flow::Blocked),
                Err(error) => self.blame(error, slot)?,
            }
        }
    }

    /// The packet of a slot could not be sent. If its topic and payload have become too long for one, that is told to the caller
    /// who awaits it, and not to whoever happens to send for him.
    #[cold]
    #[inline(never)]
    fn blame<E>(&mut self, error: Error<E>, slot: u8) -> Result<(), Error<E>> {
        match error {
            Error::Encode(error) if self.session.outgoing().is_awaited(slot) => {
                self.session.outgoing_mut().unsendable(slot, error);
                return Ok(());
            }
            Error::Encode(_) | Error::Changed => self.session.outgoing_mut().end(slot),
            _ => {}
        }
        Err(error)
    }

    /// Sends the packet of a slot, or the rest of it: whether it has left.
    #[inline(never)]
    fn send<T: Transport>(
        &mut self,
        stream: &mut T,
        slot: u8,
        packet: &OutgoingPacket,
        now: Instant,
    ) -> Result<bool, Error<T::Error>> {
        let mut sending = match (packet.remaining_length(), self.sending) {
            (Ok(remaining_length), None) => Sending::new(slot, 0, remaining_length),
            (Ok(remaining_length), Some(begun)) if begun.remaining_length.get() == remaining_length => begun,
            (Err(error), None) => return Err(Error::Encode(error)),
            // A packet of the length that the Server was told is not to be had any more.
            _ => return Err(Error::Changed),
        };
        loop {
            // From the first try on, this packet comes first: a TLS stream that would block has to be offered the same
            // again.
            self.sending = Some(sending);
            let Some(written) = write_from(stream, sending, packet)? else { return Ok(false) };
            // At most what is left, which is under 2^28 + 5.
            #[allow(clippy::cast_possible_truncation)]
            let written = written as u32;
            sending.offset = sending.offset.saturating_add(written);
            // PINGREQ may wait behind this packet.
            self.session.moved(false, now);
            if sending.left() == 0 {
                break;
            }
            self.session.progressed(slot, now);
        }
        self.sending = None;
        self.counts.packet_out();
        self.session.sent(slot, now);
        Ok(true)
    }
}
