//! What may come when: CONNACK first and once, nothing before it.

use umqtt::codec::ConnectReturnCode;
use umqtt::session::{Action, SessionError};

use super::support::packets::{CONNACK, CONNACK_PRESENT, PINGRESP, puback, publish, pubrel, suback, unsuback};
use super::{Clocked, TIMEOUT_MS};

// [MQTT-3.2.0-1] [MQTT-4.8.0-1]
#[test]
fn any_other_packet_before_connack_is_refused() {
    let others = [publish(0x30, b"t", 0, b""), puback(1), pubrel(1), suback(1, 0), unsuback(1), PINGRESP.to_vec()];
    for octets in others {
        let mut clocked = Clocked::new();
        clocked.session.connect(true, 60, TIMEOUT_MS, clocked.now);
        assert_eq!(clocked.arrives(&octets), Err(SessionError::BeforeConnack), "{octets:x?}");
        assert!(!clocked.session.is_open());
    }
}

#[test]
fn a_second_connack_is_refused() {
    let mut clocked = Clocked::connected(true);
    assert_eq!(clocked.arrives(&CONNACK), Err(SessionError::SecondConnack));
}

#[test]
fn a_connack_without_connect_is_refused() {
    assert_eq!(Clocked::new().arrives(&CONNACK), Err(SessionError::SecondConnack));
    let mut clocked = Clocked::connected(true);
    clocked.session.closed();
    assert_eq!(clocked.arrives(&CONNACK), Err(SessionError::SecondConnack));
}

#[test]
fn each_refusal_tells_its_code() {
    for (code, meaning) in [
        (1, ConnectReturnCode::UnacceptableProtocolVersion),
        (2, ConnectReturnCode::IdentifierRejected),
        (3, ConnectReturnCode::ServerUnavailable),
        (4, ConnectReturnCode::BadUserNameOrPassword),
        (5, ConnectReturnCode::NotAuthorized),
    ] {
        let mut clocked = Clocked::new();
        clocked.session.connect(true, 60, TIMEOUT_MS, clocked.now);
        assert_eq!(clocked.arrives(&[0x20, 2, 0, code]), Ok(Action::Refused(meaning)));
        assert!(!clocked.session.is_open());
    }
}

// [MQTT-3.2.2-1]
#[test]
fn session_present_after_clean_session_is_passed_over() {
    let mut clocked = Clocked::new();
    clocked.session.connect(true, 60, TIMEOUT_MS, clocked.now);
    assert_eq!(clocked.arrives(&CONNACK_PRESENT), Ok(Action::Connected));
    assert!(clocked.session.is_open());
    assert!(!clocked.session.session_present());
    clocked.reconnect(false, &CONNACK_PRESENT);
    assert!(clocked.session.session_present());
}

// [MQTT-3.1.2-6]
#[test]
fn a_session_kept_is_forgotten_by_a_clean_one_even_if_that_is_refused() {
    let mut clocked = Clocked::connected(false);
    clocked.published(umqtt::codec::QoS::AtLeastOnce);
    clocked.session.closed();
    clocked.session.connect(true, 60, TIMEOUT_MS, clocked.now);
    assert_eq!(clocked.session.outgoing().in_use(), 0);
}
