//! The functions of `umqtt.h`, all of one shape: enter, call, translate, return.
//!
//! Nothing here raises or runs Python, and no borrow outlives a call. What C lends comes as pointer and length, good for
//! the call; what it gets back are numbers, and pointers into the client's own receive buffer.

mod guard;
mod lent;
#[cfg(feature = "quick")]
mod quick;
mod status;
mod stream;
#[allow(unreachable_pub)]
mod sys;
mod tell;

use core::ffi::c_int;

use crate::client::{Awaited, Call, Client, Error, Lent};
use crate::codec::topic::check_string;
use crate::codec::{Connect, Delivery, PacketIdentifier, QoS, TopicFilter, TopicName};
use crate::session::{Exchange, Instant, delivery};
use lent::{connect_packet, slice, slice_mut};
use status::status;
use stream::{Stream, StreamError};
use sys::{umqtt_connect_t, umqtt_octets_t, umqtt_state_t, umqtt_step_t};
use tell::tell;

type Result<T> = core::result::Result<T, Error<StreamError>>;

/// The QoS that C checked; anything else is 0.
fn qos(number: u8) -> QoS {
    QoS::new(number).unwrap_or(QoS::AtMostOnce)
}

/// QoS and Packet Identifier of a message, as [`tell_message`] told them.
fn message(number: u8, identifier: u16) -> Delivery {
    delivery(qos(number), PacketIdentifier::new(identifier).unwrap_or(PacketIdentifier::FIRST))
}

/// What C asks for in a call with a step.
#[derive(Clone, Copy)]
enum Verb<'a> {
    Open(&'a Connect<'a>, u32),
    Connect(&'a Connect<'a>),
    Begin(Exchange),
    Poll(Awaited),
    Ping,
    Disconnect,
}

/// What C lends for a call.
///
/// # Safety
/// What `step` points to is valid until the end of `'a`.
unsafe fn lent<'a>(step: &umqtt_step_t) -> Lent<'a> {
    let [topic_room, payload_room] = step.room;
    let mut packet = None;
    if step.lends {
        // SAFETY: C lends the buffers of the slot's objects, which it keeps alive, for this call.
        let topic = unsafe { slice(step.packet_topic) };
        // SAFETY: as above.
        let payload = unsafe { slice(step.packet_payload) };
        packet = Some((step.slot, topic, payload));
    }
    Lent {
        connect: None,
        packet,
        // SAFETY: C keeps this memory in the client and nothing else uses it until the message is whole.
        topic: unsafe { slice_mut(topic_room) },
        // SAFETY: as above.
        payload: unsafe { slice_mut(payload_room) },
    }
}

/// Polls, with what C says of the call before and after.
fn poll(
    client: &mut Client,
    stream: &mut Stream,
    lent: &mut Lent,
    step: &mut umqtt_step_t,
    awaited: Awaited,
) -> Result<u32> {
    let call = Call {
        awaited,
        deadline: (step.deadline_ms != 0).then_some(Instant::from_ticks_ms(step.deadline_ms)),
        may_read: step.may_read,
        takes: step.takes,
        attends: step.attends,
    };
    let told = client.poll(stream, &call, lent, Instant::from_ticks_ms(step.now_ms))?;
    Ok(tell(step, client, told))
}

/// Enters the client for one call.
///
/// # Safety
/// As [`guard::enter`]; `step` is valid, and so is what it points to.
#[inline(never)]
unsafe fn enter(state: *mut umqtt_state_t, step: *mut umqtt_step_t, verb: Verb) -> c_int {
    // SAFETY: the caller's promise; C keeps `step` on its stack, for this call alone.
    let step = unsafe { &mut *step };
    // SAFETY: `step.client` is the client that the shim knows, by the caller's promise.
    let mut stream = unsafe { Stream::new(step.client) };
    // SAFETY: the caller's promise; the borrows end with this call.
    let mut lent = unsafe { lent(step) };
    let call = |client: &mut Client| {
        let told = carry_out(client, &mut stream, &mut lent, step, verb);
        (step.uses_rooms, step.is_late) = (client.uses_rooms(), client.is_late());
        status_of(step, told, stream.errno)
    };
    // SAFETY: the caller's promise.
    unsafe { guard::enter(state, call) }.unwrap_or(status(sys::UMQTT_BUSY))
}

