//! The one file that calls the client: what C does through `src/ffi`, without C.

use umqtt::client::{Awaited, Body, Call, Client, Error, Lent, Step};
use umqtt::codec::{Connect, Delivery, Field, PacketIdentifier, QoS, TopicFilter, TopicName};
use umqtt::session::Exchange;

use super::net::Net;
use super::support::stream::Fault;

/// Memory for a long message: topic and payload.
pub type Rooms = [Vec<u8>; 2];

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
    /// Whether the last poll went a short way.
    was_short: bool,
}

impl Adapter {
    /// One whose first Packet Identifier comes after this number.
    pub fn new(last_identifier: u16) -> Self {
        let mut client = Client::new();
        client.begin_after(last_identifier);
        Adapter { client, was_short: false }
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

    /// One step towards CONNACK. C lends no rooms for it.
    pub fn connect(&mut self, net: &mut Net, connect: &Connect, call: &mut Call) -> Come<Step> {
        let now = net.instant();
        let mut lent = Lent { connect: Some(connect), ..Lent::default() };
        call.awaited = Awaited::Connack;
        self.client.poll(net, &*call, &mut lent, now)
    }

    /// Begins an exchange about what is lent, and makes its first step: the slot that it has, if it has one. C lends no rooms
    /// for it.
    pub fn begin(
        &mut self,
        net: &mut Net,
        call: &mut Call,
        exchange: Exchange,
        topic: &[u8],
        payload: &[u8],
    ) -> (Option<u8>, Come<Step>) {
        self.was_short = true;
        #[cfg(feature = "quick")]
        if let Exchange::Publish { qos, retain } = exchange {
            if let Some(come) = self.publish_at_once(net, call, qos, retain, topic, payload) {
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
                call.awaited = Awaited::Slot(slot);
                (Some(slot), self.poll_step(net, call, Some((slot, topic, payload)), None))
            }
            Err(error) => (None, Err(error)),
        }
    }

    /// `quick::publish` of `src/ffi`, with `send_rest`.
    #[cfg(feature = "quick")]
    fn publish_at_once(
        &mut self,
        net: &mut Net,
        call: &mut Call,
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
                call.awaited = Awaited::Slot(slot);
                Some((Some(slot), self.poll_step(net, call, Some((slot, topic, payload)), None)))
            }
            Tried::Begun(slot, come) => Some((Some(slot), come)),
        }
    }

    /// `umqtt_poll`: the short way for a message first.
    pub fn poll(&mut self, net: &mut Net, call: &mut Call, packet: Packet, rooms: Option<&mut Rooms>) -> Come<Step> {
        #[cfg(feature = "quick")]
        if call.awaited == Awaited::Message {
            let now = net.instant();
            let asked = call.may_read;
            if let Some(come) = self.client.message_at_once(net, &mut call.may_read, now) {
                call.may_read = asked;
                self.was_short = true;
                return come;
            }
            let come = self.poll_step(net, call, packet, rooms);
            call.may_read = asked;
            return come;
        }
        self.poll_step(net, call, packet, rooms)
    }

    fn poll_step(&mut self, net: &mut Net, call: &mut Call, packet: Packet, rooms: Option<&mut Rooms>) -> Come<Step> {
        let now = net.instant();
        self.was_short = false;
        let mut none = Rooms::default();
        let [topic, payload] = rooms.unwrap_or(&mut none);
        let mut lent = Lent { connect: None, packet, topic, payload };
        self.client.poll(net, &*call, &mut lent, now)
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

    /// Whether the time was over of what the last poll awaited. A short way leaves what was said before.
    pub fn is_late(&self, before: bool) -> bool {
        if self.was_short { before } else { self.client.is_late() }
    }

    /// Whether C has to keep the rooms for the next call.
    pub fn uses_rooms(&self) -> bool {
        self.client.uses_rooms()
    }

    pub fn taken(&mut self, qos: u8, identifier: u16) {
        self.client.taken(delivery(qos, identifier));
    }

    /// Whether there will be a place for the acknowledgement of a message.
    pub fn promise(&mut self, qos: u8, identifier: u16) -> bool {
        self.client.promise(delivery(qos, identifier))
    }

    /// The caller is through with a message that a place was promised for, well or not.
    pub fn delivered(&mut self, qos: u8, identifier: u16, acknowledges: bool) {
        self.client.delivered(delivery(qos, identifier), acknowledges);
    }

    /// Whether somebody awaits this slot.
    pub fn is_awaited(&self, slot: u8) -> bool {
        self.client.session().outgoing().is_awaited(slot)
    }

    /// Forgets an exchange that nobody awaits.
    pub fn discard(&mut self, slot: u8) {
        self.client.discard(slot);
    }
}

fn delivery(qos: u8, identifier: u16) -> Delivery {
    let identifier = PacketIdentifier::new(identifier).unwrap_or(PacketIdentifier::FIRST);
    umqtt::session::delivery(QoS::new(qos).expect("a QoS"), identifier)
}
