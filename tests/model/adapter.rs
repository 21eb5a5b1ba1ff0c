//! The one file that calls the client: what C does through `src/ffi`, without C.

use umqtt::client::{Awaited, Body, Client, Error, Lent, Step};
use umqtt::codec::{Connect, Delivery, Field, PacketIdentifier, QoS, TopicFilter, TopicName};
use umqtt::session::Exchange;

use super::net::Net;
use super::support::stream::Fault;

/// Memory for a long message: topic and payload.
pub type Rooms = [Vec<u8>; 2];

/// Whether rooms may be withheld from any call.
pub const ROOMS_MAY_BE_WITHHELD: bool = false;

/// A packet that is lent for one call: its slot, topic and payload.
pub type Packet<'a> = Option<(u8, &'a [u8], &'a [u8])>;

/// What a call came to.
pub type Come<T> = Result<T, Error<Fault>>;

/// A message as a step tells of it.
#[derive(Debug, Clone)]
pub struct Told {
    pub qos: u8,
    pub identifier: u16,
    pub flags: u8,
    pub topic_len: usize,
    pub payload_len: usize,
    /// Topic and payload, of one in the receive buffer.
    pub octets: Option<(Vec<u8>, Vec<u8>)>,
    pub is_dropped: bool,
}

/// The long message that asks for room.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Which of the rooms.
    pub room: usize,
    pub come: usize,
    pub total: usize,
}

/// The client as C has it.
pub struct Adapter {
    client: Client,
}

impl Adapter {
    /// One whose first Packet Identifier comes from this number.
    pub fn new(_seed: u16) -> Self {
        Adapter { client: Client::new() }
    }

    pub fn is_open(&self) -> bool {
        self.client.is_open()
    }

    pub fn has_packet(&self) -> bool {
        self.client.has_packet()
    }

    pub fn slots_in_use(&self) -> u32 {
        self.client.slots_in_use()
    }

    pub fn close(&mut self) {
        self.client.close();
    }

    pub fn abandon(&mut self, slot: u8) {
        self.client.abandon(slot);
    }

    pub fn decline(&mut self, acknowledge: bool) {
        self.client.decline(acknowledge);
    }

    pub fn open(&mut self, net: &Net, connect: &Connect) -> Come<()> {
        let timeout_ms = u32::try_from(net.habits.timeout_ms).expect("a short time");
        self.client.open(connect, timeout_ms, net.instant())
    }

    pub fn connect(&mut self, net: &mut Net, connect: &Connect, rooms: &mut Rooms, may_read: bool) -> Come<Step> {
        let now = net.instant();
        let [topic, payload] = rooms;
        let mut lent = Lent { connect: Some(connect), packet: None, topic, payload };
        self.client.poll(net, Awaited::Connack, &mut lent, may_read, now)
    }

    /// Begins an exchange about what is lent, and makes its first step: the slot that it has, if it has one.
    pub fn begin(
        &mut self,
        net: &mut Net,
        exchange: Exchange,
        topic: &[u8],
        payload: &[u8],
        rooms: &mut Rooms,
    ) -> (Option<u8>, Come<Step>) {
        #[cfg(feature = "quick")]
        if let Exchange::Publish { qos, retain } = exchange {
            if let Some(come) = self.publish_at_once(net, qos, retain, topic, payload) {
                return come;
            }
        }
        if let Exchange::Publish { .. } = exchange {
            TopicName::new(topic).expect("a Topic Name");
        } else {
            TopicFilter::new(topic).expect("a Topic Filter");
        }
        match self.client.begin(exchange, net.instant()) {
            Ok(slot) => {
                let packet = Some((slot, topic, payload));
                (Some(slot), self.poll_step(net, Awaited::Slot(slot), packet, Some(rooms), false))
            }
            Err(error) => (None, Err(error)),
        }
    }

