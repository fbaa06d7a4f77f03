//! The words and statuses of what keeps somebody from doing something with a chat.

use std::time::Duration;

use axum::http::StatusCode;
use bursar_sdk::ValidationError;
use dbauthz::{ChatCallError, OwnerOnly, RootOnly, WorkspaceProblem};
use model::chats::{
    CHAT_MAX_BYTES, CHAT_MAX_MESSAGES, Conflict, FAMILY_MAX, FILES_PER_CHAT, MAX_DEPTH, QUEUE_MAX,
    QuotaExceeded,
};
use rbac::ResourceType;
use store::StoreError;

use super::answer::{Answer, FORBIDDEN, store};

/// What was asked for: the same error has other words for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatCall {
    /// A chat is made.
    Create,
    /// A chat is put away, or changed otherwise.
    Update,
    /// A chat is taken out again.
    Unarchive,
    /// Something is said.
    Send,
    /// Something else is said.
    Edit,
    /// What waits is taken back.
    Unqueue,
    /// What waits is said now.
    Promote,
    /// A turn is stopped.
    Interrupt,
    /// A file is kept.
    Upload,
}

pub(super) fn chat(call: ChatCall, error: &ChatCallError) -> Answer {
    match error {
        // That there is an organization of their own is no secret to its members.
        ChatCallError::Store(StoreError::Denied { resource, .. })
            if matches!(call, ChatCall::Create | ChatCall::Upload) =>
        {
            Answer::new(StatusCode::FORBIDDEN, FORBIDDEN).refused(*resource)
        }
        ChatCallError::Store(error) => store(error),
        ChatCallError::NotOwner(what) => {
            Answer::new(StatusCode::FORBIDDEN, owner_only(*what)).refused(ResourceType::Chat)
        }
        ChatCallError::NotMember => Answer::new(
            StatusCode::FORBIDDEN,
            "You are not a member of the specified organization.",
        )
        .refused(match call {
            ChatCall::Upload => ResourceType::ChatFile,
            _ => ResourceType::Chat,
        }),
        ChatCallError::Conflict(conflict) => standing(call, *conflict),
        ChatCallError::QueueFull => {
            Answer::new(StatusCode::TOO_MANY_REQUESTS, "Message queue is full.")
                .detail(format!("Maximum {QUEUE_MAX} messages can be queued."))
        }
        ChatCallError::Full => Answer::new(StatusCode::CONFLICT, full()),
        ChatCallError::NoMessage => Answer::new(StatusCode::NOT_FOUND, "Chat message not found."),
        ChatCallError::NotUserMessage => Answer::bad("Only user messages can be edited."),
        ChatCallError::NoQueuedMessage => {
            Answer::new(StatusCode::NOT_FOUND, "Queued message not found.")
        }
        ChatCallError::Files(places) => content(places.iter().map(|place| {
            format!("content[{place}].file_id references a file that does not exist.")
        })),
        ChatCallError::TooManyFiles => Answer::bad("Chat attachment limit reached.").detail(
            format!("A message can have {FILES_PER_CHAT} files at most."),
        ),
        ChatCallError::Inner { change, root } => Answer::bad(root_only(*change))
            .detail(format!("Target the root chat (id: {root}) instead.")),
        ChatCallError::ArchivedPin => Answer::bad("Cannot pin an archived chat."),
        ChatCallError::Workspace(problem) => workspace(*problem),
        ChatCallError::NoParent => Answer::bad("Parent chat not found.").field(
            "parent_chat_id",
            "is none of your chats in this organization",
        ),
        ChatCallError::TooDeep => Answer::bad("The parent chat is too deep.").field(
            "parent_chat_id",
            format!("a family has {MAX_DEPTH} levels at most"),
        ),
        ChatCallError::FamilyFull => Answer::bad("The family of the parent chat is full.").field(
            "parent_chat_id",
            format!("a family has {FAMILY_MAX} chats at most"),
        ),
        ChatCallError::FileQuota(exceeded) => file_quota(*exceeded),
        ChatCallError::OwnChat => Answer::bad(
            "Your own chat is pinned by a change of the chat, and archived, not hidden.",
        ),
    }
}

fn full() -> String {
    format!(
        "This chat is full: it holds {} MiB or {} messages at most. Start another chat.",
        CHAT_MAX_BYTES.div_ceil(1024 * 1024),
        grouped(CHAT_MAX_MESSAGES),
    )
}

