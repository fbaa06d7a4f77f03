//! Lists: whose chats, in which order, page by page while things change.

use std::collections::BTreeMap;

use model::{
    ChatId, UserId,
    acl::Principal,
    chats::{ChatCursor, ChatFilter, ChatSources, ChatUpdate, NewChat, ViewerUpdate},
};
use rbac::{Action, Visibility};

use super::{Scene, answer, make, others, own};
use crate::support::{begin, read};

pub(super) async fn look(scene: &Scene, viewer: UserId, id: ChatId, update: ViewerUpdate) {
    let mut unit = begin(scene.store()).await;
    unit.chat_viewer_update(id, viewer, &update).await.unwrap();
    unit.commit().await.unwrap();
}

pub(super) async fn pin(scene: &Scene, viewer: UserId, id: ChatId, place: u32) {
    let update = ViewerUpdate {
        pin_order: Some(place),
        ..ViewerUpdate::default()
    };
    look(scene, viewer, id, update).await;
}

#[tokio::test]
async fn sources_are_ones_own_and_what_others_share() {
    let scene = Scene::new().await;
    let team = &scene.team;
    let mine = scene.quiet(team.ada, "mine").await;
    let theirs = scene.quiet(team.bob, "theirs").await;
    let _private = scene.quiet(team.bob, "private").await;
    let child = scene.child(&theirs, "child").await;
    scene.share(mine.id, &[Principal::User(team.bob)]).await;
    scene
        .share(theirs.id, &[Principal::Group(team.acme.everyone())])
        .await;
    let both = ChatFilter {
        sources: ChatSources::Both,
        ..own()
    };
    assert_eq!(scene.titles(team.ada, &own()).await, ["mine"]);
    assert_eq!(scene.titles(team.ada, &others()).await, ["theirs"]);
    assert_eq!(scene.titles(team.ada, &both).await, ["theirs", "mine"]);
    assert_eq!(scene.titles(team.bob, &own()).await, ["theirs", "private"]);
    assert_eq!(scene.titles(team.joe, &both).await, [""; 0]);
    let page = scene.list(team.ada, &others()).await;
    let [family] = page.chats.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(
        family.children.iter().map(|one| one.id).collect::<Vec<_>>(),
        [child.id]
    );
    assert!(family.root.shared && family.root.has_unread && !page.has_more);
    assert_eq!(family.root.owner_username.as_str(), "bob");
    // The visibility holds besides.
    let mut unit = read(scene.store()).await;
    for (visible, expected) in [
        (Visibility::None, 0),
        (Visibility::OwnerIs(team.ada.0), 1),
        (
            Visibility::UserAcl {
                user: team.ada.0,
                action: Action::Read,
            },
            0,
        ),
        (Visibility::IdIn(vec![theirs.id.0]), 1),
    ] {
        let page = unit.chat_list(&both, team.ada, &visible).await.unwrap();
        assert_eq!(page.chats.len(), expected, "{visible:?}");
    }
}

