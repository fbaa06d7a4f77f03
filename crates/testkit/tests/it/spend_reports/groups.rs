//! What was charged to groups.

use bursar_sdk::{
    AiBudgetMode, Change, CreateGroupRequest, CreateOrganizationRequest,
    OrganizationGroupSpendListQuery, UpsertGroupAiBudgetRequest,
};
use testkit::World;
use uuid::Uuid;

use super::{Usage, join, keep_to_oneself, limit, month, own_limit, spent};
use crate::support::{get, is, member, person, refused, world};

fn query(group_ids: &[Uuid]) -> OrganizationGroupSpendListQuery {
    OrganizationGroupSpendListQuery {
        group_ids: group_ids.to_vec(),
    }
}

async fn group(world: &World, organization: Uuid, name: &str) -> Uuid {
    let new = CreateGroupRequest {
        name: name.to_owned(),
        ..CreateGroupRequest::default()
    };
    let owner = &world.cast.owner;
    owner.group_create(organization, &new).await.unwrap().id
}

#[tokio::test]
async fn case_88_the_period_is_the_month() {
    let world = world().await;
    let (owner, id) = (&world.cast.owner, world.cast.group_id);
    let spend = owner.group_spend_get(id).await.unwrap();
    assert_eq!((spend.period_start, spend.period_end), month(&world).await);
    assert_eq!(spend.group_id, id);
    let list = owner
        .organization_group_spend_list("acme", &query(&[id]))
        .await
        .unwrap();
    assert_eq!(
        (list.period_start, list.period_end),
        (spend.period_start, spend.period_end)
    );
}

#[tokio::test]
async fn case_89_ids_are_asked_for_and_bounded() {
    let world = world().await;
    let owner = &world.cast.owner;
    let ids = |count: u128| -> Vec<String> {
        (1..=count)
            .map(|n| Uuid::from_u128(n).to_string())
            .collect()
    };
    let group = world.cast.group_id;
    for (path, field) in [
        (
            "/organizations/acme/groups/ai/spend".to_owned(),
            "group_ids",
        ),
        (format!("/groups/{group}/members/ai/spend"), "user_ids"),
        (
            "/organizations/acme/groups/builders/members/ai/spend".to_owned(),
            "user_ids",
        ),
    ] {
        let check = async |query: &str, message: &str, fields: &[&str]| {
            let answer = get(&world, owner, &format!("{path}{query}")).await;
            is(&answer, 400);
            assert_eq!(answer.message(), message, "{path}{query}");
            assert_eq!(answer.fields(), fields, "{path}{query}");
        };
        let invalid = "Query parameters have invalid values.";
        check("", invalid, &[field]).await;
        check(&format!("?{field}="), invalid, &[field]).await;
        check(&format!("?{field}=x"), invalid, &[field]).await;
        let one = Uuid::from_u128(1);
        check(&format!("?{field}={one},"), invalid, &[field]).await;
        check(&format!("?{field}={one}&more=1"), invalid, &["more"]).await;
        let many = format!("?{field}={}", ids(101).join(","));
        check(
            &many,
            &format!("{field} has 101 entries, maximum is 100."),
            &[],
        )
        .await;
        let most = format!("{path}?{field}={}", ids(100).join(","));
        is(&get(&world, owner, &most).await, 200);
    }
}

#[tokio::test]
async fn only_groups_of_the_organization_that_may_be_seen() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let beta = owner
        .organization_create(&CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..CreateOrganizationRequest::default()
        })
        .await
        .unwrap()
        .id;
    keep_to_oneself(&world).await;
    let foreign = group(&world, beta, "foreign").await;
    let other = group(&world, acme, "other").await;
    let all = [
        world.cast.group_id,
        foreign,
        other,
        acme,
        Uuid::from_u128(5),
    ];
    let mut mine = [world.cast.group_id, acme];
    let mut every = [world.cast.group_id, other, acme];
    mine.sort();
    every.sort();
    let stranger = person(&world, "stranger", &[beta]).await.client;
    let colleague = member(&world, "colleague", &[]).await.client;
    for (caller, expected) in [
        (owner, &every[..]),
        (&world.cast.member, &mine[..]),
        (&colleague, &[acme][..]),
    ] {
        let list = caller
            .organization_group_spend_list(acme, &query(&all))
            .await
            .unwrap();
        let ids: Vec<Uuid> = list.groups.iter().map(|group| group.group_id).collect();
        assert_eq!(ids, expected);
        for id in all {
            let outcome = caller.group_spend_get(id).await;
            if expected.contains(&id) {
                assert_eq!(outcome.unwrap().group_id, id);
            } else if caller.token() != owner.token() {
                refused(outcome, 404);
            }
        }
    }
    refused(
        stranger
            .organization_group_spend_list(acme, &query(&all))
            .await,
        404,
    );
    let none = owner
        .organization_group_spend_list(beta, &query(&[acme]))
        .await
        .unwrap();
    assert_eq!(none.groups, []);
}

