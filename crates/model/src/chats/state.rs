//! What a conversation may do next: the one place that says which step is possible from where, and where it leads.
//! (The states and steps are those of the field's chat services: waiting, running, error, interrupting, each with or
//! without messages that wait.)

use std::fmt;

/// What a chat does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChatStatus {
    /// It waits for somebody to say something.
    Waiting,
    /// The model answers.
    Running,
    /// The last turn ended in an error.
    Error,
    /// The model answers and was told to stop.
    Interrupting,
}

impl ChatStatus {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::Waiting,
        Self::Running,
        Self::Error,
        Self::Interrupting,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Error => "error",
            Self::Interrupting => "interrupting",
        }
    }

    /// The status of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }

    /// Whether a turn runs.
    #[must_use]
    pub const fn active(self) -> bool {
        matches!(self, Self::Running | Self::Interrupting)
    }
}

impl fmt::Display for ChatStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChatState {
    /// What the chat does.
    pub status: ChatStatus,
    /// Whether messages wait.
    pub queued: bool,
    /// Whether it was put away.
    pub archived: bool,
}

/// What somebody, or a turn, wants to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Say something, when the present turn has ended.
    Send,
    /// Say something at once: the present turn stops.
    SendInterrupting,
    /// Say something else instead of what was said, and forget what came after.
    Edit,
    /// Say what waits now: it comes first, and the present turn stops.
    Promote,
    /// Take back what waits.
    Unqueue,
    /// Stop the present turn.
    Interrupt,
    /// The turn has ended.
    Finish,
    /// The turn has ended in an error.
    Fail,
    /// Put it away.
    Archive,
    /// Take it out again.
    Unarchive,
}

/// What is done for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It is said, and a turn begins.
    Turn,
    /// It waits behind what waits already.
    Queue,
    /// It waits behind what waits already, whose first is said now, and a turn begins.
    QueueAndTurn,
    /// It waits behind what waits already, and the turn is told to stop.
    QueueAndInterrupt,
    /// The turn is told to stop.
    Stop,
    /// What waits first is said, and a turn begins.
    NextTurn,
    /// The chat waits.
    Rest,
    /// The chat shows its error.
    ShowError,
    /// Only what was asked for.
    Plain,
}

/// Why a step is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// It is archived.
    #[error("the chat is archived")]
    Archived,
    /// It is archived, or not, already.
    #[error("the chat is so already")]
    Already,
    /// A turn runs.
    #[error("a turn runs")]
    Active,
    /// No turn runs.
    #[error("no turn runs")]
    Idle,
    /// Nothing waits.
    #[error("nothing waits")]
    NothingQueued,
}

impl ChatState {
    /// What is done for a step.
    ///
    /// # Errors
    /// Why it is not possible.
    pub const fn step(self, step: Step) -> Result<Effect, Conflict> {
        use ChatStatus::{Error, Interrupting, Running, Waiting};
        if matches!(step, Step::Archive | Step::Unarchive) {
            return self.put_away(matches!(step, Step::Archive));
        }
        // A turn that ends is never archived, and ends in any case.
        if self.archived && !matches!(step, Step::Finish | Step::Fail) {
            return Err(Conflict::Archived);
        }
        match (step, self.status) {
            (Step::Send | Step::SendInterrupting, Error) if self.queued => Ok(Effect::QueueAndTurn),
            (Step::Send | Step::SendInterrupting, Waiting | Error) => Ok(Effect::Turn),
            (Step::Send, Running | Interrupting) => Ok(Effect::Queue),
            (Step::SendInterrupting, Running | Interrupting) => Ok(Effect::QueueAndInterrupt),
            (Step::Edit, _) => Ok(Effect::Turn),
            (Step::Promote | Step::Unqueue, _) if !self.queued => Err(Conflict::NothingQueued),
            (Step::Promote, Waiting | Error) => Ok(Effect::NextTurn),
            (Step::Promote, Running | Interrupting) => Ok(Effect::Stop),
            (Step::Unqueue, _) => Ok(Effect::Plain),
            (Step::Interrupt, Running) => Ok(Effect::Stop),
            (Step::Interrupt, Waiting | Error | Interrupting)
            | (Step::Finish | Step::Fail, Waiting | Error) => Err(Conflict::Idle),
            (Step::Finish, Running | Interrupting) if self.queued => Ok(Effect::NextTurn),
            // What was interrupted ends as it was asked to, whatever it was about to say.
            (Step::Fail, Interrupting) if self.queued => Ok(Effect::NextTurn),
            (Step::Finish, Running | Interrupting) | (Step::Fail, Interrupting) => Ok(Effect::Rest),
            (Step::Fail, Running) => Ok(Effect::ShowError),
            (Step::Archive | Step::Unarchive, _) => Ok(Effect::Plain),
        }
    }

