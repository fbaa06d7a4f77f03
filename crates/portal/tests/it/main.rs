//! The client against a fake portal on loopback, which keeps caps as a portal does, and misbehaves when it is told to. What
//! is tried again and what is left alone is shown by how often it was asked.

#[cfg(test)]
mod breaker;
#[cfg(test)]
mod misbehaviour;
#[cfg(test)]
mod network;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod writes;
