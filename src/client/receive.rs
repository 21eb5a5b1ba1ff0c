//! Moves octets in: from the stream into packets, from packets into what the caller is told.

use super::error::Error;
use super::transport::{Transport, outcome};
use super::{Body, Client, Fate, Lent, Message, Step};
use crate::codec::{Cut, DecodeError, Delivery, Field, LongPublish, Packet, Publish, TopicName};
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
        let mut direct: Option<&mut [u8]> = None;
        if let Some((long, Fate::Deliver)) = &self.long {
            // Of a field that goes to the caller nothing is left in the buffer: `advance` comes first.
            if long.field() != Field::PacketIdentifier && long.missing() > 0 {
                direct = room(lent, long).filter(|room| !room.is_empty());
            }
        }
        let is_direct = direct.is_some();
        let space = match direct {
            Some(room) => room,
            None => self.reader.space(),
        };
        let asked = space.len();
        let Some(len) = outcome::<T>(stream.read(space))? else { return Ok(false) };
        if is_direct {
            if let Some((long, _)) = &mut self.long {
                // At most what is missing.
                #[allow(clippy::cast_possible_truncation)]
                long.came(len as u32);
            }
        } else {
            self.reader.filled(len);
        }
        self.session.heard(now);
        Ok(len == asked || !short_read_drains)
    }

    /// Deals with one packet, or with one piece of a long one.
    pub(super) fn advance<E>(&mut self, lent: &mut Lent, now: Instant) -> Result<Advance, Error<E>> {
        if self.long.is_some() {
            return self.advance_long(lent);
        }
        match self.reader.cut().map_err(SessionError::from)? {
            Cut::Nothing => Ok(Advance::NeedOctets),
            Cut::Long(long) => {
                self.long = Some((long, Fate::Deliver));
                Ok(Advance::Handled)
            }
            Cut::Packet(packet_type, body) => {
                let octets = self.reader.octets(body.clone());
                let packet = Packet::decode(packet_type, octets).map_err(SessionError::from)?;
                let action = self.session.receive(&packet, now)?;
                let (Action::Deliver, Packet::Publish(publish)) = (action, packet) else {
                    self.act(action)?;
                    return Ok(Advance::Handled);
                };
                let Publish { delivery, topic, payload, .. } = publish;
                // The topic comes first, behind its length; the payload comes last.
                let topic_start = body.start + 2;
                let topic = topic_start..topic_start + topic.octets().len();
                let payload = body.end - payload.len()..body.end;
                Ok(Advance::Tell(Step::Message(Message { delivery, body: Body::Buffered { topic, payload } })))
            }
        }
    }

    /// Does what the session asks for.
    pub(super) fn act<E>(&mut self, action: Action) -> Result<(), Error<E>> {
        match action {
            Action::Reply(ack) => {
                // `poll` cuts no packet without room for its answer.
                let _ = self.outbox.push(&ack.encode());
            }
            Action::Refused(code) => return Err(Error::Refused(code)),
            Action::Connected => {
                for packet_identifier in self.session.outgoing().released() {
                    let pubrel = crate::codec::Ack { ack_type: crate::codec::AckType::Pubrel, packet_identifier };
                    // The outbox is empty, and has room for as many as there are slots.
                    let _ = self.outbox.push(&pubrel.encode());
                }
            }
            Action::None | Action::Deliver => {}
        }
        Ok(())
    }

    /// Goes on with a long message.
    fn advance_long<E>(&mut self, lent: &mut Lent) -> Result<Advance, Error<E>> {
        let Some((mut long, fate)) = self.long.take() else { return Ok(Advance::Handled) };
        if long.missing() == 0 {
            return self.end_field(long, fate, lent);
        }
        let pending = self.reader.pending();
        if long.field() == Field::PacketIdentifier {
            let taken = long.read_identifier(pending).map_err(SessionError::from)?;
            self.reader.take(taken);
            let fate = if taken > 0 { self.fate(long.delivery(), fate)? } else { fate };
            self.long = Some((long, fate));
            return Ok(if taken > 0 { Advance::Handled } else { Advance::NeedOctets });
        }
        let mut len = pending.len().min(long.missing() as usize);
        if fate == Fate::Deliver {
            let room = room(lent, &long).unwrap_or_default();
            if room.is_empty() {
                let (field, here, total) = (long.field(), long.here(), long.total());
                self.long = Some((long, fate));
                return Ok(Advance::Tell(Step::Room { field, here, total }));
            }
            len = len.min(room.len());
            if let (Some(room), Some(octets)) = (room.get_mut(..len), pending.get(..len)) {
                room.copy_from_slice(octets);
            }
        }
        self.reader.take(len);
        // At most what is missing.
        #[allow(clippy::cast_possible_truncation)]
        long.came(len as u32);
        self.long = Some((long, fate));
        Ok(if len > 0 { Advance::Handled } else { Advance::NeedOctets })
    }

    /// The field in hand is whole: checks the topic, or ends the message.
    fn end_field<E>(&mut self, mut long: LongPublish, fate: Fate, lent: &mut Lent) -> Result<Advance, Error<E>> {
        if long.field() == Field::Topic {
            if fate == Fate::Deliver {
                let topic = lent.topic.get(..long.topic_len()).unwrap_or(&[]);
                TopicName::new(topic).map_err(|_| SessionError::Malformed(DecodeError::Topic))?;
            }
            long.topic_done();
            let fate = if long.field() == Field::Payload { self.fate(long.delivery(), fate)? } else { fate };
            self.long = Some((long, fate));
            return Ok(Advance::Handled);
        }
        let delivery = long.delivery();
        let body = match fate {
            Fate::Deliver => Body::Lent { topic_len: long.topic_len(), payload_len: long.total() as usize },
            Fate::Drop => Body::Dropped,
            Fate::Refuse => return Ok(Advance::Handled),
            Fate::Repeated => {
                let action = self.session.publish_arrives(delivery)?;
                self.act(action)?;
                return Ok(Advance::Handled);
            }
        };
        Ok(Advance::Tell(Step::Message(Message { delivery, body })))
    }

    /// What becomes of a long message, now that its Packet Identifier is known.
    fn fate<E>(&self, delivery: Delivery, fate: Fate) -> Result<Fate, Error<E>> {
        match self.session.publish_arrives(delivery)? {
            Action::Reply(_) => Ok(Fate::Repeated),
            _ => Ok(fate),
        }
    }

    /// The caller does not want the long message that is coming in: it is read, acknowledged and dropped.
    pub fn drop_message(&mut self) {
        self.decide(Fate::Drop);
    }

    /// The caller has no memory for the long message that is coming in: it is read but not acknowledged, so that the Server
    /// keeps it for the next connection.
    pub fn refuse_message(&mut self) {
        self.decide(Fate::Refuse);
    }

    fn decide(&mut self, decision: Fate) {
        if let Some((_, fate @ Fate::Deliver)) = &mut self.long {
            *fate = decision;
        }
    }

    /// The caller has the message that [`Step::Message`] told of. From now on it is not delivered again at QoS 2.
    pub fn taken(&mut self, delivery: Delivery) {
        if let Some(ack) = self.session.taken(delivery) {
            // `poll` tells of no message without room for its answer.
            let _ = self.outbox.push(&ack.encode());
        }
    }

    /// The caller is through with the message: it is acknowledged at QoS 1. False if the outbox is full: wait for
    /// [`super::Awaited::Outbox`] and tell again.
    #[must_use]
    pub fn delivered(&mut self, delivery: Delivery) -> bool {
        match self.session.delivered(delivery) {
            Some(ack) if self.is_open() && !self.disconnecting => self.outbox.push(&ack.encode()),
            _ => true,
        }
    }
}

/// The room that the caller lends for what is missing of the field in hand.
fn room<'a>(lent: &'a mut Lent, long: &LongPublish) -> Option<&'a mut [u8]> {
    let field = if long.field() == Field::Topic { &mut *lent.topic } else { &mut *lent.payload };
    let end = field.len().min(long.total() as usize);
    field.get_mut(long.here() as usize..end)
}
