//! The ways to answer.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

/// A way to answer. Where it says "by the books", what is asked is done too; otherwise nothing is.
#[derive(Debug, Clone)]
pub enum Way {
    /// By the books.
    Well,
    /// By the books, once it is told to.
    Late(Arc<Notify>),
    /// By the books, after so long.
    Slow(Duration),
    /// With success and this body.
    Body(String),
    /// With this status, a header of this name and value, and a body that would do: by the books.
    Status(u16, &'static str, String),
    /// With an error of this text, there where portals put them.
    Errors(Place, String),
    /// With success, and null for what was asked for, without a word.
    Null,
    /// With a page of overrides that leads to itself, again and again.
    Circles,
    /// With empty pages of overrides, each of which has a next one.
    MorePages,
    /// Never.
    Never,
    /// By the books, with the head and half of the body, and never with the rest.
    Half,
    /// By the books, with the head and half of the body, and then the connection breaks.
    Cut,
    /// Not at all: the connection is reset, and nothing was done.
    Reset,
    /// What is asked is done, and then the connection is reset.
    DoneReset,
    /// By the books, with this many bytes, announced in the head or not.
    Long {
        /// How many.
        bytes: usize,
        /// Whether the head says so.
        announced: bool,
    },
    /// With the head of an answer of this many bytes, and never with the answer.
    Announced(usize),
    /// Without an end.
    Endless,
}

impl Way {
    /// With this status and nothing else that would say why.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, "x-more", "1".to_owned())
    }

    /// With a page for people that is no answer at all.
    #[must_use]
    pub fn garbage() -> Self {
        Self::Body("<html>be right back</html>".to_owned())
    }
}

/// Where an error stands in an answer of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the payload of a mutation, whose result is null; among the data of a query.
    Payload,
    /// In a list among the data.
    Data,
    /// As one text among the data.
    DataText,
    /// Beside the data, which is null.
    Top,
}
