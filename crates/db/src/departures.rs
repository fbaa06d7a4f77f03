//! What ends when somebody leaves: an organization, or altogether. The one place that says it.
//!
//! | what | leaving an organization | end of an account | end of an organization |
//! |---|---|---|---|
//! | memberships, places in groups | end there | end everywhere | end |
//! | the person's own budget | ends with its group | ends | ends with its group |
//! | what was shared with the person or a group | ends there | ends everywhere | ends |
//! | the person's own caps | stay | end | end there |
//! | workspaces | the person's own sleep | the person's own sleep | are marked deleted |
//! | the person's own chats, with their messages and files | stay | are archived | are archived |
//! | what the person keeps of chats: read, on top, out of sight | stays | ends | stays |
//! | sessions, tokens, identities elsewhere | stay | end | stay |
//! | messages in the inbox | stay | end | stay |
//! | what AI providers keep for the person | stays theirs | is nobody's | stays theirs |
//! | webhooks for one organization, with what is to be sent to them | stay | stay | end |
//! | how fresh mirrored caps of one organization are | stays | stays | ends |
//! | switches of features for one organization | stay | stay | end |
//! | groups, budgets, caps, custom roles, settings | stay | stay | end |
//! | ledger, what was told of limits, audit log | stay | stay | stay |
//! | what other gateways reported and hold | stays | stays | stays |
//!
//! Ledger and audit log are history, and an open reservation is money that may be owed: whoever leaves has still
//! spent it. A suspension is no departure: everything waits for its end.
//!
//! Each departure first locks what others would add to, then runs from the leaves on, so that the audit log can
//! still name what each row belonged to; the account or the organization itself is marked last. Entries of ACLs go
//! with the membership or the group that they name, by foreign key. A feature whose rows belong to people, groups or
//! organizations adds its lines here; a test reads the catalog and fails for a table that nobody has placed.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{OrganizationId, UserId};
use store::StoreResult;
use uuid::Uuid;

use crate::{
    chats,
    query::{Cached, bursar_now, one, rows, run, run_on_one},
    schema::{
        ai_stored_responses, api_keys, custom_roles, group_ai_budgets, group_members, groups,
        notifications, organization_members, organizations, user_links, users, workspaces,
    },
};

/// A person leaves an organization.
///
/// # Errors
/// `NotFound` when they are not in it.
pub(crate) async fn leave_organization(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
    user: UserId,
) -> StoreResult<()> {
    // Whoever makes something that only a member may have holds the membership as well.
    let lock = organization_members::table
        .filter(organization_members::organization_id.eq(organization.0))
        .filter(organization_members::user_id.eq(user.0))
        .select(organization_members::user_id)
        .for_update();
    let _locked: Uuid = one(conn, lock).await?;
    let teams = diesel::delete(group_members::table)
        .filter(group_members::organization_id.eq(organization.0))
        .filter(group_members::user_id.eq(user.0));
    let membership = diesel::delete(organization_members::table)
        .filter(organization_members::organization_id.eq(organization.0))
        .filter(organization_members::user_id.eq(user.0));
    run(conn, teams).await?;
    sleep(conn, user, Some(organization)).await?;
    run_on_one(conn, membership).await
}

