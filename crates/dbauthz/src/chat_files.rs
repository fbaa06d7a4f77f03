//! Files that people attach to chats.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::{
    ChatFileId, ChatId, OrganizationId, UserId,
    chats::{
        ChatFile, ChatFileBytes, ChatFileDownload, ContentPart, FILES_PER_CHAT, FileQuota,
        NewChatFile,
    },
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult, chat_files::FileAccess};

use crate::{
    ChatSharing,
    acl::Shared,
    chats::{ChatCallError, ChatResult, creatable},
    gate::Gate,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const READ: &[&str] = &["chat_file:read", "chat:read"];

pub(crate) const RULES: &[Rule] = &[
    rule(
        "chat_file_get",
        Shape::Fetch,
        READ,
        "either: the file itself, or the chat that has it",
    ),
    rule(
        "chat_file_bytes_get",
        Shape::Fetch,
        READ,
        "either: the file itself, or the chat that has it",
    ),
    rule("chat_file_list", Shape::Fetch, &["chat:read"], ""),
    rule(
        "chat_file_create_check",
        Shape::Check,
        &["chat_file:create"],
        "before a request's body is read; members of the organization only",
    ),
    rule(
        "chat_file_create",
        Shape::Check,
        &["chat_file:create"],
        "for oneself, as a member of the organization",
    ),
    rule(
        "chat_file_download_create",
        Shape::Check,
        READ,
        "for oneself; either: the file itself, or the chat that has it",
    ),
    rule("chat_file_attachable_list", Shape::Inside, &[], ""),
    rule("chat_file_usage_lock", Shape::Inside, &[], ""),
];

wrapper! {
    /// Files of chats, each call authorized.
    ChatFiles
}

/// What a decision about a file is about: it is shared as its chat is.
pub(crate) fn object(found: &FileAccess, sharing: ChatSharing) -> Object {
    let file = &found.file;
    let object = new_object(file.organization_id, file.owner_id).id(file.id.0);
    match &found.chat {
        Some(chat) if chat.sharing && sharing == ChatSharing::ByOrganization => {
            chat.acl.onto(object)
        }
        _ => object,
    }
}

/// What a decision about a file that does not exist yet is about.
const fn new_object(organization: OrganizationId, owner: UserId) -> Object {
    Object::new(ResourceType::ChatFile)
        .in_org(organization.0)
        .owner(owner.0)
}

/// What is not shown in its chat is its owner's alone, as what waits there is.
fn readable(gate: &Gate, found: &FileAccess) -> StoreResult<()> {
    if !found.file.shown && !gate.acts_as(found.file.owner_id) {
        return Err(StoreError::NotFound);
    }
    let file = object(found, gate.chat_sharing());
    let chat = found.chat.as_ref().map(|chat| chat.object(gate));
    let by_file: &[_] = &[(Action::Read, &file)];
    match &chat {
        Some(chat) => {
            let by_chat: &[_] = &[(Action::Read, chat)];
            gate.check_any(&[by_file, by_chat]).map(|_| ())
        }
        None => gate.check(Action::Read, &file),
    }
}

/// Fills in what is known of the files that a message names, each its owner's own, that no chat has or this one.
pub(crate) async fn attach<U>(
    unit: &mut U,
    owner: UserId,
    organization: OrganizationId,
    chat: Option<ChatId>,
    content: &mut [ContentPart],
) -> ChatResult<()>
where
    U: store::WriteUnit + ?Sized,
{
    let named = content.iter().filter_map(|part| match part {
        ContentPart::File { file_id, .. } => Some(*file_id),
        ContentPart::Text { .. }
        | ContentPart::Reasoning { .. }
        | ContentPart::FileReference { .. } => None,
    });
    let named: Vec<ChatFileId> = named.collect();
    if named.is_empty() {
        return Ok(());
    }
    if named.len() > FILES_PER_CHAT {
        return Err(ChatCallError::TooManyFiles);
    }
    let known = unit.chat_file_attachable_list(owner, chat, &named).await?;
    let known: BTreeMap<_, _> = known
        .into_iter()
        .filter(|file| file.organization_id == organization)
        .map(|file| (file.id, file))
        .collect();
    let mut missing = Vec::new();
    for (place, part) in content.iter_mut().enumerate() {
        let ContentPart::File {
            file_id,
            mime_type,
            name,
        } = part
        else {
            continue;
        };
        match known.get(file_id) {
            Some(file) => {
                *mime_type = Some(file.mime_type.clone());
                *name = Some(file.name.clone());
            }
            None => missing.push(place),
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(ChatCallError::Files(missing))
    }
}

impl<U: store::ReadUnit + ?Sized> ChatFiles<'_, U> {
    /// A file without its bytes.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_file_get(&mut self, id: ChatFileId) -> StoreResult<ChatFile> {
        let found = self.unit.chat_file_get(id).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        readable(self.gate, &found)?;
        Ok(found.file)
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_file_bytes_get(&mut self, id: ChatFileId) -> StoreResult<ChatFileBytes> {
        self.chat_file_get(id).await?;
        let bytes = self.unit.chat_file_bytes_get(id).await?;
        bytes.ok_or(StoreError::NotFound)
    }

    /// A chat's files without their bytes, oldest first.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_file_list(&mut self, chat: ChatId) -> StoreResult<Vec<ChatFile>> {
        let viewer = self.gate.actor().map(|actor| actor.user_id);
        let found = self.unit.chat_get(chat, viewer).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &found.object(self.gate))?;
        let mut files = self.unit.chat_file_list(chat).await?;
        files.retain(|file| file.shown || self.gate.acts_as(file.owner_id));
        Ok(files)
    }

    /// Refuses who may keep no files in an organization for themself, for before a request's body is read.
    ///
    /// # Errors
    /// `NotMember`, also for an organization that there is not; `Store` with `Denied`.
    pub async fn chat_file_create_check(&mut self, organization: OrganizationId) -> ChatResult<()> {
        let actor = self.gate.actor().ok_or(ChatCallError::NotMember)?;
        let object = new_object(organization, actor.user_id);
        creatable(self.gate, self.unit, organization, &object).await
    }
}

