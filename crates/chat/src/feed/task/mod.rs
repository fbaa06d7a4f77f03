//! One chat's feed: the task that reads, tells and judges.

mod door;

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use dbauthz::BoundStore;
use model::ChatId;
use store::chat_turns::FollowedTurn;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use super::{
    Command, Due, Feeds, Handle, Join, Joined, Turned,
    image::{Audience, Change, Image, nothing},
    lane::Lane,
    snapshot::Snapshots,
};
use crate::{Closed, Frame, seats::Seat, telemetry};

/// An image that is not older than this is shown to who comes; so many come with one read.
const FRESH: Duration = Duration::from_millis(200);
/// How soon a chat is read again that could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// Somebody who looks.
struct Viewer {
    store: BoundStore,
    seat: Weak<Seat>,
    closed: watch::Sender<Option<Closed>>,
}

/// Somebody at the door.
type Waiting = (Box<Join>, oneshot::Sender<Result<Joined, Turned>>);

/// A feed.
pub(super) struct Feed {
    feeds: Feeds,
    chat: ChatId,
    handle: Handle,
    door: mpsc::Receiver<Command>,
    waiting: Vec<Waiting>,
    viewers: HashMap<u64, Viewer>,
    places: u64,
    owner: Lane,
    readers: Lane,
    image: Option<Image>,
    /// How much was said when seats were weighed last.
    weighed: usize,
    snapshots: Snapshots,
    read_at: Option<Instant>,
    /// When everybody who looks is judged next, at the latest.
    judge_at: Instant,
    next_look: Instant,
    /// The turn runs at another server, and is followed there.
    follows: bool,
    _open: telemetry::Open,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.follow_no_more();
    }
}

impl Feed {
    pub(super) fn new(
        feeds: Feeds,
        chat: ChatId,
        handle: Handle,
        door: mpsc::Receiver<Command>,
    ) -> Self {
        let look_every = feeds.0.config.look_every;
        Self {
            next_look: Instant::now() + look_every,
            feeds,
            chat,
            handle,
            door,
            waiting: Vec::new(),
            viewers: HashMap::new(),
            places: 0,
            owner: Lane::new(),
            readers: Lane::new(),
            image: None,
            weighed: 0,
            snapshots: Snapshots::default(),
            read_at: None,
            judge_at: Instant::now() + look_every,
            follows: false,
            _open: telemetry::Open::feed(),
        }
    }

    /// Goes on until nobody looks any more.
    pub(super) async fn run(mut self) {
        let stopping = self.feeds.0.stopping.clone();
        let why = stopping.run_until_cancelled(self.serve()).await;
        let why = why.unwrap_or(Some(Closed::Stopping));
        // Nobody comes in any more.
        self.door.close();
        self.feeds.ended(self.chat, self.handle.id);
        while let Some(command) = self.door.recv().await {
            self.take(command);
        }
        for (join, answer) in self.waiting.drain(..) {
            let turned = why.map_or(Turned::Back(join), Turned::Away);
            // Whoever has left needs no answer.
            drop(answer.send(Err(turned)));
        }
        if let Some(why) = why {
            for (_, viewer) in self.viewers.drain() {
                viewer.closed.send_replace(Some(why));
            }
        }
    }

    /// Why everybody is turned away; nothing, when nobody is there.
    async fn serve(&mut self) -> Option<Closed> {
        loop {
            let due = self.next().await;
            if let Err(why) = self.work(due).await {
                return Some(why);
            }
            self.viewers.retain(|_, one| !one.closed.is_closed());
            if self.viewers.is_empty() && self.waiting.is_empty() && self.door.is_empty() {
                return None;
            }
        }
    }

    /// Waits until there is something to do.
    async fn next(&mut self) -> Due {
        let wake = Arc::clone(&self.handle.wake);
        let mut due = Due::default();
        tokio::select! {
            command = self.door.recv() => {
                let mut command = command;
                while let Some(one) = command {
                    due.rights |= self.take(one);
                    command = self.door.try_recv().ok();
                }
            }
            () = wake.woken.notified() => {}
            () = sleep_until(self.next_look.min(self.judge_at)) => {
                due.chat = self.next_look <= Instant::now();
                if due.chat {
                    // For who comes rarely they need not be kept.
                    self.snapshots.forget();
                }
            }
        }
        // However often something else happens.
        due.rights |= self.judge_at <= Instant::now();
        let heard = wake.take();
        let root = self
            .image
            .as_ref()
            .map(|image| image.access().chat.root_chat_id);
        let family = |one: &ChatId| root.is_none_or(|root| root == *one);
        Due {
            chat: due.chat || heard.chat,
            parts: heard.parts,
            noted: heard.noted,
            rights: due.rights || heard.rights || heard.roots.iter().any(family),
            roots: Vec::new(),
        }
    }

