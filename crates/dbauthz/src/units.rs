//! Units of work: every feature's repository, each call authorized.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use store::StoreResult;

use crate::{
    Alerts, ApiKeys, Audit, Budgets, CapMirrors, Caps, ChatFiles, ChatMessages, ChatTurns,
    ChatUpkeep, ChatViewers, Chats, Deliveries, ExternalUsage, FeatureFlags, Groups, Identities,
    IdentitySync, Idpsync, Ledger, Logins, Notifications, Objects, Organizations, PresentedKeys,
    Prices, ProviderKeys, Providers, Roles, Setup, Spend, SpendReports, StoredResponses, Subjects,
    SystemRoles, UpstreamCaps, Users, Webhooks, Workspaces, gate::Gate,
};

/// All repositories, for reading, each call authorized.
pub struct ReadUnit {
    gate: Arc<Gate>,
    unit: Box<dyn store::ReadUnit>,
}

/// All repositories inside one transaction, each call authorized. Rolled back when it is dropped.
pub struct WriteUnit {
    gate: Arc<Gate>,
    unit: Box<dyn store::WriteUnit>,
}

impl ReadUnit {
    pub(crate) fn new(gate: Arc<Gate>, unit: Box<dyn store::ReadUnit>) -> Self {
        Self { gate, unit }
    }
}

impl WriteUnit {
    pub(crate) fn new(gate: Arc<Gate>, unit: Box<dyn store::WriteUnit>) -> Self {
        Self { gate, unit }
    }

    /// Makes everything that this unit wrote durable.
    ///
    /// # Errors
    /// As [`store::WriteUnit::commit`].
    pub async fn commit(self) -> StoreResult<()> {
        self.unit.commit().await
    }
}

/// What a system actor reads: all repositories, and those that no person reaches.
pub struct SystemReadUnit {
    unit: ReadUnit,
}

/// What a system actor changes: all repositories, and those that no person reaches.
pub struct SystemWriteUnit {
    unit: WriteUnit,
}

impl SystemReadUnit {
    pub(crate) const fn new(unit: ReadUnit) -> Self {
        Self { unit }
    }
}

impl SystemWriteUnit {
    pub(crate) const fn new(unit: WriteUnit) -> Self {
        Self { unit }
    }

    /// Makes everything that this unit wrote durable.
    ///
    /// # Errors
    /// As [`store::WriteUnit::commit`].
    pub async fn commit(self) -> StoreResult<()> {
        self.unit.commit().await
    }
}

