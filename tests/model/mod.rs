//! The model: see `tests/model.rs`, and `tests/fuzz/client.rs`, which has a fuzzer choose.

use crate::support;

mod adapter;
mod caller;
pub mod case;
pub mod chance;
mod connection;
mod exchanges;
mod habits;
mod identity;
mod ledger;
mod messages;
mod methods;
mod net;
mod promises;
mod rules;
mod run;
mod server;
mod talk;
mod world;
