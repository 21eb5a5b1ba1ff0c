//! The caller in C, in Rust: the memory of a client, its stream and the steps on them.

use std::ffi::c_int;
use std::ptr;

use super::bindings::{
    MP_EAGAIN, UMQTT_ACKNOWLEDGE, UMQTT_DONE, UMQTT_DROP, UMQTT_PROMISE, UMQTT_PUBLISH, UMQTT_REFUSE,
    UMQTT_STREAM_FAILED, UMQTT_SUBSCRIBE, UMQTT_TAKE, UMQTT_UNSUBSCRIBE, umqtt_connect_t, umqtt_octets_t, umqtt_room_t,
    umqtt_state_t, umqtt_step_t,
};
use super::support::packets::CONNACK;

/// `stand_in_t` of tests/shim/stand_in.h.
#[repr(C)]
pub struct StandIn {
    pub input: *const u8,
    pub input_len: usize,
    pub most: usize,
    pub when_empty: isize,
    pub output: *mut u8,
    pub output_len: usize,
    pub output_max: usize,
    pub when_full: isize,
    pub written_from: *const u8,
    pub written_second: *const u8,
    pub reads: u32,
    pub writes: u32,
    pub lies: usize,
    pub short_read_drains: bool,
    pub entered: *mut umqtt_state_t,
    pub status: c_int,
}

// The prototypes of umqtt.h, written once more: bindgen lets only the shim's through.
unsafe extern "C" {
    fn umqtt_init(state: *mut umqtt_state_t, last_identifier: u16);
    fn umqtt_check(data: *const u8, len: usize, is_topic: bool) -> c_int;
    fn umqtt_connect(
        state: *mut umqtt_state_t,
        step: *mut umqtt_step_t,
        connect: *const umqtt_connect_t,
        is_new: bool,
    ) -> c_int;
    fn umqtt_begin(state: *mut umqtt_state_t, step: *mut umqtt_step_t, exchange: u8, qos: u8, retain: bool) -> c_int;
    fn umqtt_ping(state: *mut umqtt_state_t, step: *mut umqtt_step_t) -> c_int;
    fn umqtt_disconnect(state: *mut umqtt_state_t, step: *mut umqtt_step_t) -> c_int;
    fn umqtt_poll(state: *mut umqtt_state_t, step: *mut umqtt_step_t, awaited: u8) -> c_int;
    #[cfg(feature = "quick")]
    fn umqtt_puback(state: *mut umqtt_state_t, step: *mut umqtt_step_t, slot: u8) -> c_int;
    fn umqtt_message(state: *mut umqtt_state_t, act: u8, qos: u8, packet_identifier: u16) -> bool;
    fn umqtt_abandon(state: *mut umqtt_state_t, slot: u8, how: u8);
    fn umqtt_close(state: *mut umqtt_state_t);
    fn umqtt_is_open(state: *mut umqtt_state_t) -> bool;
    fn umqtt_slots_in_use(state: *mut umqtt_state_t) -> u32;
}

/// A status as the constants of umqtt.h have it.
fn status(status: c_int) -> u32 {
    u32::try_from(status).expect("statuses are not negative")
}

/// A result of the stream as the constants of umqtt_shim.h have it.
pub fn result(constant: i32) -> isize {
    isize::try_from(constant).expect("a C int")
}

/// What a call of the shim comes to when the stream gives this error code.
pub fn failed(code: i32) -> isize {
    result(UMQTT_STREAM_FAILED) - result(code)
}

/// Octets as C lends them; nothing is lent as NULL, which C may do.
pub fn octets(slice: &[u8]) -> umqtt_octets_t {
    umqtt_octets_t { data: if slice.is_empty() { ptr::null() } else { slice.as_ptr() }, len: slice.len() }
}

/// The fields of CONNECT; what is not there is NULL, what is empty is not.
pub fn connect_fields(
    client_identifier: Option<&[u8]>,
    will: Option<(&[u8], &[u8])>,
    user_name: Option<&[u8]>,
    password: Option<&[u8]>,
) -> [umqtt_octets_t; 5] {
    let (topic, message) = will.unzip();
    [client_identifier, topic, message, user_name, password].map(|field| match field {
        Some(field) => umqtt_octets_t { data: field.as_ptr(), len: field.len() },
        None => umqtt_octets_t { data: ptr::null(), len: 0 },
    })
}

/// CONNECT with Client Identifier "c", Keep Alive 60 and answers due within a second.
pub fn connect(clean_session: bool) -> umqtt_connect_t {
    umqtt_connect_t {
        field: connect_fields(Some(b"c"), None, None, None),
        will_retain: false,
        will_qos: 0,
        clean_session,
        keep_alive_s: 60,
        answer_timeout_ms: 1_000,
    }
}

