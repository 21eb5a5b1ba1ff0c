//! A caller of [`Client`] as the C side is one: keeps topics and payloads, lends what a step asks for, takes messages.

use std::collections::HashMap;

use umqtt::client::{Awaited, Body, Call, Client, Error, Lent, Step, Transport, Wait};
use umqtt::codec::{Connect, Delivery, Field, QoS, TopicFilter, TopicName};
use umqtt::session::{Exchange, Instant};

use super::packets::CONNACK;
use super::stream::{Fault, Script};

/// How long the Server may take for an answer.
pub const TIMEOUT_MS: u32 = 20_000;

/// CONNECT of [`connect`] in octets: Client Identifier "c", Keep Alive 60, with the flags of clean session or without.
pub fn connect_octets(clean_session: bool) -> Vec<u8> {
    let flags = if clean_session { 0x02 } else { 0x00 };
    vec![0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0, 60, 0, 1, b'c']
}

/// Client Identifier "c", Keep Alive 60, nothing else.
pub fn connect(clean_session: bool) -> Connect<'static> {
    Connect { client_identifier: b"c", clean_session, keep_alive_s: 60, will: None, user_name: None, password: None }
}

/// A message as the callback gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub delivery: Delivery,
}

/// How a caller treats long messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appetite {
    /// Room grows by this many octets a step.
    Takes(usize),
    Drops,
    Refuses,
}

/// A client, its stream and what C would keep.
pub struct Caller<T = Script> {
    pub client: Client,
    pub stream: T,
    pub now: Instant,
    pub kept: HashMap<u8, (Vec<u8>, Vec<u8>)>,
    pub received: Vec<Received>,
    pub appetite: Appetite,
    /// Whether messages are acknowledged as they come.
    pub acknowledges: bool,
    rooms: [Vec<u8>; 2],
    /// Steps that asked for room.
    pub rooms_asked: usize,
}

impl<T: Transport> Caller<T> {
    pub fn new(stream: T) -> Self {
        Caller {
            client: Client::new(),
            stream,
            now: Instant::from_ticks_ms(u32::MAX - 5_000),
            kept: HashMap::new(),
            received: Vec::new(),
            appetite: Appetite::Takes(1_000),
            acknowledges: true,
            rooms: [Vec::new(), Vec::new()],
            rooms_asked: 0,
        }
    }

    /// Lets time pass.
    pub fn pass_ms(&mut self, ms: u32) {
        self.now = self.now.plus_ms(ms);
    }

    /// One poll that may read, and what it leads to, up to a step that tells what the caller has to know.
    pub fn poll(&mut self, awaited: Awaited) -> Result<Step, Error<T::Error>> {
        self.poll_once(awaited, true)
    }

    /// The same; reads only if it may.
    #[cfg_attr(not(feature = "quick"), allow(unused_mut))]
    pub fn poll_once(&mut self, awaited: Awaited, mut may_read: bool) -> Result<Step, Error<T::Error>> {
        #[cfg(feature = "quick")]
        if let Some(told) = self.poll_at_once(awaited, &mut may_read) {
            return told;
        }
        let mut lends: Option<u8> = None;
        let call = Call { may_read, ..Call::new(awaited) };
        loop {
            let [topic, payload] = &mut self.rooms;
            // For one step, as C lends it: the slot may be free after it.
            let packet = lends.take().map(|slot| {
                let (topic, payload) = self.kept.get(&slot).expect("a slot that the caller knows");
                (slot, &topic[..], &payload[..])
            });
            let mut lent = Lent { connect: None, packet, topic, payload };
            let step = self.client.poll(&mut self.stream, &call, &mut lent, self.now);
            let slots = self.client.slots_in_use();
            self.kept.retain(|slot, _| slots >> slot & 1 == 1);
            match step? {
                Step::Lend(slot) => lends = Some(slot),
                Step::Room => self.make_room(),
                Step::Message => self.take(),
                told @ (Step::Done | Step::Wait(_)) => return Ok(told),
            }
        }
    }

    /// The same the short ways, where they lead on.
    #[cfg(feature = "quick")]
    fn poll_at_once(&mut self, awaited: Awaited, may_read: &mut bool) -> Option<Result<Step, Error<T::Error>>> {
        match awaited {
            Awaited::Message => loop {
                match self.client.message_at_once(&mut self.stream, may_read, self.now)? {
                    Ok(Step::Message) => self.take(),
                    told => return Some(told),
                }
            },
            Awaited::Slot(slot) if *may_read => match self.client.puback_at_once(&mut self.stream, slot, self.now) {
                Ok(true) => {
                    self.kept.remove(&slot);
                    Some(Ok(Step::Done))
                }
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            },
            _ => None,
        }
    }

    /// Forgets what was lent for a long message, as C does when a connection is gone.
    pub fn forget_rooms(&mut self) {
        self.rooms = [Vec::new(), Vec::new()];
    }

    fn make_room(&mut self) {
        let long = self.client.long();
        let (field, here, total) = (long.field(), long.here(), long.total());
        self.rooms_asked += 1;
        let room = &mut self.rooms[usize::from(field == Field::Payload)];
        let here = usize::try_from(here).expect("32 bits");
        match self.appetite {
            Appetite::Takes(more) => room.resize((here + more).min(usize::try_from(total).expect("32 bits")), 0),
            Appetite::Drops => self.client.decline(true),
            Appetite::Refuses => self.client.decline(false),
        }
    }

