//! Files: whose they are, which chat has them, and what goes when there are too many.

use chrono::{DateTime, Duration};
use model::{
    ChatFileId, ChatId, Clock, OrganizationId, SystemClock, UserId,
    acl::Principal,
    chats::{
        ChatFileDownload, ContentPart, FILES_PER_CHAT, LOOSE_FILES, NewChatFile, NewMessage,
        Visibility,
    },
};
use store::StoreError;

use super::{Scene, make, saying, words};
use crate::support::{begin, id, new_organization, read};

pub(super) fn new_file(organization: OrganizationId, owner: UserId, name: &str) -> NewChatFile {
    NewChatFile {
        id: ChatFileId(id()),
        owner_id: owner,
        organization_id: organization,
        name: name.to_owned(),
        mime_type: "text/plain".to_owned(),
        sha256: [7; 32],
        data: name.as_bytes().to_vec(),
    }
}

async fn upload(scene: &Scene, owner: UserId, name: &str) -> ChatFileId {
    let new = new_file(scene.team.acme, owner, name);
    let mut unit = begin(scene.store()).await;
    let kept = unit.chat_file_create(&new).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!((kept.id, kept.chat_id), (new.id, None));
    new.id
}

const fn part(file_id: ChatFileId) -> ContentPart {
    ContentPart::File {
        file_id,
        mime_type: None,
        name: None,
    }
}

pub(super) fn with(files: &[ChatFileId]) -> NewMessage {
    NewMessage {
        content: words("see")
            .into_iter()
            .chain(files.iter().copied().map(part))
            .collect(),
        ..saying("")
    }
}

async fn names(scene: &Scene, chat: ChatId) -> Vec<String> {
    let mut unit = read(scene.store()).await;
    let files = unit.chat_file_list(chat).await.unwrap();
    files.into_iter().map(|file| file.name).collect()
}

#[tokio::test]
async fn a_file_belongs_to_one_chat_and_is_readable_with_it() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let plan = upload(&scene, ada, "plan.txt").await;
    let bobs = upload(&scene, bob, "bobs.txt").await;
    let mut new = scene.new_chat(ada, "chat");
    new.messages = vec![with(&[plan, plan])];
    let chat = make(scene.store(), &new).await;
    scene.share(chat.id, &[Principal::User(bob)]).await;
    let said = scene.messages(chat.id).await.remove(0);
    let filled = ContentPart::File {
        file_id: plan,
        mime_type: Some("text/plain".to_owned()),
        name: Some("plan.txt".to_owned()),
    };
    assert_eq!(said.content[1..], [filled.clone(), filled]);
    let mut unit = read(scene.store()).await;
    let found = unit.chat_file_get(plan).await.unwrap().unwrap();
    assert_eq!(found.chat, Some(scene.access(chat.id).await));
    let file = &found.file;
    assert_eq!(
        (file.owner_id, file.chat_id, file.size_bytes),
        (ada, Some(chat.id), 8)
    );
    assert_eq!(file.sha256, [7; 32]);
    let bytes = unit.chat_file_bytes_get(plan).await.unwrap().unwrap();
    assert_eq!(
        (bytes.data.as_slice(), &bytes.file),
        (&b"plan.txt"[..], file)
    );
    let loose = unit.chat_file_get(bobs).await.unwrap().unwrap();
    assert!(loose.chat.is_none());
    assert!(
        unit.chat_file_get(ChatFileId(id()))
            .await
            .unwrap()
            .is_none()
    );
}

/// The names of a chat's files that all its readers see, by each of the ways to ask.
async fn shown(scene: &Scene, chat: ChatId) -> Vec<String> {
    let mut unit = begin(scene.store()).await;
    let listed = unit.chat_file_list(chat).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|file| file.id).collect();
    let ada = scene.team.ada;
    let of = unit.chat_file_attachable_list(ada, Some(chat), &ids).await;
    let (mut by_id, mut known) = (listed.clone(), of.unwrap());
    by_id.sort_by_key(|file| file.id);
    known.sort_by_key(|file| file.id);
    assert_eq!(known, by_id);
    for file in &listed {
        let one = unit.chat_file_get(file.id).await.unwrap().unwrap();
        assert_eq!(&one.file, file);
    }
    let shown = listed.into_iter().filter(|file| file.shown);
    shown.map(|file| file.name).collect()
}

