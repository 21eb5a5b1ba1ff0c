//! The client over TCP against a real mosquitto.

mod support;

use std::time::{Duration, Instant as Clock};

use support::broker::{Broker, Tcp, TcpError};
use support::caller::{Caller, Received, TIMEOUT_MS};
use support::packets::numbered;
use umqtt::client::{Awaited, Error, Step};
use umqtt::codec::{Connect, ConnectReturnCode, QoS, TopicName, Will};
use umqtt::session::Instant;

/// No test waits longer for anything.
const LIMIT: Duration = Duration::from_secs(10);

/// The client and the real time.
struct Guest {
    caller: Caller<Tcp>,
    start: Clock,
}

/// CONNECT with this Client Identifier.
fn named(name: &str, clean_session: bool) -> Connect<'_> {
    Connect {
        client_identifier: name.as_bytes(),
        clean_session,
        keep_alive_s: 60,
        will: None,
        user_name: None,
        password: None,
    }
}

impl Guest {
    fn connected(broker: &Broker, connect: &Connect) -> Self {
        Guest::try_connected(broker, connect).expect("the broker lets us in")
    }

    fn try_connected(broker: &Broker, connect: &Connect) -> Result<Self, Error<TcpError>> {
        let mut guest = Guest { caller: Caller::new(broker.tcp()), start: Clock::now() };
        guest.connect(connect)?;
        Ok(guest)
    }

    /// Connects over the stream that is there.
    fn connect(&mut self, connect: &Connect) -> Result<(), Error<TcpError>> {
        self.look_at_the_clock();
        let caller = &mut self.caller;
        caller.client.open::<TcpError>(connect, TIMEOUT_MS, caller.now)?;
        let slots = caller.client.slots_in_use();
        caller.kept.retain(|slot, _| slots >> slot & 1 == 1);
        let until = Clock::now() + LIMIT;
        while Clock::now() < until {
            match caller.client.connect(&mut caller.stream, connect, true, caller.now)? {
                Step::Done => return Ok(()),
                _ => caller.stream.rest(),
            }
        }
        panic!("no CONNACK");
    }

    /// Connects again, over a new stream.
    fn reconnect(&mut self, broker: &Broker, connect: &Connect) {
        self.caller.stream = broker.tcp();
        self.connect(connect).expect("the broker lets us in");
    }

    fn look_at_the_clock(&mut self) {
        let ms = self.start.elapsed().as_millis();
        self.caller.now = Instant::from_ticks_ms(u32::try_from(ms).expect("less than 49 days"));
    }

    /// Waits for this.
    fn wait(&mut self, awaited: Awaited) -> Result<(), Error<TcpError>> {
        let until = Clock::now() + LIMIT;
        while Clock::now() < until {
            self.look_at_the_clock();
            match self.caller.poll(awaited)? {
                Step::Done => return Ok(()),
                _ => self.caller.stream.rest(),
            }
        }
        panic!("{awaited:?} does not come");
    }

    /// Waits until this many messages have come: topics and payloads.
    fn messages(&mut self, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let until = Clock::now() + LIMIT;
        while self.caller.received.len() < count && Clock::now() < until {
            self.look_at_the_clock();
            self.caller.poll(Awaited::Message).expect("a connection");
            self.caller.stream.rest();
        }
        self.caller.messages().into_iter().map(|Received { topic, payload, .. }| (topic, payload)).collect()
    }

    /// What comes within a moment, when nothing should.
    fn strays(&mut self) -> usize {
        // PINGRESP comes behind whatever the broker had for us.
        assert!(self.caller.client.ping::<TcpError>(self.caller.now).expect("a connection"));
        self.wait(Awaited::Message).expect("PINGRESP");
        self.caller.messages().len()
    }

