//! Search by words: in titles and in what was said, also in sub-chats, and never in what is not for people.

use model::{
    acl::Principal,
    chats::{ChatFilter, ChatSources, MessageRole, NewChat, NewMessage, Visibility},
};

use super::{Scene, answer, own, saying};
use crate::support::begin;

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