    /// `quick::publish` of `src/ffi`, with `send_rest`.
    #[cfg(feature = "quick")]
    fn publish_at_once(
        &mut self,
        net: &mut Net,
        qos: QoS,
        retain: bool,
        topic: &[u8],
        payload: &[u8],
    ) -> Option<(Option<u8>, Come<Step>)> {
        use umqtt::client::quick::Tried;
        let now = net.instant();
        match self.client.publish_at_once(net, qos, retain, topic, payload, now) {
            Tried::Over => Some((None, Ok(Step::Done))),
            Tried::Nothing => None,
            Tried::Failed(error) => Some((None, Err(error))),
            Tried::Begun(slot, Ok(Step::Lend(_))) => {
                let packet = Some((slot, topic, payload));
                Some((Some(slot), self.poll_step(net, Awaited::Slot(slot), packet, None, false)))
            }
            Tried::Begun(slot, come) => Some((Some(slot), come)),
        }
    }

    /// `umqtt_poll`: the short way for a message first.
    #[cfg_attr(not(feature = "quick"), allow(unused_mut))]
    pub fn poll(
        &mut self,
        net: &mut Net,
        awaited: Awaited,
        packet: Packet,
        rooms: Option<&mut Rooms>,
        mut may_read: bool,
    ) -> Come<Step> {
        #[cfg(feature = "quick")]
        if awaited == Awaited::Message {
            let now = net.instant();
            if let Some(come) = self.client.message_at_once(net, &mut may_read, now) {
                return come;
            }
        }
        self.poll_step(net, awaited, packet, rooms, may_read)
    }

    fn poll_step(
        &mut self,
        net: &mut Net,
        awaited: Awaited,
        packet: Packet,
        rooms: Option<&mut Rooms>,
        may_read: bool,
    ) -> Come<Step> {
        let now = net.instant();
        let mut none = Rooms::default();
        let [topic, payload] = rooms.unwrap_or(&mut none);
        let mut lent = Lent { connect: None, packet, topic, payload };
        self.client.poll(net, awaited, &mut lent, may_read, now)
    }

    #[cfg(feature = "quick")]
    pub fn puback(&mut self, net: &mut Net, slot: u8) -> Come<bool> {
        let now = net.instant();
        self.client.puback_at_once(net, slot, now)
    }

    /// Whether PINGREQ found a place.
    pub fn ping(&mut self, net: &Net) -> Come<bool> {
        self.client.ping(net.instant())
    }

    /// Whether DISCONNECT found a place.
    pub fn disconnect(&mut self) -> Come<bool> {
        self.client.disconnect()
    }

    pub fn drain(&mut self, net: &mut Net) {
        self.client.drain(net);
    }

    /// The message of [`Step::Message`].
    pub fn message(&self) -> Told {
        let message = self.client.message();
        let octets = (message.body == Body::Buffered).then(|| {
            let topic = self.client.octets(message.topic_start, message.topic_len.into());
            (topic.to_vec(), self.client.octets(message.payload_start, message.payload_len).to_vec())
        });
        Told {
            qos: message.delivery.qos() as u8,
            identifier: message.delivery.packet_identifier().map_or(0, PacketIdentifier::get),
            flags: message.flags,
            topic_len: message.topic_len.into(),
            payload_len: message.payload_len as usize,
            octets,
            is_dropped: message.body == Body::Dropped,
        }
    }

    /// The message of [`Step::Room`].
    pub fn wish(&self) -> Wish {
        let long = self.client.long();
        let room = usize::from(long.field() == Field::Payload);
        Wish { room, come: self.client.come() as usize, total: long.total() as usize }
    }

    /// Whether C has to keep the rooms for the next call.
    #[allow(clippy::unused_self)]
    pub fn needs_rooms(&self) -> bool {
        true
    }

    pub fn taken(&mut self, qos: u8, identifier: u16) {
        self.client.taken(delivery(qos, identifier));
    }

    /// The caller is through with a message.
    pub fn delivered(&mut self, qos: u8, identifier: u16) {
        assert!(self.client.delivered(delivery(qos, identifier)), "no place for an acknowledgement");
    }
}

fn delivery(qos: u8, identifier: u16) -> Delivery {
    let identifier = PacketIdentifier::new(identifier).unwrap_or(PacketIdentifier::FIRST);
    umqtt::session::delivery(QoS::new(qos).expect("a QoS"), identifier)
}