fn file_quota(exceeded: QuotaExceeded) -> Answer {
    let QuotaExceeded {
        quota_bytes,
        used_bytes,
    } = exceeded;
    let (quota, used) = (grouped(quota_bytes), grouped(used_bytes));
    let message = format!(
        "The file does not fit into your quota of {quota} bytes, of which {used} are used."
    );
    Answer::new(StatusCode::CONFLICT, message)
        .detail("Files go with their chats, and after a day where no message attaches them.")
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let places = digits.len();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (places - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What is said to who brings files too often.
pub(super) fn uploads_too_many(retry_after: Duration) -> Answer {
    Answer::new(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many files were uploaded. Try again later.",
    )
    .retry_after(retry_after)
}

/// What is said to who has as many streams open as one person may.
pub(super) fn too_many_streams(most: usize) -> Answer {
    Answer::new(StatusCode::TOO_MANY_REQUESTS, "Too many open streams.").detail(format!(
        "One person can have {most} of these open at a server, where a large chat counts for several. Close one to open another."
    ))
}

/// What is said of parts that cannot be sent, by texts that begin with the place.
pub(super) fn content(problems: impl Iterator<Item = String>) -> Answer {
    let validation = |problem: &String| {
        let (field, detail) = problem.split_once(' ').unwrap_or(("content", problem));
        ValidationError {
            field: field.to_owned(),
            detail: detail.to_owned(),
        }
    };
    let problems: Vec<String> = problems.collect();
    let answer = Answer::bad("Invalid input part.");
    let answer = answer.validations(problems.iter().map(validation).collect());
    match problems.into_iter().next() {
        Some(first) => answer.detail(first),
        None => answer,
    }
}

const fn owner_only(what: OwnerOnly) -> &'static str {
    match what {
        OwnerOnly::Send => "Only the chat owner may send messages.",
        OwnerOnly::Edit => "Only the chat owner may edit messages.",
        OwnerOnly::Promote => "Only the chat owner may promote queued messages.",
        OwnerOnly::Branch => "Only the chat owner may start sub-chats.",
        OwnerOnly::Pin => "Only the chat owner may pin the chat.",
        OwnerOnly::Bind => "Only the chat owner may bind the chat to a workspace.",
        OwnerOnly::Run => "Only the chat owner may run its turns.",
    }
}

const fn root_only(change: RootOnly) -> &'static str {
    match change {
        RootOnly::Archive => "Chat archive state can only be changed on the root chat.",
        RootOnly::Pin => "Cannot pin a child chat.",
        RootOnly::Hide => "Cannot hide a child chat.",
    }
}

/// What is said of a step that the chat does not allow as it stands.
fn standing(call: ChatCall, conflict: Conflict) -> Answer {
    let conflicting = |text: &'static str| Answer::new(StatusCode::CONFLICT, text);
    match (call, conflict) {
        (ChatCall::Create, Conflict::Archived) => {
            Answer::bad("Cannot start sub-chats of an archived chat.")
        }
        (ChatCall::Send, Conflict::Archived) => {
            Answer::bad("Cannot send messages to an archived chat.")
        }
        (ChatCall::Edit, Conflict::Archived) => {
            Answer::bad("Cannot edit messages in an archived chat.")
        }
        (ChatCall::Unqueue, Conflict::Archived) => {
            Answer::bad("Cannot delete queued messages in an archived chat.")
        }
        (ChatCall::Promote, Conflict::Archived) => {
            Answer::bad("Cannot promote queued messages in an archived chat.")
        }
        (ChatCall::Interrupt, Conflict::Archived) => {
            Answer::bad("Cannot interrupt an archived chat.")
        }
        (ChatCall::Unarchive, Conflict::Already) => Answer::bad("Chat is already not archived."),
        (_, Conflict::Already) => Answer::bad("Chat is already archived."),
        (_, Conflict::Active) => conflicting(
            "Cannot archive an active chat. Interrupt or wait for the chat to finish first.",
        ),
        (ChatCall::Send, _) => conflicting("Chat is not in a state that accepts new messages."),
        (ChatCall::Edit, _) => conflicting("Chat is not in a state that accepts message edits."),
        (ChatCall::Unqueue, _) => conflicting("Chat has no queued messages to delete."),
        (ChatCall::Promote, _) => conflicting("Chat has no queued messages to promote."),
        (ChatCall::Interrupt, _) => conflicting("Chat is not in an interruptible state."),
        (_, Conflict::Archived | Conflict::Idle | Conflict::NothingQueued) => {
            conflicting("Chat is not in a state that allows this.")
        }
    }
}