/// What a call came to as a status; the code of an error goes into `step`.
fn status_of(step: &mut umqtt_step_t, told: Result<u32>, errno: i32) -> c_int {
    match told {
        Ok(told) => status(told),
        Err(error) => {
            let (status, code) = status::of_error(error, errno);
            step.code = code;
            status
        }
    }
}

fn carry_out<'a>(
    client: &mut Client,
    stream: &mut Stream,
    lent: &mut Lent<'a>,
    step: &mut umqtt_step_t,
    verb: Verb<'a>,
) -> Result<u32> {
    let now = Instant::from_ticks_ms(step.now_ms);
    let awaited = match verb {
        Verb::Open(connect, answer_timeout_ms) => {
            return client.open(connect, answer_timeout_ms, now).map(|()| sys::UMQTT_DONE);
        }
        Verb::Ping => return client.ping(now).map(done_or_full),
        Verb::Disconnect => return client.disconnect().map(done_or_full),
        Verb::Connect(connect) => {
            lent.connect = Some(connect);
            Awaited::Connack
        }
        Verb::Poll(awaited) => awaited,
        Verb::Begin(exchange) => {
            let (_, topic, _) = lent.packet.unwrap_or_default();
            if let Exchange::Publish { .. } = exchange {
                TopicName::new(topic)?;
            } else {
                TopicFilter::new(topic)?;
            }
            let slot = client.begin(exchange, now)?;
            step.begun = slot;
            if let Some((lent_slot, ..)) = &mut lent.packet {
                *lent_slot = slot;
            }
            // Sends it, if that can be done at once.
            Awaited::Slot(slot)
        }
    };
    poll(client, stream, lent, step, awaited)
}

/// # Safety
/// `state` is valid for writes, and nobody uses it yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_init(state: *mut umqtt_state_t, last_identifier: u16) {
    // SAFETY: the caller's promise.
    unsafe { guard::init(state) };
    // SAFETY: it has just been initialised.
    unsafe { enter_briefly(state, (), |client| client.begin_after(last_identifier)) }
}

/// # Safety
/// `data` and `len` are those of a buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_check(data: *const u8, len: usize, is_topic: bool) -> c_int {
    // SAFETY: the caller's promise.
    let octets = unsafe { slice(umqtt_octets_t { data, len }) };
    let checked = if is_topic { TopicName::new(octets).map(|_| ()) } else { check_string(octets) };
    checked.map_or_else(status::of_topic, |()| status(sys::UMQTT_DONE))
}

