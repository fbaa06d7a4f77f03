//! The fake provider over real connections.

#[cfg(test)]
mod client;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod tests;
