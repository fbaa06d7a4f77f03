//! Reporters at once: one key is one event, nobody waits for another in a circle, and no limit is passed.

use std::collections::{BTreeMap, BTreeSet};

use bursar_sdk::{
    AiReservationStatus, AiUsageReport, AiUsageReportStatus, PatchGroupRequest, client::Error,
};
use fakeprovider::Script;
use futures_util::future::join_all;
use model::Micros;
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::{
    calls::balanced,
    external_usage::{count, report, spent},
    external_usage_holds::{release, settle},
    external_usage_rights::asked,
    support::{member, site, world},
};

#[tokio::test]
async fn one_key_sent_fifty_times_at_once_is_one_event() {
    let world = world().await;
    let second = TestServer::start(&world.database, &ServerOptions::default())
        .await
        .unwrap();
    let owner = &world.cast.owner;
    let callers = [owner.clone(), second.as_caller(owner)];
    let reports = (0..50).map(|number| {
        let caller = &callers[number % 2];
        async move {
            report(caller, &[spent("a", "ada", 7), spent("b", "ada", 3)])
                .await
                .unwrap()
        }
    });
    let reports = join_all(reports).await;
    for place in [0, 1] {
        let ids: BTreeSet<Uuid> = reports.iter().map(|events| events[place].id).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let recorded = reports
            .iter()
            .filter(|events| events[place].status == AiUsageReportStatus::Recorded);
        assert_eq!(recorded.count(), 1);
    }
    assert_eq!(world.spend(&world.cast.member).await.unwrap(), (10, 0));
    balanced(&world.database).await;
}

/// Numbers that look random and are the same in every run.
fn shuffled<T>(mut list: Vec<T>, seed: usize) -> Vec<T> {
    let seed = u64::try_from(seed).unwrap();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for place in (1..list.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let among = u64::try_from(place + 1).unwrap();
        let other = usize::try_from(state % among).unwrap();
        list.swap(place, other);
    }
    list
}

#[tokio::test]
async fn reporters_with_the_same_people_in_any_order_do_not_stand_in_each_others_way() {
    let world = world().await;
    let mut people = Vec::new();
    for number in 0..12 {
        people.push(member(&world, &format!("member-{number}"), &[]).await);
    }
    let joining = PatchGroupRequest {
        add_users: people.iter().map(|person| person.id).collect(),
        ..Default::default()
    };
    world
        .cast
        .owner
        .group_update(world.cast.group_id, &joining)
        .await
        .unwrap();
    let mut reporters = vec![world.cast.owner.clone()];
    // Several of them are one reporter, and meet at the same keys.
    for _ in 0..3 {
        reporters.push(world.cast.owner.clone());
    }
    reporters.push(site(&world, "owner").await.client);
    for _ in 0..3 {
        reporters.push(reporters[4].clone());
    }
    let one = |number: usize| -> AiUsageReport {
        let person = &people[number % people.len()];
        spent(&format!("key-{number}"), &person.id.to_string(), 1)
    };
    let runs = reporters
        .iter()
        .enumerate()
        .map(|(reporter, client)| async move {
            for round in 0..5_usize {
                let events: Vec<_> = (round * 30..round * 30 + 60).map(one).collect();
                let events = shuffled(events, reporter * 100 + round + 1);
                report(client, &events).await.unwrap();
            }
        });
    join_all(runs).await;
    // 180 keys of each of the two.
    assert_eq!(count(&world.database, "ai_external_usage").await, 360);
    assert_eq!(count(&world.database, "ai_usage_events").await, 360);
    for person in &people {
        assert_eq!(world.spend(&person.client).await.unwrap(), (30, 0));
    }
    balanced(&world.database).await;
}