#[tokio::test]
async fn what_a_viewer_has_read_keeps_on_top_or_hides_is_the_viewers_own() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let chat = scene.quiet(ada, "chat").await;
    scene.share(chat.id, &[Principal::User(bob)]).await;
    let last = scene.messages(chat.id).await.last().unwrap().id;
    let unread = |yes| ChatFilter {
        has_unread: Some(yes),
        ..own()
    };
    assert!(scene.seen_by(ada, chat.id).await.has_unread);
    assert!(!scene.get(chat.id).await.has_unread, "nobody looks");
    assert_eq!(scene.titles(ada, &unread(true)).await, ["chat"]);
    let read_it = |id| ViewerUpdate {
        last_read: Some(id),
        ..ViewerUpdate::default()
    };
    look(&scene, ada, chat.id, read_it(last)).await;
    // It never goes back.
    look(&scene, ada, chat.id, read_it(model::chats::MessageId(1))).await;
    assert!(!scene.seen_by(ada, chat.id).await.has_unread);
    assert_eq!(scene.titles(ada, &unread(true)).await, [""; 0]);
    assert_eq!(scene.titles(ada, &unread(false)).await, ["chat"]);
    assert!(
        scene.seen_by(bob, chat.id).await.has_unread,
        "bob has not read it"
    );

    let hide = |hidden| ViewerUpdate {
        hidden: Some(hidden),
        ..ViewerUpdate::default()
    };
    look(&scene, bob, chat.id, hide(true)).await;
    pin(&scene, bob, chat.id, 1).await;
    assert_eq!(scene.titles(bob, &others()).await, [""; 0]);
    let all = ChatFilter {
        with_hidden: true,
        ..others()
    };
    assert_eq!(scene.titles(bob, &all).await, ["chat"]);
    let seen = scene.seen_by(bob, chat.id).await;
    assert_eq!((seen.hidden, seen.pin_order), (true, 1));
    let seen = scene.seen_by(ada, chat.id).await;
    assert_eq!((seen.hidden, seen.pin_order), (false, 0));
    // The owner hides nothing from themself.
    look(&scene, ada, chat.id, hide(true)).await;
    assert_eq!(scene.titles(ada, &own()).await, ["chat"]);
    assert!(!scene.seen_by(ada, chat.id).await.hidden);
    look(&scene, bob, chat.id, hide(false)).await;
    assert_eq!(scene.titles(bob, &others()).await, ["chat"]);
}

#[tokio::test]
async fn labels_titles_and_what_is_archived_narrow_a_list() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let label = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    for (title, labels) in [
        ("Red plan", label(&[("a", "b"), ("c", "d")])),
        ("blue PLAN", label(&[("a", "b")])),
        ("100%", label(&[("a", "x")])),
    ] {
        let new = NewChat {
            labels,
            ..scene.new_chat(ada, title)
        };
        let chat = make(scene.store(), &new).await;
        scene.finish(&chat, &answer("yes")).await;
    }
    let check = async |change: &dyn Fn(&mut ChatFilter), expected: &[&str]| {
        let mut filter = own();
        change(&mut filter);
        assert_eq!(scene.titles(ada, &filter).await, expected, "{filter:?}");
    };
    check(&|_| {}, &["100%", "blue PLAN", "Red plan"]).await;
    check(
        &|f| f.title = Some("plan".to_owned()),
        &["blue PLAN", "Red plan"],
    )
    .await;
    check(&|f| f.title = Some("%".to_owned()), &["100%"]).await;
    check(
        &|f| f.labels = label(&[("a", "b")]),
        &["blue PLAN", "Red plan"],
    )
    .await;
    check(
        &|f| f.labels = label(&[("a", "b"), ("c", "d")]),
        &["Red plan"],
    )
    .await;
    check(&|f| f.labels = label(&[("a", "d")]), &[]).await;
    check(&|f| f.limit = 1, &["100%"]).await;
    check(&|f| f.offset = 2, &["Red plan"]).await;
    let red = scene.list(ada, &own()).await.chats.pop().unwrap().root;
    scene.archive(red.id, true).await;
    check(&|_| {}, &["100%", "blue PLAN"]).await;
    check(&|f| f.archived = true, &["Red plan"]).await;
    scene.archive(red.id, false).await;
    check(&|_| {}, &["Red plan", "100%", "blue PLAN"]).await;
}

/// Reads all pages of two, changing something in between.
async fn paged(
    scene: &Scene,
    viewer: UserId,
    filter: &ChatFilter,
    by_id: bool,
    mut between: impl AsyncFnMut(usize),
) -> Vec<String> {
    let mut filter = ChatFilter {
        limit: 2,
        ..filter.clone()
    };
    let mut titles = Vec::new();
    for turn in 0.. {
        let page = scene.list(viewer, &filter).await;
        titles.extend(page.chats.iter().map(|one| one.root.title.clone()));
        let last = page.chats.last().map(|one| &one.root);
        assert!(turn < 20);
        let Some(last) = last.filter(|_| page.has_more) else {
            break;
        };
        if by_id {
            filter.after_id = Some(last.id);
        } else {
            filter.after = Some(ChatCursor::of(last));
        }
        between(turn).await;
    }
    titles
}

