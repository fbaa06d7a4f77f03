//! Integration tests of the crate `db`, one binary for all of them.

#[cfg(test)]
mod local;
