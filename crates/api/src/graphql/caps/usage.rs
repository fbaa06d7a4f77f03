//! The usage of a subscription.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{Datelike, Days, Months, NaiveDate};
use model::caps::{BlockedCap, CapScope, SubscriptionCaps, SubscriptionStanding};

use super::{
    super::{
        failure::{Code, Failure, Field, field},
        limits::Counted,
        money,
        scalars::{Day, Instant},
        viewer::Viewer,
    },
    budget_caps::BudgetCaps,
    people::UsersUsage,
    scope::{FEATURE, asked},
};

/// Which cap stops a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "GitlabSubscriptionUsageBlockedCapType")]
pub(super) enum BlockedCapType {
    /// The one of everybody who has none of their own.
    #[graphql(name = "FLAT_USER_CAP")]
    FlatUser,
    /// The person's own.
    #[graphql(name = "USER_OVERRIDE_CAP")]
    UserOverride,
    /// The one of all people together.
    #[graphql(name = "SUBSCRIPTION_CAP")]
    Subscription,
}

impl From<BlockedCap> for BlockedCapType {
    fn from(blocked: BlockedCap) -> Self {
        match blocked {
            BlockedCap::FlatUser => Self::FlatUser,
            BlockedCap::UserOverride => Self::UserOverride,
            BlockedCap::Subscription => Self::Subscription,
        }
    }
}

/// What was spent on a day.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionDailyUsage")]
struct DailyUsage {
    /// The day.
    date: Day,
    /// What was spent, in dollars.
    credits_used: f64,
}

/// What was spent beyond what is included.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionOverage")]
struct Overage {
    /// Whether the subscription's cap has room for more.
    is_allowed: bool,
    /// What was spent beyond what is included, in dollars.
    credits_used: Option<f64>,
    /// The same by day; not known here.
    daily_usage: Option<Vec<DailyUsage>>,
}

/// What was bought in advance.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionMonthlyCommitment")]
struct MonthlyCommitment {
    /// What was bought, in dollars.
    total_credits: Option<f64>,
    /// What of it was spent, in dollars.
    credits_used: Option<f64>,
    /// The same by day.
    daily_usage: Option<Vec<DailyUsage>>,
}

/// The days that are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: NaiveDate,
    end: NaiveDate,
    /// Whether today is one of them: only of the present period is anything known.
    present: bool,
}

/// The usage of a subscription, which the caller may read.
#[derive(Debug)]
struct Usage {
    scope: CapScope,
    range: Range,
    /// Whether caps are shown.
    on: bool,
    /// `None` when none was ever set.
    caps: Option<SubscriptionCaps>,
}

impl Usage {
    /// Where all people together stand; `None` when there is no cap of them.
    async fn standing(&self, ctx: &Context<'_>) -> Result<Option<SubscriptionStanding>, Failure> {
        if !self.range.present {
            return Ok(None);
        }
        let viewer = Viewer::of(ctx)?;
        let me = viewer.user_id()?;
        let mut unit = viewer.read().await?;
        let standings = unit.spend().cap_standing_list(self.scope, &[me]).await?;
        Ok(standings.first().and_then(|one| one.subscription))
    }
}

/// The usage of one subscription. What is not known here is null.
#[Object(name = "GitlabSubscriptionUsage")]
impl Usage {
    /// Whether usage is counted. It always is.
    async fn enabled(&self) -> bool {
        true
    }

    /// The first day that is asked about.
    async fn start_date(&self) -> Option<Day> {
        Some(Day(self.range.start))
    }

    /// The last day that is asked about.
    async fn end_date(&self) -> Option<Day> {
        Some(Day(self.range.end))
    }

    /// How fresh the figures are; null, since they are of this instant.
    async fn last_event_transaction_at(&self) -> Option<Instant> {
        None
    }

    /// What all people together have spent in the present period, in dollars; known where all spend counts under the
    /// subscription's cap.
    async fn credits_used(&self, ctx: &Context<'_>) -> Field<f64> {
        let outcome = async {
            let all_counts = self.caps.is_some_and(|caps| caps.included.0 == 0);
            if !all_counts {
                return Ok(None);
            }
            let standing = self.standing(ctx).await?;
            Ok::<_, Failure>(standing.map(|all| money::write(all.spent)))
        };
        field(outcome.await)
    }

    /// What was spent beyond what is included, in the present period; known where the subscription has a cap.
    async fn overage(&self, ctx: &Context<'_>) -> Field<Overage> {
        let outcome = async {
            let standing = self.standing(ctx).await?;
            Ok::<_, Failure>(standing.map(|all| Overage {
                is_allowed: !all.enabled || all.spent < all.cap,
                credits_used: Some(money::write(all.spent)),
                daily_usage: None,
            }))
        };
        field(outcome.await)
    }

    /// What was bought in advance; nothing is here.
    async fn monthly_commitment(&self) -> Option<MonthlyCommitment> {
        None
    }

