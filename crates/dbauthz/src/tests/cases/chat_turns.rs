//! Calls and checks of what the program itself does with chats.

use std::sync::Arc;

use chrono::DateTime;
use model::{
    ChatId,
    chats::{ChatPart, ContentPart, TurnEnd},
};
use rbac::{
    Action::{Delete, Read, Share, Update},
    Object, ResourceType,
};
use store::chat_turns::Noted;

use super::{Case, allow, case, chats::it};
use crate::{
    Authorized,
    fake::FakeStore,
    tests::{
        chat_world::{LEASE, PART, TALK, TOKEN, TURN},
        world::{ANN, BOB, actor},
    },
};

fn one(id: ChatId) -> Object {
    Object::new(ResourceType::Chat).id(id.0)
}

fn parts() -> [ChatPart; 1] {
    let text = "so".to_owned();
    [ChatPart {
        seq: 0,
        part: ContentPart::Text { text },
    }]
}

fn end() -> TurnEnd {
    TurnEnd {
        content: Vec::new(),
        model: None,
        usage: None,
        usage_event_id: None,
        error: None,
    }
}

pub(super) fn chat_turns() -> Vec<Case> {
    let all = || Object::new(ResourceType::Chat);
    let part = || [allow(Update, one(PART))];
    let mut cases = vec![
        case!(system "chat_turn_get", u => u.chat_turns().chat_turn_get(PART, LEASE), part()),
        case!(system "chat_turn_key_get", u => u.chat_turns().chat_turn_key_get(PART, LEASE), part()),
        case!(
            system "chat_turn_standing_list",
            u => u.chat_turns().chat_turn_standing_list(&[TURN], LEASE),
            [allow(Update, all())]
        ),
        case!(
            system "chat_parts_append",
            u => u.chat_turns().chat_parts_append(TURN, &parts()),
            part()
        ),
        case!(
            system "chat_turn_finish",
            u => u.chat_turns().chat_turn_finish(TURN, LEASE, &end()),
            part()
        ),
        case!(
            system "chat_turn_lapsed_list",
            u => u.chat_turns().chat_turn_lapsed_list(None, 1),
            [allow(Update, all())]
        ),
        case!(
            system "chat_turn_sweep",
            u => u.chat_turns().chat_turn_sweep(PART, Noted::Kept),
            part()
        ),
        case!(
            system "chat_readable_by",
            u => async {
                let authorized = Authorized::new(Arc::new(FakeStore::default()));
                let ann = authorized.as_actor(actor(ANN, &[]));
                u.chat_viewers().chat_readable_by(TALK, &[&ann]).await
            },
            [allow(Read, it(TALK))]
        ),
        case!(
            system "chat_acl_look",
            u => u.chat_viewers().chat_acl_look(TALK),
            [allow(Read, it(TALK))]
        ),
        case!(
            system "chat_turn_follow_list",
            u => u.chat_viewers().chat_turn_follow_list(&[]),
            [allow(Read, all())]
        ),
        case!(system "chat_clock_get", u => u.chat_viewers().chat_clock_get(), [
            allow(Read, all()),
        ]),
        case!(
            system "chat_file_download_get",
            u => u.chat_viewers().chat_file_download_get(&TOKEN, DateTime::UNIX_EPOCH),
            [allow(Read, Object::api_key(None, BOB.0))]
        ),
    ];
    cases.extend(upkeep());
    cases
}

fn upkeep() -> Vec<Case> {
    let all = || Object::new(ResourceType::Chat);
    vec![
        case!(
            system "chat_archive_old",
            u => u.chat_upkeep().chat_archive_old(DateTime::UNIX_EPOCH, 1),
            [allow(Update, all())]
        ),
        case!(system "chat_purge", u => u.chat_upkeep().chat_purge(DateTime::UNIX_EPOCH, 1), [
            allow(Delete, all()),
        ]),
        case!(system "chat_acl_prune", u => u.chat_upkeep().chat_acl_prune(1), [
            allow(Share, all()),
        ]),
        case!(system "chat_viewer_prune", u => u.chat_upkeep().chat_viewer_prune(None, 1), [
            allow(Update, all()),
        ]),
        case!(
            system "chat_file_prune",
            u => u.chat_upkeep().chat_file_prune(DateTime::UNIX_EPOCH, 1),
            [allow(Delete, Object::new(ResourceType::ChatFile))]
        ),
    ]
}
