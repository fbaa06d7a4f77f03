//! The export as comma-separated values.

use bursar_sdk::{Client, SpendExportFormat, SpendExportQuery};
use chrono::{DateTime, Duration, Utc};
use testkit::World;

use super::{Usage, month, spent};
use crate::support::{get, is, member, person, refused, world};

pub(super) const HEADER: &str = "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,\
    provider_name,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,period_start,period_end";

/// The lines of an export after its header.
pub(super) async fn lines(caller: &Client, query: &SpendExportQuery) -> Vec<String> {
    let file = caller.spend_export("acme", query).await.unwrap();
    assert_eq!(file.content_type(), Some("text/csv; charset=utf-8"));
    let text = String::from_utf8(file.bytes().await.unwrap()).unwrap();
    assert!(text.ends_with('\n'));
    let mut lines = text.lines().map(str::to_owned);
    if query.format.is_none() {
        assert_eq!(lines.next().unwrap(), HEADER);
    }
    lines.collect()
}

#[tokio::test]
async fn case_98_periods_have_two_ends_in_order_and_31_days_at_most() {
    let world = world().await;
    let owner = &world.cast.owner;
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let query = |days: Option<i64>, format| SpendExportQuery {
        period_start: Some(start),
        period_end: days.map(|days| start + Duration::days(days)),
        format,
    };
    let check = async |query: SpendExportQuery, message: Option<&str>| {
        let outcome = owner.spend_export("acme", &query).await;
        match message {
            None => drop(outcome.unwrap().bytes().await.unwrap()),
            Some(message) => assert_eq!(refused(outcome, 400).message, message),
        }
    };
    let together =
        "Query parameters \"period_start\" and \"period_end\" must be provided together.";
    check(query(None, None), Some(together)).await;
    let before = "Query parameter \"period_start\" must be before \"period_end\".";
    check(query(Some(0), None), Some(before)).await;
    check(query(Some(-1), None), Some(before)).await;
    check(
        query(Some(32), None),
        Some("Query period must not exceed 31 days."),
    )
    .await;
    check(query(Some(31), None), None).await;
    for format in [SpendExportFormat::Focus, SpendExportFormat::Parquet] {
        check(query(Some(366), Some(format)), None).await;
        let year = "Query period must not exceed 366 days.";
        check(query(Some(367), Some(format)), Some(year)).await;
    }
    for bad in [
        "period_start=x",
        "format=xml",
        "more=1",
        "period_start=2026-01-01T00:00:00Z&period_end=2026-01-02T00:00:00Z&more=1",
    ] {
        let path = format!("/organizations/acme/ai/spend/export?{bad}");
        let answer = get(&world, owner, &path).await;
        is(&answer, 400);
        assert_eq!(answer.message(), "Query parameters have invalid values.");
    }
}

