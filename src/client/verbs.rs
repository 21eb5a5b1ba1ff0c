//! The verbs: connect, publish, subscribe, unsubscribe, ping, disconnect. Each begins an exchange and sends what it can.

use super::error::Error;
use super::transport::Transport;
use super::{Awaited, CONNECT, Call, Client, Lent, Sending, Step};
use crate::codec::{Connect, ControlPacket, DISCONNECT, PINGREQ};
use crate::session::{Exchange, Instant, SessionError};

impl Client {
    /// Begins a connection on a new stream; [`Client::connect`] carries it out.
    ///
    /// # Errors
    /// [`Error::Encode`] if a field is too long, with nothing changed.
    pub fn open<E>(&mut self, connect: &Connect, answer_timeout_ms: u32, now: Instant) -> Result<(), Error<E>> {
        let remaining_length = connect.remaining_length()?;
        self.close();
        self.session.connect(connect.clean_session, connect.keep_alive_s, answer_timeout_ms, now);
        self.sending = Some(Sending::new(CONNECT, 0, remaining_length));
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
        let mut lent = Lent { connect: Some(connect), ..Lent::default() };
        self.poll(stream, &Call { may_read, ..Call::new(Awaited::Connack) }, &mut lent, now)
    }

    /// Begins an exchange: its slot, to be awaited with [`Awaited::Slot`]. The caller has checked the Topic Name or Topic
    /// Filter, and lends it when [`Step::Lend`] asks for it. At QoS 0 a message is over when it has left.
    ///
    /// # Errors
    /// [`Error::NotConnected`]; [`SessionError::OutgoingFull`].
    pub fn begin<E>(&mut self, exchange: Exchange, now: Instant) -> Result<u8, Error<E>> {
        if !self.is_open() || self.disconnecting {
            return Err(Error::NotConnected);
        }
        if !self.session.has_room_for(exchange, now) {
            return Err(SessionError::OutgoingFull.into());
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
        let queued = self.queue(&PINGREQ);
        if queued {
            self.outbox.marks_ping();
            self.session.ping(now);
        }
        Ok(queued)
    }

    /// Queues DISCONNECT, behind a packet that has begun to leave and before those that have not; nothing comes after it
    /// [MQTT-3.14.4-2]. False if the outbox is full. Await it with [`super::Awaited::Flushed`], end the sending side of the
    /// stream if it can be ended alone, await [`super::Awaited::End`] and close [MQTT-3.14.4-1]; the caller limits the time.
    ///
    /// # Errors
    /// [`Error::NotConnected`].
    pub fn disconnect<E>(&mut self) -> Result<bool, Error<E>> {
        if !self.is_open() {
            return Err(Error::NotConnected);
        }
        self.disconnecting = self.disconnecting || self.queue(&DISCONNECT);
        Ok(self.disconnecting)
    }
}