    const fn put_away(self, away: bool) -> Result<Effect, Conflict> {
        if self.archived == away {
            Err(Conflict::Already)
        } else if self.status.active() {
            Err(Conflict::Active)
        } else {
            Ok(Effect::Plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ChatStatus::{Error, Interrupting, Running, Waiting},
        *,
    };

    const STEPS: [Step; 10] = [
        Step::Send,
        Step::SendInterrupting,
        Step::Edit,
        Step::Promote,
        Step::Unqueue,
        Step::Interrupt,
        Step::Finish,
        Step::Fail,
        Step::Archive,
        Step::Unarchive,
    ];

    const fn state(status: ChatStatus, queued: bool) -> ChatState {
        ChatState {
            status,
            queued,
            archived: false,
        }
    }

    use Conflict::{Active, Already, Archived, Idle, NothingQueued};
    use Effect::{
        NextTurn, Plain, Queue, QueueAndInterrupt, QueueAndTurn, Rest, ShowError, Stop, Turn,
    };

    /// What is expected is in the order of [`STEPS`].
    fn check(status: ChatStatus, queued: bool, expected: [Result<Effect, Conflict>; 10]) {
        for (step, expected) in STEPS.into_iter().zip(expected) {
            assert_eq!(
                state(status, queued).step(step),
                expected,
                "{step:?} of {status} {queued}"
            );
        }
    }

    #[test]
    fn every_step_of_a_chat_that_rests_leads_where_the_table_says() {
        let (no, idle) = (Err(NothingQueued), Err(Idle));
        check(
            Waiting,
            false,
            [
                Ok(Turn),
                Ok(Turn),
                Ok(Turn),
                no,
                no,
                idle,
                idle,
                idle,
                Ok(Plain),
                Err(Already),
            ],
        );
        check(
            Error,
            false,
            [
                Ok(Turn),
                Ok(Turn),
                Ok(Turn),
                no,
                no,
                idle,
                idle,
                idle,
                Ok(Plain),
                Err(Already),
            ],
        );
        check(
            Error,
            true,
            [
                Ok(QueueAndTurn),
                Ok(QueueAndTurn),
                Ok(Turn),
                Ok(NextTurn),
                Ok(Plain),
                idle,
                idle,
                idle,
                Ok(Plain),
                Err(Already),
            ],
        );
    }

    #[test]
    fn every_step_of_a_chat_that_is_busy_leads_where_the_table_says() {
        let (no, idle) = (Err(NothingQueued), Err(Idle));
        check(
            Running,
            false,
            [
                Ok(Queue),
                Ok(QueueAndInterrupt),
                Ok(Turn),
                no,
                no,
                Ok(Stop),
                Ok(Rest),
                Ok(ShowError),
                Err(Active),
                Err(Already),
            ],
        );
        check(
            Running,
            true,
            [
                Ok(Queue),
                Ok(QueueAndInterrupt),
                Ok(Turn),
                Ok(Stop),
                Ok(Plain),
                Ok(Stop),
                Ok(NextTurn),
                Ok(ShowError),
                Err(Active),
                Err(Already),
            ],
        );
        check(
            Interrupting,
            false,
            [
                Ok(Queue),
                Ok(QueueAndInterrupt),
                Ok(Turn),
                no,
                no,
                idle,
                Ok(Rest),
                Ok(Rest),
                Err(Active),
                Err(Already),
            ],
        );
        check(
            Interrupting,
            true,
            [
                Ok(Queue),
                Ok(QueueAndInterrupt),
                Ok(Turn),
                Ok(Stop),
                Ok(Plain),
                idle,
                Ok(NextTurn),
                Ok(NextTurn),
                Err(Active),
                Err(Already),
            ],
        );
    }

    #[test]
    fn what_is_put_away_only_comes_back() {
        for status in [Waiting, Error] {
            let away = ChatState {
                archived: true,
                ..state(status, false)
            };
            for step in STEPS {
                let expected = match step {
                    Step::Archive => Err(Already),
                    Step::Unarchive => Ok(Plain),
                    Step::Finish | Step::Fail => Err(Idle),
                    _ => Err(Archived),
                };
                assert_eq!(away.step(step), expected, "{step:?}");
            }
        }
    }
}
