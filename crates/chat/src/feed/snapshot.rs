//! What somebody is told who comes: frames that are made once for all who come, whatever they know already.
//!
//! A history is cut into frames from its beginning on; the cuts do not move while messages are added, so that everybody
//! holds the same frames, at whatever time and after whatever message they begin. Only the frame in which somebody
//! begins, and the last ones, are theirs.

use std::collections::VecDeque;

use model::{ChatId, chats::MessageId};

use super::image::{Audience, Change, Image};
use crate::{ChatEvent, Frame, events::Filling};

/// For how many beginnings it is kept what was told, until something changes.
const RECENT: usize = 8;

/// Where somebody begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// After this message, or at the first.
    After(Option<MessageId>),
    /// At the first, forgetting whatever was told before.
    Anew,
}

impl Beginning {
    /// Where somebody begins who knows all messages up to `after`; `anew` if they are to forget what was told before.
    /// So does whoever names a message that there is not: it was edited away, or never was.
    pub(super) fn new(image: &Image, after: Option<MessageId>, anew: bool) -> Self {
        match after.filter(|after| after.0 > 0) {
            _ if anew => Self::Anew,
            Some(after) if !image.knows(after) => Self::Anew,
            after => Self::After(after),
        }
    }
}

/// The frames for who comes.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    owner: Shown,
    readers: Shown,
}

impl Snapshots {
    /// Something is to be told; the messages are the same before this one.
    pub(super) fn changed(&mut self, touched: Option<MessageId>) {
        for shown in [&mut self.owner, &mut self.readers] {
            shown.recent.clear();
            if let Some(touched) = touched {
                shown.whole.retain(|whole| whole.last < touched);
            }
        }
    }

    /// Lets go of all of them.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What is told to somebody who begins here.
    pub(super) fn frames(
        &mut self,
        image: &Image,
        audience: Audience,
        from: Beginning,
    ) -> Vec<Frame> {
        let shown = match audience {
            Audience::Owner => &mut self.owner,
            Audience::Readers => &mut self.readers,
        };
        if let Some((_, frames)) = shown.recent.iter().find(|(known, _)| *known == from) {
            return frames.clone();
        }
        shown.fill(image, audience);
        let frames = shown.make(image, audience, from);
        shown.recent.truncate(RECENT - 1);
        shown.recent.push_front((from, frames.clone()));
        frames
    }
}

/// The frames for one audience.
#[derive(Debug, Default)]
struct Shown {
    whole: Vec<Whole>,
    recent: VecDeque<(Beginning, Vec<Frame>)>,
}

/// A full frame of messages.
#[derive(Debug)]
struct Whole {
    first: MessageId,
    last: MessageId,
    frame: Frame,
}

fn chat_id(image: &Image) -> ChatId {
    image.access().chat.id
}

impl Shown {
    /// Makes the full frames that there are not yet.
    fn fill(&mut self, image: &Image, audience: Audience) {
        loop {
            let after = self.whole.last().map(|whole| whole.last);
            let mut filling = Filling::default();
            let mut said = Vec::new();
            let mut full = false;
            for message in image.said(after) {
                full = !filling.takes(&ChatEvent::Message(message.clone()));
                if full {
                    break;
                }
                said.push(message.clone());
            }
            let (Some(first), Some(last)) = (said.first(), said.last()) else {
                return;
            };
            if !full {
                return;
            }
            let (first, last) = (first.id, last.id);
            let events = image.events(&Change::said(said), audience);
            let frames = Frame::all(chat_id(image), events);
            let frames = frames.into_iter();
            self.whole
                .extend(frames.map(|frame| Whole { first, last, frame }));
        }
    }

    /// What is told to somebody who begins here.
    fn make(&self, image: &Image, audience: Audience, from: Beginning) -> Vec<Frame> {
        let chat = chat_id(image);
        let (mut head, after) = match from {
            Beginning::Anew => (vec![ChatEvent::PreviewReset, ChatEvent::HistoryReset], None),
            Beginning::After(after) => (Vec::new(), after),
        };
        let mut frames = Vec::new();
        let news = self.whole.iter().filter(|whole| after < Some(whole.last));
        for whole in news {
            if after < Some(whole.first) {
                frames.extend(Frame::all(chat, std::mem::take(&mut head)));
                frames.push(whole.frame.clone());
            } else {
                let rest = image.said(after).take_while(|one| one.id <= whole.last);
                let rest = Change::said(rest.cloned().collect());
                frames.extend(Frame::all(chat, image.events(&rest, audience)));
            }
        }
        let told = self.whole.last().map(|whole| whole.last);
        head.extend(image.events(&image.state(after.max(told)), audience));
        frames.extend(Frame::all(chat, head));
        frames
    }
}