fn workspace(problem: WorkspaceProblem) -> Answer {
    match problem {
        WorkspaceProblem::Missing => {
            Answer::bad("Workspace not found.").field("workspace_id", "is unknown")
        }
        WorkspaceProblem::NotUsable => Answer::new(StatusCode::FORBIDDEN, FORBIDDEN)
            .detail("You may see this workspace, but not work in it.")
            .refused(ResourceType::Workspace),
        WorkspaceProblem::OtherOrganization => {
            Answer::bad("Workspace does not belong to this chat's organization.")
                .field("workspace_id", "belongs to another organization")
        }
    }
}

#[cfg(test)]
mod tests {
    use model::ChatId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_refusal_has_its_status_and_words() {
        use ChatCall::{
            Create, Edit, Interrupt, Promote, Send, Unarchive, Unqueue, Update, Upload,
        };
        let check = |call, error: ChatCallError, status: u16, message: &str| {
            let answer = chat(call, &error);
            assert_eq!(answer.status.as_u16(), status, "{call:?} {error:?}");
            assert_eq!(answer.body.message, message, "{call:?} {error:?}");
            let recorded = answer.refused.is_some();
            assert_eq!(recorded, status == 403, "{call:?} {error:?}");
        };
        let denied = || {
            ChatCallError::Store(StoreError::Denied {
                action: rbac::Action::Create,
                resource: ResourceType::Chat,
            })
        };
        check(Create, denied(), 403, FORBIDDEN);
        check(Upload, denied(), 403, FORBIDDEN);
        let missing = || ChatCallError::Store(StoreError::NotFound);
        check(Send, missing(), 404, super::super::answer::HIDDEN);
        let words = "You are not a member of the specified organization.";
        check(Create, ChatCallError::NotMember, 403, words);
        let owner = |what| ChatCallError::NotOwner(what);
        let words = "Only the chat owner may send messages.";
        check(Send, owner(OwnerOnly::Send), 403, words);
        let words = "Only the chat owner may promote queued messages.";
        check(Promote, owner(OwnerOnly::Promote), 403, words);
        let archived = || ChatCallError::Conflict(Conflict::Archived);
        let words = "Cannot send messages to an archived chat.";
        check(Send, archived(), 400, words);
        let words = "Cannot edit messages in an archived chat.";
        check(Edit, archived(), 400, words);
        check(
            Interrupt,
            archived(),
            400,
            "Cannot interrupt an archived chat.",
        );
        let already = || ChatCallError::Conflict(Conflict::Already);
        check(Update, already(), 400, "Chat is already archived.");
        check(Unarchive, already(), 400, "Chat is already not archived.");
        let idle = || ChatCallError::Conflict(Conflict::Idle);
        let words = "Chat is not in an interruptible state.";
        check(Interrupt, idle(), 409, words);
        let nothing = || ChatCallError::Conflict(Conflict::NothingQueued);
        check(
            Unqueue,
            nothing(),
            409,
            "Chat has no queued messages to delete.",
        );
        check(
            Send,
            ChatCallError::QueueFull,
            429,
            "Message queue is full.",
        );
        let inner = ChatCallError::Inner {
            change: RootOnly::Archive,
            root: ChatId(Uuid::nil()),
        };
        let words = "Chat archive state can only be changed on the root chat.";
        check(Update, inner, 400, words);
    }

    #[test]
    fn what_is_full_is_told_with_its_bound() {
        let check = |call, error: ChatCallError, status: u16, message: &str| {
            let answer = chat(call, &error);
            let told = (answer.status.as_u16(), &*answer.body.message);
            assert_eq!(told, (status, message), "{call:?} {error:?}");
        };
        let words =
            "This chat is full: it holds 16 MiB or 10,000 messages at most. Start another chat.";
        check(ChatCall::Send, ChatCallError::Full, 409, words);
        check(ChatCall::Edit, ChatCallError::Full, 409, words);
        let words = "The family of the parent chat is full.";
        check(ChatCall::Create, ChatCallError::FamilyFull, 400, words);
        let exceeded = QuotaExceeded {
            quota_bytes: 5_368_709_120,
            used_bytes: 999,
        };
        let words =
            "The file does not fit into your quota of 5,368,709,120 bytes, of which 999 are used.";
        check(ChatCall::Upload, exceeded.into(), 409, words);
    }

    #[test]
    fn parts_that_cannot_be_sent_are_told_by_their_places() {
        let answer = chat(ChatCall::Send, &ChatCallError::Files(vec![0, 2]));
        let first = "content[0].file_id references a file that does not exist.";
        assert_eq!(answer.body.detail.as_deref(), Some(first));
        let fields = answer.body.validations.into_iter().map(|one| one.field);
        let fields: Vec<String> = fields.collect();
        assert_eq!(fields, ["content[0].file_id", "content[2].file_id"]);
    }
}
