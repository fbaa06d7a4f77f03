//! Whom what happens concerns, and who need not be asked.

use chrono::TimeDelta;
use model::{
    ChatId, GroupId,
    acl::Principal,
    chats::{Chat, ChatRole},
    groups::GroupMember,
};
use uuid::Uuid;

use super::{super::known::Known, World, next, told};
use crate::{
    WatchKind,
    feed::tests::world::{CHAT, ORG, OTHER, OWNER, READER},
};

/// Whom a change of an ACL cannot concern asks the database nothing.
#[tokio::test]
async fn a_change_of_an_acl_is_read_once_and_by_those_whom_it_concerns() {
    use WatchKind::{AclChange, Created, Granted, Revoked, TitleChange};
    let world = World::new();
    world.store.state().group_members = vec![GroupMember {
        group_id: GroupId(Uuid::from_u128(0x9)),
        organization_id: ORG,
        user_id: OTHER,
        username: "cem".parse().unwrap(),
        name: String::new(),
        email: String::new(),
    }];
    let mut owner = world.watch(OWNER).await;
    let mut reader = world.watch(READER).await;
    let mut strangers = Vec::new();
    for _ in 0..20 {
        strangers.push(world.watch(OTHER).await);
    }
    world.set(|_| {});
    told(&mut owner, Created, true).await;
    let reads = || {
        let calls = world.store.calls();
        let reads = ["chat_get", "chat_shared_list"];
        calls.iter().filter(|name| reads.contains(*name)).count()
    };
    // Of this the strangers are told, each by one read of theirs.
    let theirs = ChatId(Uuid::from_u128(0x7e));
    {
        let mut state = world.store.state();
        let mut made = state.chats[0].clone();
        (made.chat.id, made.chat.root_chat_id) = (theirs, theirs);
        made.chat.owner_id = OTHER;
        state.chats.push(made);
    }
    for (with, kind, theirs_is) in [
        (&[READER][..], Granted, Created),
        (&[], Revoked, TitleChange),
    ] {
        let before = reads();
        world.share(with);
        told(&mut owner, AclChange, true).await;
        told(&mut reader, kind, kind == Granted).await;
        // Who is told of something later has done with what was before.
        world.store.state().chats[1].chat.title.push('!');
        world.notices.changed(theirs);
        for stranger in &mut strangers {
            let event = next(stranger).await.unwrap();
            assert_eq!((event.kind, event.chat_id), (theirs_is, theirs));
        }
        let before = before + 1 + strangers.len();
        // The root once, the owner once, and the one whom it concerns: twice when they compare, and once more what is new.
        let asked = reads() - before;
        assert!(asked <= 5, "{asked} reads");
    }
    // What is shared with a group concerns its members.
    let group = Principal::Group(GroupId(Uuid::from_u128(0x9)));
    world.store.state().chats[0].acl = [(group, ChatRole::Read)].into_iter().collect();
    world.notices.shared(CHAT);
    told(&mut owner, AclChange, true).await;
    for stranger in &mut strangers {
        told(stranger, Granted, true).await;
    }
    world.share(&[]);
    for stranger in &mut strangers {
        told(stranger, Revoked, false).await;
    }
}

/// Whatever this server's clock says: what is new is told by the one that notes when chats are made.
#[tokio::test]
async fn clocks_need_not_agree() {
    use WatchKind::{Created, StatusChange, TitleChange};
    for ahead in [TimeDelta::days(-1), TimeDelta::days(1)] {
        let check = async |made: TimeDelta, expected: &[WatchKind]| {
            let world = World::new();
            world.store.state().now += ahead;
            let mut owner = world.watch(OWNER).await;
            world.set(|found| found.chat.created_at += made);
            for kind in expected {
                told(&mut owner, *kind, true).await;
            }
        };
        check(TimeDelta::minutes(-1), &[TitleChange, StatusChange]).await;
        check(TimeDelta::minutes(1), &[Created]).await;
    }
}

/// Of a chat that is gone a key is told if it lets its holder read that chat.
#[tokio::test]
async fn a_key_is_told_the_end_of_what_it_lets_read() {
    let world = World::new();
    world.set(|_| {});
    world.share(&[READER]);
    let found = world.store.state().chats[0].chat.clone();
    let mut child = found.clone();
    child.id = ChatId(Uuid::from_u128(0xc1));
    child.parent_chat_id = Some(CHAT);
    let named = |chat: &Chat| format!("chat:{}", chat.id);
    let (root_only, child_only) = (named(&found), named(&child));
    let check = async |user, scope: &str, allowed: &str, root: bool, part: bool| {
        for (chat, expected) in [(&child, part), (&found, root)] {
            let mut watch = world.through(user, &[scope], &[allowed]).await;
            let event = watch.gone(chat.id, Some(&Known::of(chat)));
            let told = event.map(|event| (event.kind, event.chat_id));
            let expected = expected.then_some((WatchKind::Deleted, chat.id));
            assert_eq!(told, expected, "{user} {scope} {allowed}");
        }
    };
    for user in [OWNER, READER] {
        check(user, "chat:read", "*:*", true, true).await;
        check(user, "chat:read", &root_only, true, false).await;
        check(user, "group:read", "*:*", false, false).await;
    }
    check(OWNER, "chat:read", &child_only, false, true).await;
    check(OTHER, "chat:read", "*:*", false, false).await;
}
