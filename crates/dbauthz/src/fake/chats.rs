//! The fake's chats and their ACLs. It knows no places on top and no words to search for.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatId, UserId, WorkspaceId,
    acl::{Acl, AclDiff, AclRole, Principal},
    chats::{
        AclExpiry, Chat, ChatAccess, ChatFilter, ChatPage, ChatRole, ChatSources, ChatStatus,
        ChatUpdate, ChatVersions, NewChat, ViewerUpdate, query::ChatFamily,
    },
};
use rbac::Visibility;
use store::{
    StoreError, StoreResult,
    chats::{ChatRead, ChatWrite, ViewerPlace},
};

use super::FakeUnit;
use crate::{ChatSharing, chats::object};

/// The number of rows.
fn count<T>(rows: &[T]) -> u64 {
    rows.len().try_into().unwrap_or(u64::MAX)
}

#[async_trait]
impl ChatRead for FakeUnit {
    async fn chat_get(
        &mut self,
        id: ChatId,
        viewer: Option<UserId>,
    ) -> StoreResult<Option<ChatAccess>> {
        Ok(self.call("chat_get").chat_for(id, viewer))
    }

    async fn chat_list(
        &mut self,
        filter: &ChatFilter,
        viewer: UserId,
        visibility: &Visibility,
    ) -> StoreResult<ChatPage> {
        let state = self.call("chat_list");
        let ids: Vec<_> = state.chats.iter().map(|one| one.chat.id).collect();
        let find = |id: ChatId| state.chat_for(id, Some(viewer));
        let wanted = |found: &ChatAccess| {
            let own = found.chat.owner_id == viewer;
            let shared = state.chat_is_shared_with(found, viewer);
            let wanted = match filter.sources {
                ChatSources::Own => own,
                ChatSources::Shared => shared,
                ChatSources::Both => own || shared,
            };
            let shown = object(found, ChatSharing::ByOrganization);
            found.chat.root()
                && wanted
                && found.chat.archived == filter.archived
                && (filter.with_hidden || !found.chat.hidden)
                && visibility.matches(&shown)
        };
        let roots = ids.iter().filter_map(|id| find(*id)).filter(wanted);
        let family = |root: ChatAccess| {
            let children = state.family(root.chat.id).into_iter();
            let children = children.filter(|id| *id != root.chat.id);
            let children = children.filter_map(find).map(|child| child.chat);
            ChatFamily {
                children: children.collect(),
                root: root.chat,
            }
        };
        Ok(ChatPage {
            chats: roots.map(family).collect(),
            has_more: false,
        })
    }

    async fn chat_child_list(&mut self, root: ChatId, viewer: UserId) -> StoreResult<Vec<Chat>> {
        let state = self.call("chat_child_list");
        let family = state.family(root).into_iter().filter(|id| *id != root);
        let children = family.filter_map(|id| state.chat_for(id, Some(viewer)));
        Ok(children.map(|found| found.chat).collect())
    }

    async fn chat_list_by_workspace(
        &mut self,
        workspaces: &[WorkspaceId],
        visibility: &Visibility,
    ) -> StoreResult<Vec<(WorkspaceId, ChatId)>> {
        let state = self.call("chat_list_by_workspace");
        let newest = |workspace: &WorkspaceId| {
            let chats = state.chats.iter().map(|one| one.chat.id);
            let found = chats.filter_map(|id| state.chat_for(id, None));
            let found = found.filter(|found| {
                let shown = object(found, ChatSharing::ByOrganization);
                found.chat.workspace_id == Some(*workspace) && visibility.matches(&shown)
            });
            let newest = found.max_by_key(|found| (found.chat.created_at, found.chat.id))?;
            Some((*workspace, newest.chat.id))
        };
        Ok(workspaces.iter().filter_map(newest).collect())
    }