#[tokio::test]
async fn no_limit_is_passed_by_holds_and_requests_at_once() {
    let limit = 400_000;
    let world = World::new(Script::default(), Micros(limit)).await.unwrap();
    let (owner, token) = (&world.cast.owner, &world.cast.member_token);
    let world = &world;
    let asking = (0..40_i64).map(|number| async move {
        let held = owner
            .external_reservation_create(&asked(&format!("k{number}"), "ada", 30_000))
            .await;
        let held = match held {
            Ok(held) => held,
            Err(error) => {
                let status = error.status().map(|status| status.as_u16());
                assert!(matches!(status, Some(402 | 429)), "{error:?}");
                return 0;
            }
        };
        let (spent, reserved) = world.spend(&world.cast.member).await.unwrap();
        assert!(spent + reserved <= limit, "{spent} + {reserved}");
        if number % 3 == 0 {
            owner
                .external_reservation_update(held.id, &release())
                .await
                .unwrap();
            return 0;
        }
        // Closing twice at once is closing once.
        let settle = settle(Some(20_000));
        let twice = [0, 1].map(|_| owner.external_reservation_update(held.id, &settle));
        for closed in join_all(twice).await {
            assert_eq!(closed.unwrap().status, AiReservationStatus::Settled);
        }
        20_000
    });
    let chat = testkit::chat_request("gpt-4o");
    let requests = (0..10).map(|_| async {
        let answer = world.chat(&world.server, token, &chat).await.unwrap();
        let status = answer.status().as_u16();
        assert!(matches!(status, 200 | 403 | 429), "{status}");
        answer.bytes().await.unwrap();
    });
    let (settled, _) = tokio::join!(join_all(asking), join_all(requests));
    crate::calls::settled(&world.database).await;
    let (spent, reserved) = world.spend(&world.cast.member).await.unwrap();
    let external: i64 = settled.iter().sum();
    assert!(
        external > 0 && spent >= external && spent <= limit && reserved == 0,
        "{external} {spent}"
    );
    balanced(&world.database).await;
}

#[tokio::test]
async fn a_hold_wakes_who_waits_at_the_gateway() {
    let world = World::new(Script::default(), Micros(200_000))
        .await
        .unwrap();
    let owner = &world.cast.owner;
    let held = owner
        .external_reservation_create(&asked("a", "ada", 199_990))
        .await
        .unwrap();
    let chat = testkit::chat_request("gpt-4o");
    let waiting = world.chat(&world.server, &world.cast.member_token, &chat);
    let closing = async {
        let waits = "spend_counters WHERE head_id IS NOT NULL";
        crate::calls::until("somebody who waits", || async {
            count(&world.database, waits).await > 0
        })
        .await;
        owner
            .external_reservation_update(held.id, &release())
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(waiting, closing);
    assert_eq!(answer.unwrap().status(), 200);
    crate::calls::settled(&world.database).await;
}

#[tokio::test]
async fn a_database_that_goes_away_leaves_all_of_a_report_or_nothing() {
    let world = world().await;
    let owner = &world.cast.owner;
    let events = |round: usize| -> Vec<AiUsageReport> {
        (0..40)
            .map(|number| spent(&format!("{round}-{number}"), "ada", 1))
            .collect()
    };
    let mut outcomes: BTreeMap<usize, Result<(), Error>> = BTreeMap::new();
    let reporting = async {
        for round in 0..30 {
            outcomes.insert(round, report(owner, &events(round)).await.map(drop));
        }
    };
    let cutting = async {
        for _ in 0..3 {
            world.database.take_away().await.unwrap();
            world.database.bring_back().await.unwrap();
        }
    };
    tokio::join!(reporting, cutting);
    let stored = count(&world.database, "ai_external_usage").await;
    assert_eq!(stored % 40, 0, "{stored}");
    assert_eq!(count(&world.database, "ai_usage_events").await, stored);
    // Whatever was answered, sent again each is there once; the server finds its database again by and by.
    for round in outcomes.into_keys() {
        let sent_again = || async {
            report(owner, &events(round))
                .await
                .is_ok_and(|all| all.len() == 40)
        };
        crate::calls::until("the report", sent_again).await;
    }
    assert_eq!(world.spend(&world.cast.member).await.unwrap(), (1_200, 0));
    balanced(&world.database).await;
}

/// A reporter can bring somebody there by reports alone; whoever else is settled in the same batch must not notice.
#[tokio::test]
async fn spend_beyond_all_that_can_be_counted_is_recorded_and_stops_nobody() {
    let world = world().await;
    let owner = &world.cast.owner;
    report(owner, &[spent("a", "ada", 7)]).await.unwrap();
    let database = world.database.owner().await.unwrap();
    let all = "UPDATE ai_user_daily_spend SET spend_micros = 9223372036854775800; \
        UPDATE spend_counters SET spent_micros = 9223372036854775800";
    database.batch_execute(all).await.unwrap();
    let events = report(owner, &[spent("b", "ada", 1_000), spent("c", "owner", 5)])
        .await
        .unwrap();
    let recorded = events
        .iter()
        .filter(|event| event.status == AiUsageReportStatus::Recorded);
    assert_eq!(recorded.count(), 2);
    let days = "SELECT max(spend_micros) FROM ai_user_daily_spend";
    let most: i64 = database.query_one(days, &[]).await.unwrap().get(0);
    assert_eq!(most, i64::MAX);
}
