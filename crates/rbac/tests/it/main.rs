//! The engine from outside: the reference's decision table, random comparison with a naive evaluator, laws.

#[cfg(test)]
mod assign;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod draft;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod properties;
