//! Whether chats may be shared in an organization, over HTTP: who sees it, and who sets it.

use serde_json::{Value, json};

use crate::{
    scenes::play_all,
    support::{ask, brief, get, is, lines, member, person, world},
};

const SETTINGS: &str = "/organizations/acme/settings/chat-sharing";

fn shown(enabled: bool) -> Value {
    json!({"sharing_globally_disabled": false, "enabled": enabled})
}

const BY_THE_OWNER: &str = r#"
    400 PATCH /organizations/acme/settings/chat-sharing {}
    400 PATCH /organizations/acme/settings/chat-sharing {"enabled": null}
    400 PATCH /organizations/acme/settings/chat-sharing {"enabled": "yes"}
    404 GET /organizations/nowhere/settings/chat-sharing
    404 PATCH /organizations/nowhere/settings/chat-sharing {"enabled": false}
"#;

const BY_A_MEMBER: &str = r#"
    200 GET /organizations/acme/settings/chat-sharing
    403 PATCH /organizations/acme/settings/chat-sharing {"enabled": false}
"#;

const BY_ITS_ADMIN: &str = r#"
    200 PATCH /organizations/acme/settings/chat-sharing {"enabled": false}
    200 GET /organizations/acme/settings/chat-sharing
    200 PATCH /organizations/acme/settings/chat-sharing {"enabled": true}
"#;

const BY_A_STRANGER: &str = r#"
    404 GET /organizations/acme/settings/chat-sharing
    404 PATCH /organizations/acme/settings/chat-sharing {"enabled": false}
"#;

#[tokio::test]
async fn members_see_whether_chats_are_shared_and_who_changes_the_organization_sets_it() {
    let world = world().await;
    let owner = &world.cast.owner;
    assert_eq!(get(&world, owner, SETTINGS).await.json(), shown(true));
    play_all(&world, owner, &[], BY_THE_OWNER).await;
    play_all(&world, &world.cast.member, &[], BY_A_MEMBER).await;
    let admin = member(&world, "boss", &["organization-admin"]).await;
    play_all(&world, &admin.client, &[], BY_ITS_ADMIN).await;
    let stranger = person(&world, "stranger", &[]).await;
    play_all(&world, &stranger.client, &[], BY_A_STRANGER).await;
    is(&get(&world, world.server.nobody(), SETTINGS).await, 401);

    let off = json!({"enabled": false});
    let answer = ask(&world, owner, "PATCH", SETTINGS, &off).await;
    is(&answer, 200);
    assert_eq!(answer.json(), shown(false));
    assert_eq!(get(&world, owner, SETTINGS).await.json(), shown(false));
    let written = lines(&world, answer.request_id()).await;
    let written: Vec<_> = written.iter().map(brief).collect();
    assert_eq!(written, ["write organization acme"]);
    let refused = ask(&world, &world.cast.member, "PATCH", SETTINGS, &off).await;
    is(&refused, 403);
    let recorded = lines(&world, refused.request_id()).await;
    assert_eq!(
        (recorded[0].status_code, recorded[0].resource_type.as_str()),
        (403, "organization")
    );
}