/// The workspaces of a person fall asleep, in one organization or wherever they are.
async fn sleep(
    conn: &AsyncPgConnection,
    user: UserId,
    organization: Option<OrganizationId>,
) -> StoreResult<()> {
    let sleep = sql_query(
        "UPDATE workspaces SET dormant_at = bursar_now(), updated_at = bursar_now() \
         WHERE owner_id = $1 AND NOT deleted AND dormant_at IS NULL \
             AND ($2 IS NULL OR organization_id = $2)",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Nullable<SqlUuid>, _>(organization.map(|organization| organization.0));
    run(conn, Cached(sleep)).await.map(drop)
}

/// An account ends: its person leaves every organization, and nothing signs them in any more.
///
/// # Errors
/// `NotFound` when there is no such account.
pub(crate) async fn end_account(conn: &AsyncPgConnection, user: UserId) -> StoreResult<()> {
    let lock = users::table
        .filter(users::id.eq(user.0).and(users::deleted.eq(false)))
        .select(users::id)
        .for_update();
    let _locked: Uuid = one(conn, lock).await?;
    let memberships = organization_members::table
        .filter(organization_members::user_id.eq(user.0))
        .order(organization_members::organization_id)
        .select(organization_members::organization_id);
    let organizations: Vec<Uuid> = rows(conn, memberships).await?;
    for organization in organizations {
        leave_organization(conn, organization.into(), user).await?;
    }
    // Also those that are left from organizations that the person left before.
    sleep(conn, user, None).await?;
    chats::end_of_account(conn, user).await?;
    let keys = diesel::delete(api_keys::table).filter(api_keys::user_id.eq(user.0));
    let links = diesel::delete(user_links::table).filter(user_links::user_id.eq(user.0));
    let messages = diesel::delete(notifications::table).filter(notifications::user_id.eq(user.0));
    let stored =
        diesel::delete(ai_stored_responses::table).filter(ai_stored_responses::user_id.eq(user.0));
    let mark = diesel::update(users::table)
        .filter(users::id.eq(user.0))
        .set((users::deleted.eq(true), users::updated_at.eq(bursar_now())));
    let caps = sql_query("DELETE FROM user_budget_cap_overrides WHERE user_id = $1");
    run(conn, Cached(caps.bind::<SqlUuid, _>(user.0))).await?;
    run(conn, keys).await?;
    run(conn, links).await?;
    run(conn, messages).await?;
    run(conn, stored).await?;
    run_on_one(conn, mark).await
}

/// An organization ends, and everybody leaves it.
///
/// # Errors
/// `NotFound` when there is no such organization.
pub(crate) async fn end_organization(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
) -> StoreResult<()> {
    let id = organization.0;
    let lock = organizations::table
        .filter(
            organizations::id
                .eq(id)
                .and(organizations::deleted.eq(false)),
        )
        .select(organizations::id)
        .for_update();
    let _locked: Uuid = one(conn, lock).await?;
    chats::end_of_organization(conn, organization).await?;
    end_workspaces(conn, id).await?;
    end_groups(conn, id).await?;
    let people = diesel::delete(organization_members::table)
        .filter(organization_members::organization_id.eq(id));
    let claims = sql_query("DELETE FROM idpsync_settings WHERE organization_id = $1");
    // What is still to be sent to them goes with them.
    let receivers = sql_query("DELETE FROM webhooks WHERE organization_id = $1");
    let switches = sql_query("DELETE FROM feature_flags WHERE organization_id = $1");
    // The roles that come with the organization itself stay with its row.
    let roles = diesel::delete(custom_roles::table).filter(
        custom_roles::organization_id
            .eq(id)
            .and(custom_roles::is_system.eq(false)),
    );
    let mark = diesel::update(organizations::table)
        .filter(organizations::id.eq(id))
        .set((
            organizations::deleted.eq(true),
            organizations::updated_at.eq(bursar_now()),
        ));
    run(conn, people).await?;
    end_caps(conn, id).await?;
    run(conn, Cached(claims.bind::<SqlUuid, _>(id))).await?;
    run(conn, Cached(receivers.bind::<SqlUuid, _>(id))).await?;
    run(conn, Cached(switches.bind::<SqlUuid, _>(id))).await?;
    run(conn, roles).await?;
    run_on_one(conn, mark).await
}

/// The mirror before the record, and that before what hangs on it, as whoever sets caps locks them.
async fn end_caps(conn: &AsyncPgConnection, organization: Uuid) -> StoreResult<()> {
    let mirror = sql_query("DELETE FROM budget_cap_mirrors WHERE organization_id = $1");
    run(conn, Cached(mirror.bind::<SqlUuid, _>(organization))).await?;
    let record =
        sql_query("SELECT FROM subscription_budget_caps WHERE organization_id = $1 FOR UPDATE");
    run(conn, Cached(record.bind::<SqlUuid, _>(organization))).await?;
    let own = sql_query("DELETE FROM user_budget_cap_overrides WHERE organization_id = $1");
    let all = sql_query("DELETE FROM subscription_budget_caps WHERE organization_id = $1");
    run(conn, Cached(own.bind::<SqlUuid, _>(organization))).await?;
    run(conn, Cached(all.bind::<SqlUuid, _>(organization)))
        .await
        .map(drop)
}

async fn end_workspaces(conn: &AsyncPgConnection, organization: Uuid) -> StoreResult<()> {
    let shares = sql_query("DELETE FROM workspace_acl WHERE organization_id = $1");
    let mark = diesel::update(workspaces::table)
        .filter(workspaces::organization_id.eq(organization))
        .filter(workspaces::deleted.eq(false))
        .set((
            workspaces::deleted.eq(true),
            workspaces::updated_at.eq(bursar_now()),
        ));
    run(conn, Cached(shares.bind::<SqlUuid, _>(organization))).await?;
    run(conn, mark).await.map(drop)
}

async fn end_groups(conn: &AsyncPgConnection, organization: Uuid) -> StoreResult<()> {
    let budgets = diesel::delete(group_ai_budgets::table)
        .filter(group_ai_budgets::organization_id.eq(organization));
    let people = diesel::delete(group_members::table)
        .filter(group_members::organization_id.eq(organization));
    let all = diesel::delete(groups::table).filter(groups::organization_id.eq(organization));
    run(conn, budgets).await?;
    run(conn, people).await?;
    run(conn, all).await.map(drop)
}