    async fn chat_shared_list(
        &mut self,
        viewer: UserId,
        visibility: &Visibility,
    ) -> StoreResult<Vec<ChatId>> {
        let state = self.call("chat_shared_list");
        let shared = |found: &ChatAccess| {
            let shown = object(found, ChatSharing::ByOrganization);
            found.chat.root()
                && state.chat_is_shared_with(found, viewer)
                && visibility.matches(&shown)
        };
        let chats = state.chats.iter().map(|one| one.chat.id);
        let found = chats.filter_map(|id| state.chat_for(id, Some(viewer)));
        let mut ids: Vec<_> = found.filter(shared).map(|found| found.chat.id).collect();
        ids.sort();
        Ok(ids)
    }

    async fn chat_acl_expiry_list(
        &mut self,
        root: ChatId,
    ) -> StoreResult<Vec<(Principal, DateTime<Utc>)>> {
        let ends = self.call("chat_acl_expiry_list").chat_acl_ends.iter();
        let ends = ends.filter(|((id, _), _)| *id == root);
        Ok(ends.map(|((_, principal), at)| (*principal, *at)).collect())
    }
}

#[async_trait]
impl ChatWrite for FakeUnit {
    async fn chat_create(&mut self, new: &NewChat) -> StoreResult<Chat> {
        let state = self.call("chat_create");
        let mut users = state.users.iter();
        let owner = users.find(|user| user.id == new.owner_id);
        let owner = owner.ok_or_else(|| StoreError::Refused("no such owner".to_owned()))?;
        let parent = new.parent_chat_id.and_then(|id| state.chat_for(id, None));
        let root = parent.map_or(new.id, |parent| parent.chat.root_chat_id);
        let chat = Chat {
            id: new.id,
            organization_id: new.organization_id,
            owner_id: new.owner_id,
            owner_username: owner.username.clone(),
            owner_name: owner.name.clone(),
            workspace_id: new.workspace_id,
            parent_chat_id: new.parent_chat_id,
            root_chat_id: root,
            title: new.title.clone(),
            model: new.model.clone(),
            client_type: new.client_type,
            labels: new.labels.clone(),
            archived: false,
            pin_order: 0,
            status: ChatStatus::Waiting,
            last_error: None,
            shared: false,
            has_unread: false,
            hidden: false,
            versions: ChatVersions::default(),
            created_at: state.now,
            updated_at: state.now,
        };
        state.chats.push(ChatAccess {
            chat,
            acl: Acl::default(),
            sharing: true,
        });
        for message in &new.messages {
            state.chat_says(new.id, message, None)?;
        }
        state.chat_turn_begins(new.id, new.lease_id)?;
        let made = state.chat_for(new.id, Some(new.owner_id));
        made.map(|found| found.chat).ok_or(StoreError::NotFound)
    }

    async fn chat_lock(
        &mut self,
        id: ChatId,
        viewer: Option<UserId>,
    ) -> StoreResult<Option<ChatAccess>> {
        Ok(self.call("chat_lock").chat_for(id, viewer))
    }

    async fn chat_family_active(&mut self, root: ChatId) -> StoreResult<bool> {
        let chats = self.call("chat_family_active").chats.iter();
        let mut family = chats.filter(|one| one.chat.root_chat_id == root);
        Ok(family.any(|one| one.chat.status.active()))
    }

    async fn chat_family_count(&mut self, root: ChatId) -> StoreResult<u32> {
        let family = self.call("chat_family_count").family(root);
        Ok(family.len().try_into().unwrap_or(u32::MAX))
    }

    async fn chat_update(&mut self, id: ChatId, update: &ChatUpdate) -> StoreResult<()> {
        let state = self.call("chat_update");
        let chat = state.chat_changes(id)?;
        if let Some(title) = &update.title {
            chat.title.clone_from(title);
        }
        if let Some(labels) = &update.labels {
            chat.labels.clone_from(labels);
        }
        if let Some(workspace) = update.workspace_id {
            chat.workspace_id = workspace;
        }
        if let Some(place) = update.pin_order {
            chat.pin_order = place;
        }
        if let Some(archived) = update.archived {
            for id in state.family(id) {
                let chat = state.chat_changes(id)?;
                (chat.archived, chat.pin_order) = (archived, 0);
            }
        }
        Ok(())
    }

