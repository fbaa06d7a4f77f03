//! What the portal keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::LICENCE_KEY;

const CREATED: &str = "2026-04-01T12:00:00Z";

/// The subscriptions, by who asks for them, and how they are told. A namespace is known once it was named here.
#[derive(Debug)]
pub struct Books {
    namespaces: BTreeMap<String, Subscription>,
    licences: BTreeMap<String, Subscription>,
    /// How many overrides are on a page at most, and how many statuses in an answer.
    pub page: usize,
    /// How many overrides were written.
    writes: u32,
}

/// The caps of a subscription.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    /// Whether there is a record of caps. Without one nothing of it is told, and there are no overrides to be set.
    pub recorded: bool,
    /// The cap of all people together.
    pub cap: Amount,
    /// The cap of each.
    pub flat: Amount,
    /// Those of single people, in the order in which they are told.
    pub overrides: Vec<Own>,
    /// Who is stopped.
    pub blocked: Vec<Blocked>,
    /// Of whom no status is told, by entity id.
    pub left_out: BTreeSet<String>,
}

/// An amount and its switch, both as they stand in JSON; `null` and `false` when never set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// The amount in dollars, or whatever the portal takes for one.
    pub amount: String,
    /// Whether it holds.
    pub enabled: String,
}

/// A person's own cap.
#[derive(Debug, Clone)]
pub struct Own {
    /// Whose.
    pub entity_id: String,
    /// The instance that the person is of, by the portal's id of it.
    pub instance: Option<String>,
    /// The amount as JSON.
    pub cap: String,
    /// Whether it holds.
    pub enabled: bool,
    /// When it was first set, as text.
    pub created_at: String,
    /// When it was changed last, as text.
    pub updated_at: String,
}

/// Somebody who is stopped.
#[derive(Debug, Clone)]
pub struct Blocked {
    /// Who.
    pub entity_id: String,
    /// The kind of the cap that does it, as JSON.
    pub cap: String,
}

impl Default for Amount {
    fn default() -> Self {
        Self {
            amount: "null".to_owned(),
            enabled: "false".to_owned(),
        }
    }
}

impl Amount {
    /// An amount of this text, switched on or off.
    #[must_use]
    pub fn new(amount: &str, enabled: bool) -> Self {
        Self {
            amount: amount.to_owned(),
            enabled: enabled.to_string(),
        }
    }
}

impl Own {
    /// The cap of somebody of no instance, set at a known time.
    #[must_use]
    pub fn new(entity_id: impl Into<String>, cap: &str, enabled: bool) -> Self {
        Self {
            entity_id: entity_id.into(),
            instance: None,
            cap: cap.to_owned(),
            enabled,
            created_at: CREATED.to_owned(),
            updated_at: at(0),
        }
    }
}

impl Blocked {
    /// Somebody whom a cap of this kind stops.
    #[must_use]
    pub fn new(entity_id: impl Into<String>, kind: &str) -> Self {
        Self {
            entity_id: entity_id.into(),
            cap: format!("\"{kind}\""),
        }
    }
}

impl Default for Books {
    fn default() -> Self {
        let licence = (LICENCE_KEY.to_owned(), Subscription::default());
        Self {
            namespaces: BTreeMap::new(),
            licences: BTreeMap::from([licence]),
            page: 20,
            writes: 0,
        }
    }
}

impl Books {
    /// The subscription of a namespace, which is known from now on.
    pub fn namespace(&mut self, id: impl Into<String>) -> &mut Subscription {
        self.namespaces.entry(id.into()).or_default()
    }

    /// Knows a namespace no more.
    pub fn forget(&mut self, id: &str) {
        self.namespaces.remove(id);
    }

    /// The subscription of a licence, which is known from now on.
    pub fn licence(&mut self, key: &str) -> &mut Subscription {
        self.licences.entry(key.to_owned()).or_default()
    }

    /// The subscription that somebody asks for, if it is known.
    pub(crate) fn of(&mut self, asked: &Whose) -> Option<&mut Subscription> {
        match asked {
            Whose::Namespace(id) => self.namespaces.get_mut(id),
            Whose::Licence(key) => self.licences.get_mut(key),
        }
    }

    /// The time of another write.
    pub(crate) fn tick(&mut self) -> String {
        self.writes = self.writes.saturating_add(1);
        at(self.writes)
    }
}

/// Whose subscription is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    Namespace(String),
    Licence(String),
}

/// So many seconds after a known time.
fn at(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600 % 12, seconds / 60 % 60, seconds % 60);
    format!("2026-04-02T{:02}:{minutes:02}:{seconds:02}Z", 12 + hours)
}
