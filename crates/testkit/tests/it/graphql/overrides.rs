//! People's own caps: set, refused and removed.

use serde_json::{Value, json};
use testkit::{ServerOptions, World};
use uuid::Uuid;

use super::{
    CAPS, DELETE, FLAT, GENERIC, OVERRIDES, admin_mode, change, code, data, error, flat, gid, gql,
    row,
};
use crate::support::{member, person, world};

const FIELD: &str = "upsertUserBudgetCapOverrides";

/// Cases 41, 43, 44, 52 and 55.
#[tokio::test]
async fn own_caps_are_set_after_the_flat_one() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (ada, bob) = (world.cast.member_id, member(&world, "bob", &[]).await.id);
    let set =
        async |rows: &[Value]| change(&world, owner, OVERRIDES, json!({"overrides": rows})).await;

    let answer = set(&[row(ada, 300.0, true)]).await;
    let refused = data(&answer, FIELD);
    assert_eq!(refused["userOverrides"], Value::Null);
    assert_eq!(
        refused["errors"],
        json!(["Subscription budget cap not found"])
    );
    // It is about no row.
    let message = "Subscription budget cap not found";
    let detail =
        json!({"code": "CAP_NOT_FOUND", "message": message, "index": null, "userId": null});
    assert_eq!(refused["errorDetails"], json!([detail]));

    flat(&world, 10.0, false).await;
    let answer = set(&[row(bob, 300.0, true), row(ada, 150.0, false)]).await;
    let done = data(&answer, FIELD);
    assert_eq!(done["errors"], json!([]));
    let rows = done["userOverrides"].as_array().unwrap();
    let brief = |row: &Value| {
        json!([
            row["user"]["id"],
            row["user"]["username"],
            row["userId"],
            row["cap"],
            row["capEnabled"],
            row["disabledMode"]
        ])
    };
    let found: Vec<Value> = rows.iter().map(brief).collect();
    assert_eq!(
        found,
        [
            json!([gid(bob), "bob", gid(bob), 300.0, true, "EXEMPT"]),
            json!([gid(ada), "ada", gid(ada), 150.0, false, "EXEMPT"]),
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row["createdAt"].is_string() && row["updatedAt"].is_string())
    );

    let answer = set(&[row(ada, 151.0, true)]).await;
    let again = data(&answer, FIELD)["userOverrides"][0].clone();
    let first = rows.iter().find(|row| row["userId"] == gid(ada)).unwrap();
    assert_eq!(again["createdAt"], first["createdAt"]);
    assert_ne!(again["updatedAt"], first["updatedAt"]);
    let read = gql(&world, owner, CAPS, json!({"path": "acme"})).await;
    assert_eq!(
        read["data"]["subscriptionUsage"]["budgetCaps"]["userOverrides"]["count"],
        2
    );

    assert_eq!(data(&set(&[]).await, FIELD)["userOverrides"], json!([]));
    let mut inherit = row(ada, 1.0, false);
    inherit["disabledMode"] = json!("INHERIT");
    let answer = set(&[inherit]).await;
    assert_eq!(
        data(&answer, FIELD)["userOverrides"][0]["disabledMode"],
        "INHERIT"
    );
}

/// Case 43, the better way.
#[tokio::test]
async fn own_caps_need_no_flat_one_where_the_option_says_so() {
    let mut caps = bursar::cli::ServerOptions::with_defaults().unwrap().caps;
    caps.implicit_flat_cap = true;
    let options = ServerOptions {
        caps: Some(caps),
        ..ServerOptions::default()
    };
    let script = fakeprovider::Script::default();
    let world = World::with_options(script, model::Micros::USD, &options)
        .await
        .unwrap();
    let rows = json!({"overrides": [row(world.cast.member_id, 5.0, true)]});
    let answer = change(&world, &world.cast.owner, OVERRIDES, rows).await;
    assert_eq!(data(&answer, FIELD)["userOverrides"][0]["cap"], 5.0);
}

