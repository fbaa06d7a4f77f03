//! What was charged to a group on account of its members.

use bursar_sdk::{
    AiLimitSource, Client, CreateOrganizationRequest, GroupMemberSpendListQuery,
    GroupMembersAiSpend,
};
use testkit::World;
use uuid::Uuid;

use super::{Usage, join, keep_to_oneself, limit, own_limit, spent};
use crate::support::{get, is, member, person, refused, world};

fn query(user_ids: &[Uuid]) -> GroupMemberSpendListQuery {
    GroupMemberSpendListQuery {
        user_ids: user_ids.to_vec(),
    }
}

/// What somebody is told of people, by the group's id and by its name, without regard to case.
async fn told(world: &World, caller: &Client, people: &[Uuid]) -> GroupMembersAiSpend {
    let (id, asked) = (world.cast.group_id, query(people));
    let told = caller.group_member_spend_list(id, &asked).await.unwrap();
    let ids: Vec<String> = people.iter().map(Uuid::to_string).collect();
    let ids = ids.join(",");
    for organization in ["acme", &world.cast.organization_id.to_string()] {
        let path = format!(
            "/organizations/{organization}/groups/BUILDERS/members/ai/spend?user_ids={ids}"
        );
        let answer = get(world, caller, &path).await;
        is(&answer, 200);
        let by_name: GroupMembersAiSpend = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(by_name, told);
    }
    told
}

#[tokio::test]
async fn case_94_and_97_members_that_may_be_seen() {
    let world = world().await;
    let (owner, id) = (&world.cast.owner, world.cast.group_id);
    let (bob, cyd) = (
        member(&world, "bob", &[]).await,
        member(&world, "cyd", &[]).await,
    );
    let outside = member(&world, "outside", &[]).await;
    keep_to_oneself(&world).await;
    let keeper = member(&world, "keeper", &["organization-user-admin"]).await;
    join(&world, id, &[bob.id, cyd.id]).await;
    let bobs = Usage {
        user: bob.id,
        ..Usage::of(&world, 7)
    };
    spent(&world, &[Usage::of(&world, 5), bobs]).await;
    let all = [
        world.cast.member_id,
        bob.id,
        cyd.id,
        outside.id,
        Uuid::from_u128(4),
    ];
    let mut members = [world.cast.member_id, bob.id, cyd.id];
    members.sort();
    for (caller, expected) in [
        (owner, &members[..]),
        (&keeper.client, &members[..]),
        (&bob.client, &[bob.id][..]),
    ] {
        let told = told(&world, caller, &all).await;
        let ids: Vec<Uuid> = told.members.iter().map(|one| one.user_id).collect();
        assert_eq!(ids, expected);
        for one in &told.members {
            let expected = match one.user_id {
                id if id == bob.id => 7,
                id if id == cyd.id => 0,
                _ => 5,
            };
            assert_eq!(one.group_spend_micros, expected);
            assert_eq!(one.effective_group_id, Some(id));
            let budget = one.effective_budget.unwrap();
            assert_eq!(budget.spend_limit_micros, 1_000_000);
            assert_eq!(budget.limit_source, AiLimitSource::Group);
            assert_eq!(one.group_budget, one.effective_budget);
        }
    }
    unseen(&world, &outside.client, &query(&all)).await;
}

/// Who may not read the group learns nothing of it, and neither does anybody of what is not there.
async fn unseen(world: &World, outside: &Client, query: &GroupMemberSpendListQuery) {
    let (owner, id) = (&world.cast.owner, world.cast.group_id);
    refused(outside.group_member_spend_list(id, query).await, 404);
    let rows = [
        (owner, "acme/groups/nothing"),
        (owner, "nothing/groups/builders"),
        (outside, "acme/groups/builders"),
    ];
    for (caller, path) in rows {
        let path = format!("/organizations/{path}/members/ai/spend");
        is(&get(world, caller, &path).await, 404);
    }
    let nobody = owner.without_token();
    refused(nobody.group_member_spend_list(id, query).await, 401);
}

#[tokio::test]
async fn case_95_and_96_what_another_organization_gives_is_not_told() {
    let world = world().await;
    let (owner, id, acme) = (
        &world.cast.owner,
        world.cast.group_id,
        world.cast.organization_id,
    );
    let beta = owner
        .organization_create(&CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..CreateOrganizationRequest::default()
        })
        .await
        .unwrap()
        .id;
    limit(owner, beta, 50_000_000).await;
    let both = person(&world, "both", &[acme, beta]).await.id;
    let here = member(&world, "here", &[]).await.id;
    join(&world, id, &[both, here]).await;
    own_limit(owner, here, acme, 9).await;
    let theirs = Usage {
        user: both,
        ..Usage::of(&world, 3)
    };
    spent(&world, &[theirs]).await;
    let told = owner
        .group_member_spend_list(id, &query(&[both, here]))
        .await
        .unwrap();
    let of = |user: Uuid| told.members.iter().find(|one| one.user_id == user).unwrap();
    let elsewhere = of(both);
    assert_eq!(elsewhere.effective_group_id, None);
    assert_eq!(elsewhere.effective_budget, None);
    assert_eq!(elsewhere.group_budget, None);
    assert_eq!(elsewhere.group_spend_micros, 3);
    // Another group of this organization is told, and is not this one's budget.
    let other = of(here);
    assert_eq!(other.effective_group_id, Some(acme));
    let budget = other.effective_budget.unwrap();
    assert_eq!(
        (budget.spend_limit_micros, budget.limit_source),
        (9, AiLimitSource::UserOverride)
    );
    assert_eq!(other.group_budget, None);
}
