//! What has to hold of any value, tried on many: our codec beside another one that owes nothing to it, and the client on
//! any pieces. The seed is fixed: each run tries the same values. PROPTEST_RNG_SEED and PROPTEST_CASES try others, or more.

mod support;

#[path = "properties/incoming.rs"]
mod incoming;
#[path = "properties/outgoing.rs"]
mod outgoing;
#[path = "properties/pieces.rs"]
mod pieces;
#[path = "properties/values.rs"]
mod values;