    fn publish(&mut self, topic: &[u8], payload: &[u8], qos: QoS) {
        self.look_at_the_clock();
        let (slot, step) = self.caller.publish(topic, payload, qos).expect("a connection");
        if step != Step::Done {
            self.wait(Awaited::Slot(slot)).expect("an answer");
        }
    }

    fn subscribe(&mut self, filter: &[u8], qos: QoS) -> Result<(), Error<TcpError>> {
        let (slot, _) = self.caller.subscribe(filter, qos)?;
        self.wait(Awaited::Slot(slot))
    }

    fn disconnect(&mut self) {
        assert!(self.caller.client.disconnect::<TcpError>().expect("a connection"));
        self.wait(Awaited::Flushed).expect("DISCONNECT leaves");
        while self.caller.reads_to_the_end(None).is_ok() {
            self.caller.stream.rest();
        }
        self.caller.client.close();
    }
}

fn pair(topic: &[u8], payload: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (topic.to_vec(), payload.to_vec())
}

const EACH_QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

#[test]
fn messages_of_any_length_at_any_qos_come_back_whole() {
    let broker = Broker::start();
    let mut guest = Guest::connected(&broker, &named("any", true));
    for granted in EACH_QOS {
        guest.subscribe(b"in/#", granted).expect("granted");
        for qos in EACH_QOS {
            for len in [0, 1, 100, 127, 128, 700, 1_000, 16_384, 100_000, 2_100_000] {
                let payload = numbered(len);
                guest.publish(b"in/topic", &payload, qos);
                assert!(guest.messages(1) == [pair(b"in/topic", &payload)], "{len} octets at {qos:?}, {granted:?}");
            }
        }
    }
    assert_eq!(guest.caller.client.slots_in_use(), 0);
    assert_eq!(guest.strays(), 0);
}

#[test]
fn a_topic_longer_than_the_buffer_comes_back_whole() {
    let broker = Broker::start();
    let mut guest = Guest::connected(&broker, &named("topic", true));
    guest.subscribe(b"#", QoS::ExactlyOnce).expect("granted");
    // mosquitto allows 200 levels, and 65,535 octets.
    let topic = vec![b'a'; 60_000];
    guest.publish(&topic, b"p", QoS::ExactlyOnce);
    assert!(guest.messages(1) == [pair(&topic, b"p")]);
}

#[test]
fn many_messages_come_once_each_and_in_order() {
    let broker = Broker::start();
    let mut sender = Guest::connected(&broker, &named("sender", true));
    let mut receiver = Guest::connected(&broker, &named("receiver", true));
    receiver.subscribe(b"+", QoS::ExactlyOnce).expect("granted");
    let expected: Vec<_> = (0..500_u32).map(|number| pair(b"t", &number.to_be_bytes())).collect();
    for (_, payload) in &expected {
        sender.publish(b"t", payload, QoS::ExactlyOnce);
    }
    assert_eq!(receiver.messages(500), expected);
    assert_eq!(receiver.strays(), 0);
}

#[test]
fn a_message_is_one_write() {
    let broker = Broker::start();
    let mut guest = Guest::connected(&broker, &named("write", true));
    let before = guest.caller.stream.writes;
    for _ in 0..100 {
        guest.publish(b"t", b"small", QoS::AtLeastOnce);
    }
    assert_eq!(guest.caller.stream.writes - before, 100);
}

#[test]
fn unsubscribe_ends_the_subscription() {
    let broker = Broker::start();
    let mut guest = Guest::connected(&broker, &named("unsubscribe", true));
    guest.subscribe(b"a/+", QoS::AtMostOnce).expect("granted");
    guest.publish(b"a/b", b"1", QoS::AtLeastOnce);
    assert_eq!(guest.messages(1), [pair(b"a/b", b"1")]);
    let (slot, _) = guest.caller.unsubscribe(b"a/+").expect("a connection");
    guest.wait(Awaited::Slot(slot)).expect("UNSUBACK");
    guest.publish(b"a/b", b"2", QoS::AtLeastOnce);
    assert_eq!(guest.strays(), 0);
}

