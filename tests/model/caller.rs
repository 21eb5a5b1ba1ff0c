//! What C keeps for a client, `mqttclient_obj_t`, and the steps that it makes without waiting.

use std::collections::VecDeque;
use std::rc::Rc;

use umqtt::client::{Awaited, Call, Error, Step as Came, Wait};
use umqtt::settings::IN_FLIGHT;

use super::adapter::{Adapter, Come, Packet, Rooms, Told, Wish};
use super::identity::Identity;
use super::ledger::Coming;
use super::net::Net;
use super::support::stream::Fault;
use super::world::State;

/// Why a method raises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Failure {
    /// What Rust says.
    Client(Error<Fault>),
    /// C's own deadline.
    Timeout,
    /// The connection is over, by another thread's doing or finding.
    Lost,
    /// Another method makes a connection.
    Connecting,
    Interrupt,
    Callback,
    NoMemory,
}

/// A status, in C's words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Status {
    Done,
    Wait,
    Lend,
    Room,
    Message,
    Full,
    PollAgain,
    Delivered,
    Queued,
    Fail(Failure),
}

/// One call of Rust, `umqtt_step_t`.
#[derive(Debug)]
pub struct Step {
    pub call: Call,
    /// The slot that is lent in the next call.
    pub lends: Option<u8>,
    pub begun: Option<u8>,
    pub slot: u8,
    pub wait: Option<Wait>,
    pub told: Option<Told>,
    pub wish: Option<Wish>,
    /// How often the method has slept.
    pub sleeps: u32,
    /// The time is over of what is awaited, and so many messages came since.
    pub is_late: bool,
    pub late: u8,
    /// Reads of the last poll.
    pub reads: u32,
}

impl Step {
    /// One that has done nothing yet, with its first say on reading.
    pub fn new(may_read: bool) -> Self {
        let call = Call { may_read, ..Call::new(Awaited::Flushed) };
        Step {
            call,
            lends: None,
            begun: None,
            slot: 0,
            wait: None,
            told: None,
            wish: None,
            sleeps: 0,
            is_late: false,
            late: 0,
            reads: 0,
        }
    }
}

/// What an exchange is about.
#[derive(Debug, Clone)]
pub struct Held {
    pub number: u32,
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub struct Kept {
    pub message: Rc<Coming>,
    pub connection: u32,
    /// Whether the callback gets it.
    pub is_wanted: bool,
    /// Whether a place was promised for its acknowledgement.
    pub is_promised: bool,
}

/// The client object.
#[allow(clippy::struct_excessive_bools, reason = "it keeps what it knows")]
pub struct Caller {
    pub client: Adapter,
    pub connection: u32,
    pub receivers: u32,
    pub callback_depth: u32,
    pub callback_thread: Option<usize>,
    pub connecting: bool,
    pub clean: bool,
    pub identity: Identity,
    pub has_stream: bool,
    pub disconnecting: bool,
    pub held: [Option<Held>; IN_FLIGHT],
    pub rooms: Rooms,
    pub queue: VecDeque<Kept>,
    /// Octets that the queue takes.
    pub kept_len: usize,
    /// The number of the exchange that began last.
    pub numbers: u32,
}

impl Caller {
    pub fn new(seed: u16) -> Self {
        Caller {
            client: Adapter::new(seed),
            connection: 0,
            receivers: 0,
            callback_depth: 0,
            callback_thread: None,
            connecting: false,
            clean: true,
            identity: Identity::default(),
            has_stream: false,
            disconnecting: false,
            held: [const { None }; IN_FLIGHT],
            rooms: Rooms::default(),
            queue: VecDeque::new(),
            kept_len: 0,
            numbers: 0,
        }
    }

    /// The device was switched off and on.
    pub fn restarts(&mut self, seed: u16) {
        *self = Caller { connection: self.connection + 1, numbers: self.numbers, ..Caller::new(seed) };
    }

    pub fn forget_rooms(&mut self) {
        self.rooms = Rooms::default();
    }

    /// Lets go of the objects whose exchange is over.
    pub fn forget_finished(&mut self) {
        let in_use = self.client.slots_in_use();
        for (slot, held) in self.held.iter_mut().enumerate() {
            if in_use >> slot & 1 == 0 {
                *held = None;
            }
        }
    }

