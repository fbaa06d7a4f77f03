//! Tests over HTTP on real servers with a real database and a fake provider, one binary for all of them.

#[cfg(test)]
mod burst;