    /// Takes a command; whether somebody is to be judged.
    fn take(&mut self, command: Command) -> bool {
        match command {
            Command::Join(join, answer) => {
                self.waiting.push((join, answer));
                false
            }
            Command::Renew(place, store) => match self.viewers.get_mut(&place) {
                Some(viewer) => {
                    viewer.store = *store;
                    true
                }
                None => false,
            },
            Command::Leave(place) => {
                self.viewers.remove(&place);
                false
            }
        }
    }

    async fn work(&mut self, due: Due) -> Result<(), Closed> {
        let fresh = self.read_at.is_some_and(|at| at.elapsed() < FRESH);
        if due.chat || self.image.is_none() || (!self.waiting.is_empty() && !fresh) {
            self.read().await?;
        }
        if due.parts && !self.say() {
            self.read().await?;
        }
        if let (Some(noted), Some(image)) = (due.noted, &mut self.image)
            && let Some(change) = image.say(noted.turn, noted.parts)
        {
            self.tell(&change);
        }
        if due.rights {
            self.judge().await;
        }
        if !self.waiting.is_empty() {
            self.let_in().await;
        }
        Ok(())
    }

    /// Reads what changed and tells it.
    async fn read(&mut self) -> Result<(), Closed> {
        let seen = self.image.as_ref().map_or_else(nothing, Image::seen);
        let news = self.feeds.0.reads.news(self.chat, &seen).await;
        let news = match news {
            Ok(Some(news)) => news,
            Ok(None) => return Err(Closed::Gone),
            Err(error) => {
                tracing::warn!(error = telemetry::cause(&error), chat_id = %self.chat, "a chat cannot be read for its viewers");
                self.next_look = Instant::now() + AGAIN;
                return Ok(());
            }
        };
        match &mut self.image {
            Some(image) => {
                let change = image.advance(news);
                self.tell(&change);
                self.weigh();
            }
            None => {
                let image = Image::new(news);
                self.weighed = image.room();
                self.image = Some(image);
            }
        }
        // The turn may run here, and have said more than is noted.
        self.say();
        self.read_at = Some(Instant::now());
        self.next_look = Instant::now() + self.feeds.0.config.look_every;
        self.follow();
        Ok(())
    }

    /// Follows the turn if it runs at another server: the chat was just read.
    fn follow(&mut self) {
        let image = self.image.as_ref();
        let running = image.and_then(|image| Some((image.turn()?, image.seen())));
        let live = self.feeds.0.live.get(self.chat);
        let elsewhere = running.filter(|(turn, _)| live.is_none_or(|live| live.key != *turn));
        let Some((turn, seen)) = elsewhere else {
            return self.follow_no_more();
        };
        self.follows = true;
        let followed = FollowedTurn {
            turn,
            snapshot: seen.revision,
            parts: seen.parts,
        };
        self.feeds.follow(&self.handle, followed);
    }

    fn follow_no_more(&mut self) {
        if std::mem::take(&mut self.follows) {
            self.feeds.0.following.end(self.chat, self.handle.id);
        }
    }

    /// Tells what the model has said on in a turn that runs here; `false` when there are news to be read first.
    fn say(&mut self) -> bool {
        let (Some(live), Some(image)) = (self.feeds.0.live.get(self.chat), &mut self.image) else {
            return false;
        };
        match image.say(live.key, live.said(image.heard())) {
            Some(change) => {
                self.follow_no_more();
                self.tell(&change);
                true
            }
            None => false,
        }
    }

    /// Tells everybody who looks.
    fn tell(&mut self, change: &Change) {
        let Some(image) = self.image.as_ref().filter(|_| !change.nothing()) else {
            return;
        };
        self.snapshots.changed(change.touched());
        for (audience, lane) in [
            (Audience::Owner, &mut self.owner),
            (Audience::Readers, &mut self.readers),
        ] {
            if lane.idle() {
                continue;
            }
            for frame in Frame::all(self.chat, image.events(change, audience)) {
                lane.send(frame);
            }
        }
    }
}