/// Cases 46, 47, 50, 53, and one bad row among good ones.
#[tokio::test]
async fn one_bad_row_rejects_all_before_anything_is_written() {
    let world = world().await;
    let owner = &world.cast.owner;
    flat(&world, 10.0, true).await;
    let (ada, x) = (world.cast.member_id, person(&world, "x", &[]).await.id);
    let (a, b) = (gid(Uuid::from_u128(7)), gid(Uuid::from_u128(8)));
    let of = |user: &str| json!({"userId": user, "cap": 1, "enabled": true});
    let gitlab = format!("gid://gitlab/User/{x}");
    let many = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|number| of(&format!("gid://gitlab/User/{number}")))
            .collect()
    };
    let check = async |rows: Vec<Value>, expected: &str, expected_code: &str| {
        let answer = change(&world, owner, OVERRIDES, json!({"overrides": rows})).await;
        assert_eq!((error(&answer), code(&answer)), (expected, expected_code));
        assert_eq!(answer["data"][FIELD], Value::Null);
    };
    let good = row(ada, 1.0, true);
    let rows = vec![good.clone(), of(&a), of(&b)];
    check(
        rows,
        &format!("Users not found: {a}, {b}"),
        "USER_NOT_FOUND",
    )
    .await;
    let numbers = vec![
        of("gid://gitlab/User/1"),
        good.clone(),
        of("gid://gitlab/User/2"),
    ];
    let told = "Users not found: gid://gitlab/User/1, gid://gitlab/User/2";
    check(numbers, told, "USER_NOT_FOUND").await;
    let told = format!("Users are not part of the namespace: {gitlab}");
    check(
        vec![good.clone(), of(&gitlab)],
        &told,
        "USER_OUTSIDE_NAMESPACE",
    )
    .await;
    let told = "Cannot upsert more than 200 overrides at once";
    check(many(201), told, "BATCH_TOO_LARGE").await;
    let told = format!("overrides 0 and 2 name the same user: {}", gid(ada));
    check(
        vec![good.clone(), of(&a), row(ada, 2.0, true)],
        &told,
        "DUPLICATE_USER",
    )
    .await;
    let negative = vec![good.clone(), row(ada, -0.01, true)];
    check(
        negative,
        "cap must be greater than or equal to 0",
        "INVALID_ARGUMENT",
    )
    .await;
    let read = gql(&world, owner, CAPS, json!({"path": "acme"})).await;
    assert_eq!(
        read["data"]["subscriptionUsage"]["budgetCaps"]["userOverrides"]["count"],
        0
    );
}

/// Case 50 too: 200 are not too many.
#[tokio::test]
async fn what_is_wrong_with_some_rows_is_told_with_their_places() {
    let world = world().await;
    let ada = world.cast.member_id;
    let of = |user: &str| json!({"userId": user, "cap": 1, "enabled": true});
    let told = async |rows: Vec<Value>| {
        let input = json!({"overrides": rows});
        let answer = change(&world, &world.cast.owner, OVERRIDES, input).await;
        assert_eq!(answer["data"][FIELD], Value::Null);
        answer["errors"][0]["extensions"].clone()
    };
    flat(&world, 10.0, true).await;
    let good = row(ada, 1.0, true);
    let many = (0..200).map(|number| of(&format!("gid://gitlab/User/{number}")));
    let unknown = told(many.collect()).await;
    assert_eq!(unknown["code"], "USER_NOT_FOUND");
    let last = json!({"index": 199, "userId": "gid://gitlab/User/199"});
    assert_eq!(unknown["users"][199], last);
    let negative = told(vec![good.clone(), row(ada, -0.01, true)]).await;
    let expected = json!({"code": "INVALID_ARGUMENT", "index": 1, "userId": gid(ada)});
    assert_eq!(negative, expected);
    let nobody = told(vec![good.clone(), of("x")]).await;
    assert_eq!(nobody, json!({"code": "INVALID_ARGUMENT", "index": 1}));
    let twice = told(vec![good.clone(), good]).await;
    assert_eq!(twice, json!({"code": "DUPLICATE_USER", "indexes": [0, 1]}));
}

#[tokio::test]
async fn an_id_that_is_none_of_a_person_is_refused() {
    let world = world().await;
    for (id, why) in [
        ("x", "\"x\" is not a valid Global ID"),
        (
            "gid://foo/User/1",
            "\"gid://foo/User/1\" is not a Gitlab Global ID",
        ),
        (
            "gid://gitlab/Project/1",
            "\"gid://gitlab/Project/1\" does not represent an instance of User",
        ),
    ] {
        let rows = json!({"overrides": [{"userId": id, "cap": 1, "enabled": true}]});
        let answer = change(&world, &world.cast.owner, OVERRIDES, rows).await;
        assert_eq!((error(&answer), code(&answer)), (why, "INVALID_ARGUMENT"));
    }
}