#[tokio::test]
async fn pages_show_every_row_once_while_rows_change() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let mut made = Vec::new();
    for number in 0..9 {
        let owner = if number % 2 == 0 { ada } else { bob };
        let chat = scene.quiet(owner, &format!("c{number}")).await;
        scene
            .share(chat.id, &[Principal::Group(scene.team.acme.everyone())])
            .await;
        made.push(chat);
    }
    for (id, viewer) in [(2, ada), (6, ada), (1, ada), (7, ada)] {
        pin(&scene, viewer, made[id].id, 1).await;
    }
    let both = ChatFilter {
        sources: ChatSources::Both,
        ..own()
    };
    let own_order = ["c2", "c6", "c8", "c4", "c0"];
    let shared_order = ["c1", "c7", "c5", "c3"];
    let nothing = async |_| {};
    for by_id in [false, true] {
        let check = async |filter: &ChatFilter| paged(&scene, ada, filter, by_id, nothing).await;
        assert_eq!(check(&own()).await, own_order);
        assert_eq!(check(&others()).await, shared_order);
        let all = check(&both).await;
        assert_eq!(all[4..], ["c8", "c5", "c4", "c3", "c0"]);
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((all.len(), sorted.len()), (9, 9));
    }
    // Between the pages what was seen changes, goes, or is archived: the rest comes once nonetheless.
    let titles = paged(&scene, ada, &both, false, async |turn| match turn {
        0 => {
            let update = ChatUpdate {
                title: Some("c2 again".to_owned()),
                ..ChatUpdate::default()
            };
            scene.update(made[2].id, &update).await;
        }
        1 => scene.archive(made[6].id, true).await,
        2 => {
            let gone = format!(
                "BEGIN; SELECT set_config('bursar.actor_name', 'test', true); \
                 DELETE FROM chats WHERE id = '{}'; COMMIT",
                made[8].id
            );
            scene.client().await.batch_execute(&gone).await.unwrap();
        }
        _ => {}
    })
    .await;
    for chat in [3, 5, 4, 0] {
        let title = format!("c{chat}");
        assert_eq!(
            titles.iter().filter(|one| **one == title).count(),
            1,
            "{titles:?}"
        );
    }
    let mut once = titles.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), titles.len(), "{titles:?}");
}

#[tokio::test]
async fn what_is_gone_or_not_to_be_seen_is_no_place() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    scene.quiet(ada, "hers").await;
    let his = scene.quiet(bob, "his").await;
    let mut filter = own();
    filter.after_id = Some(ChatId(crate::support::id()));
    assert_eq!(scene.titles(ada, &filter).await, [""; 0]);
    filter.after_id = Some(his.id);
    let mut unit = read(scene.store()).await;
    let own_only = Visibility::OwnerIs(ada.0);
    let page = unit.chat_list(&filter, ada, &own_only).await.unwrap();
    assert_eq!(page.chats, []);
}

#[tokio::test]
async fn the_newest_readable_chat_of_each_workspace_is_found() {
    let scene = Scene::new().await;
    let (ada, bob, plans) = (scene.team.ada, scene.team.bob, scene.team.plans);
    let mut made = Vec::new();
    for owner in [ada, bob] {
        let new = NewChat {
            workspace_id: Some(plans),
            ..scene.new_chat(owner, "about plans")
        };
        made.push(make(scene.store(), &new).await.id);
    }
    let other = model::WorkspaceId(crate::support::id());
    let mut unit = read(scene.store()).await;
    for (visible, expected) in [
        (Visibility::All, vec![(plans, made[1])]),
        (Visibility::OwnerIs(ada.0), vec![(plans, made[0])]),
        (Visibility::None, vec![]),
    ] {
        let found = unit.chat_list_by_workspace(&[other, plans], &visible).await;
        assert_eq!(found.unwrap(), expected);
    }
    assert_eq!(
        unit.chat_list_by_workspace(&[], &Visibility::All)
            .await
            .unwrap(),
        []
    );
}
