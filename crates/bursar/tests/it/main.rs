//! The program as people start it: the demo, the server as a process, signals, crashes. One binary for all.

#[cfg(test)]
mod chats;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod features;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod process;
#[cfg(test)]
mod race;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod server;
