//! Turns that are followed from other servers: what is new in all of them, by one statement.

use model::{
    ChatId,
    chats::{Chat, ChatPart, ContentPart, TurnKey},
};
use store::chat_turns::{FollowedNews, FollowedTurn};

use super::{Scene, answer, saying};
use crate::support::{begin, id, read};

fn part(seq: i32) -> ChatPart {
    let text = format!("word {seq}");
    ChatPart {
        seq,
        part: ContentPart::Text { text },
    }
}

const fn followed(chat: &Chat, turn: TurnKey, parts: i32) -> FollowedTurn {
    FollowedTurn {
        turn,
        snapshot: chat.versions.snapshot,
        parts,
    }
}

impl Scene {
    async fn followed(&self, turns: &[FollowedTurn]) -> Vec<FollowedNews> {
        let mut unit = read(self.store()).await;
        let mut news = unit.chat_turn_follow_list(turns).await.unwrap();
        let place = |one: &FollowedNews| turns.iter().position(|t| t.turn.chat_id == one.chat_id);
        news.sort_by_key(place);
        news
    }

    async fn noted(&self, turn: TurnKey, seqs: std::ops::Range<i32>) {
        let mut unit = begin(self.store()).await;
        let parts: Vec<_> = seqs.map(part).collect();
        assert!(unit.chat_parts_append(turn, &parts).await.unwrap());
        unit.commit().await.unwrap();
    }
}

#[tokio::test]
async fn only_what_is_new_is_told_of_turns_that_are_followed() {
    let scene = Scene::new().await;
    let ada = scene.team.ada;
    let (one, two) = (scene.chat(ada, "one").await, scene.chat(ada, "two").await);
    let (first, second) = (one.turn().unwrap(), two.turn().unwrap());
    let both = |seen: i32| [followed(&one, first, seen), followed(&two, second, seen)];
    assert_eq!(scene.followed(&both(0)).await, []);
    assert_eq!(scene.followed(&[]).await, []);
    scene.noted(first, 0..3).await;
    let said = |chat_id: ChatId, changed, parts: std::ops::Range<i32>| FollowedNews {
        chat_id,
        changed,
        parts: parts.map(part).collect(),
    };
    assert_eq!(scene.followed(&both(0)).await, [said(one.id, false, 0..3)]);
    assert_eq!(scene.followed(&both(2)).await, [said(one.id, false, 2..3)]);
    assert_eq!(scene.followed(&both(3)).await, []);
    // Another attempt's parts are none of this one's.
    let other = TurnKey {
        attempt: first.attempt + 1,
        ..first
    };
    assert_eq!(scene.followed(&[followed(&one, other, 0)]).await, []);
    // What else happens is told as a change, which is read otherwise.
    let mut unit = begin(scene.store()).await;
    unit.chat_queue_create(two.id, &saying("wait"))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    scene.finish(&one, &answer("words")).await;
    let gone = FollowedTurn {
        turn: TurnKey {
            chat_id: ChatId(id()),
            ..first
        },
        snapshot: 1,
        parts: 0,
    };
    let [first, second] = both(0);
    let changed = |chat_id| said(chat_id, true, 0..0);
    assert_eq!(
        scene.followed(&[first, second, gone]).await,
        [one.id, two.id, gone.turn.chat_id].map(changed)
    );
}

/// What is told as new is found by the clock that notes when chats are made.
#[tokio::test]
async fn the_clock_is_the_one_by_which_chats_are_made() {
    let scene = Scene::new().await;
    let clock = async || read(scene.store()).await.chat_clock_get().await.unwrap();
    let before = clock().await;
    let made = scene.chat(scene.team.ada, "one").await.created_at;
    let after = clock().await;
    assert!(before <= made && made <= after, "{before} {made} {after}");
}

#[tokio::test]
async fn many_turns_are_followed_by_one_statement() {
    let scene = Scene::new().await;
    let chat = scene.chat(scene.team.ada, "one").await;
    let turn = chat.turn().unwrap();
    scene.noted(turn, 0..2).await;
    let gone = |_| FollowedTurn {
        turn: TurnKey {
            chat_id: ChatId(id()),
            ..turn
        },
        ..followed(&chat, turn, 0)
    };
    let mut many: Vec<FollowedTurn> = (0..2_000).map(gone).collect();
    many.push(followed(&chat, turn, 1));
    let news = scene.followed(&many).await;
    assert_eq!(news.len(), many.len());
    let last = news.last().unwrap();
    assert_eq!(
        (last.changed, last.parts.as_slice()),
        (false, &[part(1)][..])
    );
}