#[tokio::test]
async fn authorization_comes_before_whatever_could_tell_something() {
    let world = world().await;
    let ada = &world.cast.member;
    let of = |user: &str| json!({"userId": user, "cap": 1, "enabled": true});
    let unknown = gid(Uuid::from_u128(7));
    let many: Vec<Value> = (0..201).map(|_| of(&unknown)).collect();
    for rows in [
        vec![of(&unknown)],
        many,
        vec![of(&unknown), of(&unknown)],
        vec![],
    ] {
        for path in [Some("acme"), Some("nowhere"), None] {
            let input = json!({"overrides": rows, "namespacePath": path});
            let answer = change(&world, ada, OVERRIDES, input).await;
            assert_eq!(error(&answer), GENERIC);
            assert!(answer["errors"][0]["extensions"].get("users").is_none());
        }
    }
}

/// Case 49, and somebody who left (W22).
#[tokio::test]
async fn the_deployment_caps_anybody_and_an_organization_its_leavers() {
    let world = world().await;
    let owner = &world.cast.owner;
    let x = person(&world, "x", &[]).await.id;
    admin_mode(&world).await;
    let input = json!({"namespacePath": null, "flatUserCap": 1, "flatUserCapEnabled": true});
    data(
        &change(&world, owner, FLAT, input).await,
        "upsertFlatUserCap",
    );
    let input = json!({"namespacePath": null, "overrides": [row(x, 5.0, true)]});
    let answer = change(&world, owner, OVERRIDES, input).await;
    assert_eq!(
        data(&answer, FIELD)["userOverrides"][0]["user"]["username"],
        "x"
    );

    flat(&world, 10.0, true).await;
    let bob = member(&world, "bob", &[]).await.id;
    let set = async |cap| {
        let input = json!({"overrides": [row(bob, cap, true)]});
        change(&world, owner, OVERRIDES, input).await
    };
    data(&set(9.0).await, FIELD);
    let acme = world.cast.organization_id;
    owner.organization_member_delete(acme, bob).await.unwrap();
    assert_eq!(data(&set(3.0).await, FIELD)["userOverrides"][0]["cap"], 3.0);
    let input = json!({"userIds": [gid(bob)]});
    data(
        &change(&world, owner, DELETE, input).await,
        "deleteUserBudgetCapOverrides",
    );
    let told = format!("Users are not part of the namespace: {}", gid(bob));
    assert_eq!(error(&set(3.0).await), told);
}

#[tokio::test]
async fn removing_own_caps_may_be_repeated() {
    let world = world().await;
    let owner = &world.cast.owner;
    flat(&world, 10.0, true).await;
    let ada = world.cast.member_id;
    let rows = json!({"overrides": [row(ada, 5.0, true)]});
    data(&change(&world, owner, OVERRIDES, rows).await, FIELD);
    for deleted in [json!([gid(ada)]), json!([])] {
        let ids = json!([gid(ada), "gid://gitlab/User/1", gid(Uuid::from_u128(7))]);
        let answer = change(&world, owner, DELETE, json!({"userIds": ids})).await;
        let found = data(&answer, "deleteUserBudgetCapOverrides");
        assert_eq!(found["deletedUserIds"], deleted);
        assert_eq!(found["errors"], json!([]));
    }
    let answer = change(&world, owner, DELETE, json!({"userIds": ["x"]})).await;
    assert_eq!(error(&answer), "\"x\" is not a valid Global ID");
    let answer = change(
        &world,
        &world.cast.member,
        DELETE,
        json!({"userIds": [gid(ada)]}),
    )
    .await;
    assert_eq!(error(&answer), GENERIC);
}

/// Case 56.
#[tokio::test]
async fn two_owners_at_once_leave_one_row() {
    let world = world().await;
    let owner = &world.cast.owner;
    flat(&world, 10.0, true).await;
    let ada = world.cast.member_id;
    let set = async |cap: f64| {
        let rows = json!({"overrides": [row(ada, cap, true)]});
        data(&change(&world, owner, OVERRIDES, rows).await, FIELD).clone()
    };
    let caps: Vec<f64> = (1..=8).map(f64::from).collect();
    futures_util::future::join_all(caps.iter().map(|cap| set(*cap))).await;
    let query = "{ subscriptionUsage(namespacePath: \"acme\") { budgetCaps {
        userOverrides { count nodes { cap } } } } }";
    let answer = gql(&world, owner, query, json!({})).await;
    let found = &data(&answer, "subscriptionUsage")["budgetCaps"]["userOverrides"];
    assert_eq!(found["count"], 1);
    assert!(
        caps.contains(&found["nodes"][0]["cap"].as_f64().unwrap()),
        "{found}"
    );
}
