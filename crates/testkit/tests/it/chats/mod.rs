//! Chats over HTTP on real servers: who reaches what, what readers see, how turns go, and who loses a stream when.

mod access;
mod bounds;
mod cases;
mod engine;
mod events;
mod families;
mod files;
mod limits;
mod lists;
mod matrix;
mod outages;
mod races;
mod readers;
mod revocation;
mod rules;
mod sharing;
mod stage;
mod stream;
mod switches;
mod two_servers;
mod upkeep;
mod watching;