    async fn chat_viewer_update(
        &mut self,
        id: ChatId,
        viewer: UserId,
        update: &ViewerUpdate,
    ) -> StoreResult<()> {
        let viewers = &mut self.call("chat_viewer_update").chat_viewers;
        let kept = viewers.entry((id, viewer)).or_default();
        kept.last_read = kept.last_read.max(update.last_read);
        kept.pin_order = update.pin_order.or(kept.pin_order);
        kept.hidden = update.hidden.or(kept.hidden);
        Ok(())
    }

    async fn chat_acl_update(
        &mut self,
        root: ChatId,
        diff: &AclDiff,
        expiry: AclExpiry,
    ) -> StoreResult<()> {
        let state = self.call("chat_acl_update");
        let now = state.now;
        let acl = &state.chat(root)?.acl;
        let users = acl.users().iter();
        let users = users.map(|(id, role)| (Principal::User(*id), *role));
        let groups = acl.groups().iter();
        let groups = groups.map(|(id, role)| (Principal::Group(*id), *role));
        let kept = users
            .chain(groups)
            .filter(|(principal, _)| !diff.removed.contains(principal));
        let set = diff.set.iter();
        let set = set.filter_map(|(principal, role)| Some((*principal, ChatRole::parse(role)?)));
        let after = kept.chain(set).collect();
        state.chat(root)?.acl = after;
        let ends = &mut state.chat_acl_ends;
        for principal in &diff.removed {
            ends.remove(&(root, *principal));
        }
        for (principal, _) in &diff.set {
            let key = (root, *principal);
            match expiry {
                AclExpiry::At(at) => drop(ends.insert(key, at)),
                AclExpiry::Never => drop(ends.remove(&key)),
                // What has ended begins anew, without an end.
                AclExpiry::Keep if ends.get(&key).is_some_and(|end| *end <= now) => {
                    ends.remove(&key);
                }
                AclExpiry::Keep => {}
            }
        }
        Ok(())
    }

    async fn chat_archive_old(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let state = self.call("chat_archive_old");
        let old = state.old_families(before, false, limit);
        for id in old
            .iter()
            .flat_map(|root| state.family(*root))
            .collect::<Vec<_>>()
        {
            state.chat_changes(id)?.archived = true;
        }
        Ok(count(&old))
    }

    async fn chat_purge(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let state = self.call("chat_purge");
        let old = state.old_families(before, true, limit);
        state
            .chats
            .retain(|one| !old.contains(&one.chat.root_chat_id));
        Ok(count(&old))
    }

    async fn chat_acl_prune(&mut self, limit: u32) -> StoreResult<u64> {
        let state = self.call("chat_acl_prune");
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let now = state.now;
        let ended = state.chat_acl_ends.iter().filter(|(_, end)| **end <= now);
        let ended: Vec<_> = ended.map(|(entry, _)| *entry).take(limit).collect();
        for (root, principal) in &ended {
            state.chat_acl_ends.remove(&(*root, *principal));
            let acl = &mut state.chat(*root)?.acl;
            let users = acl.users().iter();
            let users = users.map(|(id, role)| (Principal::User(*id), *role));
            let groups = acl.groups().iter();
            let groups = groups.map(|(id, role)| (Principal::Group(*id), *role));
            let entries = users.chain(groups);
            let left = entries.filter(|(other, _)| other != principal).collect();
            *acl = left;
        }
        Ok(count(&ended))
    }

    async fn chat_viewer_prune(
        &mut self,
        _after: Option<ViewerPlace>,
        _limit: u32,
    ) -> StoreResult<(u64, Option<ViewerPlace>)> {
        self.call("chat_viewer_prune");
        Ok((0, None))
    }
}
