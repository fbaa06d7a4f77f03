//! The usage of each person, and who is stopped by which cap.

use async_graphql::{Context, Object, SimpleObject};
use dbauthz::ReadUnit;
use model::{
    PageRequest, UserId,
    caps::{CapScope, CapStanding, beyond_included},
    users::UserFilter,
};

use super::{
    super::{
        connection::{PageArguments, PageInfo, Slice, cursor, slice},
        failure::{Failure, Field, field},
        money,
        viewer::Viewer,
    },
    blocked::{BlockedStatus, statuses},
    users::UserCore,
};

/// What a person has spent in the present period.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "GitlabSubscriptionUsageUserUsage")]
struct UserUsage {
    /// What is included, in dollars.
    total_credits: Option<f64>,
    /// What is spent, in dollars.
    credits_used: Option<f64>,
    /// What of it was bought in advance; nothing is here.
    monthly_commitment_credits_used: Option<f64>,
    /// What of it was waived; nothing is here.
    monthly_waiver_credits_used: Option<f64>,
    /// What of it is beyond what is included, in dollars.
    overage_credits_used: Option<f64>,
}

/// A person under the subscription.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "GitlabSubscriptionUsageUser")]
struct UsageUser {
    #[graphql(flatten)]
    user: UserCore,
    /// What the person has spent; null for days without today.
    usage: Option<UserUsage>,
    /// Whether the person is stopped, at this instant.
    blocked_status: Field<BlockedStatus>,
}

/// A person and their place in the list.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionUsageUserEdge")]
struct UserEdge {
    /// The place.
    cursor: String,
    /// The person.
    node: Option<UsageUser>,
}

/// People, sorted by username.
#[derive(Debug, SimpleObject)]
#[graphql(name = "GitlabSubscriptionUsageUserConnection")]
struct UserConnection {
    /// The people of the page with their places.
    edges: Option<Vec<Option<UserEdge>>>,
    /// The people of the page.
    nodes: Option<Vec<Option<UsageUser>>>,
    /// Where the page stands.
    page_info: PageInfo,
    /// How many people there are, whatever the page.
    count: u64,
}

/// The usage of each person under a subscription that the caller may read.
#[derive(Debug)]
pub(super) struct UsersUsage {
    pub(super) scope: CapScope,
    /// Whether figures of the present period are asked for.
    pub(super) present: bool,
}

/// The people of a page, where it stands, how many there are in all, and where each of the page stands.
type Page = (Vec<UserCore>, Slice, u64, Vec<CapStanding>);

impl UsersUsage {
    /// Reads a page. The connection is given back before anything is asked elsewhere.
    async fn page(&self, viewer: &Viewer, page: &PageArguments) -> Result<Page, Failure> {
        let mut unit = viewer.read().await?;
        let (people, slice, count) = people(&mut unit, self.scope, page).await?;
        let (ids, people): (Vec<UserId>, Vec<UserCore>) = people.into_iter().unzip();
        let standings = if ids.is_empty() {
            Vec::new()
        } else {
            unit.spend().cap_standing_list(self.scope, &ids).await?
        };
        Ok((people, slice, count, standings))
    }
}

/// The usage of each person.
#[Object(name = "GitlabSubscriptionUsageUsersUsage")]
impl UsersUsage {
    /// The people, sorted by username: 20 on a page unless said otherwise, at most 200.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end.")] last: Option<i32>,
        #[graphql(desc = "Only what is before this cursor.")] before: Option<String>,
    ) -> Field<UserConnection> {
        let outcome = async {
            let page = PageArguments {
                first,
                after,
                last,
                before,
            };
            let (people, slice, count, standings) = self.page(Viewer::of(ctx)?, &page).await?;
            let ahead = ctx.look_ahead();
            let nodes = ahead.field("nodes").field("blockedStatus");
            let edges = ahead.field("edges").field("node").field("blockedStatus");
            let statuses = if nodes.exists() || edges.exists() {
                statuses(ctx, self.scope, &standings).await?
            } else {
                vec![None; standings.len()]
            };
            let nodes: Vec<UsageUser> = people
                .into_iter()
                .zip(&standings)
                .zip(statuses)
                .map(|((user, standing), status)| of(user, standing, status, self.present))
                .collect();
            let edges = nodes.iter().zip(slice.from..).map(|(node, position)| {
                Some(UserEdge {
                    cursor: cursor(position),
                    node: Some(node.clone()),
                })
            });
            Ok::<_, Failure>(Some(UserConnection {
                edges: Some(edges.collect()),
                nodes: Some(nodes.into_iter().map(Some).collect()),
                page_info: slice.info,
                count,
            }))
        };
        field(outcome.await)
    }
}

/// The people of a page, where it stands, and how many there are.
async fn people(
    unit: &mut ReadUnit,
    scope: CapScope,
    page: &PageArguments,
) -> Result<(Vec<(UserId, UserCore)>, Slice, u64), Failure> {
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    if let Some(organization) = scope.organization() {
        let mut organizations = unit.organizations();
        let members = organizations.organization_member_list(organization).await?;
        let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
        let slice = slice(page, small(count))?;
        let places = (0..slice.to).zip(members);
        let of_page = places.filter(|(place, _)| *place >= slice.from);
        let people = of_page.map(|(_, member)| (member.user_id, member.into()));
        return Ok((people.collect(), slice, count));
    }
    let filter = UserFilter::default();
    let mut request = PageRequest {
        limit: 1,
        offset: 0,
    };
    let count = unit.users().user_list(&filter, request).await?.count;
    let slice = slice(page, small(count))?;
    request = PageRequest {
        limit: slice.to.saturating_sub(slice.from),
        offset: slice.from,
    };
    let mut users = Vec::new();
    if request.limit > 0 {
        users = unit.users().user_list(&filter, request).await?.items;
    }
    let people = users.into_iter().map(|user| (user.id, user.into()));
    Ok((people.collect(), slice, count))
}

fn of(
    user: UserCore,
    standing: &CapStanding,
    blocked_status: Field<BlockedStatus>,
    present: bool,
) -> UsageUser {
    let usage = present.then(|| UserUsage {
        total_credits: Some(money::write(standing.included)),
        credits_used: Some(money::write(standing.spent)),
        monthly_commitment_credits_used: None,
        monthly_waiver_credits_used: None,
        overage_credits_used: Some(money::write(beyond_included(
            standing.spent,
            standing.included,
        ))),
    });
    UsageUser {
        user,
        usage,
        blocked_status,
    }
}
