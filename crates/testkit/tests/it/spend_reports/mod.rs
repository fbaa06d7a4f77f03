//! Reports of spend over HTTP. The numbers are those of the reference's test cases.

mod exports;
mod files;
mod groups;
mod members;
mod queue;
mod users;

use bursar_sdk::{
    Client, PatchGroupRequest, UpsertGroupAiBudgetRequest, UpsertUserAiBudgetOverrideRequest,
};
use chrono::{DateTime, Months, Utc};
use serde_json::json;
use testkit::World;
use uuid::Uuid;

use crate::support::{ask, is};

/// Usage as the ledger would have written it.
#[derive(Debug, Clone)]
struct Usage {
    user: Uuid,
    group: Uuid,
    organization: Uuid,
    cost: Option<i64>,
    model: &'static str,
    provider: &'static str,
    client: Option<&'static str>,
    /// When, as SQL.
    at: &'static str,
}

impl Usage {
    /// The member's, charged to the group with the budget, now.
    fn of(world: &World, cost: i64) -> Self {
        Self {
            user: world.cast.member_id,
            group: world.cast.group_id,
            organization: world.cast.organization_id,
            cost: Some(cost),
            model: "gpt-4o",
            provider: "openai",
            client: None,
            at: "bursar_now()",
        }
    }
}

/// Writes usage, and what the days come to by it.
async fn spent(world: &World, all: &[Usage]) {
    let owner = world.database.owner().await.unwrap();
    for usage in all {
        let sql = format!(
            "INSERT INTO ai_usage_events (id, created_at, user_id, effective_group_id, organization_id, api_key_id, \
                provider_id, provider_name, model, client, input_tokens, cache_read_tokens, cache_write_5m_tokens, \
                cache_write_1h_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, \
                web_searches, cost_micros, hold_micros, estimated) \
             VALUES (gen_random_uuid(), {}, $1, $2, $3, 'k', coalesce((SELECT id FROM ai_providers WHERE name = $4), \
                '00000000-0000-0000-0000-000000000000'), $4, $5, $6, 10, 3, 2, 1, 20, 5, 7, 8, 0, $7, 0, false)",
            usage.at
        );
        let Usage {
            user,
            group,
            organization,
            provider,
            model,
            client,
            cost,
            ..
        } = usage;
        owner
            .execute(
                &sql,
                &[user, group, organization, provider, model, client, cost],
            )
            .await
            .unwrap();
    }
    let days = "INSERT INTO ai_user_daily_spend AS d (user_id, effective_group_id, day, spend_micros) \
        SELECT user_id, effective_group_id, day, spend_micros FROM ai_daily_recount WHERE spend_micros <> 0 \
        ON CONFLICT (user_id, day, effective_group_id) DO UPDATE SET spend_micros = EXCLUDED.spend_micros";
    owner.execute(days, &[]).await.unwrap();
}

/// The present month by the database's clock: its start and its end, in UTC.
async fn month(world: &World) -> (DateTime<Utc>, DateTime<Utc>) {
    let sql = "SELECT extract(epoch FROM date_trunc('month', bursar_now(), 'UTC'))::bigint";
    let owner = world.database.owner().await.unwrap();
    let row = owner.query_one(sql, &[]).await.unwrap();
    let start = DateTime::from_timestamp(row.get(0), 0).unwrap();
    (start, start + Months::new(1))
}

/// Nobody shares workspaces: members read no group but their own then.
async fn keep_to_oneself(world: &World) {
    let body = json!({"shareable_workspace_owners": "none"});
    let path = "/organizations/acme/settings/workspace-sharing";
    is(
        &ask(world, &world.cast.owner, "PATCH", path, &body).await,
        200,
    );
}

/// Puts people into a group.
async fn join(world: &World, group: Uuid, people: &[Uuid]) {
    let joining = PatchGroupRequest {
        add_users: people.to_vec(),
        ..Default::default()
    };
    world
        .cast
        .owner
        .group_update(group, &joining)
        .await
        .unwrap();
}

/// Gives a group a budget.
async fn limit(owner: &Client, group: Uuid, micros: i64) {
    let budget = UpsertGroupAiBudgetRequest {
        spend_limit_micros: micros,
        ..Default::default()
    };
    owner.group_budget_upsert(group, &budget).await.unwrap();
}

/// Gives a person a limit of their own, charged to a group.
async fn own_limit(owner: &Client, user: Uuid, group: Uuid, micros: i64) {
    let budget = UpsertUserAiBudgetOverrideRequest {
        group_id: group,
        spend_limit_micros: micros,
        mode: None,
        expires_at: None,
    };
    owner.budget_override_upsert(user, &budget).await.unwrap();
}
