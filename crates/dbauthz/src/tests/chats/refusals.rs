//! What is refused in which order, and what comes of what is not.

use chrono::{DateTime, Duration};
use model::{
    ChatFileId, ChatId, UserId,
    acl::{AclChange, AclProblem},
    chats::{
        AclExpiry, ChatRole, ChatStatus, ChatUpdate, Conflict, ContentPart, MAX_DEPTH, MessageId,
        NewChat, QUEUE_MAX, QueuedId,
    },
};
use uuid::Uuid;

use super::{acl_end, admin, end, member, someone, store};
use crate::{
    AclError, BusyBehavior, ChatCallError, OwnerOnly, RootOnly, Said, Saying,
    fake::FakeStore,
    tests::{
        cases::{
            chat_messages::saying,
            chats::{bound, new_chat},
        },
        chat_world::{
            ABOUT, ANSWER, BOBS, BOBS_FILE, DEEP, FILE, LEASE, LEFT, LOOSE, NO_WORKSPACE, PART,
            SAID, TALK, WAITING, text,
        },
        world::{ANN, BOB, GROUP, OTTO, WORKSPACE},
    },
};

const NOBODY: UserId = UserId(Uuid::from_u128(0xdead));

fn change(users: &[(UserId, &str)], groups: &[(&str, &str)]) -> AclChange<ChatRole> {
    let users: Vec<_> = users
        .iter()
        .map(|(id, role)| (id.to_string(), *role))
        .collect();
    let users = users.iter().map(|(id, role)| (id.as_str(), *role));
    AclChange::parse(users, groups.iter().copied())
}

#[tokio::test]
async fn who_may_not_share_learns_nothing_of_who_there_is() {
    let store = store();
    let unknown = change(&[(NOBODY, "read")], &[]);
    let check = async |id: UserId, subject, chat: ChatId, expected: &str| {
        let mut unit = someone(&store, id, subject).begin().await.unwrap();
        let mut chats = unit.chats();
        let ended = chats.chat_acl_update(chat, &unknown, AclExpiry::Keep).await;
        assert_eq!(acl_end(ended), expected, "{id} of {chat}");
    };
    check(OTTO, member(OTTO), TALK, "?").await;
    check(OTTO, member(OTTO), DEEP, "?").await;
    check(BOB, member(BOB), TALK, "s").await;
    check(BOB, member(BOB), DEEP, "i").await;
    check(ANN, member(ANN), DEEP, "i").await;
    check(ANN, member(ANN), TALK, "!").await;
    store.state().organizations[0].chat_sharing = false;
    check(ANN, member(ANN), DEEP, "x").await;
    check(BOB, member(BOB), TALK, "?").await;
}

