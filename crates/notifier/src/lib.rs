//! Background work that tells people: finds out who must be told of spend, and sends what is to be sent besides
//! the inbox.
//!
//! It knows no SQL and serves no HTTP: it takes its work from the authorized store, as named system actors, and any
//! number of servers may do it at the same time. Losing a server loses nothing: what is not done is done by another.