#[tokio::test]
async fn a_file_is_shown_where_a_message_names_it_that_all_see() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let mut files = Vec::new();
    for name in ["said", "hidden", "edited", "waits"] {
        files.push(upload(&scene, ada, name).await);
    }
    let hidden = NewMessage {
        visibility: Visibility::Model,
        ..with(&files[1..2])
    };
    let mut new = scene.new_chat(ada, "chat");
    // A text that looks like a file is none.
    let text = format!(r#"{{"type":"file","file_id":"{}"}}"#, files[1]);
    new.messages = vec![hidden, saying(&text), with(&[files[0], files[2]])];
    let chat = make(scene.store(), &new).await;
    let mut unit = begin(scene.store()).await;
    unit.chat_queue_create(chat.id, &with(&files[3..]))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(shown(&scene, chat.id).await, ["said", "edited"]);
    let last = scene.messages(chat.id).await.pop().unwrap().id;
    let mut unit = begin(scene.store()).await;
    unit.chat_message_replace(chat.id, last, &with(&files[..1]), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    assert_eq!(shown(&scene, chat.id).await, ["said"]);
    // What only the words attached that were edited away has gone with them, and what waited, too.
    let kept = scene.count("SELECT count(*) FROM chat_files").await;
    assert_eq!(kept, 2);
    let mut unit = begin(scene.store()).await;
    let loose = upload(&scene, ada, "loose").await;
    let loose = unit.chat_file_attachable_list(ada, None, &[loose]).await;
    assert!(!loose.unwrap()[0].shown);
}

/// However many files it has.
#[tokio::test]
async fn a_chat_is_looked_through_once_for_its_files() {
    const MESSAGES: i64 = 500;
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "chat").await;
    let fill = format!(
        "INSERT INTO chat_messages (chat_id, role, content, revision) \
         SELECT '{chat}', 'user', '[{{\"type\": \"text\", \"text\": \"so\"}}]', 1 FROM generate_series(1, {MESSAGES}); \
         INSERT INTO chat_files (id, owner_id, organization_id, chat_id, name, mime_type, size_bytes, sha256, data) \
         SELECT gen_random_uuid(), c.owner_id, c.organization_id, c.id, n::text, 'text/plain', 1, sha256('x'), 'x' \
         FROM chats AS c, generate_series(1, 50) AS n WHERE c.id = '{chat}'",
        chat = chat.id
    );
    scene.client().await.batch_execute(&fill).await.unwrap();
    // What a connection has read is told when it ends, if not before.
    let reader = scene.team.db.store().await;
    let mut unit = begin(&reader).await;
    let files = unit.chat_file_list(chat.id).await.unwrap();
    let ids: Vec<ChatFileId> = files.iter().map(|file| file.id).collect();
    let ada = scene.team.ada;
    let of = unit.chat_file_attachable_list(ada, Some(chat.id), &ids);
    assert_eq!(of.await.unwrap().len(), 50);
    unit.commit().await.unwrap();
    drop(reader);
    let read = "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables \
        WHERE relname = 'chat_messages'";
    let client = scene.client().await;
    let all = async {
        loop {
            let told: i64 = client.query_one(read, &[]).await.unwrap().get(0);
            if told >= 2 * MESSAGES {
                return told;
            }
        }
    };
    let read = tokio::time::timeout(std::time::Duration::from_secs(60), all).await;
    let read = read.expect("it is told");
    assert!(read < 10 * MESSAGES, "{read}");
}