    pub fn number_of(&self, slot: u8) -> Option<u32> {
        self.held.get(usize::from(slot))?.as_ref().map(|held| held.number)
    }
}

/// What a call came to, as a status.
fn status(net: &Net, caller: &Caller, step: &mut Step, come: Come<Came>) -> Status {
    match come {
        Ok(Came::Done) => Status::Done,
        Ok(Came::Wait(wait)) => {
            step.wait = Some(wait);
            assert!(wait.read || wait.write || !step.call.takes, "waits for nothing");
            assert!(!wait.write || net.blocks, "waits for a stream that does not block");
            Status::Wait
        }
        Ok(Came::Lend(slot)) => {
            step.slot = slot;
            Status::Lend
        }
        Ok(Came::Room) => {
            step.wish = Some(caller.client.wish());
            Status::Room
        }
        Ok(Came::Message) => {
            step.told = Some(caller.client.message());
            Status::Message
        }
        Err(Error::Session(umqtt::session::SessionError::OutgoingFull)) => Status::Full,
        Err(error) => Status::Fail(Failure::Client(error)),
    }
}

impl State {
    /// `mqttclient_begin_step`.
    pub fn begin_step(&mut self) -> Step {
        Step::new(self.net.habits.tls)
    }

    /// `poll_step`: one call, with the rooms as C keeps them.
    pub fn poll_step(&mut self, step: &mut Step, awaited: Awaited) -> Status {
        let State { net, caller, .. } = self;
        let lent = step.lends.take().and_then(|slot| Some((slot, caller.held[usize::from(slot)].clone()?)));
        let packet: Packet = lent.as_ref().map(|(slot, held)| (*slot, &held.topic[..], &held.payload[..]));
        let withholds = net.has_a_whim(net.habits.withholds);
        let rooms = if withholds { None } else { Some(&mut caller.rooms) };
        step.call.awaited = awaited;
        step.call.takes = caller.kept_len < net.habits.kept;
        let reads = net.reads;
        net.was_readable = net.incoming.len();
        let come = caller.client.poll(net, &mut step.call, packet, rooms);
        step.is_late = caller.client.is_late(step.is_late);
        step.reads = net.reads - reads;
        let status = status(net, caller, step, come);
        if !caller.client.uses_rooms() && status != Status::Message {
            caller.forget_rooms();
        }
        let Call { may_read, takes, attends, .. } = step.call;
        let (is_late, wait) = (step.is_late, step.wait);
        net.says(format_args!(
            "    {awaited:?}, may_read {may_read} takes {takes} attends {attends}: {status:?} late {is_late} {wait:?}"
        ));
        step.call.attends = false;
        self.ends_of_errors(status, awaited);
        if (status, awaited) == (Status::Done, Awaited::Flushed) {
            self.net.server.ledger.is_flushed();
        }
        status
    }

    /// `umqtt_begin`, and what C keeps for it.
    pub fn begin_exchange(&mut self, step: &mut Step, exchange: umqtt::session::Exchange, held: &Held) -> Status {
        let State { net, caller, .. } = self;
        let (begun, come) = caller.client.begin(net, &mut step.call, exchange, &held.topic, &held.payload);
        step.begun = begun;
        step.is_late = caller.client.is_late(step.is_late);
        let status = status(net, caller, step, come);
        net.says(format_args!("    begun {begun:?}: {status:?} {:?}", step.wait));
        status
    }

    /// One step towards CONNACK.
    pub fn connect_step(&mut self, step: &mut Step, connect: &umqtt::codec::Connect) -> Status {
        let State { net, caller, .. } = self;
        let come = caller.client.connect(net, connect, &mut step.call);
        let status = status(net, caller, step, come);
        net.says(format_args!("    connect: {status:?}"));
        self.ends_of_errors(status, Awaited::Connack);
        status
    }

    /// Lends the buffers of the slot that Rust asks for. They may have grown meanwhile.
    pub fn lend(&mut self, step: &mut Step) {
        let State { net, caller, .. } = self;
        let held = caller.held[usize::from(step.slot)].as_mut().expect("a slot that C holds");
        if net.chance.one_in(net.habits.spoils) {
            let begun = net.server.exchanges.all.get_mut(&held.number).expect("an exchange that was begun");
            begun.spoiled = true;
            held.topic = vec![b'x'; 70_000];
            net.forgives = true;
            net.says(format_args!("    {} is spoiled", held.number));
        }
        step.lends = Some(step.slot);
    }

    /// `mqttclient_flush`.
    pub fn flush(&mut self, step: &mut Step, awaited: Awaited) -> Status {
        step.call.may_read = false;
        loop {
            match self.poll_step(step, awaited) {
                Status::Lend => self.lend(step),
                status => return status,
            }
        }
    }

    /// `mqttclient_drop`.
    pub fn drop_stream(&mut self) {
        self.net.says("    drop");
        self.caller.has_stream = false;
        self.caller.disconnecting = false;
        self.caller.connection += 1;
        self.caller.forget_rooms();
        self.caller.client.close();
        self.caller.forget_finished();
        self.woken += 1;
    }

    /// `drop_if_closed`.
    pub fn drop_if_closed(&mut self) {
        if self.caller.has_stream && !self.caller.connecting && !self.caller.client.is_open() {
            self.drop_stream();
        }
    }
}
