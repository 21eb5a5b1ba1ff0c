//! What CONNECT tells of the caller: user, password and Will, which may change from one connection to the next.

use umqtt::codec::{Connect, QoS, TopicName, Will};

use super::chance::Chance;
use super::support::packets::{field, numbered, packet};

/// As `set_credentials` and `set_last_will` left it.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    user_name: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    /// Topic, message, QoS and RETAIN.
    will: Option<(Vec<u8>, Vec<u8>, QoS, bool)>,
}

impl Identity {
    /// Changes something: sets it, or takes it back.
    pub fn changes(&mut self, chance: &mut Chance, is_slow: bool) {
        let lens = [0, 1, 40, 510, 600, 3_000];
        let mut len = || chance.pick(&lens[..if is_slow { 3 } else { 6 }]);
        let (user_len, password_len, topic_len, message_len) = (len(), len(), len(), len());
        match chance.below(5) {
            0 => self.will = None,
            1 => (self.user_name, self.password) = (None, None),
            2 => (self.user_name, self.password) = (Some(vec![b'u'; user_len]), None),
            3 => (self.user_name, self.password) = (Some(vec![b'u'; user_len]), Some(numbered(password_len))),
            _ => {
                let qos = chance.pick(&[QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
                let topic = vec![b'w'; topic_len + 1];
                self.will = Some((topic, numbered(message_len), qos, chance.one_in(2)));
            }
        }
    }

    pub fn connect(&self, clean_session: bool, keep_alive_s: u16) -> Connect<'_> {
        let will = self.will.as_ref().map(|(topic, message, qos, retain)| {
            let topic = TopicName::new(topic).expect("a Topic Name");
            Will { topic, message, qos: *qos, retain: *retain }
        });
        let (user_name, password) = (self.user_name.as_deref(), self.password.as_deref());
        Connect { client_identifier: b"c", clean_session, keep_alive_s, will, user_name, password }
    }

    /// The packet that the Server has to get, put together by hand.
    pub fn octets(&self, clean_session: bool, keep_alive_s: u16) -> Vec<u8> {
        let mut flags = if clean_session { 0x02 } else { 0 };
        let mut fields = field(b"c");
        if let Some((topic, message, qos, retain)) = &self.will {
            flags |= 0x04 | (*qos as u8) << 3 | if *retain { 0x20 } else { 0 };
            fields.extend([field(topic), field(message)].concat());
        }
        if let Some(user_name) = &self.user_name {
            flags |= 0x80;
            fields.extend(field(user_name));
        }
        if let Some(password) = &self.password {
            flags |= 0x40;
            fields.extend(field(password));
        }
        packet(0x10, &[&field(b"MQTT"), &[4, flags], &keep_alive_s.to_be_bytes(), &fields])
    }
}