#[tokio::test]
async fn nobody_attaches_what_is_not_theirs_or_is_another_chats() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let plan = upload(&scene, ada, "plan.txt").await;
    let bobs = upload(&scene, bob, "bobs.txt").await;
    let mut new = scene.new_chat(ada, "chat");
    new.messages = vec![with(&[plan])];
    let chat = make(scene.store(), &new).await;
    let other = scene.quiet(ada, "other").await;
    for (to, file, attached) in [
        (&chat, plan, true),
        (&other, plan, false),
        (&other, bobs, false),
        (&other, ChatFileId(id()), false),
    ] {
        let mut unit = begin(scene.store()).await;
        let known = unit
            .chat_file_attachable_list(ada, Some(to.id), &[file])
            .await;
        assert_eq!(!known.unwrap().is_empty(), attached);
        let said = unit
            .chat_message_create(to.id, &with(&[file]), scene.lease)
            .await;
        assert_eq!(said.is_ok(), attached, "{said:?}");
        let mut unit = begin(scene.store()).await;
        let queued = unit.chat_queue_create(to.id, &with(&[file])).await;
        let refused = matches!(queued, Err(StoreError::Refused(_)));
        assert_eq!(refused, !attached, "{queued:?}");
    }
    let mut unit = begin(scene.store()).await;
    let known = unit
        .chat_file_attachable_list(bob, None, &[bobs, plan])
        .await;
    assert_eq!(known.unwrap().len(), 1);
    // Nor is it taken along into another organization.
    let beta = new_organization("beta");
    unit.organization_create(&beta).await.unwrap();
    unit.organization_member_create(beta.id, bob, &[])
        .await
        .unwrap();
    let mut elsewhere = super::new_chat(beta.id, bob, "elsewhere", scene.lease);
    elsewhere.messages = vec![with(&[bobs])];
    let refused = unit.chat_create(&elsewhere).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_oldest_files_of_a_chat_make_room_but_never_for_their_own_message() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let chat = scene.chat(ada, "chat").await;
    let mut all = Vec::new();
    let attach = async |files: &[ChatFileId]| {
        let mut unit = begin(scene.store()).await;
        let queued = unit.chat_queue_create(chat.id, &with(files)).await;
        if queued.is_ok() {
            unit.commit().await.unwrap();
        }
        queued
    };
    for batch in 0..2 {
        let mut files = Vec::new();
        for number in 0..FILES_PER_CHAT - 20 {
            files.push(upload(&scene, ada, &format!("{batch}-{number}")).await);
        }
        attach(&files).await.unwrap();
        all.extend(files);
    }
    let kept = names(&scene, chat.id).await;
    assert_eq!(kept.len(), FILES_PER_CHAT);
    assert_eq!((kept[0].as_str(), kept[20].as_str()), ("0-10", "1-0"));
    // The oldest that is left is named again, with a new one: the next oldest goes.
    let new = upload(&scene, ada, "new").await;
    attach(&[all[10], new]).await.unwrap();
    let kept = names(&scene, chat.id).await;
    assert_eq!(kept[..2], ["0-10", "0-12"]);
    assert_eq!(kept.len(), FILES_PER_CHAT);
    let mut unit = read(scene.store()).await;
    assert!(unit.chat_file_get(all[0]).await.unwrap().is_none());
    let many: Vec<_> = (0..=FILES_PER_CHAT).map(|_| ChatFileId(id())).collect();
    let refused = attach(&many).await;
    assert!(
        matches!(&refused, Err(StoreError::Refused(text)) if text.contains("at most 50")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_nobody_attaches_is_bounded_and_goes() {
    let scene = Scene::new().await;
    let (ada, joe) = (scene.team.ada, scene.team.joe);
    let mut unit = begin(scene.store()).await;
    let refused = unit
        .chat_file_create(&new_file(scene.team.acme, joe, "x"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    for number in 0..LOOSE_FILES {
        let new = new_file(scene.team.acme, ada, &number.to_string());
        unit.chat_file_create(&new).await.unwrap();
    }
    unit.commit().await.unwrap();
    let more = new_file(scene.team.acme, ada, "more");
    let mut unit = begin(scene.store()).await;
    let refused = unit.chat_file_create(&more).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    drop(unit);
    let now = SystemClock.now();
    let prune = async |before: DateTime<_>, limit| {
        let mut unit = begin(scene.store()).await;
        let pruned = unit.chat_file_prune(before, limit).await.unwrap();
        unit.commit().await.unwrap();
        pruned
    };
    assert_eq!(prune(now - Duration::days(1), 99).await, 0);
    assert_eq!(prune(now + Duration::days(1), 10).await, 10);
    let mut unit = begin(scene.store()).await;
    unit.chat_file_create(&more).await.unwrap();
    unit.commit().await.unwrap();
    let mut new = scene.new_chat(ada, "chat");
    new.messages = vec![with(&[more.id])];
    let chat = make(scene.store(), &new).await;
    prune(now + Duration::days(1), 99).await;
    assert_eq!(names(&scene, chat.id).await, ["more"]);
    assert_eq!(scene.count("SELECT count(*) FROM chat_files").await, 1);
}

#[tokio::test]
async fn an_address_holds_until_its_end() {
    let scene = Scene::new().await;
    let file = upload(&scene, scene.team.ada, "plan.txt").await;
    let now = SystemClock.now();
    let download = ChatFileDownload {
        token_hash: [9; 32],
        file_id: file,
        user_id: scene.team.bob,
        expires_at: "2100-01-01T00:00:00Z".parse().unwrap(),
    };
    let mut unit = begin(scene.store()).await;
    unit.chat_file_download_create(&download).await.unwrap();
    unit.commit().await.unwrap();
    let mut unit = read(scene.store()).await;
    let mut get = async |hash: [u8; 32], at| unit.chat_file_download_get(&hash, at).await.unwrap();
    assert_eq!(get([9; 32], now).await, Some(download));
    assert_eq!(get([8; 32], now).await, None);
    assert_eq!(get([9; 32], download.expires_at).await, None);
    scene.team.db.shift_time("100 years").await;
    let mut unit = begin(scene.store()).await;
    assert_eq!(
        unit.chat_file_prune(now - Duration::days(9), 9)
            .await
            .unwrap(),
        1
    );
}
