//! Switching a deployment from caps of its own to those of a portal, and back.

use fakeportal::{Amount, Own};
use serde_json::json;
use testkit::{ServerOptions, TestServer};

use super::{OFTEN, Stage};
use crate::graphql::{SUBSCRIPTION, change, data};

#[tokio::test]
async fn what_was_set_here_gives_way_and_what_was_read_last_stays() {
    let mut stage = Stage::new(OFTEN).await;
    let local = ServerOptions::default();
    let ada = stage.world.cast.member_id;
    // Caps of its own, set while no server knows of the portal.
    let server = TestServer::start(&stage.world.database, &local)
        .await
        .unwrap();
    let portal = std::mem::replace(&mut stage.world.server, server);
    portal.stop().await.unwrap();
    stage.set_flat(0.0).await;
    stage.set_own(ada, 5.0).await;
    let included = json!({"included": 2, "subscriptionCap": 9, "subscriptionCapEnabled": true});
    let answer = change(&stage.world, stage.owner(), SUBSCRIPTION, included).await;
    data(&answer, "upsertSubscriptionCap");
    assert_eq!(stage.writes(), 0);
    let asked = stage.portal.fake.count();

    // The portal knows another flat cap, and nobody's own; what is included is not its to know.
    stage.keeps(|kept| {
        kept.recorded = true;
        kept.flat = Amount::new("3", true);
    });
    let server = stage.replica().await;
    let before = std::mem::replace(&mut stage.world.server, server);
    before.stop().await.unwrap();
    stage.reread().await;
    let caps = stage.caps().await;
    let of = ["flatUserCap", "subscriptionCap", "included"].map(|field| caps[field].clone());
    assert_eq!(of, [json!(3.0), json!(null), json!(2.0)]);
    assert_eq!(caps["userOverrides"]["count"], 0);
    let gone =
        "SELECT count(*) FROM audit_logs WHERE resource_type = 'budget_cap' AND action = 'delete'
        AND actor_name = 'caps-mirror'";
    assert_eq!(stage.number(gone).await, 1);

    // Back again, they are caps like any others, and the portal is not asked any more.
    stage.keeps(|kept| kept.overrides = vec![Own::new(ada, "4", true)]);
    stage.reread().await;
    let server = TestServer::start(&stage.world.database, &local)
        .await
        .unwrap();
    let before = std::mem::replace(&mut stage.world.server, server);
    before.stop().await.unwrap();
    let last = stage.portal.fake.count();
    assert!(last > asked);
    assert_eq!(stage.caps().await["userOverrides"]["count"], 1);
    data(&stage.set_flat(8.0).await, "upsertFlatUserCap");
    assert_eq!(stage.caps().await["flatUserCap"], 8.0);
    stage
        .sql("UPDATE budget_cap_mirrors SET read_at = read_at - interval '1 hour'")
        .await;
    assert_eq!(stage.ask().await.0, 200);
    assert_eq!(stage.portal.fake.count(), last);
}
