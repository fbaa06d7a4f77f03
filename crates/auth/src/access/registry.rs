//! Who is watched, who is to be looked at next, and what was heard lately.

use std::collections::{HashMap, HashSet, VecDeque};

use model::{UserId, api_keys::KeyStanding, subjects::SubjectVersions, users::UserStatus};
use tokio::sync::watch;
use uuid::Uuid;

use super::guard::{Revoked, Standing};

/// How many subjects are kept apart, among those to be looked at and among those heard of lately. Beyond it,
/// everybody is looked at.
const APART: usize = 1024;

/// How much had been heard at some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// A guard's place: the key, and which of the entries that there were for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    key_id: String,
    entry: u64,
}

/// A key that guards wait on.
#[derive(Debug)]
struct Watched {
    entry: u64,
    user_id: UserId,
    guards: usize,
    standing: watch::Sender<Standing>,
}

impl Watched {
    /// Whether one of these is the key's owner or an organization of theirs.
    fn concerns(&self, subjects: &HashSet<Uuid>) -> bool {
        subjects.contains(&self.user_id.0)
            || (self.standing.borrow().versions.organizations.iter())
                .any(|(organization, _)| subjects.contains(&organization.0))
    }
}

/// Who is to be looked at.
#[derive(Debug, Default)]
struct Due {
    everybody: bool,
    subjects: HashSet<Uuid>,
    keys: HashSet<String>,
}

/// What a guard is made for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) key_id: &'a str,
    pub(super) user_id: UserId,
    pub(super) versions: &'a SubjectVersions,
    pub(super) since: Mark,
}

/// All of it. Consistent between any two calls.
#[derive(Debug, Default)]
pub(super) struct Registry {
    watched: HashMap<String, Watched>,
    due: Due,
    /// The subjects heard of lately, each with how much had been heard then.
    lately: VecDeque<(Mark, Uuid)>,
    heard: Mark,
    /// What was heard up to here is not kept apart any more.
    forgotten: Mark,
    entries: u64,
}

impl Registry {
    /// How much was heard so far.
    pub(super) const fn mark(&self) -> Mark {
        self.heard
    }

    /// Something was heard of a person or an organization.
    pub(super) fn heard_of(&mut self, subject: Uuid) {
        self.heard.0 = self.heard.0.wrapping_add(1);
        self.lately.push_back((self.heard, subject));
        if self.lately.len() > APART
            && let Some((mark, _)) = self.lately.pop_front()
        {
            self.forgotten = mark;
        }
        if self.due.subjects.len() < APART {
            self.due.subjects.insert(subject);
        } else {
            self.due.everybody = true;
        }
    }

    /// Anything may have happened to anybody.
    pub(super) fn heard_of_everybody(&mut self) {
        self.heard.0 = self.heard.0.wrapping_add(1);
        self.lately.clear();
        self.forgotten = self.heard;
        self.due.everybody = true;
    }

    /// Everybody is to be looked at.
    pub(super) const fn all_due(&mut self) {
        self.due.everybody = true;
    }

    /// Takes a place for a guard; `true` when it is to be looked at soon.
    pub(super) fn join(&mut self, wanted: &Wanted<'_>) -> (Place, watch::Receiver<Standing>, bool) {
        let entries = &mut self.entries;
        let watched = self
            .watched
            .entry(wanted.key_id.to_owned())
            .or_insert_with(|| {
                *entries = entries.wrapping_add(1);
                let standing = Standing {
                    revoked: None,
                    versions: wanted.versions.clone(),
                };
                Watched {
                    entry: *entries,
                    user_id: wanted.user_id,
                    guards: 0,
                    standing: watch::Sender::new(standing),
                }
            });
        watched.guards = watched.guards.saturating_add(1);
        let other = watched.standing.borrow().versions != *wanted.versions;
        let newer = self.lately.iter().rev();
        let newer: HashSet<Uuid> = newer
            .take_while(|(mark, _)| *mark > wanted.since)
            .map(|(_, subject)| *subject)
            .collect();
        let due = other || self.forgotten > wanted.since || watched.concerns(&newer);
        if due {
            self.due.keys.insert(wanted.key_id.to_owned());
        }
        let place = Place {
            key_id: wanted.key_id.to_owned(),
            entry: watched.entry,
        };
        (place, watched.standing.subscribe(), due)
    }

    /// A guard leaves; the last one takes the key along.
    pub(super) fn leave(&mut self, place: &Place) {
        let Some(watched) = self.watched.get_mut(&place.key_id) else {
            return;
        };
        if watched.entry != place.entry {
            return;
        }
        watched.guards = watched.guards.saturating_sub(1);
        if watched.guards == 0 {
            self.watched.remove(&place.key_id);
            self.due.keys.remove(&place.key_id);
        }
    }

    /// The keys to look at, each once.
    pub(super) fn take_due(&mut self) -> Vec<String> {
        let Due {
            everybody,
            subjects,
            keys,
        } = std::mem::take(&mut self.due);
        let is_due = |(key, watched): &(&String, &Watched)| {
            everybody || keys.contains(*key) || watched.concerns(&subjects)
        };
        let due = self.watched.iter().filter(is_due);
        due.map(|(key, _)| key.clone()).collect()
    }

    /// Tells the guards of these keys how they stand, and gives back why those that ended did. A key that has ended
    /// leaves the registry, so that nobody joins those whom it has turned away.
    pub(super) fn tell(&mut self, asked: &[String], found: Vec<KeyStanding>) -> Vec<Revoked> {
        let mut found: HashMap<String, KeyStanding> = found
            .into_iter()
            .map(|standing| (standing.id.clone(), standing))
            .collect();
        let mut ended = Vec::new();
        for key in asked {
            let Some(watched) = self.watched.get(key) else {
                continue;
            };
            match judge(found.remove(key)) {
                Ok(versions) => {
                    watched.standing.send_if_modified(|standing| {
                        let other = standing.versions != versions;
                        standing.versions = versions;
                        other
                    });
                }
                Err(revoked) => {
                    watched
                        .standing
                        .send_modify(|standing| standing.revoked = Some(revoked));
                    self.watched.remove(key);
                    ended.push(revoked);
                }
            }
        }
        ended
    }

    /// How many keys are watched, and by how many guards.
    pub(super) fn size(&self) -> (usize, usize) {
        let guards = self.watched.values().map(|watched| watched.guards).sum();
        (self.watched.len(), guards)
    }
}

/// Whether a key lets its owner in, and by which versions: the same answer as a new request gets.
fn judge(found: Option<KeyStanding>) -> Result<SubjectVersions, Revoked> {
    let standing = found.ok_or(Revoked::Gone)?;
    if standing.expired {
        return Err(Revoked::Expired);
    }
    match standing.status {
        UserStatus::Active => Ok(standing.versions),
        UserStatus::Suspended => Err(Revoked::Suspended),
    }
}
