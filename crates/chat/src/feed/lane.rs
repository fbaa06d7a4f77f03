//! The way of frames to those who look: what is held back for the slow is bounded by how many frames and how many bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::broadcast;

use crate::Frame;

/// How many frames a viewer may be behind; whoever is further begins anew.
const BEHIND: usize = 128;
/// About how many bytes of JSON they may have; whoever is further begins anew.
pub(super) const BEHIND_BYTES: usize = 8 << 20;

/// A frame on its way, until it is let go of.
#[derive(Debug)]
pub(super) struct Sent(Mutex<Option<Frame>>);

impl Sent {
    /// The frame; `None` once it was let go of: whoever was to be told it begins anew.
    pub(super) fn frame(&self) -> Option<Frame> {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Option<Frame>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way of frames to all who look.
#[derive(Debug)]
pub(super) struct Lane {
    sender: broadcast::Sender<Arc<Sent>>,
    /// Those that somebody may not have been told yet, with their bytes; the oldest first.
    unread: VecDeque<(Weak<Sent>, usize)>,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(BEHIND),
            unread: VecDeque::new(),
        }
    }

    /// Whether nobody looks.
    pub(super) fn idle(&self) -> bool {
        self.sender.receiver_count() == 0
    }

    /// What is sent from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Sent>> {
        self.sender.subscribe()
    }

    /// Tells all who look, and lets go of the oldest frames when there is too much that somebody was not told yet.
    pub(super) fn send(&mut self, frame: Frame) {
        self.unread.retain(|(sent, _)| sent.strong_count() > 0);
        let bytes = frame.weight();
        let mut held = self.unread.iter().map(|(_, bytes)| *bytes).sum::<usize>();
        while held.saturating_add(bytes) > BEHIND_BYTES {
            let Some((oldest, bytes)) = self.unread.pop_front() else {
                break;
            };
            if let Some(oldest) = oldest.upgrade() {
                drop(oldest.held().take());
            }
            held = held.saturating_sub(bytes);
        }
        let sent = Arc::new(Sent(Mutex::new(Some(frame))));
        self.unread.push_back((Arc::downgrade(&sent), bytes));
        // Nobody listens any more: nobody is told.
        drop(self.sender.send(sent));
    }
}
