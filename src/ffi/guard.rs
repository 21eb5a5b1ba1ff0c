//! From the raw memory that C keeps to an exclusive borrow of the client in it.

use core::sync::atomic::{AtomicBool, Ordering};

use super::sys;
use crate::client::Client;

/// What lies in a `umqtt_state_t`.
struct State {
    /// Whether a call is under way. C holds a mutex around each; should it ever fail to, the second caller is turned
    /// away here instead of getting a second `&mut`.
    entered: AtomicBool,
    client: Client,
}

const _: () = assert!(size_of::<State>() <= size_of::<sys::umqtt_state_t>(), "raise UMQTT_STATE_SIZE in umqtt.h");
const _: () = assert!(align_of::<State>() <= align_of::<sys::umqtt_state_t>(), "umqtt_state_t is aligned too loosely");

/// Puts a client that is not connected into fresh memory.
///
/// # Safety
/// `state` is valid for writes, and nobody uses it yet.
pub unsafe fn init(state: *mut sys::umqtt_state_t) {
    // A constant: written where it belongs, not put together on the stack first.
    const CLIENT: Client = Client::new();
    let state: *mut State = state.cast();
    // SAFETY: the caller's promise; size and alignment are asserted above.
    unsafe { state.write(State { entered: AtomicBool::new(false), client: CLIENT }) };
}

/// Runs `call` on the client; `None` if one is under way already.
///
/// # Safety
/// `state` was made by [`init`] and is still there.
pub unsafe fn enter<R>(state: *mut sys::umqtt_state_t, call: impl FnOnce(&mut Client) -> R) -> Option<R> {
    // So that the compiler does not tell `None` from it by a comparison.
    #[cfg(feature = "quick")]
    // SAFETY: it is valid, by the caller's promise.
    unsafe {
        core::hint::assert_unchecked(!state.is_null());
    }
    // SAFETY: the caller's promise.
    let client = unsafe { acquire(state) }?;
    let result = call(client);
    // SAFETY: `state` points to a State; only its atomic is borrowed, which may be shared.
    unsafe { &(*state.cast::<State>()).entered }.store(false, Ordering::Release);
    Some(result)
}

/// The client, for whoever comes first. Apart from [`enter`], which is compiled once for each call.
///
/// # Safety
/// As [`enter`]; the borrow ends before `entered` is cleared.
#[cfg_attr(not(feature = "quick"), inline(never))]
unsafe fn acquire<'a>(state: *mut sys::umqtt_state_t) -> Option<&'a mut Client> {
    let state: *mut State = state.cast();
    // SAFETY: `state` points to a State by the caller's promise; only its atomic is borrowed, which may be shared.
    let entered = unsafe { &(*state).entered };
    if was_set(entered) {
        return None;
    }
    // SAFETY: this is the only call under way, so this is the only borrow of `client` until `entered` is cleared.
    Some(unsafe { &mut (*state).client })
}

/// Sets `entered`: whether it was set already.
#[cfg(target_has_atomic = "8")]
fn was_set(entered: &AtomicBool) -> bool {
    entered.swap(true, Ordering::Acquire)
}

/// The same on processors without such an instruction (Cortex-M0+). It finds the thread out that is in a call already; on those
/// it is C's mutex alone that keeps another thread from coming in between.
#[cfg(not(target_has_atomic = "8"))]
fn was_set(entered: &AtomicBool) -> bool {
    let was_set = entered.load(Ordering::Acquire);
    entered.store(true, Ordering::Relaxed);
    was_set
}
