//! What a request has room for.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use model::{
    ChatFileId, OrganizationId, UserId,
    chats::{
        ChatErrorKind, ChatFile, ChatFileBytes, ChatMessage, ChatTurn, ContentPart, MessageId,
        MessageRole, Visibility,
    },
    prices::ProviderKind,
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    super::body::body,
    fakes::{CHAT, LEASE, key},
    world::text,
};
use crate::ports::{Answer, Asking};

/// A provider that takes requests of so many bytes, and the files of a chat.
#[derive(Debug)]
struct Shelf {
    kind: ProviderKind,
    limit: usize,
    files: HashMap<ChatFileId, ChatFileBytes>,
    reads: AtomicUsize,
}

#[async_trait]
impl Asking for Shelf {
    fn kind(&self) -> ProviderKind {
        self.kind
    }

    fn request_limit(&self) -> usize {
        self.limit
    }

    async fn output_cap(&self, _model: &str) -> u64 {
        100
    }

    async fn file(&self, id: ChatFileId) -> StoreResult<Option<ChatFileBytes>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(self.files.get(&id).cloned())
    }

    async fn ask(self: Box<Self>, _body: Bytes) -> Answer {
        unreachable!("nobody is asked")
    }
}

const TEXT: &str = "text/plain";
const PDF: &str = "application/pdf";

fn id(number: u128) -> ChatFileId {
    ChatFileId(Uuid::from_u128(number))
}

fn shelf(kind: ProviderKind, limit: usize, files: &[(&str, &str)]) -> Shelf {
    let file = |(number, (mime_type, data)): (u128, &(&str, &str))| {
        let file = ChatFile {
            id: id(number),
            owner_id: UserId(Uuid::nil()),
            organization_id: OrganizationId(Uuid::nil()),
            chat_id: Some(CHAT),
            name: format!("f{number}"),
            mime_type: (*mime_type).to_owned(),
            size_bytes: 1,
            sha256: [0; 32],
            created_at: DateTime::UNIX_EPOCH,
            shown: true,
        };
        let data = data.as_bytes().to_vec();
        (id(number), ChatFileBytes { file, data })
    };
    Shelf {
        kind,
        limit,
        files: (1..).zip(files).map(file).collect(),
        reads: AtomicUsize::new(0),
    }
}

fn turn(contents: Vec<Vec<ContentPart>>) -> ChatTurn {
    let message = |content| ChatMessage {
        id: MessageId(1),
        chat_id: CHAT,
        role: MessageRole::User,
        visibility: Visibility::Both,
        content,
        created_by: None,
        model: None,
        usage: None,
        deleted: false,
        revision: 1,
        created_at: DateTime::UNIX_EPOCH,
    };
    ChatTurn {
        key: key(1),
        lease_id: LEASE,
        owner_id: UserId(Uuid::nil()),
        organization_id: OrganizationId(Uuid::nil()),
        model: None,
        history: contents.into_iter().map(message).collect(),
    }
}

fn file(number: u128) -> ContentPart {
    ContentPart::File {
        file_id: id(number),
        mime_type: None,
        name: Some(format!("f{number}")),
    }
}

/// How many of the files are left out, of a request that always fits.
async fn left_out(shelf: &Shelf, turn: &ChatTurn) -> usize {
    let body = body(turn, "m-1", shelf).await.unwrap();
    assert!(
        body.len() <= shelf.limit,
        "{} of {}",
        body.len(),
        shelf.limit
    );
    let body = String::from_utf8(body.to_vec()).unwrap();
    body.matches("is left out").count()
}

const KINDS: [ProviderKind; 2] = [ProviderKind::OpenAi, ProviderKind::Anthropic];
const ROOM: usize = 100_000;

#[tokio::test]
async fn what_counts_of_a_file_is_how_it_is_sent() {
    let plain = "x".repeat(60_000);
    let quotes = "\"".repeat(60_000);
    let fences = "`".repeat(40_000);
    let controls = "\u{1}".repeat(20_000);
    for kind in KINDS {
        let check = async |mime_type: &str, data: &str, mentions: usize, expected: usize| {
            let shelf = shelf(kind, ROOM, &[(mime_type, data)]);
            let turn = turn(vec![vec![file(1); mentions]]);
            let found = left_out(&shelf, &turn).await;
            assert_eq!(found, expected, "{kind} {mime_type} {:?}", data.get(..1));
            assert_eq!(shelf.reads.load(Ordering::SeqCst), 1);
        };
        check(TEXT, &plain, 1, 0).await;
        check(TEXT, &plain, 2, 2).await;
        check(TEXT, &quotes, 1, 1).await;
        check(TEXT, &fences, 1, 1).await;
        check(TEXT, &controls, 1, 1).await;
        check(PDF, &plain, 1, 0).await;
        check(PDF, &"x".repeat(76_000), 1, 1).await;
    }
}

#[tokio::test]
async fn the_files_that_were_named_last_go_first_and_no_more_are_read_than_there_is_room_for() {
    let file_of = |size: usize| "x".repeat(size);
    let (small, large) = (file_of(30_000), file_of(50_000));
    let all = [
        (TEXT, large.as_str()),
        (TEXT, &large),
        (TEXT, &small),
        (TEXT, &small),
    ];
    for kind in KINDS {
        let shelf = shelf(kind, ROOM, &all);
        let turn = turn(vec![
            vec![file(1)],
            vec![file(2), file(9)],
            vec![file(3), file(4)],
        ]);
        // Neither the second nor, though it is read no more, the first.
        assert_eq!(left_out(&shelf, &turn).await, 2);
        assert_eq!(shelf.reads.load(Ordering::SeqCst), 4);
    }
}

/// Wherever the bound is, the request is within it, or it is said that it cannot be.
#[tokio::test]
async fn a_request_is_never_larger_than_what_the_gateway_takes() {
    let data = "\"\n".repeat(40);
    let all = [(TEXT, data.as_str()), (PDF, &data), ("image/png", &data)];
    let said = turn(vec![
        vec![text("a")],
        vec![file(1)],
        vec![text("b"), file(2), file(3)],
        vec![file(1), file(9)],
    ]);
    for kind in KINDS {
        let (mut refused, mut most) = (0, 0);
        for limit in 0..2_000 {
            let shelf = shelf(kind, limit, &all);
            match body(&said, "m-1", &shelf).await {
                Ok(body) => {
                    assert!(body.len() <= limit);
                    most = most.max(body.len());
                }
                Err(shown) => {
                    refused += 1;
                    assert_eq!(refused, limit + 1, "what fits fits with more room, too");
                    let error = shown.error(None);
                    assert_eq!(error.kind, ChatErrorKind::Generic);
                    assert!(error.message.contains("Start another chat"), "{error:?}");
                }
            }
        }
        assert!(refused > 100 && most > 900, "{refused} {most}");
    }
    let long = turn(vec![vec![text(&"\"".repeat(60_000))]]);
    let shelf = shelf(ProviderKind::OpenAi, ROOM, &[]);
    assert!(body(&long, "m-1", &shelf).await.is_err());
}