// [MQTT-4.4.0-1] [MQTT-4.3.3-1]
#[test]
fn messages_cut_off_before_their_answers_arrive_after_all_and_at_qos_2_once() {
    let broker = Broker::start();
    let mut watcher = Guest::connected(&broker, &named("watcher", true));
    watcher.subscribe(b"#", QoS::ExactlyOnce).expect("granted");
    let mut guest = Guest::connected(&broker, &named("cut", false));
    let exactly = (0..20).map(|number| pair(b"exactly/once", &[number])).collect::<Vec<_>>();
    for (topic, payload) in &exactly {
        guest.caller.publish(topic, payload, QoS::ExactlyOnce).expect("sent");
        if payload[0] % 2 == 0 {
            // Half the time PUBREC still comes through, at times PUBCOMP.
            guest.caller.stream.rest();
            guest.caller.poll(Awaited::Message).expect("a connection");
        }
        guest.caller.client.close();
        guest.reconnect(&broker, &named("cut", false));
        while guest.caller.client.slots_in_use() != 0 {
            guest.look_at_the_clock();
            guest.caller.poll(Awaited::Message).expect("a connection");
            guest.caller.stream.rest();
        }
    }
    assert_eq!(watcher.messages(20), exactly);
    assert_eq!(watcher.strays(), 0);
    guest.caller.publish(b"at/least/once", b"1", QoS::AtLeastOnce).expect("sent");
    guest.caller.client.close();
    guest.reconnect(&broker, &named("cut", false));
    guest.publish(b"last", b"", QoS::AtLeastOnce);
    let messages = watcher.messages(2);
    assert_eq!(messages[0], pair(b"at/least/once", b"1"));
}

// [MQTT-3.1.2-6]
#[test]
fn a_session_gets_what_came_while_it_was_away_and_a_clean_one_does_not() {
    let broker = Broker::start();
    let mut guest = Guest::connected(&broker, &named("away", false));
    guest.subscribe(b"t", QoS::ExactlyOnce).expect("granted");
    let mut sender = Guest::connected(&broker, &named("sender", true));
    for away in 0..3_u8 {
        if away % 2 == 0 {
            guest.disconnect();
        } else {
            guest.caller.client.close();
        }
        for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
            sender.publish(b"t", &[away], qos);
        }
        guest.reconnect(&broker, &named("away", false));
        assert_eq!(guest.messages(2), [pair(b"t", &[away]), pair(b"t", &[away])]);
    }
    guest.disconnect();
    sender.publish(b"t", b"lost", QoS::AtLeastOnce);
    guest.reconnect(&broker, &named("away", true));
    assert_eq!(guest.strays(), 0);
}

// [MQTT-3.1.2-23]
#[test]
fn pingreq_keeps_an_idle_connection() {
    let broker = Broker::start();
    let idle = Connect { keep_alive_s: 1, ..named("idle", true) };
    let mut guest = Guest::connected(&broker, &idle);
    guest.subscribe(b"t", QoS::AtMostOnce).expect("granted");
    // A broker gives up after one and a half Keep Alive.
    let until = Clock::now() + Duration::from_secs(3);
    while Clock::now() < until {
        guest.look_at_the_clock();
        guest.caller.poll(Awaited::Message).expect("still a connection");
        guest.caller.stream.rest();
    }
    guest.publish(b"t", b"there", QoS::AtMostOnce);
    assert_eq!(guest.messages(1), [pair(b"t", b"there")]);
}

