//! Admission: how much a request can cost at worst, and whether the limits have room for that now.
//!
//! Pure: whoever calls [`judge`] holds the locks that make the answer true. The order of a request's way is
//! [`InputBound::tokens`], [`output_cap`], [`WorstCase::new`], [`decide`], which is [`judge`] with the line of
//! waiters: [`must_yield`] keeps a long waiter from starving behind small requests. Waiting is the caller's.
//! Who is under way asks for more by [`extend`]; what happened elsewhere is only looked at, by [`passed`].

mod bound;
mod decide;
mod extend;
mod passed;
mod queue;
#[cfg(test)]
mod tests;
mod verdict;
mod worst_case;

pub use self::{
    bound::{InputBound, NotBoundable, output_cap},
    decide::{Decision, Limit, decide},
    extend::{Extension, extend},
    passed::passed,
    queue::{Head, PATIENCE_OF_THE_HEAD, must_yield},
    verdict::{LimitState, Patience, Verdict, judge},
    worst_case::{LEAST_CAP, OutputAsk, WorstCase},
};
