//! Keep Alive on a clock that wraps: PINGREQ in time, silence noticed, a caller's own pings told.

use umqtt::codec::QoS;
use umqtt::session::SessionError;

use super::support::packets::{CONNACK, PINGRESP, publish};
use super::{Clocked, TIMEOUT_MS};

// [MQTT-3.1.2-23]
#[test]
fn pingreq_is_due_when_nothing_was_sent_for_three_quarters_of_the_keep_alive() {
    let mut clocked = Clocked::connected(true);
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 45_000);
    clocked.pass_ms(44_999);
    assert!(!clocked.session.tick(clocked.now));
    // What comes in does not count, what goes out does.
    clocked.arrives(&publish(0x30, b"t", 0, b"")).expect("a message");
    clocked.session.heard(clocked.now);
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 1);
    clocked.published(QoS::AtMostOnce);
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 45_000);
    clocked.pass_ms(45_000);
    assert!(clocked.session.tick(clocked.now));
    assert!(!clocked.session.tick(clocked.now), "sent only once");
    assert!(clocked.session.awaits_pingresp());
}

#[test]
fn pingresp_ends_the_watch() {
    let mut clocked = Clocked::connected(true);
    clocked.pass_ms(45_000);
    assert!(clocked.session.tick(clocked.now));
    clocked.session.moved(true, clocked.now);
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), TIMEOUT_MS);
    clocked.pass_ms(100);
    clocked.session.heard(clocked.now);
    clocked.arrives(&PINGRESP).expect("PINGRESP");
    assert!(!clocked.session.awaits_pingresp());
    assert!(!clocked.session.take_ping_answer(), "the caller did not ask");
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 44_900);
    clocked.pass_ms(TIMEOUT_MS * 2);
    assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
}

#[test]
fn silence_after_pingreq_is_an_error_when_the_answer_is_overdue() {
    let mut clocked = Clocked::connected(true);
    clocked.pass_ms(45_000);
    assert!(clocked.session.tick(clocked.now));
    clocked.pass_ms(TIMEOUT_MS - 1);
    assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 1);
    clocked.pass_ms(1);
    assert_eq!(clocked.session.check_alive(clocked.now), Err(SessionError::Silent));
}

#[test]
fn another_pingreq_does_not_put_the_end_of_patience_off() {
    let mut clocked = Clocked::new();
    clocked.session.connect(true, 8, TIMEOUT_MS, clocked.now);
    clocked.arrives(&CONNACK).expect("CONNACK");
    for _ in 0..2 {
        // 6 and 12 s; the first answer was due at 14 s, since Keep Alive is shorter than the time for answers.
        assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 6_000);
        clocked.pass_ms(6_000);
        assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
        assert!(clocked.session.tick(clocked.now));
    }
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 2_000);
    clocked.pass_ms(2_000);
    assert_eq!(clocked.session.check_alive(clocked.now), Err(SessionError::Silent));
}

// [MQTT-3.1.2-23]
#[test]
fn a_message_that_takes_longer_than_the_keep_alive_does_not_keep_pingreq_back() {
    // PINGRESP waits behind it: another PINGREQ has to go out all the same, or the Server ends the connection.
    let mut clocked = Clocked::connected(true);
    clocked.pass_ms(45_000);
    assert!(clocked.session.tick(clocked.now));
    for _ in 0..44 {
        clocked.pass_ms(1_000);
        clocked.session.heard(clocked.now);
        assert!(!clocked.session.tick(clocked.now));
        assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
    }
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 1_000, "PINGREQ comes before the end of patience");
    clocked.pass_ms(1_000);
    assert!(clocked.session.tick(clocked.now));
    clocked.session.moved(true, clocked.now);
    clocked.session.heard(clocked.now);
    clocked.pass_ms(TIMEOUT_MS - 1);
    assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
    // The first answer shows that the Server is there.
    clocked.arrives(&PINGRESP).expect("PINGRESP");
    clocked.pass_ms(TIMEOUT_MS);
    assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
}

#[test]
fn no_keep_alive_means_no_pingreq_and_no_watch() {
    let mut clocked = Clocked::new();
    clocked.session.connect(true, 0, TIMEOUT_MS, clocked.now);
    clocked.arrives(&CONNACK).expect("CONNACK");
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), u32::MAX);
    clocked.pass_ms(2_000_000_000);
    assert!(!clocked.session.tick(clocked.now));
    assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
}

#[test]
fn the_longest_keep_alive_is_counted_right() {
    let mut clocked = Clocked::new();
    clocked.session.connect(true, 65_535, TIMEOUT_MS, clocked.now);
    clocked.arrives(&CONNACK).expect("CONNACK");
    assert_eq!(clocked.session.next_tick_ms(true, clocked.now), 49_151_250);
}

#[test]
fn a_callers_ping_is_answered_once_each_with_or_without_keep_alive() {
    for keep_alive_s in [0, 60] {
        let mut clocked = Clocked::new();
        clocked.session.connect(true, keep_alive_s, TIMEOUT_MS, clocked.now);
        clocked.arrives(&CONNACK).expect("CONNACK");
        for _ in 0..2 {
            clocked.session.ping(clocked.now);
        }
        assert!(!clocked.session.take_ping_answer());
        for _ in 0..2 {
            clocked.arrives(&PINGRESP).expect("PINGRESP");
            assert!(clocked.session.take_ping_answer());
            assert!(!clocked.session.take_ping_answer());
        }
        clocked.arrives(&PINGRESP).expect("one that answers nothing is passed over");
        assert!(!clocked.session.take_ping_answer());
    }
}

#[test]
fn nothing_is_due_before_connack_and_after_the_end() {
    let mut clocked = Clocked::new();
    clocked.session.connect(true, 60, TIMEOUT_MS, clocked.now);
    clocked.pass_ms(1_000_000);
    assert!(!clocked.session.tick(clocked.now));
    clocked.arrives(&CONNACK).expect("CONNACK");
    clocked.session.closed();
    clocked.pass_ms(1_000_000);
    assert!(!clocked.session.tick(clocked.now));
}

#[test]
fn a_new_connection_owes_no_answer_to_the_pings_of_the_last() {
    let mut clocked = Clocked::connected(true);
    clocked.session.ping(clocked.now);
    clocked.arrives(&PINGRESP).expect("PINGRESP");
    clocked.session.ping(clocked.now);
    clocked.session.closed();
    clocked.reconnect(true, &CONNACK);
    assert!(!clocked.session.awaits_pingresp());
    assert!(!clocked.session.take_ping_answer());
    clocked.pass_ms(TIMEOUT_MS);
    assert_eq!(clocked.session.check_alive(clocked.now), Ok(()));
}
