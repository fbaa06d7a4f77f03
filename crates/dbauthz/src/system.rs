//! The system actors: who works without a person, with what permissions and why.

use std::sync::{Arc, LazyLock};

use rbac::{Action, Permission, PreparedSubject, ResourceType as R, Subject};

/// A part of the program that works without a signed-in person. Each has the least permissions it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemActor {
    /// Finds out who is calling.
    Authenticator,
    /// Makes the first account.
    Setup,
    /// Spends on behalf of the person whose request it forwards.
    Gateway,
    /// Keeps the ledger in order.
    LedgerSweeper,
    /// Keeps the roles that come with membership as the program defines them.
    RoleReconciler,
    /// Signs people in at the identity provider, and follows what it says of them.
    IdentitySync,
    /// Sets prices from a file, as an operator on the server's machine asks it to.
    PriceImporter,
    /// Switches features, as an operator on the server's machine asks it to.
    FeatureSwitcher,
    /// Writes the options that a server was started with into the deployment's settings.
    Options,
    /// Tells people of thresholds that spend has come to.
    Alerts,
    /// Tells webhooks and mailboxes what happened.
    Courier,
    /// Counts for the metrics whom a limit blocks.
    Metrics,
    /// Mirrors the caps that a customers portal keeps.
    CapsMirror,
    /// Runs the turns of chats.
    ChatEngine,
    /// Shows chats to those who look at them.
    ChatFeed,
    /// Archives and removes old chats and files that nobody attached.
    ChatKeeper,
}

/// What making stored caps those of a portal takes.
const CAPS_MIRROR: &[(R, Action)] = &[
    (R::BudgetCap, Action::Create),
    (R::BudgetCap, Action::Delete),
    (R::BudgetCap, Action::Read),
    (R::BudgetCap, Action::Update),
];

/// What following an identity provider's claims takes.
const IDENTITY_SYNC: &[(R, Action)] = &[
    (R::AssignOrgRole, Action::Assign),
    (R::AssignOrgRole, Action::Unassign),
    (R::Group, Action::Create),
    (R::Group, Action::Update),
    (R::IdpsyncSettings, Action::Read),
    (R::Organization, Action::Read),
    (R::OrganizationMember, Action::Create),
    (R::OrganizationMember, Action::Delete),
    (R::User, Action::Create),
    (R::User, Action::Read),
    (R::User, Action::ReadPersonal),
    (R::User, Action::UpdatePersonal),
];