pub fn check_topic_name(octets: &[u8]) -> u32 {
    // SAFETY: pointer and length are those of a slice.
    status(unsafe { umqtt_check(octets.as_ptr(), octets.len(), true) })
}

pub fn check_string(octets: &[u8]) -> u32 {
    // SAFETY: as above.
    status(unsafe { umqtt_check(octets.as_ptr(), octets.len(), false) })
}

/// What C keeps for a client. Boxed, so that it stays where it is.
pub struct CSide {
    state: Box<umqtt_state_t>,
    pub stream: Box<StandIn>,
    pub step: umqtt_step_t,
    input: Vec<u8>,
    output: Vec<u8>,
    topic_room: Vec<u8>,
    payload_room: Vec<u8>,
}

impl CSide {
    /// A client that is not connected.
    pub fn new() -> Self {
        let stream = StandIn {
            input: ptr::null(),
            input_len: 0,
            most: usize::MAX,
            when_empty: failed(MP_EAGAIN.cast_signed()),
            output: ptr::null_mut(),
            output_len: 0,
            output_max: 0,
            when_full: failed(MP_EAGAIN.cast_signed()),
            written_from: ptr::null(),
            written_second: ptr::null(),
            reads: 0,
            writes: 0,
            lies: 0,
            short_read_drains: false,
            entered: ptr::null_mut(),
            status: -1,
        };
        // SAFETY: C makes it out of zeros, too; all of it is numbers, bools and pointers that may be null.
        let step = unsafe { std::mem::zeroed() };
        // SAFETY: it is an array of words.
        let state = unsafe { std::mem::zeroed() };
        let mut c = CSide {
            state: Box::new(state),
            stream: Box::new(stream),
            step,
            input: Vec::new(),
            output: vec![0; 100_000],
            topic_room: Vec::new(),
            payload_room: Vec::new(),
        };
        c.step.client = ptr::from_mut(&mut *c.stream).cast();
        c.step.may_read = true;
        c.step.takes = true;
        c.step.attends = true;
        c.stream.output = c.output.as_mut_ptr();
        c.stream.output_max = c.output.len();
        // SAFETY: the memory is ours and of the right type.
        unsafe { umqtt_init(&raw mut *c.state, 0) };
        c
    }

    /// One with a connection that stands.
    pub fn connected(clean_session: bool) -> Self {
        let mut c = CSide::new();
        c.reconnect(clean_session);
        c
    }

    pub fn reconnect(&mut self, clean_session: bool) {
        self.gives(&CONNACK);
        assert_eq!(self.open(&connect(clean_session)), UMQTT_DONE);
        assert_eq!(self.connect(&connect(clean_session)), UMQTT_DONE);
        assert_eq!(self.sent()[0], 0x10);
    }

    /// Octets come, instead of what is left of those before.
    pub fn gives(&mut self, octets: &[u8]) {
        self.input = octets.to_vec();
        self.stream.input = self.input.as_ptr();
        self.stream.input_len = octets.len();
    }

    /// All octets written since the last call.
    pub fn sent(&mut self) -> Vec<u8> {
        let sent = self.output[..self.stream.output_len].to_vec();
        self.stream.output_len = 0;
        sent
    }

    /// From now on this many octets can be written.
    pub fn takes(&mut self, len: usize) {
        self.stream.output_max = self.stream.output_len + len;
    }

    /// The step lends this packet.
    pub fn lends(&mut self, topic: &[u8], payload: &[u8]) {
        self.step.lends = true;
        self.step.packet_topic = octets(topic);
        self.step.packet_payload = octets(payload);
    }

    /// The rooms of a long message have these lengths; what is in them stays.
    pub fn room(&mut self, topic_len: usize, payload_len: usize) {
        self.topic_room.resize(topic_len, 0);
        self.payload_room.resize(payload_len, 0);
        self.step.room = [&mut self.topic_room, &mut self.payload_room]
            .map(|room| umqtt_room_t { data: room.as_mut_ptr(), len: room.len() });
    }

    pub fn rooms(&self) -> (&[u8], &[u8]) {
        (&self.topic_room, &self.payload_room)
    }

    /// Topic and payload of a message in the client's own buffer.
    pub fn message(&self) -> (Vec<u8>, Vec<u8>) {
        let copy = |octets: umqtt_octets_t| {
            // SAFETY: the step told of them, and nothing was called since.
            unsafe { std::slice::from_raw_parts(octets.data, octets.len) }.to_vec()
        };
        (copy(self.step.topic), copy(self.step.payload))
    }

