//! The engine from outside: the reference's decision table, random comparison with a naive evaluator, laws.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod assign;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod custom_roles;
#[cfg(test)]
mod draft;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod parsers;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod strategies;
#[cfg(test)]
mod system_roles;
