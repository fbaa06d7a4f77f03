//! Where a person stands, in words: which limit is in the way, its figures, and when it resets.

use chrono::SecondsFormat;
use model::{
    Micros,
    budgets::LimitSource,
    caps::{BlockedCap, CapScope, CapState},
    spend::{LimitKind, NotBounded, Period, PoolState, SpendState},
};

/// Where a person stands, for the text of a refusal.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// The state that the ledger decided by.
    pub(crate) state: &'a SpendState,
    /// The group's name, when the caller may know it.
    pub(crate) group: Option<String>,
}

impl Standing<'_> {
    /// It cannot fit any more before the period ends.
    pub(crate) fn refused(&self) -> String {
        let what = match self.cap() {
            Some(cap) => format!("under the {}", name(cap)),
            None => "into your AI budget".to_owned(),
        };
        format!(
            "This request does not fit {what}: {}.{} {} {}",
            self.figures(),
            self.also(),
            self.reset(),
            self.whom_to_ask("to raise the limit")
        )
    }

    /// It may fit as soon as others have settled.
    pub(crate) fn retry_later(&self) -> String {
        let (what, shared) = match self.cap() {
            Some(cap) => {
                let shared = cap.cap == BlockedCap::Subscription;
                (format!("under the {}", name(cap)), shared)
            }
            None => ("into your AI budget".to_owned(), self.pool().is_some()),
        };
        let whose = if shared { "the" } else { "your" };
        format!(
            "This request does not fit {what} beside {whose} requests that are still running: {}. \
             Try again when one of them has ended. {}",
            self.figures(),
            self.reset(),
        )
    }

    /// A limit applies, and the request's cost has no upper bound.
    pub(crate) fn not_bounded(&self, why: NotBounded, model: &str, what: &[String]) -> String {
        let reason = match why {
            NotBounded::Unpriced => {
                return format!(
                    "The model `{model}` has no price, and {}. {}; prices are \
                     set by `POST /api/v2/ai/model-prices`, or with the server's option `--model-prices-file`.",
                    self.what_limits(),
                    self.whom_to_ask("to add its price").trim_end_matches('.'),
                );
            }
            NotBounded::Input => format!(
                "the prompt has parts that cannot be counted beforehand, and the context window of \
                 `{model}` is not known"
            ),
            NotBounded::Fee if what.is_empty() => {
                format!("it allows searches without a bound or without a known price on `{model}`")
            }
            NotBounded::Fee => format!(
                "it asks for something without a known price: {}",
                what.join(", ")
            ),
        };
        format!(
            "The cost of this request has no upper bound, and {}: {reason}. Leave that part out, or ask an \
             administrator of {}.",
            self.what_limits(),
            self.whose(),
        )
    }

    /// That a limit applies, and which: to whoever must know the cost beforehand because of it.
    fn what_limits(&self) -> String {
        match self.cap() {
            Some(cap) => {
                let limit = self.limit();
                format!(
                    "the {} applies ({limit}; it resets at {})",
                    name(cap),
                    instant(&cap.period)
                )
            }
            None => format!("your AI budget has a limit ({})", self.limit()),
        }
    }

    /// The pool, when it is what stands in the way.
    fn pool(&self) -> Option<&PoolState> {
        let pool = self.state.pool.as_ref();
        pool.filter(|_| self.state.blocked_by == Some(LimitKind::Pool))
    }

    /// The cap, when it is what stands in the way.
    fn cap(&self) -> Option<&CapState> {
        self.state.blocked_cap()
    }

    /// The other caps that stand in the way.
    fn also(&self) -> String {
        let first = self.cap();
        let caps = self.state.caps.iter().flatten();
        let others = caps.filter(|cap| cap.blocks && Some(*cap) != first);
        let others: Vec<String> = others
            .map(|cap| format!("the {} of {}", name(cap), cap.amount))
            .collect();
        if others.is_empty() {
            return String::new();
        }
        format!(" It does not fit under {} either.", others.join(" and "))
    }

    fn limit(&self) -> String {
        if let Some(cap) = self.cap() {
            return format!("{}{}", cap.amount, included(cap));
        }
        let named = |id: model::GroupId| match &self.group {
            Some(name) => format!("`{name}`"),
            None => id.to_string(),
        };
        if let Some(pool) = self.pool() {
            let (limit, name) = (pool.limit, named(pool.group_id));
            return format!("{limit} for all members of the group {name} together");
        }
        let Some(budget) = &self.state.budget else {
            return "no limit".to_owned();
        };
        let (limit, name) = (budget.spend_limit, named(budget.group_id));
        match budget.source {
            LimitSource::UserOverride => format!("{limit}, set for you"),
            LimitSource::Group if budget.summed => {
                format!("{limit}, the budgets of your groups together")
            }
            LimitSource::Group => format!("{limit} for each member of the group {name}"),
        }
    }

    /// What everybody together has spent and holds is nobody's to know who is refused by it.
    fn figures(&self) -> String {
        let shared = |cap: &CapState| cap.cap == BlockedCap::Subscription;
        if self.cap().is_some_and(shared) {
            return format!("the limit is {}", self.limit());
        }
        let (spent, reserved): (Micros, Micros) = match (self.cap(), self.pool()) {
            (Some(cap), _) => (cap.used.spent, cap.used.reserved),
            (None, Some(pool)) => (pool.spent, pool.reserved),
            (None, None) => (self.state.spent, self.state.reserved),
        };
        let held = if reserved.0 > 0 {
            format!(" and {reserved} held by requests that are still running")
        } else {
            String::new()
        };
        format!("the limit is {}, with {spent} spent{held}", self.limit())
    }

    fn reset(&self) -> String {
        let pool = self.pool().map(|pool| &pool.period);
        let cap = self.cap().map(|cap| &cap.period);
        let period: &Period = cap.or(pool).unwrap_or(&self.state.period);
        format!("It resets at {}.", instant(period))
    }

    fn whom_to_ask(&self, what: &str) -> String {
        format!("Ask an administrator of {} {what}.", self.whose())
    }

    /// Whose limit it is.
    fn whose(&self) -> &'static str {
        match self.cap().map(|cap| cap.scope) {
            Some(CapScope::Instance) => "this deployment",
            Some(CapScope::Organization(_)) | None => "your organization",
        }
    }
}

/// When a period ends.
fn instant(period: &Period) -> String {
    period.end.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Which cap it is, and whose.
fn name(cap: &CapState) -> String {
    let of = match cap.scope {
        CapScope::Instance => "of this deployment",
        CapScope::Organization(_) => "of your organization",
    };
    match cap.cap {
        BlockedCap::FlatUser => format!("flat user cap {of}"),
        BlockedCap::UserOverride => format!("user cap {of} that is set for you"),
        BlockedCap::Subscription => format!("subscription cap {of} (all people together)"),
    }
}

/// What of the person's spend does not count, or is never refused.
fn included(cap: &CapState) -> String {
    if cap.included <= Micros::ZERO {
        return String::new();
    }
    match cap.cap {
        BlockedCap::Subscription => format!(" beyond {} included for each", cap.included),
        BlockedCap::FlatUser | BlockedCap::UserOverride if cap.included > cap.amount => {
            format!(
                ", but never less than the {} included for you",
                cap.included
            )
        }
        BlockedCap::FlatUser | BlockedCap::UserOverride => String::new(),
    }
}

#[cfg(test)]
mod tests;