    /// Whether these octets lie in the client's memory.
    pub fn is_inside(&self, octets: umqtt_octets_t) -> bool {
        let start = ptr::from_ref(&*self.state).cast::<u8>();
        let end = start.wrapping_add(size_of::<umqtt_state_t>());
        (start..end).contains(&octets.data) && octets.data.wrapping_add(octets.len) <= end
    }

    /// Where the state lies, for [`StandIn::entered`].
    pub fn state(&mut self) -> *mut umqtt_state_t {
        &raw mut *self.state
    }

    pub fn open(&mut self, connect: &umqtt_connect_t) -> u32 {
        // SAFETY: here and below, state, stream and step are ours, and whoever calls keeps alive what the step lends.
        status(unsafe { umqtt_connect(&raw mut *self.state, &raw mut self.step, connect, true) })
    }

    pub fn connect(&mut self, connect: &umqtt_connect_t) -> u32 {
        // SAFETY: as above.
        status(unsafe { umqtt_connect(&raw mut *self.state, &raw mut self.step, connect, false) })
    }

    /// # Safety
    /// What is lent is good for the call.
    unsafe fn begin(&mut self, exchange: u32, qos: u8) -> c_int {
        let exchange = u8::try_from(exchange).expect("an octet");
        // SAFETY: the caller's promise; the rest is this client's own.
        unsafe { umqtt_begin(&raw mut *self.state, &raw mut self.step, exchange, qos, false) }
    }

    /// Publishes with what is lent for this call alone.
    pub fn publish(&mut self, topic: &[u8], payload: &[u8], qos: u8) -> u32 {
        self.lends(topic, payload);
        // SAFETY: as above.
        let told = status(unsafe { self.begin(UMQTT_PUBLISH, qos) });
        self.step.lends = false;
        told
    }

    pub fn subscribe(&mut self, filter: &[u8], qos: u8) -> u32 {
        self.lends(filter, b"");
        // SAFETY: as above.
        let told = status(unsafe { self.begin(UMQTT_SUBSCRIBE, qos) });
        self.step.lends = false;
        told
    }

    pub fn unsubscribe(&mut self, filter: &[u8]) -> u32 {
        self.lends(filter, b"");
        // SAFETY: as above.
        let told = status(unsafe { self.begin(UMQTT_UNSUBSCRIBE, 0) });
        self.step.lends = false;
        told
    }

    pub fn ping(&mut self) -> u32 {
        // SAFETY: as above.
        status(unsafe { umqtt_ping(&raw mut *self.state, &raw mut self.step) })
    }

    pub fn disconnect(&mut self) -> u32 {
        // SAFETY: as above.
        status(unsafe { umqtt_disconnect(&raw mut *self.state, &raw mut self.step) })
    }

    /// Polls for a slot, or for one of the constants of umqtt.h.
    pub fn poll(&mut self, awaited: u32) -> u32 {
        let awaited = u8::try_from(awaited).expect("an octet");
        // SAFETY: as above.
        status(unsafe { umqtt_poll(&raw mut *self.state, &raw mut self.step, awaited) })
    }

    #[cfg(feature = "quick")]
    pub fn puback(&mut self, slot: u8) -> u32 {
        // SAFETY: as above.
        status(unsafe { umqtt_puback(&raw mut *self.state, &raw mut self.step, slot) })
    }

    /// One of the acts of `umqtt.h` on the message that the last step told of.
    fn message_act(&mut self, act: u32) -> bool {
        let act = u8::try_from(act).expect("an octet");
        // SAFETY: as above.
        unsafe { umqtt_message(&raw mut *self.state, act, self.step.qos, self.step.packet_identifier) }
    }

    pub fn taken(&mut self) {
        self.message_act(UMQTT_TAKE);
    }

    /// The message is about to be handed over: whether there is a place for its acknowledgement.
    pub fn promise(&mut self) -> bool {
        self.message_act(UMQTT_PROMISE)
    }

    pub fn delivered(&mut self) {
        self.message_act(UMQTT_ACKNOWLEDGE);
    }

    pub fn drop_message(&mut self) {
        self.message_act(UMQTT_DROP);
    }

    pub fn refuse_message(&mut self) {
        self.message_act(UMQTT_REFUSE);
    }

    pub fn abandon(&mut self, slot: u8) {
        // SAFETY: as above.
        unsafe { umqtt_abandon(&raw mut *self.state, slot, 1) }
    }

    pub fn close(&mut self) {
        // SAFETY: as above.
        unsafe { umqtt_close(&raw mut *self.state) }
    }

    pub fn is_open(&mut self) -> bool {
        // SAFETY: as above.
        unsafe { umqtt_is_open(&raw mut *self.state) }
    }

    pub fn slots_in_use(&mut self) -> u32 {
        // SAFETY: as above.
        unsafe { umqtt_slots_in_use(&raw mut *self.state) }
    }
}
