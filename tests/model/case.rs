//! One case: threads at random, then a connection that works, on which all comes to its end.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use umqtt::client::Error;
use umqtt::settings::IN_FLIGHT;

use super::caller::Failure;
use super::chance::Chance;
use super::world::{State, World};

/// Calls in which all has to come to rest in the end.
const LAST_CALLS: usize = 20_000;

/// Runs a case with at most so many calls of methods; `story` gets what happened, if it is wanted.
pub fn run(chance: Chance, calls: Option<usize>, story: Option<&RefCell<Vec<String>>>) {
    let world = World::new(chance, story.is_some());
    let told = catch_unwind(AssertUnwindSafe(|| {
        let threads = world.with(|state| {
            state.calls = calls.unwrap_or(usize::MAX).min(state.calls);
            let habits = state.net.habits.clone();
            state.net.says(format_args!("{habits:?}"));
            habits.threads
        });
        world.run((0..threads).map(|_| Box::pin(world.thread()) as _).collect());
        world.with(|state| {
            state.net.says("the end begins");
            state.net.habits.calm();
        });
        world.run(vec![Box::pin(world.ends())]);
    }));
    if let Some(story) = story {
        story.borrow_mut().extend(world.with(|state| state.net.story.take().unwrap_or_default()));
    }
    if let Err(panic) = told {
        std::panic::resume_unwind(panic);
    }
}

impl World {
    /// In the end: a connection that works, on which what was in flight goes out again and ends.
    async fn ends(&self) {
        for resumes in [true, false] {
            self.with(|state| state.net.habits.clean = usize::from(!resumes));
            self.connects_in_the_end().await;
            self.settles().await;
            self.with(State::is_quiet);
        }
    }

    /// Connects. What cannot be sent again is told to who sends it, and is over: once for each.
    async fn connects_in_the_end(&self) {
        for _ in 0..IN_FLIGHT {
            let told = self.connects().await;
            let is_others = matches!(told, Err(Failure::Client(Error::Encode(_))));
            if !is_others || self.with(|state| !state.net.server.exchanges.has_spoiled_and_left()) {
                assert_eq!(told, Ok(true), "a connection that works");
                return;
            }
        }
        panic!("never connects");
    }

    /// Receives until there is nothing to do.
    async fn settles(&self) {
        let mut quiet = 0;
        for _ in 0..LAST_CALLS {
            assert!(self.receives(false).await.is_ok(), "a connection that works");
            self.passes(1).await;
            let is_quiet = self.with(|state| {
                state.net.server.is_read() && state.net.next_at().is_none() && state.caller.queue.is_empty()
            });
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet > 40 {
                return;
            }
        }
        panic!("never comes to rest");
    }
}

impl State {
    /// All that came was dealt with, and all that was in flight is over.
    fn is_quiet(&mut self) {
        assert!(self.caller.queue.is_empty(), "messages that nobody gets");
        self.net.server.ledger.is_quiet();
        self.net.server.exchanges.is_quiet();
        assert!(!self.net.server.is_in_a_packet(), "quiet in the middle of a packet");
        let slots = self.caller.client.slots_in_use();
        assert_eq!(slots, 0, "acknowledged, and still in flight");
        assert_eq!(self.net.server.exchanges.unanswered(), [], "in flight, and forgotten");
    }
}
