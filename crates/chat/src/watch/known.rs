//! What was last known of chats, and what their changes are called. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use model::{
    ChatId, OrganizationId, UserId,
    chats::{Chat, ChatStatus},
};

use crate::WatchKind;

/// How long a chat may be under way from the moment that it is made as of until others can hear of it.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(1);

/// What is known of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) owner: UserId,
    pub(super) root: ChatId,
    pub(super) organization: OrganizationId,
    pub(super) status: ChatStatus,
    title: String,
    archived: bool,
}

impl Known {
    pub(super) fn of(chat: &Chat) -> Self {
        Self {
            owner: chat.owner_id,
            root: chat.root_chat_id,
            organization: chat.organization_id,
            status: chat.status,
            title: chat.title.clone(),
            archived: chat.archived,
        }
    }

    /// What has happened to a chat of which this was known. Everything that happened since `since` was heard, by the clock
    /// that notes when chats are made; `None` while that is being found out.
    pub(super) fn changes(
        before: Option<&Self>,
        chat: &Chat,
        since: Option<DateTime<Utc>>,
    ) -> Vec<WatchKind> {
        let Some(before) = before else {
            return Self::first(chat, since);
        };
        if before.archived != chat.archived {
            return vec![Self::appears(chat)];
        }
        let mut changes = Vec::new();
        changes.extend((before.title != chat.title).then_some(WatchKind::TitleChange));
        changes.extend((before.status != chat.status).then_some(WatchKind::StatusChange));
        changes
    }

    /// Nothing was known: it is new if it was made while it was listened, however late that is heard. Otherwise whoever
    /// watches has it in their list, and everything about it may be new.
    fn first(chat: &Chat, since: Option<DateTime<Utc>>) -> Vec<WatchKind> {
        let made = since.is_some_and(|since| chat.created_at >= since - UNDER_WAY);
        if chat.archived || made {
            vec![Self::appears(chat)]
        } else {
            vec![WatchKind::TitleChange, WatchKind::StatusChange]
        }
    }

    const fn appears(chat: &Chat) -> WatchKind {
        if chat.archived {
            WatchKind::Deleted
        } else {
            WatchKind::Created
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::world::chat;
    use WatchKind::{Created, Deleted, StatusChange, TitleChange};

    #[test]
    fn changes_have_their_names() {
        let chat = chat();
        let now = chat.created_at;
        let (later, before) = (now + TimeDelta::seconds(2), now - TimeDelta::hours(1));
        let check =
            |known: Option<&Known>, since, change: fn(&mut Chat), expected: &[WatchKind]| {
                let mut changed = chat.clone();
                change(&mut changed);
                assert_eq!(Known::changes(known, &changed, since), expected);
            };
        let known = Known::of(&chat);
        let archive = |chat: &mut Chat| chat.archived = true;
        let [now, later, before] = [now, later, before].map(Some);
        check(None, None, |_| {}, &[TitleChange, StatusChange]);
        check(None, now, |_| {}, &[Created]);
        check(None, before, |_| {}, &[Created]);
        check(None, later, |_| {}, &[TitleChange, StatusChange]);
        check(None, later, archive, &[Deleted]);
        check(Some(&known), now, |_| {}, &[]);
        check(
            Some(&known),
            now,
            |chat| chat.title.push('!'),
            &[TitleChange],
        );
        check(
            Some(&known),
            now,
            |chat| chat.status = ChatStatus::Error,
            &[StatusChange],
        );
        check(Some(&known), now, archive, &[Deleted]);
        let put_away = Known {
            archived: true,
            ..known
        };
        check(Some(&put_away), now, |_| {}, &[Created]);
    }
}
