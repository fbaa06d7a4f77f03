//! Who is let in, who may stay, and who is turned away.

use std::sync::Weak;

use dbauthz::BoundStore;
use tokio::{sync::watch, time::Instant};

use super::{
    super::{
        Join, Joined, Turned,
        image::{Audience, Image},
        owns,
        snapshot::Beginning,
    },
    AGAIN, Feed, Viewer,
};
use crate::{Closed, seats::HEAVIER, telemetry};

impl Feed {
    /// Weighs the seats anew when much more or less is said in the chat. Whoever has too much open then begins again, as
    /// soon as they may.
    pub(super) fn weigh(&mut self) {
        let room = self.image.as_ref().map_or(0, Image::room);
        let before = self.weighed;
        if room.abs_diff(before) < HEAVIER {
            return;
        }
        self.weighed = room;
        self.viewers.retain(|_, viewer| {
            let seat = viewer.seat.upgrade();
            let keeps = seat.is_none_or(|seat| seat.grows(before, room));
            if !keeps {
                viewer.closed.send_replace(Some(Closed::Behind));
            }
            keeps
        });
    }

    /// Judges everybody who looks, by one look at the chat's ACL. A database that cannot be asked revokes nothing.
    pub(super) async fn judge(&mut self) {
        let places: Vec<u64> = self.viewers.keys().copied().collect();
        let viewers = places.iter().filter_map(|place| self.viewers.get(place));
        let stores: Vec<&BoundStore> = viewers.map(|viewer| &viewer.store).collect();
        let Some(readable) = self.ask(&stores).await else {
            self.judge_at = Instant::now() + AGAIN;
            return;
        };
        self.judge_at = Instant::now() + self.feeds.0.config.look_every;
        for (place, _) in places.iter().zip(readable).filter(|(_, may)| !may) {
            if let Some(viewer) = self.viewers.remove(place) {
                viewer.closed.send_replace(Some(Closed::Revoked));
            }
        }
    }

    async fn ask(&self, stores: &[&BoundStore]) -> Option<Vec<bool>> {
        if stores.is_empty() {
            return Some(Vec::new());
        }
        let asked = self.feeds.0.reads.readable_by(self.chat, stores).await;
        asked
            .inspect_err(|error| {
                tracing::warn!(error = telemetry::cause(error), chat_id = %self.chat, "a chat's viewers cannot be judged");
            })
            .ok()
    }

    /// Lets those in who wait, if they still may look: they were let through before this feed knew them.
    pub(super) async fn let_in(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let stores: Vec<&BoundStore> = waiting.iter().map(|(join, _)| &join.store).collect();
        let readable = self.ask(&stores).await;
        let Some(readable) = readable.filter(|_| self.image.is_some()) else {
            for (_, answer) in waiting {
                drop(answer.send(Err(Turned::Away(Closed::Behind))));
            }
            return;
        };
        for ((join, answer), may) in waiting.into_iter().zip(readable) {
            let joined = if may {
                self.enter(*join)
            } else {
                Err(Closed::Revoked)
            };
            // Whoever has left meanwhile is found gone.
            drop(answer.send(joined.map_err(Turned::Away)));
        }
    }

    fn enter(&mut self, join: Join) -> Result<Joined, Closed> {
        let image = self.image.as_ref().ok_or(Closed::Behind)?;
        let own = owns(&join.store, image.access().chat.owner_id);
        let (audience, lane) = if own {
            (Audience::Owner, &self.owner)
        } else {
            (Audience::Readers, &self.readers)
        };
        let from = Beginning::new(image, join.after, join.anew);
        let frames = self.snapshots.frames(image, audience, from);
        let (close, closed) = watch::channel(None);
        self.places = self.places.wrapping_add(1);
        let joined = Joined {
            place: self.places,
            frames,
            live: lane.subscribe(),
            closed,
            last_answer: image.last_answer(),
        };
        if join.anew {
            // They leave their old place, and are not to be weighed twice.
            let other = |viewer: &Viewer| !Weak::ptr_eq(&viewer.seat, &join.seat);
            self.viewers.retain(|_, viewer| other(viewer));
        }
        let viewer = Viewer {
            store: join.store,
            seat: join.seat,
            closed: close,
        };
        self.viewers.insert(self.places, viewer);
        Ok(joined)
    }
}
