//! Who reaches the settings, and that nobody gives or takes by them what they could not by hand.

use model::idpsync::SyncWarning;
use serde_json::json;

use super::{GROUPS, ROLES, SITE, roles_of, set, sign_in, store};
use crate::{
    roles::made,
    support::{get, is, lines, member, person, site, world},
};

#[tokio::test]
async fn settings_are_for_who_may() {
    let world = world().await;
    let keeper = member(&world, "keeper", &["organization-user-admin"])
        .await
        .client;
    let reader = member(&world, "reader", &["organization-auditor"])
        .await
        .client;
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    let outsider = person(&world, "outsider", &[]).await.client;
    let auditor = site(&world, "auditor").await.client;
    let helper = site(&world, "user-admin").await.client;
    // Who, then the statuses of: reading and changing the deployment's; reading and changing those of acme. The
    // changes say nothing new.
    for (who, caller, [read, change, read_inside, change_inside]) in [
        ("member", &world.cast.member, [404, 404, 404, 404]),
        ("reader", &reader, [404, 404, 404, 404]),
        ("outsider", &outsider, [404, 404, 404, 404]),
        ("auditor", &auditor, [404, 404, 404, 404]),
        ("keeper", &keeper, [404, 404, 200, 200]),
        ("boss", &boss, [404, 404, 200, 200]),
        ("helper", &helper, [200, 200, 200, 200]),
        ("owner", &world.cast.owner, [200, 200, 200, 200]),
    ] {
        for (path, read, change) in [
            (SITE, read, change),
            (GROUPS, read_inside, change_inside),
            (ROLES, read_inside, change_inside),
        ] {
            let answer = get(&world, caller, path).await;
            assert_eq!(answer.status, read, "{who} {path}: {}", answer.text);
            let answer = set(&world, caller, path, &json!({"field": ""})).await;
            assert_eq!(answer.status, change, "{who} {path}: {}", answer.text);
        }
    }
}

/// The keeper may assign what the keeper holds, which is less than the admin of the organization holds.
#[tokio::test]
async fn a_claim_gives_no_role_that_its_writer_could_not_give() {
    let world = world().await;
    let owner = &world.cast.owner;
    let keeper = member(&world, "keeper", &["organization-user-admin"])
        .await
        .client;
    made(&world, "spy", &["audit_log:read"], &[]).await;
    made(&world, "greeter", &["organization_member:read"], &[]).await;
    for (roles, status) in [
        (json!(["organization-workspace-access"]), 200),
        (json!(["greeter"]), 200),
        (json!(["organization-admin"]), 403),
        (json!(["organization-workspace-access", "spy"]), 403),
        (json!(["organization-auditor"]), 403),
    ] {
        let mapping = json!({"mapping": {"all": roles}});
        let answer = set(&world, &keeper, ROLES, &mapping).await;
        assert_eq!(answer.status, status, "{roles}: {}", answer.text);
    }
    // Nor by turning a mapping of somebody else to a claim that more people have.
    let admins = json!({"field": "", "mapping": {"idp-admins": ["organization-admin"]}});
    is(&set(&world, owner, ROLES, &admins).await, 200);
    let refused = set(&world, &keeper, ROLES, &json!({"field": "email"})).await;
    is(&refused, 403);
    assert!(
        refused.message().contains("organization-admin"),
        "{refused:?}"
    );
    let told: Vec<_> = lines(&world, refused.request_id()).await;
    assert_eq!(
        told.iter().map(|line| line.status_code).collect::<Vec<_>>(),
        [403]
    );
    assert_eq!(get(&world, owner, ROLES).await.json(), admins);
    // Somebody who may not give may still empty it.
    let off = json!({"field": "", "mapping": {}});
    is(&set(&world, &keeper, ROLES, &off).await, 200);
}

/// Who turns a claim's value into roles with nobody mapped would otherwise take every role of everybody.
#[tokio::test]
async fn a_claim_takes_no_role_that_its_writer_could_not_take() {
    let world = world().await;
    let owner = &world.cast.owner;
    let keeper = member(&world, "keeper", &["organization-user-admin"])
        .await
        .client;
    let helper = site(&world, "user-admin").await.client;
    let boss = member(&world, "boss", &["organization-admin"]).await.id;
    let mate = member(&world, "mate", &["organization-workspace-access"])
        .await
        .id;
    let store = store(&world).await;
    let (on, nobody) = (json!({"field": "roles"}), json!({"roles": [], "orgs": []}));
    is(&set(&world, &keeper, ROLES, &on).await, 200);
    assert_eq!(sign_in(&store, mate, nobody.clone()).await.roles_changed, 1);
    let report = sign_in(&store, boss, nobody.clone()).await;
    assert!(!report.changed());
    let kept = SyncWarning::KeptRole("organization-admin".to_owned());
    assert_eq!(report.warnings, [kept]);
    assert_eq!(
        roles_of(&world, boss).await.unwrap(),
        ["organization-admin"]
    );
    // Nor does it take them out of the organization.
    let orgs = json!({"field": "orgs", "organization_assign_default": false});
    is(&set(&world, &helper, SITE, &orgs).await, 200);
    assert_eq!(sign_in(&store, mate, nobody.clone()).await.left.len(), 1);
    let report = sign_in(&store, boss, nobody.clone()).await;
    assert!(!report.changed(), "{report:?}");
    assert_eq!(report.warnings.len(), 2, "{report:?}");
    // Who may take the role says so by writing the setting.
    is(&set(&world, owner, ROLES, &on).await, 200);
    assert_eq!(sign_in(&store, boss, nobody.clone()).await.roles_changed, 1);
    assert_eq!(sign_in(&store, boss, nobody).await.left.len(), 1);
}
