//! The people by whom an organization's groups were charged.

use bursar_sdk::{Client, OrganizationAiSpendUsers, SpendUserListQuery};
use chrono::Duration;
use testkit::World;

use super::{Usage, month, spent};
use crate::support::{get, is, member, person, refused, site, world};

async fn list(caller: &Client, query: &SpendUserListQuery) -> OrganizationAiSpendUsers {
    caller.spend_user_list("acme", query).await.unwrap()
}

/// In short: who, what it cost, how much is unpriced.
fn brief(list: &OrganizationAiSpendUsers) -> Vec<(String, i64, u64)> {
    let one = |user: &bursar_sdk::AiSpendUser| {
        (
            user.username.clone(),
            user.cost_micros,
            user.unpriced_usage_count,
        )
    };
    list.users.iter().map(one).collect()
}

/// Ada, Bob and Cyd with usage of several kinds.
async fn used(world: &World) {
    let (bob, cyd) = (
        member(world, "bob", &[]).await.id,
        member(world, "Cyd", &[]).await.id,
    );
    let usage = |user, cost, model, provider, client| Usage {
        user,
        cost,
        model,
        provider,
        client,
        ..Usage::of(world, 0)
    };
    let ada = world.cast.member_id;
    let all = [
        usage(ada, Some(100), "gpt-4o", "openai", Some("codex")),
        usage(ada, Some(50), "claude-sonnet-4-5", "anthropic", None),
        usage(ada, None, "new", "openai", None),
        usage(bob, Some(150), "gpt-4o", "openai", Some("codex")),
        usage(bob, Some(0), "gpt-4o", "openai", Some("cursor")),
        usage(cyd, None, "new", "openai", None),
        Usage {
            organization: uuid::Uuid::from_u128(7),
            ..usage(cyd, Some(9_000), "gpt-4o", "openai", None)
        },
    ];
    spent(world, &all).await;
}

#[tokio::test]
async fn people_are_listed_by_cost_with_what_they_used() {
    let world = world().await;
    used(&world).await;
    let owner = &world.cast.owner;
    let all = list(owner, &SpendUserListQuery::default()).await;
    let expected = [("ada", 150, 1), ("bob", 150, 0), ("Cyd", 0, 1)];
    let expected = expected.map(|(name, cost, unpriced)| (name.to_owned(), cost, unpriced));
    assert_eq!(brief(&all), expected);
    assert_eq!(all.count, 3);
    assert_eq!(
        (all.totals.cost_micros, all.totals.unpriced_usage_count),
        (300, 2)
    );
    let ada = &all.users[0];
    assert_eq!(ada.user_id, world.cast.member_id);
    assert_eq!(ada.providers, ["anthropic", "openai"]);
    assert_eq!(ada.clients, ["Unknown", "codex"]);
    assert_eq!(ada.models, ["claude-sonnet-4-5", "gpt-4o", "new"]);
    // Page by page, with the same sums on each, also behind the last.
    for offset in 0..5_u32 {
        let page = SpendUserListQuery {
            limit: Some(1),
            offset: Some(offset),
            ..Default::default()
        };
        let page = list(owner, &page).await;
        let place = usize::try_from(offset).unwrap();
        assert_eq!(
            brief(&page),
            expected.get(place..=place).unwrap_or_default()
        );
        assert_eq!((page.count, page.totals), (all.count, all.totals));
    }
    // Names stay when accounts end.
    owner.user_delete("bob").await.unwrap();
    assert_eq!(
        brief(&list(owner, &SpendUserListQuery::default()).await),
        expected
    );
}

#[tokio::test]
async fn usage_is_filtered_before_it_is_added_up() {
    let world = world().await;
    used(&world).await;
    let check = async |query: &str, expected: &[(&str, i64, u64)]| {
        let path = format!("/organizations/acme/ai/spend/users?{query}");
        let answer = get(&world, &world.cast.owner, &path).await;
        is(&answer, 200);
        let told: OrganizationAiSpendUsers = serde_json::from_str(&answer.text).unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, cost, unpriced)| ((*name).to_owned(), *cost, *unpriced))
            .collect();
        assert_eq!(brief(&told), expected, "{query}");
        let cost: i64 = expected.iter().map(|(_, cost, _)| cost).sum();
        assert_eq!(told.totals.cost_micros, cost, "{query}");
    };
    check("provider_name=anthropic", &[("ada", 50, 0)]).await;
    check("model=gpt-4o", &[("bob", 150, 0), ("ada", 100, 0)]).await;
    check("client=codex", &[("bob", 150, 0), ("ada", 100, 0)]).await;
    check("client=cursor", &[("bob", 0, 0)]).await;
    check("client=Unknown", &[("ada", 50, 1), ("Cyd", 0, 1)]).await;
    check("client=codex&provider_name=anthropic", &[]).await;
    check("model=nothing&limit=100", &[]).await;
}

#[tokio::test]
async fn the_periods_and_pages_that_cannot_be() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (start, _) = month(&world).await;
    let query = |days: i64, limit: u32| SpendUserListQuery {
        period_start: Some(start),
        period_end: Some(start + Duration::days(days)),
        limit: Some(limit),
        ..Default::default()
    };
    let check = async |query: &SpendUserListQuery, message: Option<&str>| {
        let outcome = owner.spend_user_list("acme", query).await;
        match message {
            None => drop(outcome.unwrap()),
            Some(message) => assert_eq!(refused(outcome, 400).message, message),
        }
    };
    check(&query(31, 100), None).await;
    let invalid = "Query parameters have invalid values.";
    check(&query(1, 101), Some(invalid)).await;
    check(&query(1, 0), Some(invalid)).await;
    check(&query(32, 1), Some("Query period must not exceed 31 days.")).await;
    let before = "Query parameter \"period_start\" must be before \"period_end\".";
    check(&query(0, 1), Some(before)).await;
    let one = SpendUserListQuery {
        period_end: Some(start),
        ..Default::default()
    };
    let together =
        "Query parameters \"period_start\" and \"period_end\" must be provided together.";
    check(&one, Some(together)).await;
    for bad in ["nothing=1", "limit=x", "period_start=today"] {
        let path = format!("/organizations/acme/ai/spend/users?{bad}");
        is(&get(&world, owner, &path).await, 400);
    }
}

#[tokio::test]
async fn everybodys_spend_is_for_whoever_may_read_all_members() {
    let world = world().await;
    let main = world
        .cast
        .owner
        .organization_get("default")
        .await
        .unwrap()
        .id;
    let people = [
        (world.cast.owner.clone(), 200),
        (site(&world, "user-admin").await.client, 200),
        (
            member(&world, "boss", &["organization-admin"]).await.client,
            200,
        ),
        (
            member(&world, "keeper", &["organization-user-admin"])
                .await
                .client,
            200,
        ),
        (world.cast.member.clone(), 403),
        (person(&world, "stranger", &[main]).await.client, 404),
        (world.cast.owner.without_token(), 401),
    ];
    for (caller, status) in people {
        for path in ["users", "export", "export?format=parquet"] {
            let path = format!("/organizations/acme/ai/spend/{path}");
            let answer = world
                .http
                .get(format!("{}/api/v2{path}", world.server.url()))
                .bearer_auth(
                    caller
                        .token()
                        .map(bursar_sdk::Secret::expose)
                        .unwrap_or_default(),
                );
            let answer = answer.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    }
}