    /// Whether the terms of spend beyond what is included are accepted. There are none to accept.
    async fn overage_terms_accepted(&self) -> bool {
        true
    }

    /// The usage of each person, and who is stopped.
    async fn users_usage(&self) -> Option<UsersUsage> {
        Some(UsersUsage {
            scope: self.scope,
            present: self.range.present,
        })
    }

    /// The caps; null while the feature is off.
    async fn budget_caps(&self, ctx: &Context<'_>) -> Field<BudgetCaps> {
        let outcome = async {
            if !self.on {
                return Ok(None);
            }
            let (viewer, scope) = (Viewer::of(ctx)?, self.scope);
            viewer.state.caps.fresh(scope).await?;
            let mut unit = viewer.read().await?;
            let caps = unit.caps().cap_get(scope).await?;
            Ok::<_, Failure>(Some(BudgetCaps { scope, caps }))
        };
        field(outcome.await)
    }
}

#[derive(Debug, Default)]
pub(super) struct UsageQuery;

#[Object]
impl UsageQuery {
    /// The usage of a subscription, and its caps. Figures are of the present period, and null for days without today.
    async fn subscription_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The organization's name; without it, the whole deployment's subscription is meant."
        )]
        namespace_path: Option<ID>,
        #[graphql(desc = "The first day; the first of this month unless given.")]
        start_date: Option<Day>,
        #[graphql(desc = "The last day; the last of this month unless given.")] end_date: Option<
            Day,
        >,
        #[graphql(
            name = "flowTypes",
            desc = "Which kinds of events to count. All are of one kind here, so it changes nothing."
        )]
        _flow_types: Option<Vec<String>>,
    ) -> Field<Usage> {
        let outcome = async {
            let viewer = Viewer::of(ctx)?;
            let today = viewer.state.auth.clock.now().date_naive();
            let range = range(today, start_date, end_date)?;
            let mut unit = viewer.read().await?;
            let path = namespace_path.as_ref().map(|path| path.as_str());
            let scope = asked(unit.organizations(), path).await?;
            let caps = unit.caps().cap_get(scope).await?;
            viewer.count(Counted::Query)?;
            let mut features = unit.feature_flags();
            let on = features.feature_enabled(FEATURE, scope.organization());
            Ok::<_, Failure>(Some(Usage {
                scope,
                range,
                on: on.await?,
                caps,
            }))
        };
        field(outcome.await)
    }
}

fn range(today: NaiveDate, start: Option<Day>, end: Option<Day>) -> Result<Range, Failure> {
    let wrong = |message: &str| Failure::told(Code::InvalidArgument, message);
    let first = today.with_day(1).unwrap_or(today);
    let last = first
        .checked_add_months(Months::new(1))
        .and_then(|next| next.checked_sub_days(Days::new(1)));
    let start = start.map_or(first, |day| day.0);
    let end = end.map_or(last.unwrap_or(today), |day| day.0);
    if end < start {
        return Err(wrong("end_date must be after or equal to start_date"));
    }
    let year = start.checked_add_months(Months::new(12));
    if year.is_none_or(|year| end > year) {
        return Err(wrong("Date range cannot exceed 1 year"));
    }
    Ok(Range {
        start,
        end,
        present: (start..=end).contains(&today),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_this_month_unless_given_and_a_year_at_most() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let check = |start: &str, end: &str, expected: Result<(&str, &str, bool), &str>| {
            let given = |text: &str| (!text.is_empty()).then(|| Day(day(text)));
            let found = range(day("2026-02-11"), given(start), given(end));
            let expected = expected.map(|(start, end, present)| Range {
                start: day(start),
                end: day(end),
                present,
            });
            let found = found.map_err(|failure| failure.to_string());
            assert_eq!(found, expected.map_err(ToOwned::to_owned), "{start} {end}");
        };
        let order = Err("end_date must be after or equal to start_date");
        let long = Err("Date range cannot exceed 1 year");
        check("", "", Ok(("2026-02-01", "2026-02-28", true)));
        check("2026-02-20", "", Ok(("2026-02-20", "2026-02-28", false)));
        check(
            "2026-01-01",
            "2026-01-01",
            Ok(("2026-01-01", "2026-01-01", false)),
        );
        check(
            "2026-02-11",
            "2026-02-11",
            Ok(("2026-02-11", "2026-02-11", true)),
        );
        check("2026-02-02", "2026-02-01", order);
        check("2026-03-01", "", order);
        check(
            "2025-02-11",
            "2026-02-11",
            Ok(("2025-02-11", "2026-02-11", true)),
        );
        check("2025-02-11", "2026-02-12", long);
        check(
            "2024-02-29",
            "2025-02-28",
            Ok(("2024-02-29", "2025-02-28", false)),
        );
        check("2020-01-01", "", long);
    }
}
