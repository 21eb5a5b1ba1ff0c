//! The short ways of `client::quick`, for C: in functions of their own, since most of what a step needs they do without.

use core::ffi::c_int;

use super::lent::slice;
use super::status::status;
use super::stream::Stream;
use super::sys::{self, umqtt_state_t, umqtt_step_t};
use super::tell::{tell, tell_wait};
use super::{Result, Verb, enter, guard, lent, poll, status_of};
use crate::client::quick::Tried;
use crate::client::{Awaited, Client, Lent, Step};
use crate::codec::{QoS, TopicName};
use crate::session::Instant;

/// Publishes, if a short way leads there: the status, or `None` with nothing changed.
///
/// # Safety
/// As `umqtt_begin`.
#[inline]
pub unsafe fn publish(state: *mut umqtt_state_t, step: *mut umqtt_step_t, qos: QoS, retain: bool) -> Option<c_int> {
    // SAFETY: the caller's promise; C keeps `step` on its stack, for this call alone.
    let step = unsafe { &mut *step };
    // SAFETY: `step.client` is the client that the shim knows, by the caller's promise.
    let mut stream = unsafe { Stream::new(step.client) };
    // SAFETY: C lends the buffers of the objects, which it keeps alive, for this call.
    let topic = unsafe { slice(step.packet_topic) };
    // SAFETY: as above.
    let payload = unsafe { slice(step.packet_payload) };
    let now = Instant::from_ticks_ms(step.now_ms);
    let call = |client: &mut Client| {
        if TopicName::new(topic).is_err() {
            return None;
        }
        let told = match client.publish_at_once(&mut stream, qos, retain, topic, payload, now) {
            Tried::Over => return Some(status(sys::UMQTT_DONE)),
            Tried::Nothing => return None,
            Tried::Failed(error) => Err(error),
            Tried::Begun(slot, told) => {
                step.begun = slot;
                match told {
                    Ok(Step::Wait(wait)) => return Some(status(tell_wait(step, wait))),
                    Ok(_) => {
                        step.slot = slot;
                        // SAFETY: C lends the same for the rest of the packet; the borrows end with this call.
                        let mut lent = unsafe { lent(step) };
                        send_rest(client, &mut stream, &mut lent, step)
                    }
                    Err(error) => Err(error),
                }
            }
        };
        Some(status_of(step, told, stream.errno))
    };
    // SAFETY: the caller's promise.
    unsafe { guard::enter(state, call) }?
}

/// Goes on with a packet that the stream did not take whole, as the call would that had begun it the long way.
#[cold]
#[inline(never)]
fn send_rest(client: &mut Client, stream: &mut Stream, lent: &mut Lent, step: &mut umqtt_step_t) -> Result<u32> {
    let told = poll(client, stream, lent, step, Awaited::Slot(step.slot));
    (step.uses_rooms, step.is_late) = (client.uses_rooms(), client.is_late());
    told
}

/// Polls for a message: the short way first, then, if it does not lead on, as for all else.
///
/// # Safety
/// As `umqtt_poll`.
#[inline]
pub unsafe fn poll_message(state: *mut umqtt_state_t, step: *mut umqtt_step_t) -> c_int {
    // SAFETY: as in `publish`.
    let told = unsafe { &mut *step };
    // SAFETY: as in `publish`.
    let mut stream = unsafe { Stream::new(told.client) };
    let now = Instant::from_ticks_ms(told.now_ms);
    let asked = told.may_read;
    let mut may_read = asked;
    let call = |client: &mut Client| {
        let come_to = client.message_at_once(&mut stream, &mut may_read, now)?;
        (told.uses_rooms, told.is_late) = (false, false);
        let come_to = come_to.map(|step| tell(told, client, step));
        Some(status_of(told, come_to, stream.errno))
    };
    // SAFETY: the caller's promise.
    if let Some(status) = unsafe { guard::enter(state, call) }.flatten() {
        return status;
    }
    // C keeps its own say for the next call.
    // SAFETY: the caller's promise.
    unsafe { (*step).may_read = may_read };
    // SAFETY: the caller's promise.
    let status = unsafe { enter(state, step, Verb::Poll(Awaited::Message)) };
    // SAFETY: the caller's promise.
    unsafe { (*step).may_read = asked };
    status
}

/// # Safety
/// As `umqtt_poll`.
#[unsafe(no_mangle)]
unsafe extern "C" fn umqtt_puback(state: *mut umqtt_state_t, step: *mut umqtt_step_t, slot: u8) -> c_int {
    // SAFETY: as in `publish`.
    let step = unsafe { &mut *step };
    // SAFETY: as in `publish`.
    let mut stream = unsafe { Stream::new(step.client) };
    let now = Instant::from_ticks_ms(step.now_ms);
    let call = |client: &mut Client| match client.puback_at_once(&mut stream, slot, now) {
        Ok(true) => status(sys::UMQTT_DONE),
        Ok(false) => status(sys::UMQTT_WAIT),
        Err(error) => status_of(step, Err(error), stream.errno),
    };
    // SAFETY: the caller's promise.
    unsafe { guard::enter(state, call) }.unwrap_or(status(sys::UMQTT_BUSY))
}
