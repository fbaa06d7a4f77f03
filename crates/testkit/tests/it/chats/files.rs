//! Files of chats: who reads them, who may keep them, and what an address is worth.

use bursar_sdk::{ChatFileCreateQuery, ChatInputPart, Client, client::Upload};
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::Stage;
use crate::support::{Answer, is};

async fn upload(stage: &Stage, who: &Client, name: &str) -> Uuid {
    let query = ChatFileCreateQuery {
        organization: Some(stage.world.cast.organization_id.to_string()),
    };
    let file = Upload::new(name, "# Plan");
    who.chat_file_create(&query, file).await.unwrap().id
}

/// A chat of Ada's with a file.
async fn with_file(stage: &Stage) -> (Uuid, Uuid) {
    let file = upload(stage, &stage.ada.client, "plan.md").await;
    let mut new = stage.new_chat("Plans");
    new.content.push(ChatInputPart::file(file));
    let chat = stage.ada.client.chat_create(&new).await.unwrap().id;
    stage.rests(chat).await;
    (chat, file)
}

async fn get(stage: &Stage, who: &Client, path: &str) -> Answer {
    stage
        .ask(who, "GET", &format!("/files/{path}"), &Value::Null)
        .await
}

#[tokio::test]
async fn a_file_is_read_with_its_chat_and_kept_by_its_owner_only() {
    let stage = Stage::new().await;
    let (chat, file) = with_file(&stage).await;
    let (ada, vic) = (&stage.ada.client, &stage.vic.client);
    let path = file.to_string();
    is(&get(&stage, vic, &path).await, 404);
    stage.grant(chat, &[stage.vic.id], &[stage.group]).await;
    let own = get(&stage, ada, &path).await;
    is(&own, 200);
    assert_eq!(own.text, "# Plan");
    assert_eq!(
        own.headers["cache-control"],
        "private, max-age=31536000, immutable"
    );
    for reader in [vic, &stage.gil.client, &stage.boss.client] {
        let seen = get(&stage, reader, &path).await;
        is(&seen, 200);
        assert_eq!(seen.headers["cache-control"], "no-store");
        assert_eq!(reader.chat_get(chat).await.unwrap().files[0].id, file);
    }
    for other in [&stage.xan.client, &stage.zoe.client] {
        is(&get(&stage, other, &path).await, 404);
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    is(&get(&stage, vic, &path).await, 404);
    is(&get(&stage, &stage.gil.client, &path).await, 200);
}

#[tokio::test]
async fn an_address_holds_as_long_as_who_made_it_may_read() {
    let stage = Stage::new().await;
    let (chat, file) = with_file(&stage).await;
    stage.grant(chat, &[stage.vic.id], &[]).await;
    let vic = &stage.vic.client;
    let nobody = stage.world.server.nobody();
    let made = vic.chat_file_download_create(file).await.unwrap();
    assert_eq!((made.name.as_str(), made.size_bytes), ("plan.md", 6));
    let (_, path) = made.url.split_once("/chats/files/").unwrap();
    let open = get(&stage, nobody, path).await;
    is(&open, 200);
    assert_eq!(open.headers["cache-control"], "no-store");
    assert_eq!(open.text, "# Plan");
    let (_, secret) = path.split_once("token=").unwrap();
    let other = upload(&stage, vic, "other.md").await;
    for wrong in [
        format!("{other}/download?token={secret}"),
        format!("{file}/download?token={secret}x"),
        format!("{file}/download?token="),
        format!("{file}/download"),
        format!("x/download?token={secret}"),
    ] {
        is(&get(&stage, nobody, &wrong).await, 404);
    }
    stage.revoke(chat, &[stage.vic.id], &[]).await;
    is(&get(&stage, nobody, path).await, 404);
    stage.grant(chat, &[stage.vic.id], &[]).await;
    is(&get(&stage, nobody, path).await, 200);
    let owner = &stage.world.cast.owner;
    owner.user_suspend(stage.vic.id).await.unwrap();
    is(&get(&stage, nobody, path).await, 404);
    owner.user_activate(stage.vic.id).await.unwrap();
    is(&get(&stage, nobody, path).await, 200);
    stage
        .by_hand("UPDATE chat_file_downloads SET expires_at = bursar_now()")
        .await;
    is(&get(&stage, nobody, path).await, 404);
}

#[tokio::test]
async fn a_file_is_of_one_chat_and_of_whoever_brought_it() {
    let stage = Stage::new().await;
    let (chat, file) = with_file(&stage).await;
    stage.grant(chat, &[stage.vic.id], &[]).await;
    let loose = upload(&stage, &stage.ada.client, "loose.md").await;
    let acme = stage.world.cast.organization_id;
    let create = |file: Uuid| json!({"organization_id": acme, "content": [{"type": "file", "file_id": file}]});
    // Neither one that a reader may see, nor one that another chat has, nor one that nobody may see.
    for (who, file) in [(&stage.vic, file), (&stage.vic, loose), (&stage.ada, file)] {
        let answer = stage.ask(&who.client, "POST", "", &create(file)).await;
        is(&answer, 400);
    }
    let unknown = create(Uuid::from_u128(7));
    let unknown = stage.ask(&stage.vic.client, "POST", "", &unknown).await;
    let hidden = stage
        .ask(&stage.vic.client, "POST", "", &create(loose))
        .await;
    assert_eq!(unknown.text, hidden.text, "it looks as if there were none");
    is(
        &stage
            .ask(&stage.ada.client, "POST", "", &create(loose))
            .await,
        201,
    );
}