/// # Safety
/// As in `umqtt.h`: `state` was initialised, `step` and what it and `connect` point to is valid for the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_connect(
    state: *mut umqtt_state_t,
    step: *mut umqtt_step_t,
    connect: *const umqtt_connect_t,
    is_new: bool,
) -> c_int {
    // SAFETY: the caller's promise.
    let packet = unsafe { connect_packet(connect) };
    // SAFETY: the caller's promise.
    let answer_timeout_ms = unsafe { (*connect).answer_timeout_ms };
    let verb = if is_new { Verb::Open(&packet, answer_timeout_ms) } else { Verb::Connect(&packet) };
    // SAFETY: the caller's promise.
    unsafe { enter(state, step, verb) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_begin(
    state: *mut umqtt_state_t,
    step: *mut umqtt_step_t,
    exchange: u8,
    qos_number: u8,
    retain: bool,
) -> c_int {
    let exchange = match u32::from(exchange) {
        sys::UMQTT_PUBLISH => Exchange::Publish { qos: qos(qos_number), retain },
        sys::UMQTT_SUBSCRIBE => Exchange::Subscribe(qos(qos_number)),
        _ => Exchange::Unsubscribe,
    };
    #[cfg(feature = "quick")]
    if let Exchange::Publish { qos, retain } = exchange {
        // SAFETY: the caller's promise.
        if let Some(status) = unsafe { quick::publish(state, step, qos, retain) } {
            return status;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { enter(state, step, Verb::Begin(exchange)) }
}

/// Enters the client for what needs no step: its result, or `otherwise` if a call is under way.
///
/// # Safety
/// As [`guard::enter`].
unsafe fn enter_briefly<R>(state: *mut umqtt_state_t, otherwise: R, call: impl FnOnce(&mut Client) -> R) -> R {
    // SAFETY: the caller's promise.
    unsafe { guard::enter(state, call) }.unwrap_or(otherwise)
}

/// `UMQTT_DONE`, or `UMQTT_FULL` for what did not fit.
fn done_or_full(done: bool) -> u32 {
    if done { sys::UMQTT_DONE } else { sys::UMQTT_FULL }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_ping(state: *mut umqtt_state_t, step: *mut umqtt_step_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(state, step, Verb::Ping) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_disconnect(state: *mut umqtt_state_t, step: *mut umqtt_step_t) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(state, step, Verb::Disconnect) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_poll(state: *mut umqtt_state_t, step: *mut umqtt_step_t, awaited: u8) -> c_int {
    let awaited = match u32::from(awaited) {
        sys::UMQTT_AWAIT_MESSAGE => Awaited::Message,
        sys::UMQTT_AWAIT_ROOM => Awaited::RoomFor(Exchange::Unsubscribe),
        sys::UMQTT_AWAIT_ROOM_FOR_MESSAGE => {
            Awaited::RoomFor(Exchange::Publish { qos: QoS::AtLeastOnce, retain: false })
        }
        sys::UMQTT_AWAIT_OUTBOX => Awaited::Outbox,
        sys::UMQTT_AWAIT_FLUSHED => Awaited::Flushed,
        sys::UMQTT_AWAIT_END => Awaited::End,
        _ => Awaited::Slot(awaited),
    };
    #[cfg(feature = "quick")]
    if awaited == Awaited::Message {
        // SAFETY: the caller's promise.
        return unsafe { quick::poll_message(state, step) };
    }
    // SAFETY: the caller's promise.
    unsafe { enter(state, step, Verb::Poll(awaited)) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_message(
    state: *mut umqtt_state_t,
    act: u8,
    qos_number: u8,
    packet_identifier: u16,
) -> bool {
    let call = |client: &mut Client| {
        let delivery = message(qos_number, packet_identifier);
        match u32::from(act) {
            sys::UMQTT_TAKE => client.taken(delivery),
            sys::UMQTT_PROMISE => return client.promise(delivery),
            sys::UMQTT_DROP | sys::UMQTT_REFUSE => client.decline(u32::from(act) == sys::UMQTT_DROP),
            _ => client.delivered(delivery, u32::from(act) == sys::UMQTT_ACKNOWLEDGE),
        }
        true
    };
    // SAFETY: the caller's promise.
    unsafe { enter_briefly(state, false, call) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_abandon(state: *mut umqtt_state_t, slot: u8, how: u8) {
    let call = |client: &mut Client| {
        if u32::from(how) & sys::UMQTT_ABANDON != 0 {
            client.abandon(slot);
        }
        if u32::from(how) & sys::UMQTT_FORGET != 0 {
            client.discard(slot);
        }
    };
    // SAFETY: the caller's promise.
    unsafe { enter_briefly(state, (), call) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_close(state: *mut umqtt_state_t) {
    // SAFETY: the caller's promise.
    unsafe { enter_briefly(state, (), Client::close) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_is_open(state: *mut umqtt_state_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe { enter_briefly(state, false, |client| client.is_open()) }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_slots_in_use(state: *mut umqtt_state_t) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { enter_briefly(state, u32::MAX, |client| client.slots_in_use()) }
}

/// # Safety
/// As [`umqtt_connect`]; `counts` is valid for writes.
#[cfg(feature = "extras")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_count(state: *mut umqtt_state_t, counts: *mut sys::umqtt_counts_t) {
    let call = |client: &mut Client| {
        let (counts, session) = (client.counts(), client.session());
        sys::umqtt_counts_t {
            packets_out: counts.packets_out(),
            packets_in: counts.packets_in(),
            connects: counts.connects().into(),
            in_flight: session.outgoing().in_flight(),
            round_trip_ms: session.round_trip_ms(),
            session_present: session.session_present(),
        }
    };
    // SAFETY: the caller's promise.
    if let Some(counted) = unsafe { guard::enter(state, call) } {
        // SAFETY: the caller's promise.
        unsafe { counts.write(counted) };
    }
}

/// # Safety
/// As [`umqtt_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umqtt_has_packet(state: *mut umqtt_state_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe { enter_briefly(state, false, |client| client.has_packet()) }
}

/// Where every panic ends. None is reachable: a linked firmware holds no call of this.
#[cfg(feature = "firmware")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: C stops the machine there, or whatever the port does about a fatal error.
    unsafe { sys::umqtt_panic() };
    loop {
        core::hint::spin_loop();
    }
}