#[tokio::test]
async fn an_inner_chat_names_its_root_however_deep_it_is() {
    let store = store();
    let mut unit = someone(&store, ANN, member(ANN)).read().await.unwrap();
    for chat in [PART, DEEP] {
        match unit.chats().chat_acl_get(chat).await {
            Err(AclError::Inner { root, .. }) => assert_eq!(root, TALK.0),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_told_together_but_oneself_first() {
    let store = store();
    let check = async |id: UserId, subject, asked: AclChange<ChatRole>, expected: &[&str]| {
        let mut unit = someone(&store, id, subject).begin().await.unwrap();
        let mut chats = unit.chats();
        let told = match chats.chat_acl_update(TALK, &asked, AclExpiry::Keep).await {
            Ok(_) => Vec::new(),
            Err(AclError::Own { .. }) => vec!["own".to_owned()],
            Err(AclError::Invalid { problems, .. }) => {
                let detail = |problem: AclProblem| problem.detail;
                problems.into_iter().map(detail).collect()
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(told, expected);
    };
    let group = GROUP.to_string();
    let own = change(&[(ANN, "admin"), (NOBODY, "read")], &[]);
    check(ANN, member(ANN), own, &["own"]).await;
    let wrong = change(&[(NOBODY, "read"), (BOB, "use")], &[("x", "read")]);
    let unknown = format!("user with ID {NOBODY} does not exist");
    let expected = [
        "x is not a valid UUID.",
        "role \"use\" is not a valid chat role",
        unknown.as_str(),
    ];
    check(ANN, member(ANN), wrong, &expected).await;
    let owner = format!("user with ID {ANN} owns the chat");
    check(OTTO, admin(OTTO), change(&[(ANN, "read")], &[]), &[&owner]).await;
    // Whoever is gone can be removed, and who loses nothing loses nothing.
    let gone = change(&[(NOBODY, ""), (BOB, "")], &[(&group, "")]);
    check(OTTO, admin(OTTO), gone, &[]).await;
}

#[tokio::test]
async fn an_entry_ends_when_it_is_to_end() {
    let store = store();
    let later = DateTime::UNIX_EPOCH + Duration::hours(1);
    let update = async |expiry, expected: usize| {
        let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
        let asked = change(&[(BOB, "read")], &[]);
        let diff = unit.chats().chat_acl_update(TALK, &asked, expiry).await;
        assert_eq!(diff.unwrap().set.len(), expected, "{expiry:?}");
        unit.commit().await.unwrap();
    };
    let reads = async |expected: &str| {
        let mut unit = someone(&store, BOB, member(BOB)).read().await.unwrap();
        let seen = unit.chats().chat_get(DEEP).await.map_err(Into::into);
        assert_eq!(end(seen), expected);
    };
    // It is so already, and neither its role nor its end changes.
    update(AclExpiry::Keep, 0).await;
    update(AclExpiry::Never, 0).await;
    update(AclExpiry::At(later), 1).await;
    update(AclExpiry::At(later), 0).await;
    reads("+").await;
    store.state().now = later;
    reads("?").await;
    // What has ended begins anew.
    update(AclExpiry::Keep, 1).await;
    reads("+").await;
    update(AclExpiry::At(later + Duration::hours(1)), 1).await;
    update(AclExpiry::Never, 1).await;
    let mut unit = someone(&store, BOB, member(BOB)).read().await.unwrap();
    let listing = unit.chats().chat_acl_get(TALK).await.unwrap();
    assert!(listing.expiry.is_empty());
}

#[tokio::test]
async fn a_change_with_one_bad_part_changes_nothing() {
    let store = store();
    let check = async |id: ChatId, update: ChatUpdate, expected: ChatCallError| {
        let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
        let update = ChatUpdate {
            title: Some("other".to_owned()),
            ..update
        };
        let error = unit.chats().chat_update(id, &update).await.unwrap_err();
        assert_eq!(format!("{error:?}"), format!("{expected:?}"));
        unit.commit().await.unwrap();
        assert!(!store.calls().contains(&"chat_update"));
    };
    let archived = |archived| ChatUpdate {
        archived: Some(archived),
        ..ChatUpdate::default()
    };
    let pinned = |place| ChatUpdate {
        pin_order: Some(place),
        ..ChatUpdate::default()
    };
    let inner = |change| ChatCallError::Inner { change, root: TALK };
    // That it is no root counts before what it is already.
    check(DEEP, archived(false), inner(RootOnly::Archive)).await;
    check(ABOUT, archived(false), Conflict::Already.into()).await;
    check(TALK, archived(true), Conflict::Active.into()).await;
    check(PART, pinned(1), inner(RootOnly::Pin)).await;
    let both = ChatUpdate {
        archived: Some(true),
        ..pinned(1)
    };
    check(ABOUT, both, ChatCallError::ArchivedPin).await;
    for workspace in [WORKSPACE, NO_WORKSPACE] {
        // Bob shares his workspace with a group that Ann is not in.
        let missing = crate::WorkspaceProblem::Missing;
        check(TALK, bound(workspace), ChatCallError::Workspace(missing)).await;
    }
}

/// Says something as Ann, who is in Bob's group, and may work in his workspace.
async fn say(store: &FakeStore, chat: ChatId, busy: BusyBehavior) -> Result<Said, ChatCallError> {
    let ann = member(ANN).groups([GROUP.0]);
    let mut unit = someone(store, ANN, ann).begin().await.unwrap();
    let mut messages = unit.chat_messages();
    let said = messages
        .chat_message_create(chat, &saying(), busy, LEASE)
        .await?;
    unit.commit().await.unwrap();
    Ok(said)
}

#[tokio::test]
async fn what_is_said_is_said_or_waits_as_the_chat_stands() {
    let store = store();
    let waits = |said: &Said| said.queued.is_some();
    let said = say(&store, TALK, BusyBehavior::Queue).await.unwrap();
    assert_eq!(said.message.as_ref().unwrap().content, saying().content);
    assert_eq!(said.turn, said.chat.turn());
    assert!(said.turn.is_some() && !waits(&said));
    // Now it runs.
    let said = say(&store, TALK, BusyBehavior::Queue).await.unwrap();
    assert!(waits(&said) && said.message.is_none() && said.turn.is_none());
    assert_eq!(said.chat.status, ChatStatus::Running);
    let said = say(&store, TALK, BusyBehavior::Interrupt).await.unwrap();
    assert!(waits(&said) && said.turn.is_none());
    assert_eq!(said.chat.status, ChatStatus::Interrupting);
    // What waits where a turn failed is said first.
    let said = say(&store, DEEP, BusyBehavior::Interrupt).await.unwrap();
    assert_eq!(said.message.as_ref().unwrap().content, text("later"));
    assert!(waits(&said) && said.turn.is_some());
    while store.state().chat_queue.len() < usize::try_from(QUEUE_MAX).unwrap() {
        say(&store, PART, BusyBehavior::Queue).await.unwrap();
        let mut state = store.state();
        state.chat_queue.retain(|one| one.chat_id == PART);
    }
    let full = say(&store, PART, BusyBehavior::Queue).await;
    assert!(matches!(full, Err(ChatCallError::QueueFull)), "{full:?}");
    store.state().chat(ABOUT).unwrap().chat.archived = true;
    let away = say(&store, ABOUT, BusyBehavior::Queue).await;
    let archived = matches!(away, Err(ChatCallError::Conflict(Conflict::Archived)));
    assert!(archived, "{away:?}");
}

#[tokio::test]
async fn no_turn_begins_about_a_workspace_that_the_owner_lost() {
    let store = store();
    let ann = someone(&store, ANN, member(ANN));
    let mut unit = ann.begin().await.unwrap();
    let (mut messages, busy) = (unit.chat_messages(), BusyBehavior::Queue);
    let sent = messages
        .chat_message_create(ABOUT, &saying(), busy, LEASE)
        .await;
    assert_eq!(end(sent), "w");
    let promoted = messages.chat_queue_promote(DEEP, LEFT, LEASE).await;
    assert_eq!(end(promoted), "w");
    assert_eq!(end(unit.chats().chat_turn_check(ABOUT).await), "w");
    // What waits does not begin a turn yet, and what stops looking at the workspace goes on.
    store.state().chat(ABOUT).unwrap().chat.status = ChatStatus::Running;
    let mut unit = ann.begin().await.unwrap();
    let (mut messages, busy) = (unit.chat_messages(), BusyBehavior::Queue);
    let sent = messages
        .chat_message_create(ABOUT, &saying(), busy, LEASE)
        .await;
    assert_eq!(end(sent), "+");
    let unbound = ChatUpdate {
        workspace_id: Some(None),
        ..ChatUpdate::default()
    };
    unit.chats().chat_update(DEEP, &unbound).await.unwrap();
    let mut messages = unit.chat_messages();
    let promoted = messages.chat_queue_promote(DEEP, LEFT, LEASE).await;
    assert_eq!(end(promoted), "+");
}

#[tokio::test]
async fn only_what_the_owner_said_and_what_waits_is_found() {
    let store = store();
    let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
    let mut messages = unit.chat_messages();
    for (id, expected) in [
        (MessageId(99), "NoMessage"),
        (MessageId(3), "NoMessage"), // Another chat's.
        (ANSWER, "NotUserMessage"),
    ] {
        let edited = messages
            .chat_message_replace(TALK, id, &saying(), LEASE)
            .await;
        assert_eq!(format!("{:?}", edited.unwrap_err()), expected, "{id}");
    }
    let edited = messages
        .chat_message_replace(TALK, SAID, &saying(), LEASE)
        .await;
    let edited = edited.unwrap();
    assert_eq!(edited.deleted, [SAID, ANSWER]);
    assert!(edited.turn.is_some());
    // What was edited away is found no more.
    let again = messages
        .chat_message_replace(TALK, SAID, &saying(), LEASE)
        .await;
    assert!(matches!(again, Err(ChatCallError::NoMessage)), "{again:?}");
    for (chat, id) in [(PART, QueuedId(99)), (PART, LEFT), (ABOUT, WAITING)] {
        let promoted = messages.chat_queue_promote(chat, id, LEASE).await;
        let missing = matches!(promoted, Err(ChatCallError::NoQueuedMessage));
        assert!(missing, "{promoted:?}");
        let deleted = messages.chat_queue_delete(chat, id).await;
        let missing = matches!(deleted, Err(ChatCallError::NoQueuedMessage));
        assert!(missing, "{deleted:?}");
    }
    let promoted = messages
        .chat_queue_promote(PART, WAITING, LEASE)
        .await
        .unwrap();
    assert!(promoted.message.is_none() && promoted.turn.is_none());
    assert_eq!(promoted.chat.status, ChatStatus::Interrupting);
}

#[tokio::test]
async fn only_ones_own_files_that_no_other_chat_has_are_attached() {
    let store = store();
    let file = |id| ContentPart::File {
        file_id: id,
        mime_type: Some("image/png".to_owned()),
        name: Some("made up".to_owned()),
    };
    let send = async |chat: ChatId, files: &[ChatFileId]| {
        let mut content = text("see");
        content.extend(files.iter().map(|id| file(*id)));
        let (saying, busy) = (
            Saying {
                content,
                model: None,
            },
            BusyBehavior::Queue,
        );
        let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
        let mut messages = unit.chat_messages();
        messages
            .chat_message_create(chat, &saying, busy, LEASE)
            .await
    };
    let nowhere = ChatFileId(Uuid::from_u128(0xdead));
    for (files, expected) in [
        ([LOOSE, nowhere].as_slice(), "Files([2])"),
        (&[BOBS_FILE, nowhere], "Files([1, 2])"),
        (&[nowhere; 51], "TooManyFiles"),
    ] {
        let error = send(TALK, files).await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
    }
    // Another chat has it.
    let error = send(PART, &[FILE]).await.unwrap_err();
    assert_eq!(format!("{error:?}"), "Files([1])");
    let said = send(TALK, &[FILE, LOOSE]).await.unwrap();
    let known = ContentPart::File {
        file_id: LOOSE,
        mime_type: Some("text/plain".to_owned()),
        name: Some("note.txt".to_owned()),
    };
    assert_eq!(said.message.unwrap().content[2], known);
}

#[tokio::test]
async fn a_family_grows_no_deeper_than_it_may() {
    let store = store();
    let make = async |number: u32, parent: ChatId| {
        let new = NewChat {
            id: ChatId(Uuid::from_u128(u128::from(number))),
            parent_chat_id: Some(parent),
            ..new_chat()
        };
        let mut unit = someone(&store, ANN, member(ANN)).begin().await.unwrap();
        let made = unit.chats().chat_create(&new).await?;
        unit.commit().await.unwrap();
        Ok(made)
    };
    let mut leaf = DEEP;
    for depth in 4..=MAX_DEPTH {
        let made: Result<_, ChatCallError> = make(depth, leaf).await;
        let made = made.unwrap();
        assert_eq!(made.root_chat_id, TALK);
        leaf = made.id;
    }
    let deeper = make(99, leaf).await;
    assert!(matches!(deeper, Err(ChatCallError::TooDeep)), "{deeper:?}");
    // Not of others' chats, whether one may read them or not.
    for parent in [BOBS, ChatId(Uuid::from_u128(0xdead))] {
        let expected = if parent == BOBS { "o" } else { "p" };
        assert_eq!(end(make(98, parent).await), expected);
    }
    store.state().chat(ABOUT).unwrap().chat.archived = true;
    assert_eq!(end(make(97, ABOUT).await), "c");
}

#[tokio::test]
async fn what_is_archived_takes_no_message() {
    let store = store();
    store.state().chat(ABOUT).unwrap().chat.archived = true;
    let mut unit = someone(&store, ANN, member(ANN)).read().await.unwrap();
    let asked = unit.chats().chat_send_check(ABOUT, OwnerOnly::Edit).await;
    assert_eq!(end(asked), "c");
    let mut unit = someone(&store, OTTO, admin(OTTO)).read().await.unwrap();
    let asked = unit.chats().chat_send_check(ABOUT, OwnerOnly::Edit).await;
    assert_eq!(end(asked), "o");
}
