//! What a batch is about: people, groups, subscriptions and reservations, and the counters that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use model::{
    GroupId, UserId,
    caps::CapScope,
    spend::{Account, LimitKey, LimitKind},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    books::present_key,
    calendar::{Calendar, Reckoning},
    candidates::Standing,
    counter::Key,
    moves::moves,
    steps::Step,
};

/// What a batch is about.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    /// Who spends at this instant.
    spending: BTreeSet<UserId>,
    /// Of whom it must be known what holds: those and others.
    standing: BTreeSet<UserId>,
    /// Groups that are charged or waited at.
    pub(super) groups: BTreeSet<GroupId>,
    /// Subscriptions that are waited at.
    scopes: BTreeSet<CapScope>,
    /// Reservations that are closed.
    pub(super) closing: Vec<Uuid>,
    /// Reservations that are extended.
    pub(super) extending: Vec<Uuid>,
    /// What both are charged to, and their instants.
    charged: Vec<(Account, DateTime<Utc>)>,
}

impl Subjects {
    pub(super) fn of(steps: &[Step<'_>]) -> Self {
        let mut all = Self::default();
        for step in steps {
            match step {
                Step::Reserve(request) => {
                    all.spending.insert(request.user_id);
                }
                Step::Report(report) => {
                    all.spending.insert(report.user_id);
                }
                Step::Extend(extend) => {
                    all.standing.insert(extend.account.user_id);
                    all.groups.extend(extend.account.group_id);
                    all.extending.push(extend.id.0);
                    all.charged.push((extend.account, extend.id.instant()));
                }
                Step::Close(closing) => {
                    all.groups.extend(closing.account.group_id);
                    all.closing.push(closing.id.0);
                    all.charged.push((closing.account, closing.id.instant()));
                }
                Step::WaitEnd(end) => {
                    for limit in &end.limits {
                        all.wait_ends(limit);
                    }
                }
            }
        }
        all.standing.extend(&all.spending);
        all
    }

    fn wait_ends(&mut self, limit: &LimitKey) {
        match limit.kind {
            LimitKind::User => {}
            LimitKind::Pool => drop(self.groups.insert(GroupId(limit.id))),
            LimitKind::UserCap => drop(self.scopes.insert(CapScope::of(limit.scope))),
            LimitKind::Subscription => drop(self.scopes.insert(CapScope::of(limit.id))),
        }
    }

    pub(super) fn people(&self) -> Vec<UserId> {
        self.standing.iter().copied().collect()
    }

    /// Who spends at this instant, and whom it is charged to.
    pub(super) fn spenders(
        &self,
        standings: &BTreeMap<UserId, Standing>,
    ) -> impl Iterator<Item = Account> {
        let account = |user: &UserId| {
            let standing = standings.get(user).copied().unwrap_or_default();
            standing.account(*user)
        };
        self.spending.iter().map(account)
    }

    /// The subscriptions whose caps may count; none where none are set, unless it must be known that none are.
    pub(super) fn scopes(
        &self,
        calendar: &Calendar,
        standings: &BTreeMap<UserId, Standing>,
    ) -> BTreeSet<CapScope> {
        if !calendar.any_cap && calendar.cap_trust.is_none() {
            return BTreeSet::new();
        }
        let charged = self.charged.iter().map(|(account, _)| *account);
        let accounts = self.spenders(standings).chain(charged);
        let places = accounts.filter_map(|account| account.organization_id);
        let scopes = places.map(CapScope::Organization);
        let all = scopes.chain(self.scopes.iter().copied());
        all.chain([CapScope::Instance]).collect()
    }

    /// The instants whose periods must be known.
    pub(super) fn instants(&self, calendar: &Calendar) -> BTreeSet<(Reckoning, DateTime<Utc>)> {
        let mut wanted = BTreeSet::new();
        for (account, at) in &self.charged {
            wanted.insert((calendar.people.clone(), *at));
            let pool = account
                .group_id
                .and_then(|group| calendar.pools.get(&group));
            if let Some(pool) = pool {
                wanted.insert((pool.reckoning.clone(), *at));
            }
        }
        wanted
    }

    /// Every counter that may be touched, in the order in which they are locked.
    pub(super) fn keys(
        &self,
        steps: &[Step<'_>],
        calendar: &Calendar,
        standings: &BTreeMap<UserId, Standing>,
    ) -> StoreResult<Vec<Key>> {
        let mut all = BTreeSet::new();
        let now = self
            .spenders(standings)
            .map(|account| (account, calendar.now));
        for (account, at) in now.chain(self.charged.iter().copied()) {
            let moves = moves(calendar, account, at)?;
            all.extend(moves.iter().map(|one| one.key));
        }
        for step in steps {
            if let Step::WaitEnd(end) = step {
                for limit in &end.limits {
                    all.extend(present_key(calendar, *limit)?);
                }
            }
        }
        Ok(all.into_iter().collect())
    }
}
