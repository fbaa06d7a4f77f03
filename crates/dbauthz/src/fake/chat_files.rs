//! The fake's files of chats.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatFileId, ChatId, UserId,
    chats::{ChatFile, ChatFileBytes, ChatFileDownload, NewChatFile},
};
use store::{
    StoreResult,
    chat_files::{ChatFileRead, ChatFileWrite, FileAccess},
};

use super::FakeUnit;

#[async_trait]
impl ChatFileRead for FakeUnit {
    async fn chat_file_get(&mut self, id: ChatFileId) -> StoreResult<Option<FileAccess>> {
        let state = self.call("chat_file_get");
        let mut files = state.chat_files.iter();
        let found = files.find(|one| one.file.id == id);
        Ok(found.map(|one| FileAccess {
            file: one.file.clone(),
            chat: one.file.chat_id.and_then(|chat| state.chat_for(chat, None)),
        }))
    }

    async fn chat_file_bytes_get(&mut self, id: ChatFileId) -> StoreResult<Option<ChatFileBytes>> {
        let mut files = self.call("chat_file_bytes_get").chat_files.iter();
        Ok(files.find(|one| one.file.id == id).cloned())
    }

    async fn chat_file_list(&mut self, chat: ChatId) -> StoreResult<Vec<ChatFile>> {
        let files = self.call("chat_file_list").chat_files.iter();
        let files = files.filter(|one| one.file.chat_id == Some(chat));
        Ok(files.map(|one| one.file.clone()).collect())
    }

    async fn chat_file_download_get(
        &mut self,
        token_hash: &[u8; 32],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<ChatFileDownload>> {
        let mut known = self
            .call("chat_file_download_get")
            .chat_file_downloads
            .iter();
        let found = known.find(|one| one.token_hash == *token_hash && one.expires_at > now);
        Ok(found.copied())
    }
}

#[async_trait]
impl ChatFileWrite for FakeUnit {
    async fn chat_file_usage_lock(&mut self, owner: UserId) -> StoreResult<u64> {
        let files = self.call("chat_file_usage_lock").chat_files.iter();
        let own = files.filter(|one| one.file.owner_id == owner);
        Ok(own.map(|one| one.file.size_bytes).sum())
    }

    async fn chat_file_create(&mut self, new: &NewChatFile) -> StoreResult<ChatFile> {
        let state = self.call("chat_file_create");
        let file = ChatFile {
            id: new.id,
            owner_id: new.owner_id,
            organization_id: new.organization_id,
            chat_id: None,
            name: new.name.clone(),
            mime_type: new.mime_type.clone(),
            size_bytes: new.data.len().try_into().unwrap_or(u64::MAX),
            sha256: new.sha256,
            created_at: state.now,
            shown: false,
        };
        state.chat_files.push(ChatFileBytes {
            file: file.clone(),
            data: new.data.clone(),
        });
        Ok(file)
    }

    async fn chat_file_download_create(&mut self, download: &ChatFileDownload) -> StoreResult<()> {
        let state = self.call("chat_file_download_create");
        state.chat_file_downloads.push(*download);
        Ok(())
    }

    async fn chat_file_prune(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let state = self.call("chat_file_prune");
        let mut left = u64::from(limit);
        state.chat_files.retain(|one| {
            let goes = left > 0 && one.file.chat_id.is_none() && one.file.created_at < before;
            left = left.saturating_sub(u64::from(goes));
            !goes
        });
        Ok(u64::from(limit).saturating_sub(left))
    }

    async fn chat_file_attachable_list(
        &mut self,
        owner: UserId,
        chat: Option<ChatId>,
        ids: &[ChatFileId],
    ) -> StoreResult<Vec<ChatFile>> {
        let files = self.call("chat_file_attachable_list").chat_files.iter();
        let free = files.map(|one| &one.file).filter(|file| {
            ids.contains(&file.id)
                && file.owner_id == owner
                && (file.chat_id.is_none() || file.chat_id == chat)
        });
        Ok(free.cloned().collect())
    }
}
