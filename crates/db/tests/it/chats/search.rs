//! Search by words: in titles and in what was said, also in sub-chats, and never in what is not for people.

use model::{
    acl::Principal,
    chats::{ChatFilter, ChatSources, MessageRole, NewChat, NewMessage, Visibility},
};

use super::{Scene, answer, own, saying};
use crate::support::{begin, read};

#[tokio::test]
async fn words_are_found_in_titles_and_messages_of_the_family() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let secret = NewMessage {
        role: MessageRole::System,
        visibility: Visibility::Model,
        ..saying("platypus")
    };
    let new = NewChat {
        messages: vec![secret, saying("What is a\nZebra?")],
        ..scene.new_chat(ada, "Animals of Africa")
    };
    let root = super::make(scene.store(), &new).await;
    scene
        .finish(&root, &answer("A horse, \"striped\"\tmostly."))
        .await;
    let child = scene.child(&root, "deeper").await;
    scene.finish(&child, &answer("Wörter über Giraffen")).await;
    let other = scene.quiet(bob, "a zebra of Bob").await;
    let check = async |sources, search: &str, expected: &[&str]| {
        let filter = ChatFilter {
            sources,
            search: Some(search.to_owned()),
            ..own()
        };
        let found = scene.titles(ada, &filter).await;
        assert_eq!(found, expected, "{search}");
    };
    use ChatSources::{Both, Own, Shared};
    let found = &["Animals of Africa"][..];
    for search in [
        "zebra",
        "ZEBRA what",
        "animals",
        "africa animals",
        "striped mostly",
        "deeper",
        "wörter giraffen",
        "zebra?!",
    ] {
        check(Own, search, found).await;
    }
    for search in [
        "platypus",
        "zebr",
        "zebra africa",
        "horse zebra",
        "",
        " ",
        "?!",
    ] {
        check(Own, search, &[]).await;
    }
    // Nothing of others is found before it is shared.
    check(Both, "zebra", found).await;
    scene.share(other.id, &[Principal::User(ada)]).await;
    check(Both, "zebra", &["a zebra of Bob", "Animals of Africa"]).await;
    check(Shared, "zebra", &["a zebra of Bob"]).await;
    check(Own, "zebra", found).await;
    // Nor what was edited away.
    let from = scene.messages(root.id).await[0].id;
    let mut unit = begin(scene.store()).await;
    unit.chat_message_replace(root.id, from, &saying("a lion"), scene.lease)
        .await
        .unwrap();
    unit.commit().await.unwrap();
    check(Own, "zebra", &[]).await;
    check(Own, "lion", found).await;
}

#[tokio::test]
async fn only_what_may_be_read_is_searched() {
    let scene = Scene::new().await;
    let (ada, bob) = (scene.team.ada, scene.team.bob);
    let root = scene.quiet(ada, "Animals").await;
    let child = scene.child(&root, "deeper").await;
    scene.finish(&child, &answer("a giraffe")).await;
    scene.share(root.id, &[Principal::User(bob)]).await;
    let only = |chat: &model::chats::Chat| rbac::Visibility::IdIn(vec![chat.id.0]);
    let both = || rbac::Visibility::IdIn(vec![root.id.0, child.id.0]);
    for (viewer, sources) in [(ada, ChatSources::Own), (bob, ChatSources::Shared)] {
        for (search, visible, found) in [
            ("animals", only(&root), 1),
            ("giraffe", only(&root), 0),
            ("deeper", only(&root), 0),
            ("giraffe", both(), 1),
            ("deeper", both(), 1),
            ("giraffe", only(&child), 0),
        ] {
            let filter = ChatFilter {
                sources,
                search: Some(search.to_owned()),
                ..own()
            };
            let mut unit = read(scene.store()).await;
            let page = unit.chat_list(&filter, viewer, &visible).await.unwrap();
            assert_eq!(page.chats.len(), found, "{search} {visible:?}");
        }
    }
}