#[test]
fn the_will_is_published_without_disconnect_and_not_with_it() {
    let broker = Broker::start();
    let mut watcher = Guest::connected(&broker, &named("watcher", true));
    watcher.subscribe(b"will/#", QoS::ExactlyOnce).expect("granted");
    let topic = TopicName::new(b"will/t").expect("a Topic Name");
    let mortal = |message| Connect {
        will: Some(Will { topic, message, qos: QoS::ExactlyOnce, retain: true }),
        ..named("mortal", true)
    };
    Guest::connected(&broker, &mortal(b"in peace")).disconnect();
    drop(Guest::connected(&broker, &mortal(b"at once")));
    assert_eq!(watcher.messages(1), [pair(b"will/t", b"at once")]);
    // It was retained.
    let mut late = Guest::connected(&broker, &named("late", true));
    late.subscribe(b"will/t", QoS::AtMostOnce).expect("granted");
    assert_eq!(late.messages(1), [pair(b"will/t", b"at once")]);
}

#[test]
fn a_broker_that_asks_for_a_password_refuses_without_the_right_one() {
    // Made with `mosquitto_passwd -b`: user "user", password "secret".
    let line = "user:$7$101$84/AMKmELlW5HV6a$u4fhhW5a9USa3G7vQsY1VAO1EhFvTgIGTD2QsfAx9JtcAjRqwJ7yX9vM/2j5VBVHaR9GT/E4t\
        kahs9WNWiJjBg==\n";
    let broker = Broker::with("allow_anonymous false\npassword_file @/passwords\n", &[("passwords", line)]);
    for (user_name, password) in [(None, None), (Some(&b"user"[..]), Some(&b"wrong"[..])), (Some(b"other"), None)] {
        let refused = Guest::try_connected(&broker, &Connect { user_name, password, ..named("c", true) }).err();
        let not_authorized = matches!(refused, Some(Error::Refused(ConnectReturnCode::NotAuthorized)));
        assert!(not_authorized, "{user_name:?}: {refused:?}");
    }
    let user = Connect { user_name: Some(b"user"), password: Some(b"secret"), ..named("c", true) };
    Guest::connected(&broker, &user).disconnect();
}

#[test]
fn a_refused_subscription_leaves_the_connection_as_it_was() {
    // Access lists in a file do not refuse subscriptions; those of mosquitto's own plugin do.
    let lists = r##"{
        "roles": [{"rolename": "all", "acls": [
            {"acltype": "subscribePattern", "topic": "closed/#", "priority": 2, "allow": false},
            {"acltype": "subscribePattern", "topic": "#", "priority": 1, "allow": true},
            {"acltype": "publishClientSend", "topic": "#", "priority": 1, "allow": true},
            {"acltype": "publishClientReceive", "topic": "#", "priority": 1, "allow": true}
        ]}],
        "groups": [{"groupname": "all", "roles": [{"rolename": "all"}]}],
        "anonymousGroup": "all"
    }"##;
    let plugin = support::broker::plugin("mosquitto_dynamic_security.so");
    let configuration = format!("allow_anonymous true\nplugin {plugin}\nplugin_opt_config_file @/lists.json\n");
    let broker = Broker::with(&configuration, &[("lists.json", lists)]);
    let mut guest = Guest::connected(&broker, &named("c", true));
    let refused = guest.subscribe(b"closed/t", QoS::AtMostOnce);
    assert!(matches!(refused, Err(Error::SubscriptionRefused)), "{refused:?}");
    guest.subscribe(b"open/t", QoS::AtMostOnce).expect("granted");
    guest.publish(b"open/t", b"", QoS::AtLeastOnce);
    assert_eq!(guest.messages(1), [pair(b"open/t", b"")]);
}

#[test]
fn a_broker_that_ends_ends_the_connection() {
    let broker = Broker::start();
    let mut guest = Guest::connected(&broker, &named("c", true));
    drop(broker);
    assert!(matches!(guest.wait(Awaited::Message), Err(Error::EndOfStream | Error::Transport(_))));
    assert!(!guest.caller.client.is_open());
    assert!(matches!(guest.caller.publish(b"t", b"", QoS::AtMostOnce), Err(Error::NotConnected)));
}
