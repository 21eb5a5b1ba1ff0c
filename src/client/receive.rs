//! Moves octets in: from the stream into packets, from packets into what the caller is told.

use super::error::Error;
use super::transport::{Transport, outcome};
use super::{Body, Client, Fate, Lent, Message, Step};
use crate::codec::{Cut, Delivery, Field, LongPublish, Packet};
use crate::session::{Action, Instant, SessionError};

/// What came of looking at the octets that are here.
pub(super) enum Advance {
    /// A packet was dealt with; there may be more.
    Handled,
    /// The caller has to hear of it.
    Tell(Step),
    /// More octets are needed.
    NeedOctets,
}

impl Client {
    /// Reads once: whether there may be more to read.
    pub(super) fn fill<T: Transport>(
        &mut self,
        stream: &mut T,
        lent: &mut Lent,
        now: Instant,
    ) -> Result<bool, Error<T::Error>> {
        let short_read_drains = stream.short_read_drains();
        // Of a field that goes to the caller nothing is left in the buffer: `advance` comes first.
        let direct = if self.fate == Fate::Deliver { room(lent, &self.long) } else { &mut [] };
        let is_direct = !direct.is_empty();
        let space = if is_direct { direct } else { self.reader.space() };
        let asked = space.len();
        let Some(len) = outcome::<T>(stream.read(space))? else { return Ok(false) };
        if is_direct {
            self.long.came(space.get(..len).unwrap_or(&[])).map_err(SessionError::from)?;
        } else {
            self.reader.filled(len);
        }
        self.session.heard(now);
        Ok(len == asked || !short_read_drains)
    }

    /// Deals with one packet, or with one piece of a long one.
    pub(super) fn advance<E>(&mut self, lent: &mut Lent, now: Instant) -> Result<Advance, Error<E>> {
        if self.fate != Fate::None {
            return self.advance_long(lent);
        }
        match self.reader.cut().map_err(SessionError::from)? {
            Cut::Nothing => Ok(Advance::NeedOctets),
            Cut::Long(_) if !self.is_open() => Err(Error::Session(SessionError::BeforeConnack)),
            Cut::Long(long) => {
                self.long = long;
                self.fate = Fate::Deliver;
                Ok(Advance::Handled)
            }
            Cut::Packet(packet_type, body) => {
                self.counts.packet_in();
                let octets = self.reader.octets(body.clone());
                let packet = Packet::decode(packet_type, octets).map_err(SessionError::from)?;
                let action = self.session.receive(&packet, now)?;
                let (Action::Deliver, Packet::Publish(publish)) = (action, packet) else {
                    self.act(action)?;
                    return Ok(Advance::Handled);
                };
                // The topic comes first, behind its length; the payload comes last. All of it is in the buffer, whose
                // places are numbers of 16 bits.
                #[allow(clippy::cast_possible_truncation)]
                let message = Message {
                    delivery: publish.delivery,
                    flags: packet_type & 0x0F,
                    body: Body::Buffered,
                    topic_start: body.start as u16 + 2,
                    topic_len: publish.topic.octets().len() as u16,
                    payload_start: (body.end - publish.payload.len()) as u16,
                    payload_len: publish.payload.len() as u32,
                };
                self.message = message;
                Ok(Advance::Tell(Step::Message))
            }
        }
    }

    /// Whether what is to be dealt with next is a message for the caller, or the rest of one.
    pub(super) fn comes_to_a_message(&self) -> bool {
        match self.fate {
            Fate::None => matches!(self.reader.pending(), [0x30..=0x3F, ..]),
            Fate::Deliver => true,
            Fate::Drop | Fate::Repeated | Fate::Refuse => false,
        }
    }

    /// Does what the session asks for.
    pub(super) fn act<E>(&mut self, action: Action) -> Result<(), Error<E>> {
        match action {
            Action::Reply(ack) => {
                // `poll` cuts no packet without room for its answer.
                let _ = self.queue(&ack.encode());
            }
            Action::Refused(code) => return Err(Error::Refused(code)),
            // Nobody can have read a CONNECT that has not left.
            Action::Connected if self.sending.is_some() => return Err(Error::Session(SessionError::BeforeConnack)),
            Action::Connected => {
                self.counts.connected();
                for packet_identifier in self.session.outgoing().released() {
                    let pubrel = crate::codec::Ack { ack_type: crate::codec::AckType::Pubrel, packet_identifier };
                    // The outbox is empty, and has room for as many as there are slots.
                    let _ = self.outbox.push(&pubrel.encode());
                    self.counts.packet_out();
                }
            }
            Action::None | Action::Deliver => {}
        }
        Ok(())
    }