    fn take(&mut self) {
        let message = self.client.message();
        let delivery = message.delivery;
        let [topic, payload] = match message.body {
            Body::Buffered => [
                self.client.octets(message.topic_start, message.topic_len.into()).to_vec(),
                self.client.octets(message.payload_start, message.payload_len).to_vec(),
            ],
            Body::Lent => {
                // A room may be longer: behind the topic lies the Packet Identifier, and a repeated message, of which
                // nobody is told, leaves its room to the next one.
                let rooms = self.rooms.each_mut().map(std::mem::take);
                let lens = [message.topic_len.into(), usize::try_from(message.payload_len).expect("32 bits")];
                [0, 1].map(|field: usize| rooms[field][..lens[field]].to_vec())
            }
            Body::Dropped => [b"(dropped)".to_vec(), Vec::new()],
        };
        self.forget_rooms();
        self.client.taken(delivery);
        self.received.push(Received { topic, payload, delivery });
        if self.acknowledges {
            assert!(self.acknowledge(delivery), "the outbox is full");
        }
    }

    /// Hands a message over and acknowledges it; false if there is no place for that.
    pub fn acknowledge(&mut self, delivery: Delivery) -> bool {
        let is_promised = self.client.promise(delivery);
        if is_promised {
            self.client.delivered(delivery, true);
        }
        is_promised
    }

    /// Reads to the end of the stream, as after DISCONNECT.
    pub fn reads_to_the_end(&mut self, deadline: Option<Instant>) -> Result<Step, Error<T::Error>> {
        let call = Call { deadline, ..Call::new(Awaited::End) };
        self.client.poll(&mut self.stream, &call, &mut Lent::default(), self.now)
    }

    /// Publishes and makes the first step, without reading, as C does: the slot and the step.
    pub fn publish(&mut self, topic: &[u8], payload: &[u8], qos: QoS) -> Result<(u8, Step), Error<T::Error>> {
        TopicName::new(topic).expect("a Topic Name");
        #[cfg(feature = "quick")]
        if let Some(begun) = self.publish_at_once(topic, payload, qos) {
            return begun;
        }
        let slot = self.client.begin(Exchange::Publish { qos, retain: false }, self.now)?;
        self.kept.insert(slot, (topic.to_vec(), payload.to_vec()));
        Ok((slot, self.poll_once(Awaited::Slot(slot), false)?))
    }

    /// The same the short way, if that leads there. A message that is over has no slot: this says 200.
    #[cfg(feature = "quick")]
    #[allow(clippy::type_complexity)]
    fn publish_at_once(
        &mut self,
        topic: &[u8],
        payload: &[u8],
        qos: QoS,
    ) -> Option<Result<(u8, Step), Error<T::Error>>> {
        use umqtt::client::quick::Tried;
        let (topic, payload) = (topic.to_vec(), payload.to_vec());
        let tried = self.client.publish_at_once(&mut self.stream, qos, false, &topic, &payload, self.now);
        let (slot, step) = match tried {
            Tried::Nothing => return None,
            Tried::Over => return Some(Ok((200, Step::Done))),
            Tried::Failed(error) => return Some(Err(error)),
            Tried::Begun(slot, step) => (slot, step),
        };
        self.kept.insert(slot, (topic, payload));
        let step = match step {
            Ok(Step::Lend(slot)) => self.poll_once(Awaited::Slot(slot), false),
            step => step,
        };
        Some(step.map(|step| (slot, step)))
    }

    pub fn subscribe(&mut self, filter: &[u8], qos: QoS) -> Result<(u8, Step), Error<T::Error>> {
        TopicFilter::new(filter).expect("a Topic Filter");
        let slot = self.client.begin(Exchange::Subscribe(qos), self.now)?;
        self.kept.insert(slot, (filter.to_vec(), Vec::new()));
        Ok((slot, self.poll_once(Awaited::Slot(slot), false)?))
    }

    pub fn unsubscribe(&mut self, filter: &[u8]) -> Result<(u8, Step), Error<T::Error>> {
        TopicFilter::new(filter).expect("a Topic Filter");
        let slot = self.client.begin(Exchange::Unsubscribe, self.now)?;
        self.kept.insert(slot, (filter.to_vec(), Vec::new()));
        Ok((slot, self.poll_once(Awaited::Slot(slot), false)?))
    }

    /// What has been received since the last call.
    pub fn messages(&mut self) -> Vec<Received> {
        std::mem::take(&mut self.received)
    }
}

impl Caller {
    /// A connection that stands, over a stream that has been drained of CONNECT.
    pub fn connected(clean_session: bool) -> Self {
        let mut caller = Caller::new(Script::default());
        caller.reconnect(clean_session, &CONNACK);
        caller
    }

    /// A new stream, CONNECT and this CONNACK.
    pub fn reconnect(&mut self, clean_session: bool, connack: &[u8]) {
        self.stream = Script::default();
        self.stream.gives(connack);
        let packet = connect(clean_session);
        self.client.open::<Fault>(&packet, TIMEOUT_MS, self.now).expect("a packet that can be sent");
        let slots = self.client.slots_in_use();
        self.kept.retain(|slot, _| slots >> slot & 1 == 1);
        let step = self.client.connect(&mut self.stream, &packet, true, self.now);
        assert_eq!(step, Ok(Step::Done));
        let written = self.stream.written.remove(0);
        assert_eq!(written.octets, connect_octets(clean_session), "CONNECT goes out first, in one write");
    }

    /// The connection breaks.
    pub fn breaks(&mut self) {
        self.stream.inputs.push_back(super::stream::Input::End);
        assert_eq!(self.poll(Awaited::Message), Err(Error::EndOfStream));
        assert!(!self.client.is_open());
    }
}

/// A step that only waits.
pub fn wait(read: bool, write: bool, ms: u32) -> Step {
    Step::Wait(Wait { read, write, ms })
}
