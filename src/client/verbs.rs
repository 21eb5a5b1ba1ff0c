//! The verbs: connect, publish, subscribe, unsubscribe, ping, disconnect. Each begins an exchange and sends what it can.

use super::error::Error;
use super::pump::write_from;
use super::transport::{Transport, outcome};
use super::{Client, Lent, Sending, Step, Wait};
use crate::codec::{Connect, DISCONNECT, PINGREQ, Publish, QoS, TopicFilter, TopicName};
use crate::session::{Exchange, Instant, SessionError, delivery};
use crate::settings::RX_BUFFER;

/// Reads that `disconnect` makes at most: what has come is read so that closing does not look like a fault to the Server.
const DRAIN_READS: usize = 64;

/// A slot number that is none, for CONNECT.
const NO_SLOT: u8 = u8::MAX;

impl Client {
    /// Begins a connection on a new stream; [`Client::connect`] carries it out.
    ///
    /// # Errors
    /// [`Error::Encode`] if a field is too long, with nothing changed.
    pub fn open<E>(&mut self, connect: &Connect, answer_timeout_ms: u32, now: Instant) -> Result<(), Error<E>> {
        let len = connect.packet_len()?;
        self.close();
        self.session.connect(connect.clean_session, connect.keep_alive_s, answer_timeout_ms, now);
        self.sending = Some(Sending { slot: NO_SLOT, offset: 0, len });
        Ok(())
    }

    /// Sends CONNECT and awaits CONNACK, as far as that goes without waiting. The caller limits the time.
    ///
    /// # Errors
    /// [`Error::Refused`] with the Server's code, [`Error::Session`], [`Error::Transport`], [`Error::EndOfStream`]: the
    /// connection is closed then.
    pub fn connect<T: Transport>(
        &mut self,
        stream: &mut T,
        connect: &Connect,
        may_read: bool,
        now: Instant,
    ) -> Result<Step, Error<T::Error>> {
        let step = self.connect_step(stream, connect, may_read, now);
        if step.is_err() {
            self.close();
        }
        step
    }

    fn connect_step<T: Transport>(
        &mut self,
        stream: &mut T,
        connect: &Connect,
        mut may_read: bool,
        now: Instant,
    ) -> Result<Step, Error<T::Error>> {
        while let Some(mut sending) = self.sending {
            let encode = |window: &mut crate::codec::Window| connect.encode(window);
            match write_from(stream, sending.offset, sending.len, &[], encode)? {
                None => return Ok(Step::Wait(Wait { read: false, write: true, ms: None })),
                Some(written) => {
                    // At most the packet, which is under 2^19 octets.
                    #[allow(clippy::cast_possible_truncation)]
                    let written = written as u32;
                    sending.offset = sending.offset.saturating_add(written);
                    self.sending = if sending.offset < sending.len { Some(sending) } else { None };
                    self.session.replied(now);
                }
            }
        }
        let mut lent = Lent::default();
        loop {
            if self.is_open() {
                // PUBREL of a session that goes on; messages follow in the caller's next step.
                self.flush(stream, &mut lent, true, now)?;
                return Ok(Step::Done);
            }
            match self.advance(&mut lent, now)? {
                super::receive::Advance::Handled => {}
                // A message before CONNACK, too long for the buffer.
                super::receive::Advance::Tell(_) => return Err(Error::Session(SessionError::BeforeConnack)),
                super::receive::Advance::NeedOctets if may_read => may_read = self.fill(stream, &mut lent, now)?,
                super::receive::Advance::NeedOctets => {
                    return Ok(Step::Wait(Wait { read: true, write: false, ms: None }));
                }
            }
        }
    }

    /// Publishes a message: its slot. At QoS 0 it is over when it has left, at QoS 1 and 2 when it is acknowledged; await
    /// it with [`super::Awaited::Slot`].
    ///
    /// # Errors
    /// [`Error::NotConnected`]; [`Error::Encode`]; [`SessionError::OutgoingFull`]. Nothing has left then.
    pub fn publish<E>(
        &mut self,
        topic: TopicName,
        payload: &[u8],
        qos: QoS,
        retain: bool,
        now: Instant,
    ) -> Result<u8, Error<E>> {
        let delivery = delivery(qos, crate::codec::PacketIdentifier::FIRST);
        Publish { dup: false, delivery, retain, topic, payload }.packet_len()?;
        self.begin(Exchange::Publish { qos, retain }, now)
    }

    /// Subscribes to a Topic Filter, at most at this QoS: the slot to await.
    ///
    /// # Errors
    /// [`Error::NotConnected`]; [`SessionError::OutgoingFull`].
    pub fn subscribe<E>(&mut self, _: TopicFilter, qos: QoS, now: Instant) -> Result<u8, Error<E>> {
        self.begin(Exchange::Subscribe(qos), now)
    }

    /// Ends the subscription of a Topic Filter: the slot to await.
    ///
    /// # Errors
    /// [`Error::NotConnected`]; [`SessionError::OutgoingFull`].
    pub fn unsubscribe<E>(&mut self, _: TopicFilter, now: Instant) -> Result<u8, Error<E>> {
        self.begin(Exchange::Unsubscribe, now)
    }

    fn begin<E>(&mut self, exchange: Exchange, now: Instant) -> Result<u8, Error<E>> {
        if !self.is_open() || self.disconnecting {
            return Err(Error::NotConnected);
        }
        Ok(self.session.begin(exchange, now)?)
    }

    /// Queues PINGREQ; false if the outbox is full: wait for [`super::Awaited::Outbox`] and ask again.
    ///
    /// # Errors
    /// [`Error::NotConnected`].
    pub fn ping<E>(&mut self, now: Instant) -> Result<bool, Error<E>> {
        if !self.is_open() || self.disconnecting {
            return Err(Error::NotConnected);
        }
        let queued = self.outbox.push(&PINGREQ);
        if queued {
            self.session.ping(now);
        }
        Ok(queued)
    }

    /// Queues DISCONNECT, behind a packet that has begun to leave and before those that have not; nothing comes after it
    /// [MQTT-3.14.4-2]. False if the outbox is full. Await it with [`super::Awaited::Flushed`], then [`Client::drain`] and
    /// close [MQTT-3.14.4-1]; the caller limits the time.
    ///
    /// # Errors
    /// [`Error::NotConnected`].
    pub fn disconnect<E>(&mut self) -> Result<bool, Error<E>> {
        if !self.is_open() {
            return Err(Error::NotConnected);
        }
        self.disconnecting = self.disconnecting || self.outbox.push(&DISCONNECT);
        Ok(self.disconnecting)
    }

    /// Reads and forgets what has come. TCP tells a peer of unread octets with a reset, which may overtake what was sent.
    pub fn drain<T: Transport>(&mut self, stream: &mut T) {
        self.reader.clear();
        for _ in 0..DRAIN_READS {
            match outcome::<T>(stream.read(self.reader.space())) {
                Ok(Some(len)) if len == RX_BUFFER || !stream.short_read_drains() => {}
                _ => return,
            }
        }
    }
}
