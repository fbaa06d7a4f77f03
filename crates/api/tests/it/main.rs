//! The API as a client meets it: routes, extractors, errors and middleware together, over an in-memory store.
//! What the database itself decides is shown elsewhere, on a real server.

#[cfg(test)]
mod authorization;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod chats;
#[cfg(test)]
mod people;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod world;
