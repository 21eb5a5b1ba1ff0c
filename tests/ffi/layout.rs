//! C and Rust mean the same memory and the same functions.

use std::ffi::c_int;
use std::mem::offset_of;

use super::bindings::{umqtt_connect_t, umqtt_octets_t, umqtt_room_t, umqtt_state_t, umqtt_step_t};
use super::c_side::StandIn;

unsafe extern "C" {
    fn stand_in_layout(numbers: *mut usize) -> usize;
    fn stand_in_converses() -> c_int;
}

#[test]
fn the_c_compiler_lays_structs_out_as_the_bindings_have_them() {
    macro_rules! offsets {
        ($type:ty: $($field:ident)*) => { vec![size_of::<$type>(), $(offset_of!($type, $field)),*] };
    }
    let expected = [
        vec![size_of::<umqtt_state_t>(), align_of::<umqtt_state_t>()],
        offsets!(umqtt_octets_t: data len),
        offsets!(umqtt_room_t: data len),
        offsets!(umqtt_step_t: client now_ms may_read lends packet_topic packet_payload room begun slot want field body
            qos packet_identifier code wait_ms come total topic payload),
        offsets!(umqtt_connect_t: field will_retain will_qos clean_session keep_alive_s answer_timeout_ms),
        offsets!(StandIn: when_empty when_full written_second lies status),
    ]
    .concat();
    let mut numbers = [0; 100];
    // SAFETY: stand_in.c writes some fifty numbers.
    let len = unsafe { stand_in_layout(numbers.as_mut_ptr()) };
    assert_eq!(numbers[..len], expected);
}

#[test]
fn a_client_fits_into_one_and_a_half_kibioctets() {
    assert!(size_of::<umqtt_state_t>() <= 1_536 - 256, "{} octets", size_of::<umqtt_state_t>());
}

#[test]
fn c_converses_through_the_prototypes_of_the_header() {
    // SAFETY: it asks for nothing.
    assert_eq!(unsafe { stand_in_converses() }, 0, "the line in tests/shim/stand_in.c");
}