#[tokio::test]
async fn case_91_a_total_adds_up_limits_and_overrides() {
    let world = world().await;
    let (owner, id) = (&world.cast.owner, world.cast.group_id);
    limit(owner, id, 100).await;
    let (bob, cyd) = (
        member(&world, "bob", &[]).await.id,
        member(&world, "cyd", &[]).await.id,
    );
    let governed_elsewhere = member(&world, "dan", &[]).await.id;
    join(&world, id, &[bob, cyd, governed_elsewhere]).await;
    own_limit(owner, cyd, id, 500).await;
    own_limit(owner, governed_elsewhere, world.cast.organization_id, 70).await;
    let spend = owner.group_spend_get(id).await.unwrap();
    assert_eq!(spend.spend_limit_micros, Some(100));
    assert_eq!(spend.total_spend_limit_micros, Some(700));
    // An account that is no more does not count.
    owner.user_delete(bob).await.unwrap();
    let spend = owner.group_spend_get(id).await.unwrap();
    assert_eq!(spend.total_spend_limit_micros, Some(600));
}

#[tokio::test]
async fn case_92_without_a_budget_there_is_no_total() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    own_limit(owner, world.cast.member_id, acme, 500).await;
    let list = owner
        .organization_group_spend_list(acme, &query(&[acme]))
        .await
        .unwrap();
    let everyone = &list.groups[0];
    assert_eq!(everyone.spend_limit_micros, None);
    assert_eq!(everyone.total_spend_limit_micros, None);
    assert_eq!(everyone.pool, None);
    // A limit of nothing is one.
    limit(owner, acme, 0).await;
    let spend = owner.group_spend_get(acme).await.unwrap();
    assert_eq!(spend.spend_limit_micros, Some(0));
    assert_eq!(spend.total_spend_limit_micros, Some(500));
}

#[tokio::test]
async fn spend_is_what_was_charged_in_the_period_by_whomever() {
    let world = world().await;
    let (owner, id) = (&world.cast.owner, world.cast.group_id);
    let gone = member(&world, "gone", &[]).await.id;
    let before = Usage {
        at: "(SELECT period_start FROM bursar_period(bursar_now(), 'month', 'UTC')) - interval '1 ms'",
        ..Usage::of(&world, 1_000)
    };
    let after = Usage {
        at: "(SELECT period_end FROM bursar_period(bursar_now(), 'month', 'UTC'))",
        ..Usage::of(&world, 2_000)
    };
    let first = Usage {
        at: "(SELECT period_start FROM bursar_period(bursar_now(), 'month', 'UTC'))",
        ..Usage::of(&world, 30)
    };
    let theirs = Usage {
        user: gone,
        ..Usage::of(&world, 4)
    };
    let elsewhere = Usage {
        group: world.cast.organization_id,
        ..Usage::of(&world, 500)
    };
    let all = [before, after, first, theirs, elsewhere];
    spent(&world, &all).await;
    owner.user_delete(gone).await.unwrap();
    let spend = owner.group_spend_get(id).await.unwrap();
    assert_eq!(spend.current_spend_micros, 34);
    // As its members see it.
    let spend = world.cast.member.group_spend_get(id).await.unwrap();
    assert_eq!(spend.current_spend_micros, 34);
}

#[tokio::test]
async fn a_pool_is_shown_with_what_is_spent_and_held() {
    let world = world().await;
    let (owner, id) = (&world.cast.owner, world.cast.group_id);
    spent(&world, &[Usage::of(&world, 40)]).await;
    let budget = UpsertGroupAiBudgetRequest {
        spend_limit_micros: 1_000_000,
        mode: Some(AiBudgetMode::Observe),
        pool_limit_micros: Change::Set(100),
        ..Default::default()
    };
    owner.group_budget_upsert(id, &budget).await.unwrap();
    let pool = owner.group_spend_get(id).await.unwrap().pool.unwrap();
    assert_eq!((pool.group_id, pool.pool_limit_micros), (id, 100));
    assert_eq!((pool.current_spend_micros, pool.reserved_micros), (40, 0));
    assert_eq!(
        (pool.remaining_micros, pool.mode),
        (60, AiBudgetMode::Observe)
    );
    let acme = world.cast.organization_id;
    let list = owner
        .organization_group_spend_list(acme, &query(&[id]))
        .await
        .unwrap();
    assert_eq!(list.groups[0].pool, Some(pool));
}
