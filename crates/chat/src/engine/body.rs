//! What a turn asks: the conversation as a request that the gateway takes, with as many of its files as there is room for.

use std::collections::HashMap;

use bytes::Bytes;
use model::{
    ChatFileId,
    chats::{ChatTurn, ContentPart},
};

use super::errors::{self, Shown};
use crate::{
    dialect::{self, Conversation, Files},
    ports::Asking,
    telemetry,
};

/// What a part of a request takes beside itself: the comma before it, and the brackets of a message that was one text.
const BESIDE: usize = 16;

/// The request, within the gateway's bound. What counts is how large everything is as it is sent, by the language and by
/// JSON: a file of quotes is twice as large as it is stored.
pub(super) async fn body(
    turn: &ChatTurn,
    model: &str,
    asking: &dyn Asking,
) -> Result<Bytes, Shown> {
    let (kind, limit) = (asking.kind(), asking.request_limit());
    let named = named(turn);
    let left_out: Files = named.iter().map(|id| (*id, None)).collect();
    let bare = Conversation {
        model,
        history: &turn.history,
        files: &left_out,
        output_cap: asking.output_cap(model).await,
    };
    let room = limit.checked_sub(dialect::request_size(kind, &bare));
    let room = room.ok_or_else(errors::too_long_conversation)?;
    let files = files(&named, room, asking).await?;
    let body = dialect::request(
        kind,
        &Conversation {
            files: &files,
            ..bare
        },
    );
    let fits = body.len() <= limit;
    fits.then_some(body)
        .ok_or_else(errors::too_long_conversation)
}

/// The files that the conversation names, those that were named last first, as often as they are.
fn named(turn: &ChatTurn) -> Vec<ChatFileId> {
    let newest_first = turn.history.iter().rev();
    let parts = newest_first.flat_map(|message| message.content.iter().rev());
    let named = parts.filter_map(|part| match part {
        ContentPart::File { file_id, .. } => Some(*file_id),
        ContentPart::Text { .. }
        | ContentPart::Reasoning { .. }
        | ContentPart::FileReference { .. } => None,
    });
    named.collect()
}

/// The files of a conversation as far as the room goes, those that were named last first. None is read beyond the first
/// for which there is no room.
async fn files(named: &[ChatFileId], mut room: usize, asking: &dyn Asking) -> Result<Files, Shown> {
    let mut mentions: HashMap<ChatFileId, usize> = HashMap::new();
    for id in named {
        *mentions.entry(*id).or_default() += 1;
    }
    let (mut files, mut full) = (Files::new(), false);
    for id in named {
        // It is sent each time that it is named, and read once.
        let Some(mentions) = mentions.remove(id) else {
            continue;
        };
        if full {
            files.insert(*id, None);
            continue;
        }
        let file = asking.file(*id).await.map_err(|cause| {
            tracing::warn!(
                error = telemetry::cause(&cause),
                "a file of a turn cannot be read"
            );
            errors::internal()
        })?;
        let Some(file) = file else {
            continue;
        };
        let size = dialect::file_size(asking.kind(), &file).saturating_add(BESIDE);
        if let Some(left) = room.checked_sub(size.saturating_mul(mentions)) {
            room = left;
            files.insert(*id, Some(file));
        } else {
            full = true;
            files.insert(*id, None);
        }
    }
    Ok(files)
}
