//! People's own caps, as they are listed.

use std::collections::HashMap;

use async_graphql::{Enum, SimpleObject};
use model::{
    UserId,
    caps::{self, CapOverride, CapScope},
};
use store::caps::CapOverrideFilter;
use uuid::Uuid;

use super::{
    super::{
        connection::{PageArguments, PageInfo, no_cursor},
        failure::Failure,
        ids::GlobalId,
        money,
        scalars::Time,
        viewer::Viewer,
    },
    users::{UserCore, known},
};

/// What a person's own cap means while it is not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "BudgetCapDisabledMode", remote = "caps::DisabledMode")]
pub(super) enum DisabledMode {
    /// The person has no cap.
    Exempt,
    /// The flat cap holds for the person.
    Inherit,
}

/// A person's own cap.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "GitlabSubscriptionBudgetCapUserOverride")]
pub(super) struct CapUserOverride {
    /// Whose; none when the account is gone or the caller may not see it.
    user: Option<UserCore>,
    /// Whose, in any case.
    user_id: GlobalId,
    /// The cap in a period, in dollars.
    cap: f64,
    /// Whether it is enforced.
    cap_enabled: bool,
    /// What it means while it is not enforced.
    disabled_mode: DisabledMode,
    /// When it was first set.
    created_at: Option<Time>,
    /// When it was changed last.
    updated_at: Option<Time>,
}

/// A person's own cap and its place in the list.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionBudgetCapUserOverrideEdge")]
pub(super) struct OverrideEdge {
    /// The place.
    cursor: String,
    /// The cap.
    node: Option<CapUserOverride>,
}

/// People's own caps, sorted by the people's ids.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionBudgetCapUserOverrideConnection")]
pub(super) struct OverrideConnection {
    /// The caps of the page with their places.
    edges: Option<Vec<Option<OverrideEdge>>>,
    /// The caps of the page.
    nodes: Option<Vec<Option<CapUserOverride>>>,
    /// Where the page stands.
    page_info: PageInfo,
    /// How many there are of the people that were asked for, whatever the page.
    count: u64,
}

impl CapUserOverride {
    pub(super) fn new(one: CapOverride, known: &HashMap<UserId, UserCore>) -> Self {
        Self {
            user: known.get(&one.user_id).cloned(),
            user_id: one.user_id.into(),
            cap: money::write(one.cap.amount),
            cap_enabled: one.cap.enabled,
            disabled_mode: one.disabled_mode.into(),
            created_at: Some(Time(one.created_at)),
            updated_at: Some(Time(one.updated_at)),
        }
    }
}

/// A page of people's own caps.
///
/// # Errors
/// For arguments that cannot be; those of the store.
pub(super) async fn list(
    viewer: &Viewer,
    scope: CapScope,
    users: Option<&[GlobalId]>,
    page: &PageArguments,
    with_users: bool,
) -> Result<OverrideConnection, Failure> {
    let rows = page.rows()?;
    let read = |all: &[GlobalId]| {
        // Who can be nobody has no cap.
        let all: Result<Vec<Option<UserId>>, Failure> = all.iter().map(GlobalId::read).collect();
        all.map(|all| all.into_iter().flatten().collect())
    };
    let filter = CapOverrideFilter {
        users: users.map(read).transpose()?,
        after: page.after.as_deref().map(place).transpose()?,
        before: page.before.as_deref().map(place).transpose()?,
        limit: rows.limit,
        last: rows.last,
    };
    let found = {
        let mut unit = viewer.read().await?;
        unit.caps().cap_override_list(scope, &filter).await?
    };
    let people: Vec<UserId> = found.overrides.iter().map(|one| one.user_id).collect();
    let known = known(viewer, scope, &people, with_users).await?;
    let nodes: Vec<CapUserOverride> = found
        .overrides
        .into_iter()
        .map(|one| CapUserOverride::new(one, &known))
        .collect();
    let edges = nodes.iter().zip(&people).map(|(node, user)| {
        Some(OverrideEdge {
            cursor: cursor(*user),
            node: Some(node.clone()),
        })
    });
    Ok(OverrideConnection {
        edges: Some(edges.collect()),
        nodes: Some(nodes.into_iter().map(Some).collect()),
        page_info: PageInfo {
            has_next_page: found.has_next,
            has_previous_page: found.has_previous,
            start_cursor: people.first().copied().map(cursor),
            end_cursor: people.last().copied().map(cursor),
        },
        count: found.count,
    })
}

/// The place of a person's cap.
fn cursor(user: UserId) -> String {
    user.0.simple().to_string()
}

fn place(text: &str) -> Result<UserId, Failure> {
    let found = Uuid::try_parse(text).ok().map(UserId);
    found
        .filter(|found| cursor(*found) == text)
        .ok_or_else(|| no_cursor(text))
}
