//! The inbox over HTTP: what is listed, marked as read, and kept from others.

use bursar_sdk::{
    Client, CreateTokenRequest, InboxReadStatus, ListInboxNotificationsResponse,
    NotificationListQuery, UpdateInboxNotificationReadStatusRequest,
};
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::support::{ask, get, is, person, world};

/// Three messages to Ada, the last of them read.
async fn messages(world: &World) -> Vec<Uuid> {
    let sql = "INSERT INTO notifications (user_id, template, title, content, data, actions, read_at) \
        SELECT $1, 'test', 'Title ' || n, 'Content', '{\"number\": \"one\"}', \
            '[{\"label\": \"Look\", \"url\": \"/there\"}]', CASE WHEN n = 3 THEN bursar_now() END \
        FROM generate_series(1, 3) AS n RETURNING id";
    let owner = world.database.owner().await.unwrap();
    let rows = owner.query(sql, &[&world.cast.member_id]).await.unwrap();
    let mut ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    ids.sort_unstable();
    ids
}

async fn list(caller: &Client, query: NotificationListQuery) -> ListInboxNotificationsResponse {
    caller.notification_list(&query).await.unwrap()
}

fn ids(found: &ListInboxNotificationsResponse) -> Vec<Uuid> {
    found.notifications.iter().map(|one| one.id).collect()
}

#[tokio::test]
async fn an_inbox_is_listed_by_pages_and_by_what_was_read() {
    let world = world().await;
    let ada = &world.cast.member;
    let made = messages(&world).await;
    let newest = [made[2], made[1], made[0]];
    let all = list(ada, NotificationListQuery::default()).await;
    assert_eq!((ids(&all), all.unread_count), (newest.to_vec(), 2));
    let one = &all.notifications[0];
    assert_eq!(one.user_id, world.cast.member_id);
    assert_eq!(
        (one.template_id.as_str(), one.title.as_str()),
        ("test", "Title 3")
    );
    assert_eq!(one.data["number"], "one");
    assert_eq!(
        (one.actions[0].label.as_str(), one.actions[0].url.as_str()),
        ("Look", "/there")
    );
    assert!(one.read_at.is_some());

    let status = |read_status| NotificationListQuery {
        read_status: Some(read_status),
        ..Default::default()
    };
    assert_eq!(
        ids(&list(ada, status(InboxReadStatus::Read)).await),
        newest[..1]
    );
    assert_eq!(
        ids(&list(ada, status(InboxReadStatus::Unread)).await),
        newest[1..]
    );
    let mut before = None;
    for expected in newest {
        let query = NotificationListQuery {
            starting_before: before,
            limit: Some(1),
            ..Default::default()
        };
        let page = list(ada, query).await;
        assert_eq!((ids(&page), page.unread_count), (vec![expected], 2));
        before = Some(expected);
    }
    for wrong in [
        "limit=0",
        "limit=1001",
        "read_status=some",
        "starting_before=x",
    ] {
        is(
            &get(&world, ada, &format!("/notifications/inbox?{wrong}")).await,
            400,
        );
    }
    // Nobody sees another's, whoever they are.
    let stranger = person(&world, "stranger", &[]).await.client;
    for other in [&world.cast.owner, &stranger] {
        let found = list(other, NotificationListQuery::default()).await;
        assert_eq!((ids(&found), found.unread_count), (vec![], 0));
    }
}

#[tokio::test]
async fn who_marks_what_as_read() {
    let world = world().await;
    let ada = &world.cast.member;
    let made = messages(&world).await;
    let mark = async |caller: &Client, id: Uuid, is_read: bool| {
        let path = format!("/notifications/inbox/{id}/read-status");
        ask(&world, caller, "PUT", &path, &json!({"is_read": is_read})).await
    };
    let read = UpdateInboxNotificationReadStatusRequest { is_read: true };
    let marked = ada.notification_update(made[0], &read).await.unwrap();
    assert_eq!((marked.notification.id, marked.unread_count), (made[0], 1));
    let at = marked.notification.read_at.unwrap();
    let again = ada.notification_update(made[0], &read).await.unwrap();
    assert_eq!(again.notification.read_at, Some(at));
    let undone = mark(ada, made[0], false).await;
    is(&undone, 200);
    let undone = undone.json();
    assert_eq!(undone["notification"]["read_at"], Value::Null);
    assert_eq!(undone["unread_count"], 2);
    // What is another's and what is not there look alike.
    let stranger = person(&world, "stranger", &[]).await.client;
    for (caller, id) in [(&stranger, made[0]), (ada, Uuid::from_u128(7))] {
        is(&mark(caller, id, true).await, 404);
    }
    let all = "/notifications/inbox/mark-all-as-read";
    is(&ask(&world, &stranger, "PUT", all, &Value::Null).await, 204);
    assert_eq!(
        list(ada, NotificationListQuery::default())
            .await
            .unread_count,
        2
    );
    ada.notification_read_all().await.unwrap();
    assert_eq!(
        list(ada, NotificationListQuery::default())
            .await
            .unread_count,
        0
    );
}

#[tokio::test]
async fn a_token_for_something_else_sees_no_messages() {
    let world = world().await;
    let ada = &world.cast.member;
    let made = messages(&world).await;
    let token = async |scope: &str| {
        let request = CreateTokenRequest {
            scopes: vec![scope.to_owned()],
            ..Default::default()
        };
        let key = ada.api_key_create("me", &request).await.unwrap().key;
        ada.with_token(key)
    };
    let path = format!("/notifications/inbox/{}/read-status", made[0]);
    let body = json!({"is_read": true});
    for (scope, seen, status) in [
        ("user:read", 0, 404),
        ("notification:read", 3, 404),
        ("notification:update", 0, 200),
    ] {
        let caller = token(scope).await;
        let found = list(&caller, NotificationListQuery::default()).await;
        assert_eq!(found.notifications.len(), seen, "{scope}");
        is(&ask(&world, &caller, "PUT", &path, &body).await, status);
    }
}