impl SystemActor {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::Authenticator,
        Self::Setup,
        Self::Gateway,
        Self::LedgerSweeper,
        Self::RoleReconciler,
        Self::IdentitySync,
        Self::PriceImporter,
        Self::FeatureSwitcher,
        Self::Options,
        Self::Alerts,
        Self::Courier,
        Self::Metrics,
        Self::CapsMirror,
        Self::ChatEngine,
        Self::ChatFeed,
        Self::ChatKeeper,
    ];

    /// The name that the audit log records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authenticator => "authenticator",
            Self::Setup => "setup",
            Self::Gateway => "gateway",
            Self::LedgerSweeper => "ledger-sweeper",
            Self::RoleReconciler => "role-reconciler",
            Self::IdentitySync => "identity-sync",
            Self::PriceImporter => "price-importer",
            Self::FeatureSwitcher => "feature-switcher",
            Self::Options => "options",
            Self::Alerts => "alerts",
            Self::Courier => "courier",
            Self::Metrics => "metrics",
            Self::CapsMirror => "caps-mirror",
            Self::ChatEngine => "chat-engine",
            Self::ChatFeed => "chat-feed",
            Self::ChatKeeper => "chat-keeper",
        }
    }

    /// Why it exists.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Authenticator => {
                "before a caller is known nobody can act as them: it reads the key and its owner's roles, or \
                 the password's hash, makes the session, and puts it into admin mode"
            }
            Self::Setup => {
                "while no account exists nobody could make one: it makes the first owner, once, and the \
                 first organization"
            }
            Self::Gateway => {
                "people may spend but never write the ledger or read a provider's key, and need not see prices: it does \
                 all three for a request that was authorized as the person"
            }
            Self::Options => {
                "settings that all servers share may be given as options of one: it writes them at its start, \
                 when nobody has asked for anything yet"
            }
            Self::Metrics => {
                "metrics are about everybody and asked for by nobody: it reads who has used up a limit"
            }
            Self::CapsMirror => {
                "where caps are set at a customers portal nobody sets them here: it makes the stored ones what the portal \
                 says, by which requests are decided"
            }
            Self::ChatEngine => {
                "a turn goes on when its owner has gone, and may end with the server that ran it: it reads what was said, \
                 notes what the model says, and ends the turn; the model itself is asked as the owner"
            }
            Self::ChatFeed => {
                "many people look at one chat: it reads what happens there once for all of them, and asks before it shows \
                 it what each of them may see"
            }
            Self::ChatKeeper => {
                "nobody asks for order: it archives and removes chats that nobody has changed for long, and removes files \
                 that no chat has and what shares have left behind that ended"
            }
            Self::Courier => {
                "what happens is told to webhooks and by mail when nobody is there: it reads what is to be sent, the \
                 receiver's address and what signs it, and notes how it went"
            }
            Self::PriceImporter => {
                "whoever may run the program on the database needs no account to list and set prices: `bursar prices` \
                 does it for them"
            }
            Self::FeatureSwitcher => {
                "whoever may run the program on the database needs no account to switch features: `bursar feature` does \
                 it for them, and finds the organization by its name"
            }
            Self::Alerts => {
                "nobody asks to be told: it looks at what is spent under each limit, writes who must know into their \
                 inboxes, and removes old messages"
            }
            Self::LedgerSweeper => {
                "a server that crashed leaves reservations open: it settles them, and recounts the ledger"
            }
            Self::RoleReconciler => {
                "what comes with membership changes with the program, and nobody may edit those roles: it writes \
                 each organization's copy of them"
            }
            Self::IdentitySync => {
                "whoever comes from the identity provider is nobody here yet: it finds or makes their account and \
                 links it, and follows the provider's claims into organizations, groups and roles"
            }
        }
    }

    /// What it may do, on every object of the type.
    #[must_use]
    pub fn permissions(self) -> Vec<Permission> {
        self.allowed()
            .iter()
            .map(|(resource, action)| Permission::allow(*resource, *action))
            .collect()
    }

    const fn allowed(self) -> &'static [(R, Action)] {
        match self {
            Self::Authenticator => &[
                (R::ApiKey, Action::Create),
                (R::ApiKey, Action::Read),
                (R::ApiKey, Action::Update),
                (R::AssignRole, Action::Read),
                (R::Organization, Action::Read),
                (R::User, Action::Read),
                (R::User, Action::ReadPersonal),
                (R::User, Action::UpdatePersonal),
            ],
            Self::Setup => &[
                (R::Organization, Action::Create),
                (R::OrganizationMember, Action::Create),
                (R::User, Action::Create),
                (R::User, Action::Read),
            ],
            Self::Gateway => &[
                (R::AiModelPrice, Action::Read),
                (R::AiProvider, Action::Use),
                (R::AiUsageEvent, Action::Create),
            ],
            Self::LedgerSweeper => &[
                (R::AiUsageEvent, Action::Create),
                (R::AiUsageEvent, Action::Read),
            ],
            Self::RoleReconciler => &[
                (R::AssignOrgRole, Action::Create),
                (R::AssignOrgRole, Action::Read),
                (R::AssignOrgRole, Action::Update),
                (R::Organization, Action::Read),
            ],
            Self::IdentitySync => IDENTITY_SYNC,
            Self::PriceImporter => &[
                (R::AiModelPrice, Action::Read),
                (R::AiModelPrice, Action::Update),
            ],
            Self::FeatureSwitcher => &[
                (R::FeatureFlag, Action::Read),
                (R::FeatureFlag, Action::Update),
                (R::Organization, Action::Read),
            ],
            Self::Options => &[
                (R::DeploymentConfig, Action::Read),
                (R::DeploymentConfig, Action::Update),
            ],
            Self::Alerts => &[
                (R::AiBudget, Action::Read),
                (R::AiUsageEvent, Action::Read),
                (R::Notification, Action::Create),
                (R::Notification, Action::Delete),
            ],
            Self::Courier => &[
                (R::DeploymentConfig, Action::Read),
                (R::Notification, Action::Create),
                (R::Notification, Action::Read),
                (R::User, Action::Read),
            ],
            Self::Metrics => &[(R::AiUsageEvent, Action::Read)],
            Self::CapsMirror => CAPS_MIRROR,
            Self::ChatEngine => &[(R::Chat, Action::Update)],
            Self::ChatFeed => &[(R::Chat, Action::Read)],
            Self::ChatKeeper => &[
                (R::Chat, Action::Delete),
                (R::Chat, Action::Share),
                (R::Chat, Action::Update),
                (R::ChatFile, Action::Delete),
            ],
        }
    }

    /// The subject that its permissions make. Every request needs one, so each is made once.
    pub(crate) fn subject(self) -> Arc<PreparedSubject> {
        static SUBJECTS: LazyLock<Vec<(SystemActor, Arc<PreparedSubject>)>> = LazyLock::new(|| {
            SystemActor::ALL
                .iter()
                .map(|actor| (*actor, Arc::new(actor.prepared())))
                .collect()
        });
        let made = SUBJECTS.iter().find(|(actor, _)| *actor == self);
        made.map_or_else(
            || Arc::new(self.prepared()),
            |(_, subject)| Arc::clone(subject),
        )
    }

    fn prepared(self) -> PreparedSubject {
        Subject::system(self.name(), &self.permissions()).prepare()
    }
}
