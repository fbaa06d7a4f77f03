//! Figures and their names. No content, no ids.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::Closed;

const TURNS: &str = "bursar_chat_turns_total";
const RUNNING: &str = "bursar_chat_turns_running";
const WAITING: &str = "bursar_chat_turns_waiting";
const SECONDS: &str = "bursar_chat_turn_seconds";
const SWEPT: &str = "bursar_chat_turns_swept_total";
const VIEWERS: &str = "bursar_chat_viewers";
const WATCHERS: &str = "bursar_chat_watchers";
const FEEDS: &str = "bursar_chat_feeds";
const CLOSED: &str = "bursar_chat_streams_closed_total";
const KEPT: &str = "bursar_chat_upkeep_total";

pub(crate) fn describe() {
    describe_counter!(TURNS, "Turns of chats that ended, by how.");
    describe_gauge!(RUNNING, "Turns of chats that run at this server.");
    describe_gauge!(
        WAITING,
        "Those of them that wait because too many others of their owner run."
    );
    describe_histogram!(SECONDS, Unit::Seconds, "How long turns of chats took.");
    describe_counter!(SWEPT, "Turns of chats whose server had gone.");
    describe_gauge!(VIEWERS, "Streams of chats that are open.");
    describe_gauge!(WATCHERS, "Streams about people's chats that are open.");
    describe_gauge!(FEEDS, "Chats that somebody looks at.");
    describe_counter!(CLOSED, "Streams that the server closed, by why.");
    describe_counter!(KEPT, "Old chats and files that were put away, by what.");
}

/// A turn ended after so long.
pub(crate) fn turn(outcome: &'static str, took: Duration) {
    counter!(TURNS, "outcome" => outcome).increment(1);
    histogram!(SECONDS).record(took.as_secs_f64());
}

pub(crate) fn swept(turns: usize) {
    counter!(SWEPT).increment(u64::try_from(turns).unwrap_or(u64::MAX));
}

pub(crate) fn closed(why: Closed) {
    counter!(CLOSED, "reason" => why.as_str()).increment(1);
}

pub(crate) fn kept(what: &'static str, count: u64) {
    counter!(KEPT, "what" => what).increment(count);
}

/// Something that is counted for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(&'static str);

impl Open {
    fn new(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }

    pub(crate) fn turn() -> Self {
        Self::new(RUNNING)
    }

    pub(crate) fn waiting() -> Self {
        Self::new(WAITING)
    }

    pub(crate) fn viewer() -> Self {
        Self::new(VIEWERS)
    }

    pub(crate) fn watcher() -> Self {
        Self::new(WATCHERS)
    }

    pub(crate) fn feed() -> Self {
        Self::new(FEEDS)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

/// An error with all that led to it, for logs.
pub(crate) fn cause<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    error
}
