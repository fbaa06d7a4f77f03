//! How much may be said, made and kept, and that what is refused for that leaves everything as it was.

use model::{
    ChatFileId, ChatId,
    chats::{
        CHAT_MAX_BYTES, CHAT_MAX_MESSAGES, FAMILY_MAX, FileQuota, NewChat, NewChatFile,
        QuotaExceeded,
    },
};
use uuid::Uuid;

use super::{member, someone, store};
use crate::{
    BusyBehavior, ChatCallError, ChatResult,
    fake::FakeStore,
    tests::{
        cases::{chat_messages::saying, chats::new_chat},
        chat_world::{DEEP, LEASE, PART, SAID, TALK, WAITING, text},
        world::{ANN, ORG},
    },
};

async fn send(store: &FakeStore, chat: ChatId) -> ChatResult<()> {
    let mut unit = someone(store, ANN, member(ANN)).begin().await.unwrap();
    let mut rooms = unit.chat_messages();
    let busy = BusyBehavior::Queue;
    rooms
        .chat_message_create(chat, &saying(), busy, LEASE)
        .await?;
    Ok(unit.commit().await?)
}

/// Fills a chat with what is as large as this.
fn fill(store: &FakeStore, chat: ChatId, bytes: u64, messages: u64) {
    let mut state = store.state();
    let mut one = state.chat_messages[0].clone();
    one.chat_id = chat;
    one.content = text(&"x".repeat(usize::try_from(bytes).unwrap()));
    for _ in 0..messages {
        one.id.0 += 1_000;
        state.chat_messages.push(one.clone());
    }
}

#[tokio::test]
async fn nothing_more_is_said_in_a_full_chat_but_what_waits() {
    for (bytes, messages) in [(CHAT_MAX_BYTES, 1), (1, CHAT_MAX_MESSAGES)] {
        // In the one it would be said at once, in the other it would wait.
        for chat in [TALK, PART] {
            let store = store();
            send(&store, chat).await.unwrap();
            let store = super::store();
            fill(&store, chat, bytes, messages);
            let before = format!("{:?}", store.state());
            let ended = send(&store, chat).await;
            assert!(matches!(ended, Err(ChatCallError::Full)), "{ended:?}");
            assert_eq!(format!("{:?}", store.state()), before);
        }
    }
    let store = store();
    fill(&store, PART, CHAT_MAX_BYTES, 1);
    let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
    let mut rooms = unit.chat_messages();
    rooms
        .chat_queue_promote(PART, WAITING, LEASE)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_edit_has_the_room_of_what_it_forgets() {
    let edit = async |store: &FakeStore| {
        let mut unit = someone(store, ANN, member(ANN)).begin().await.unwrap();
        let mut rooms = unit.chat_messages();
        let said = saying();
        let edited = rooms.chat_message_replace(TALK, SAID, &said, LEASE);
        edited.await.map(drop)
    };
    let store = store();
    fill(&store, TALK, CHAT_MAX_BYTES, 1);
    edit(&store).await.unwrap();
    // What was said before it stays.
    store.state().chat_messages.iter_mut().for_each(|one| {
        if one.chat_id == TALK && one.id > SAID {
            one.id.0 = -one.id.0;
        }
    });
    let ended = edit(&store).await;
    assert!(matches!(ended, Err(ChatCallError::Full)), "{ended:?}");
}

#[tokio::test]
async fn a_full_family_takes_no_more_chats() {
    let store = store();
    let family = |state: &crate::fake::State| {
        let chats = state.chats.iter().map(|one| &one.chat);
        chats.filter(|chat| chat.root_chat_id == TALK).count()
    };
    let size = family(&store.state());
    let one = store.state().chat(PART).unwrap().clone();
    for number in size..usize::try_from(FAMILY_MAX).unwrap() - 1 {
        let mut one = one.clone();
        one.chat.id = ChatId(Uuid::from_u128(0x1000 + u128::try_from(number).unwrap()));
        store.state().chats.push(one);
    }
    let make = async |parent, id: u128| {
        let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
        let new = NewChat {
            id: ChatId(Uuid::from_u128(id)),
            parent_chat_id: Some(parent),
            ..new_chat()
        };
        unit.chats().chat_create(&new).await?;
        Ok::<_, ChatCallError>(unit.commit().await?)
    };
    make(DEEP, 0x2000).await.unwrap();
    for parent in [TALK, PART, DEEP] {
        let ended = make(parent, 0x2001).await;
        assert!(matches!(ended, Err(ChatCallError::FamilyFull)), "{ended:?}");
    }
}

#[tokio::test]
async fn a_quota_is_of_all_that_a_person_keeps() {
    let store = store();
    let own = |state: &crate::fake::State| {
        let files = state.chat_files.iter().map(|one| &one.file);
        let own = files.filter(|file| file.owner_id == ANN);
        own.map(|file| file.size_bytes).sum::<u64>()
    };
    let used_bytes = own(&store.state());
    assert!(used_bytes > 0);
    let keep = async |quota, id: u128| {
        let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
        let new = NewChatFile {
            id: ChatFileId(Uuid::from_u128(id)),
            owner_id: ANN,
            organization_id: ORG,
            name: "new.txt".to_owned(),
            mime_type: "text/plain".to_owned(),
            sha256: [0; 32],
            data: b"12345".to_vec(),
        };
        let quota = FileQuota::new(quota);
        unit.chat_files().chat_file_create(&new, quota).await?;
        Ok::<_, ChatCallError>(unit.commit().await?)
    };
    let quota_bytes = used_bytes + 4;
    match keep(quota_bytes, 0x3000).await {
        Err(ChatCallError::FileQuota(exceeded)) => {
            let expected = QuotaExceeded {
                quota_bytes,
                used_bytes,
            };
            assert_eq!(exceeded, expected);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(own(&store.state()), used_bytes);
    keep(used_bytes + 5, 0x3001).await.unwrap();
    keep(0, 0x3002).await.unwrap();
    assert_eq!(own(&store.state()), used_bytes + 10);
}
