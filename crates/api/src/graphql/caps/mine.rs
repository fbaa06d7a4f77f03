//! The caller's own cap.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use model::caps::{CapSource, CapStanding};

use super::{
    super::{
        failure::{Failure, Field, field},
        limits::Counted,
        money,
        scalars::Time,
        viewer::Viewer,
    },
    scope::{FEATURE, asked},
    usage::BlockedCapType,
};

/// Where a person's cap comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "BudgetCapSource")]
enum Source {
    /// The flat cap.
    FlatUserCap,
    /// The person's own.
    UserOverrideCap,
}

/// The caller's own cap in the present period.
#[derive(Debug, SimpleObject)]
struct MyBudgetCap {
    /// The cap, in dollars; none when none holds.
    cap: Option<f64>,
    /// Where it comes from.
    source: Option<Source>,
    /// What may be spent whatever the caps say, in dollars.
    included: f64,
    /// What is spent, in dollars.
    used: f64,
    /// What open requests may cost yet, in dollars.
    reserved: f64,
    /// What may be spent yet, in dollars; none when no cap holds.
    remaining: Option<f64>,
    /// When spend counts from zero again.
    resets_at: Time,
    /// Whether a cap keeps the caller from spending.
    blocked: bool,
    /// The cap that does.
    blocked_by: Option<BlockedCapType>,
}

impl From<&CapStanding> for MyBudgetCap {
    fn from(standing: &CapStanding) -> Self {
        let CapStanding {
            included,
            spent,
            reserved,
            ..
        } = *standing;
        let cap = standing.user_cap.map(|(cap, _)| cap);
        let remaining = cap.map(|cap| {
            let left = cap.max(included).saturating_sub(spent);
            left.saturating_sub(reserved).or_zero()
        });
        let source = standing.user_cap.map(|(_, source)| match source {
            CapSource::Flat => Source::FlatUserCap,
            CapSource::Override => Source::UserOverrideCap,
        });
        Self {
            cap: cap.map(money::write),
            source,
            included: money::write(included),
            used: money::write(spent),
            reserved: money::write(reserved),
            remaining: remaining.map(money::write),
            resets_at: Time(standing.period.end),
            blocked: standing.blocked.is_some(),
            blocked_by: standing.blocked.map(Into::into),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct MineQuery;

#[Object]
impl MineQuery {
    /// The caller's own cap, in an organization of theirs or over the whole deployment. Null while the feature is off.
    async fn my_budget_cap(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The organization's name; without it, the cap over the whole deployment is meant."
        )]
        namespace_path: Option<ID>,
    ) -> Field<MyBudgetCap> {
        let outcome = async {
            let viewer = Viewer::of(ctx)?;
            let me = viewer.user_id()?;
            let path = namespace_path.as_ref().map(|path| path.as_str());
            // The connection is given back before anything is asked elsewhere.
            let (scope, on) = {
                let mut unit = viewer.read().await?;
                let scope = asked(unit.organizations(), path).await?;
                viewer.count(Counted::Query)?;
                let mut features = unit.feature_flags();
                let on = features.feature_enabled(FEATURE, scope.organization());
                let on = on.await?;
                if on {
                    // Whoever may not know where they stand has nothing read for them.
                    unit.spend().cap_standing_list(scope, &[me]).await?;
                }
                (scope, on)
            };
            if !on {
                return Ok(None);
            }
            viewer.state.caps.fresh(scope).await?;
            let mut unit = viewer.read().await?;
            let standings = unit.spend().cap_standing_list(scope, &[me]).await?;
            Ok::<_, Failure>(standings.first().map(MyBudgetCap::from))
        };
        field(outcome.await)
    }
}