impl<U: store::WriteUnit + ?Sized> ChatFiles<'_, U> {
    /// Keeps a file of the caller's own that no chat has yet, if the quota has room for it beside all that the caller keeps.
    ///
    /// # Errors
    /// `NotMember`, `Store` with `Denied`, `FileQuota`; as [`store::chat_files::ChatFileWrite::chat_file_create`].
    pub async fn chat_file_create(
        &mut self,
        new: &NewChatFile,
        quota: FileQuota,
    ) -> ChatResult<ChatFile> {
        if !self.gate.acts_as(new.owner_id) {
            return Err(StoreError::Denied {
                action: Action::Create,
                resource: ResourceType::ChatFile,
            }
            .into());
        }
        let object = new_object(new.organization_id, new.owner_id);
        creatable(self.gate, self.unit, new.organization_id, &object).await?;
        let used = self.unit.chat_file_usage_lock(new.owner_id).await?;
        quota.admit(used, new.data.len().try_into().unwrap_or(u64::MAX))?;
        Ok(self.unit.chat_file_create(new).await?)
    }

    /// Makes an address of a file for the caller, who is asked about again when it is used.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_file_download_create(
        &mut self,
        id: ChatFileId,
        token_hash: [u8; 32],
        expires_at: DateTime<Utc>,
    ) -> StoreResult<ChatFile> {
        let found = self.unit.chat_file_get(id).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        readable(self.gate, &found)?;
        let actor = self.gate.actor().ok_or(StoreError::NotFound)?;
        let download = ChatFileDownload {
            token_hash,
            file_id: id,
            user_id: actor.user_id,
            expires_at,
        };
        self.unit.chat_file_download_create(&download).await?;
        Ok(found.file)
    }
}