macro_rules! rooms {
    ($($unit:ident over $inner:ident, $system:ident;)+) => {$(
        impl $unit {
            /// People and service accounts.
            pub fn users(&mut self) -> Users<'_, dyn store::$inner> {
                Users::new(&self.gate, &mut *self.unit)
            }
            /// Organizations and memberships.
            pub fn organizations(&mut self) -> Organizations<'_, dyn store::$inner> {
                Organizations::new(&self.gate, &mut *self.unit)
            }
            /// Groups.
            pub fn groups(&mut self) -> Groups<'_, dyn store::$inner> {
                Groups::new(&self.gate, &mut *self.unit)
            }
            /// Sessions and API tokens.
            pub fn api_keys(&mut self) -> ApiKeys<'_, dyn store::$inner> {
                ApiKeys::new(&self.gate, &mut *self.unit)
            }
            /// Group budgets.
            pub fn budgets(&mut self) -> Budgets<'_, dyn store::$inner> {
                Budgets::new(&self.gate, &mut *self.unit)
            }
            /// AI providers, without their keys.
            pub fn providers(&mut self) -> Providers<'_, dyn store::$inner> {
                Providers::new(&self.gate, &mut *self.unit)
            }
            /// What people spent.
            pub fn spend(&mut self) -> Spend<'_, dyn store::$inner> {
                Spend::new(&self.gate, &mut *self.unit)
            }
            /// What people's rights are made of.
            pub fn subjects(&mut self) -> Subjects<'_, dyn store::$inner> {
                Subjects::new(&self.gate, &mut *self.unit)
            }
            /// Objects of decisions.
            pub fn objects(&mut self) -> Objects<'_, dyn store::$inner> {
                Objects::new(&self.gate, &mut *self.unit)
            }
            /// The audit log.
            pub fn audit(&mut self) -> Audit<'_, dyn store::$inner> {
                Audit::new(&self.gate, &mut *self.unit)
            }
            /// Caps of what people, and everybody together, may spend.
            pub fn caps(&mut self) -> Caps<'_, dyn store::$inner> {
                Caps::new(&self.gate, &mut *self.unit)
            }
            /// Caps that are set upstream.
            pub fn upstream_caps(&mut self) -> UpstreamCaps<'_, dyn store::$inner> {
                UpstreamCaps::new(&self.gate, &mut *self.unit)
            }
            /// Features that are switched on and off while the servers run.
            pub fn feature_flags(&mut self) -> FeatureFlags<'_, dyn store::$inner> {
                FeatureFlags::new(&self.gate, &mut *self.unit)
            }
            /// Prices of models that this deployment sets itself.
            pub fn prices(&mut self) -> Prices<'_, dyn store::$inner> {
                Prices::new(&self.gate, &mut *self.unit)
            }
            /// Spend that other gateways report, or ask for first.
            pub fn external_usage(&mut self) -> ExternalUsage<'_, dyn store::$inner> {
                ExternalUsage::new(&self.gate, &mut *self.unit)
            }
            /// Reports of what people and groups spent.
            pub fn spend_reports(&mut self) -> SpendReports<'_, dyn store::$inner> {
                SpendReports::new(&self.gate, &mut *self.unit)
            }
            /// Messages to people: the inbox.
            pub fn notifications(&mut self) -> Notifications<'_, dyn store::$inner> {
                Notifications::new(&self.gate, &mut *self.unit)
            }
            /// Where messages are sent to besides the inbox, and what is still to be sent.
            pub fn webhooks(&mut self) -> Webhooks<'_, dyn store::$inner> {
                Webhooks::new(&self.gate, &mut *self.unit)
            }
            /// Custom roles of an organization.
            pub fn roles(&mut self) -> Roles<'_, dyn store::$inner> {
                Roles::new(&self.gate, &mut *self.unit)
            }
            /// Workspaces: the shared folders of a team's AI work.
            pub fn workspaces(&mut self) -> Workspaces<'_, dyn store::$inner> {
                Workspaces::new(&self.gate, &mut *self.unit)
            }
            /// Chats: conversations that can be shared for reading.
            pub fn chats(&mut self) -> Chats<'_, dyn store::$inner> {
                Chats::new(&self.gate, &mut *self.unit)
            }
            /// What is said in chats, and what waits to be said.
            pub fn chat_messages(&mut self) -> ChatMessages<'_, dyn store::$inner> {
                ChatMessages::new(&self.gate, &mut *self.unit)
            }
            /// Files that people attach to chats.
            pub fn chat_files(&mut self) -> ChatFiles<'_, dyn store::$inner> {
                ChatFiles::new(&self.gate, &mut *self.unit)
            }
            /// How an identity provider's claims become organizations, groups and roles.
            pub fn idpsync(&mut self) -> Idpsync<'_, dyn store::$inner> {
                Idpsync::new(&self.gate, &mut *self.unit)
            }
        }

        impl $system {
            /// What signing in by password needs.
            pub fn logins(&mut self) -> Logins<'_, dyn store::$inner> {
                Logins::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// The first account.
            pub fn setup(&mut self) -> Setup<'_, dyn store::$inner> {
                Setup::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Keys that callers present.
            pub fn presented_keys(&mut self) -> PresentedKeys<'_, dyn store::$inner> {
                PresentedKeys::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// The keys of AI providers.
            pub fn provider_keys(&mut self) -> ProviderKeys<'_, dyn store::$inner> {
                ProviderKeys::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// The spend ledger.
            pub fn ledger(&mut self) -> Ledger<'_, dyn store::$inner> {
                Ledger::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Alerts: who must be told that spend has come to a threshold of a limit.
            pub fn alerts(&mut self) -> Alerts<'_, dyn store::$inner> {
                Alerts::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Mirrors of caps that an upstream system keeps.
            pub fn cap_mirrors(&mut self) -> CapMirrors<'_, dyn store::$inner> {
                CapMirrors::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// The outbox: what is sent besides the inbox.
            pub fn deliveries(&mut self) -> Deliveries<'_, dyn store::$inner> {
                Deliveries::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// What AI providers keep for people.
            pub fn stored_responses(&mut self) -> StoredResponses<'_, dyn store::$inner> {
                StoredResponses::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// The roles that come with being a member, as every organization keeps them.
            pub fn system_roles(&mut self) -> SystemRoles<'_, dyn store::$inner> {
                SystemRoles::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Accounts at an identity provider, and sign-ins under way there.
            pub fn identities(&mut self) -> Identities<'_, dyn store::$inner> {
                Identities::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Turns of chats.
            pub fn chat_turns(&mut self) -> ChatTurns<'_, dyn store::$inner> {
                ChatTurns::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Who looks at chats.
            pub fn chat_viewers(&mut self) -> ChatViewers<'_, dyn store::$inner> {
                ChatViewers::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Keeping chats in order.
            pub fn chat_upkeep(&mut self) -> ChatUpkeep<'_, dyn store::$inner> {
                ChatUpkeep::new(&self.unit.gate, &mut *self.unit.unit)
            }
            /// Following an identity provider's claims.
            pub fn identity_sync(&mut self) -> IdentitySync<'_, dyn store::$inner> {
                IdentitySync::new(&self.unit.gate, &mut *self.unit.unit)
            }
        }

        impl Deref for $system {
            type Target = $unit;
            fn deref(&self) -> &$unit {
                &self.unit
            }
        }

        impl DerefMut for $system {
            fn deref_mut(&mut self) -> &mut $unit {
                &mut self.unit
            }
        }

        impl fmt::Debug for $unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($unit)).field("gate", &self.gate).finish_non_exhaustive()
            }
        }

        impl fmt::Debug for $system {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($system)).field("unit", &self.unit).finish()
            }
        }
    )+};
}

rooms! {
    ReadUnit over ReadUnit, SystemReadUnit;
    WriteUnit over WriteUnit, SystemWriteUnit;
}

/// Makes the wrapper of a feature's repository: who acts, and the unit that runs what was allowed.
macro_rules! wrapper {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<'a, U: ?Sized> {
            gate: &'a $crate::gate::Gate,
            unit: &'a mut U,
        }

        impl<'a, U: ?Sized> $name<'a, U> {
            pub(crate) const fn new(gate: &'a $crate::gate::Gate, unit: &'a mut U) -> Self {
                Self { gate, unit }
            }
        }

        impl<U: ?Sized> std::fmt::Debug for $name<'_, U> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("gate", &self.gate).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use wrapper;