    /// Goes on with a long message.
    fn advance_long<E>(&mut self, lent: &mut Lent) -> Result<Advance, Error<E>> {
        let long = &mut self.long;
        if long.missing() == 0 {
            return self.end_field();
        }
        let pending = self.reader.pending();
        let mut octets = pending.get(..long.missing() as usize).unwrap_or(pending);
        if self.fate == Fate::Deliver {
            let room = room(lent, long);
            if room.is_empty() {
                return Ok(Advance::Tell(Step::Room));
            }
            octets = octets.get(..room.len()).unwrap_or(octets);
            if let Some(room) = room.get_mut(..octets.len()) {
                room.copy_from_slice(octets);
            }
        }
        let len = octets.len();
        long.came(octets).map_err(SessionError::from)?;
        self.reader.take(len);
        Ok(if len > 0 { Advance::Handled } else { Advance::NeedOctets })
    }

    /// The field in hand is whole: goes on to the payload, or ends the message.
    fn end_field<E>(&mut self) -> Result<Advance, Error<E>> {
        if self.long.field() == Field::Topic {
            self.long.topic_done().map_err(SessionError::from)?;
            if self.session.publish_arrives(self.long.delivery())? != Action::Deliver {
                self.fate = Fate::Repeated;
            }
            return Ok(Advance::Handled);
        }
        self.counts.packet_in();
        let delivery = self.long.delivery();
        self.message.delivery = delivery;
        self.message.flags = self.long.flags();
        self.message.topic_len = self.long.topic_len();
        self.message.payload_len = self.long.total();
        self.message.body = match core::mem::replace(&mut self.fate, Fate::None) {
            Fate::Deliver => Body::Lent,
            Fate::Drop => Body::Dropped,
            Fate::None | Fate::Refuse => return Ok(Advance::Handled),
            Fate::Repeated => {
                self.taken(delivery);
                return Ok(Advance::Handled);
            }
        };
        Ok(Advance::Tell(Step::Message))
    }

    /// The caller does not want the long message that is coming in, or has no memory for it: it is read and dropped. Not
    /// acknowledged, the Server keeps it for the next connection.
    pub fn decline(&mut self, acknowledge: bool) {
        if self.fate == Fate::Deliver {
            self.fate = if acknowledge { Fate::Drop } else { Fate::Refuse };
        }
    }

    /// The caller has the message that [`Step::Message`] told of. From now on it is not delivered again at QoS 2.
    pub fn taken(&mut self, delivery: Delivery) {
        if let Some(ack) = self.session.taken(delivery) {
            // `poll` tells of no message without room for its answer.
            let _ = self.outbox.push(&ack.encode());
            self.counts.packet_out();
        }
    }

    /// The caller is about to hand a message to somebody who may use this client himself: at QoS 1 a place in the outbox is kept for
    /// its acknowledgement. False if none is free: wait for [`super::Awaited::Outbox`] and ask again.
    #[must_use]
    pub fn promise(&mut self, delivery: Delivery) -> bool {
        if !matches!(delivery, Delivery::AtLeastOnce(_)) {
            return true;
        }
        let has_room = self.outbox.has_room(1 + usize::from(self.promised));
        self.promised += u8::from(has_room);
        has_room
    }

    /// The caller is through with the message that a place was promised for: at QoS 1 it is acknowledged, if he says so, unless its
    /// connection is over.
    pub fn delivered(&mut self, delivery: Delivery, acknowledges: bool) {
        let Some(ack) = self.session.delivered(delivery) else { return };
        self.promised = self.promised.saturating_sub(1);
        if acknowledges && self.is_open() && !self.disconnecting {
            // There is room: it was promised.
            let _ = self.queue(&ack.encode());
        }
    }
}

/// The room that the caller lends for what is missing of the field in hand; empty if there is none.
fn room<'a>(lent: &'a mut Lent, long: &LongPublish) -> &'a mut [u8] {
    let field = if long.field() == Field::Topic { &mut *lent.topic } else { &mut *lent.payload };
    let end = field.len().min(long.total() as usize);
    field.get_mut(long.here() as usize..end).unwrap_or_default()
}
