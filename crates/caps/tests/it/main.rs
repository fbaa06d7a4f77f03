//! Tests of the crate `caps` against a portal on loopback and a store in memory.

#[cfg(test)]
mod keeping;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod writes;
