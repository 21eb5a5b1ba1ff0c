//! rumqttd as a broker on one port: `rumqttd-broker ADDRESS PORT`.

use std::env::args;
use std::process::exit;

use rumqttd::{Broker, Config};
use serde_json::{from_value, json};

fn main() {
    let (Some(address), Some(port)) = (args().nth(1), args().nth(2)) else {
        eprintln!("usage: rumqttd-broker ADDRESS PORT");
        exit(2);
    };
    let config: Config = from_value(json!({
        "id": 0,
        "router": {
            "id": 0,
            "max_connections": 1000,
            "max_outgoing_packet_count": 200,
            "max_segment_size": 100 << 20,
            "max_segment_count": 10,
        },
        "v4": {
            "1": {
                "name": "v4",
                "listen": format!("{address}:{port}"),
                "next_connection_delay_ms": 1,
                "connections": {
                    "connection_timeout_ms": 60_000,
                    "max_payload_size": 4 << 20,
                    "max_inflight_count": 100,
                    "dynamic_filters": true,
                },
            },
        },
    }))
    .expect("a configuration of rumqttd");
    Broker::new(config).start().expect("a broker that runs");
}