#[tokio::test]
async fn one_line_for_each_person_group_model_and_provider() {
    let world = world().await;
    let owner = &world.cast.owner;
    let bob = member(&world, "bob", &[]).await.id;
    let usage = |cost| Usage::of(&world, cost);
    let all = [
        usage(100),
        usage(11),
        Usage {
            user: bob,
            group: world.cast.organization_id,
            ..usage(5)
        },
        Usage {
            model: "new, maybe",
            cost: None,
            ..usage(0)
        },
        Usage {
            provider: "gone",
            ..usage(7)
        },
        Usage {
            organization: uuid::Uuid::from_u128(8),
            ..usage(1_000)
        },
    ];
    spent(&world, &all).await;
    let (start, end) = month(&world).await;
    let ends = format!("{},{}", start.format("%FT%TZ"), end.format("%FT%TZ"));
    let (ada, acme) = (world.cast.member_id, world.cast.organization_id);
    let team = world.cast.group_id;
    let expected = [
        format!("{ada},ada,{team},builders,{acme},acme,gpt-4o,,gone,17,28,3,3,7,{ends}"),
        format!("{ada},ada,{team},builders,{acme},acme,gpt-4o,openai,openai,34,56,6,6,111,{ends}"),
        // What is not known is no zero.
        format!(
            "{ada},ada,{team},builders,{acme},acme,\"new, maybe\",openai,openai,17,28,3,3,,{ends}"
        ),
        format!("{bob},bob,{acme},Everyone,{acme},acme,gpt-4o,openai,openai,17,28,3,3,5,{ends}"),
    ];
    assert_eq!(lines(owner, &SpendExportQuery::default()).await, expected);
    // The same when the period is asked for.
    let asked = SpendExportQuery {
        period_start: Some(start),
        period_end: Some(end),
        format: None,
    };
    assert_eq!(lines(owner, &asked).await, expected);
    let path = "/organizations/acme/ai/spend/export";
    let answer = get(&world, owner, path).await;
    is(&answer, 200);
    let name = format!(
        "attachment; filename=\"ai-spend-export-acme-{}-to-{}.csv\"",
        start.date_naive(),
        end.date_naive()
    );
    assert_eq!(answer.headers["content-disposition"], name);
    // It is written while it is read: nobody knows its length before.
    assert!(!answer.headers.contains_key("content-length"));
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn history_outlives_people_groups_and_providers() {
    let world = world().await;
    let owner = &world.cast.owner;
    spent(&world, &[Usage::of(&world, 100)]).await;
    let before = lines(owner, &SpendExportQuery::default()).await;
    assert_eq!(before.len(), 1);
    owner.group_delete(world.cast.group_id).await.unwrap();
    owner.user_delete(world.cast.member_id).await.unwrap();
    owner.provider_delete("openai").await.unwrap();
    // Somebody else takes the names.
    member(&world, "ada", &[]).await;
    assert_eq!(lines(owner, &SpendExportQuery::default()).await, before);
}

#[tokio::test]
async fn case_100_no_cell_is_a_formula() {
    let world = world().await;
    let evil = Usage {
        model: "=cmd|' /C calc'!A1",
        ..Usage::of(&world, 1)
    };
    let minus = Usage {
        model: "-1",
        ..Usage::of(&world, 1)
    };
    spent(&world, &[evil, minus]).await;
    // No name can begin like this, unless somebody else writes it.
    let owner = world.database.owner().await.unwrap();
    let rename =
        "SET bursar.actor_name = 'test'; UPDATE users SET username = '=ada' WHERE username = 'ada'";
    owner.batch_execute(rename).await.unwrap();
    let lines = lines(&world.cast.owner, &SpendExportQuery::default()).await;
    assert_eq!(lines.len(), 2);
    for (line, model) in lines.iter().zip(["'-1", "'=cmd|' /C calc'!A1"]) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!((cells[1], cells[6]), ("'=ada", model));
    }
}

#[tokio::test]
async fn case_101_members_are_refused_and_an_empty_export_has_its_header() {
    let world = world().await;
    let query = SpendExportQuery::default();
    let told = refused(world.cast.member.spend_export("acme", &query).await, 403);
    assert_eq!(told.message, "Forbidden.");
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    assert_eq!(lines(&boss, &query).await, [""; 0]);
    let stranger = person(&world, "stranger", &[]).await.client;
    refused(stranger.spend_export("acme", &query).await, 404);
}

/// Through the gateway, so that nothing of this is made up.
#[tokio::test]
async fn what_the_gateway_charges_is_exported_listed_and_shown() {
    use crate::calls::{Spoken, ask, settled};
    let world = World::new(fakeprovider::Script::default(), model::Micros(10_000_000))
        .await
        .unwrap();
    for spoken in Spoken::BOTH {
        for _ in 0..3 {
            ask(&world, spoken, &spoken.body(100, false))
                .await
                .bytes()
                .await
                .unwrap();
        }
    }
    settled(&world.database).await;
    let owner = &world.cast.owner;
    let mine = world.cast.member.spend_get("me").await.unwrap();
    assert!(mine.current_spend_micros > 0);
    let lines = lines(owner, &SpendExportQuery::default()).await;
    let cost = |line: &String| line.split(',').nth(13).unwrap().parse::<i64>().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines.iter().map(cost).sum::<i64>(),
        mine.current_spend_micros
    );
    let group = owner.group_spend_get(world.cast.group_id).await.unwrap();
    assert_eq!(group.current_spend_micros, mine.current_spend_micros);
    let users = owner
        .spend_user_list("acme", &Default::default())
        .await
        .unwrap();
    assert_eq!(users.totals.cost_micros, mine.current_spend_micros);
    assert_eq!(users.users[0].providers, ["anthropic", "openai"]);
}
