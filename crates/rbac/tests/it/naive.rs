//! The decision once more, naively: permission by permission, as the rule is told in words. It is the
//! reference for random comparison, so it must stay simple and must not use the engine.
//!
//! It can be told to make a [`Mistake`], to see that the comparison would notice.

use std::{collections::BTreeSet, slice};

use rbac::{Action, Permission, ResourceType};
use uuid::Uuid;

use crate::draft::{DraftObject, DraftRole, DraftSubject};

/// What an evaluator may get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    TypeWildcardDropped,
    ActionWildcardDropped,
    GrantBeatsDenial,
    SiteDenialNotPassedDown,
    OrganizationDenialNotPassedDown,
    MembershipFromScope,
    EmptyOwnerCountsAsOwned,
    EmptyOwnerNeverOwned,
    UserLevelInOrganizations,
    MemberLevelOnAnybodysObjects,
    AnyOrganizationIgnoresMemberLevel,
    AnyOrganizationTakesLowestVote,
    AclForStrangers,
    AclWildcardDropped,
    AclEveryoneForgotten,
    AclPastTheScope,
    DenialBeatsAcl,
    EmptyAllowListAdmitsAll,
    AllowListIgnoresType,
    AllowListIgnoresId,
}

impl Mistake {
    pub(crate) const ALL: [Self; 20] = [
        Self::TypeWildcardDropped,
        Self::ActionWildcardDropped,
        Self::GrantBeatsDenial,
        Self::SiteDenialNotPassedDown,
        Self::OrganizationDenialNotPassedDown,
        Self::MembershipFromScope,
        Self::EmptyOwnerCountsAsOwned,
        Self::EmptyOwnerNeverOwned,
        Self::UserLevelInOrganizations,
        Self::MemberLevelOnAnybodysObjects,
        Self::AnyOrganizationIgnoresMemberLevel,
        Self::AnyOrganizationTakesLowestVote,
        Self::AclForStrangers,
        Self::AclWildcardDropped,
        Self::AclEveryoneForgotten,
        Self::AclPastTheScope,
        Self::DenialBeatsAcl,
        Self::EmptyAllowListAdmitsAll,
        Self::AllowListIgnoresType,
        Self::AllowListIgnoresId,
    ];
}

/// Votes of one side: negative, none or positive.
struct Votes {
    site: i8,
    user: i8,
    org: i8,
    member: i8,
}

/// One question.
struct Question<'a> {
    subject: &'a DraftSubject,
    action: Action,
    object: &'a DraftObject,
    mistake: Option<Mistake>,
}

impl Question<'_> {
    fn wrong(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn memberships(&self) -> BTreeSet<Uuid> {
        let mut orgs = self.subject.memberships();
        if self.wrong(Mistake::MembershipFromScope) {
            orgs.extend(self.subject.scope.by_org.keys());
        }
        orgs
    }

    fn is_member(&self) -> bool {
        let orgs = self.memberships();
        if self.object.any_org {
            !orgs.is_empty()
        } else {
            self.object.org.is_some_and(|org| orgs.contains(&org))
        }
    }

    fn vote<'p>(&self, pool: impl Iterator<Item = &'p Permission>) -> i8 {
        let (any_type, any_action) = (
            !self.wrong(Mistake::TypeWildcardDropped),
            !self.wrong(Mistake::ActionWildcardDropped),
        );
        let resource: ResourceType = self.object.resource;
        let (mut granted, mut denied) = (false, false);
        for p in pool {
            let matches = p.action.map_or(any_action, |a| a == self.action)
                && p.resource.map_or(any_type, |r| r == resource);
            granted |= matches && !p.negate;
            denied |= matches && p.negate;
        }
        if denied && !(granted && self.wrong(Mistake::GrantBeatsDenial)) {
            -1
        } else {
            i8::from(granted)
        }
    }

    fn votes(&self, side: &[DraftRole]) -> Votes {
        let (subject, object) = (self.subject, self.object);
        let orgs = self.memberships();
        let mine = object.owner.unwrap_or_default() == subject.id;
        let in_org = |pick: fn(&DraftRole, Uuid) -> &[Permission]| {
            let one = |org: Uuid| self.vote(side.iter().flat_map(|role| pick(role, org)));
            if !object.any_org {
                return object.org.filter(|org| orgs.contains(org)).map_or(0, one);
            }
            let votes = orgs.iter().map(|org| one(*org));
            if self.wrong(Mistake::AnyOrganizationTakesLowestVote) {
                votes.min().unwrap_or(0)
            } else {
                votes.max().unwrap_or(0)
            }
        };
        let placed = object.org.is_some() || object.any_org;
        let user = mine
            && (!placed || self.wrong(Mistake::UserLevelInOrganizations))
            && !(object.owner.is_none() && self.wrong(Mistake::EmptyOwnerNeverOwned));
        let member = (mine || self.wrong(Mistake::MemberLevelOnAnybodysObjects))
            && (object.owner.is_some() || self.wrong(Mistake::EmptyOwnerCountsAsOwned))
            && !(object.any_org && self.wrong(Mistake::AnyOrganizationIgnoresMemberLevel));
        let if_so = |so: bool, vote: i8| if so { vote } else { 0 };
        Votes {
            site: self.vote(side.iter().flat_map(|role| &role.site)),
            user: if_so(user, self.vote(side.iter().flat_map(|role| &role.user))),
            org: in_org(DraftRole::org),
            member: if_so(member, in_org(DraftRole::member)),
        }
    }

    fn grants(&self, votes: &Votes) -> bool {
        let site_denies = votes.site == -1 && !self.wrong(Mistake::SiteDenialNotPassedDown);
        let org_denies = votes.org == -1 && !self.wrong(Mistake::OrganizationDenialNotPassedDown);
        let member = !org_denies && votes.member == 1;
        votes.site == 1 || (!site_denies && (votes.user == 1 || votes.org == 1 || member))
    }

    fn acl(&self) -> bool {
        let (subject, object) = (self.subject, self.object);
        let any_action = !self.wrong(Mistake::AclWildcardDropped);
        let has = |list: &[Option<Action>]| {
            let mut actions = list.iter();
            actions.any(|a| a.map_or(any_action, |a| a == self.action))
        };
        let user = |(id, list): &(Uuid, Vec<_>)| *id == subject.id && has(list);
        let group = |(id, list): &(Uuid, Vec<_>)| {
            let everyone = object.org == Some(*id) && !self.wrong(Mistake::AclEveryoneForgotten);
            (subject.groups.contains(id) || everyone) && has(list)
        };
        (self.is_member() || self.wrong(Mistake::AclForStrangers))
            && (object.users.iter().any(user) || object.groups.iter().any(group))
    }

    fn listed(&self) -> bool {
        let (any_type, any_id) = (
            self.wrong(Mistake::AllowListIgnoresType),
            self.wrong(Mistake::AllowListIgnoresId),
        );
        let allow = &self.subject.allow;
        (allow.is_empty() && self.wrong(Mistake::EmptyAllowListAdmitsAll))
            || allow.iter().any(|entry| {
                let object_id = self.object.id.unwrap_or_default();
                (any_type || entry.resource.is_none_or(|t| t == self.object.resource))
                    && (any_id || entry.id.is_none_or(|id| id == object_id))
            })
    }

    fn reference(&self) -> bool {
        let votes = self.votes(&self.subject.roles);
        let barred = self.wrong(Mistake::DenialBeatsAcl) && (votes.site == -1 || votes.org == -1);
        let role = self.grants(&votes);
        let scope = self.grants(&self.votes(slice::from_ref(&self.subject.scope)));
        let acl = self.acl() && !barred;
        let past_scope = acl && self.wrong(Mistake::AclPastTheScope);
        ((role || acl) && scope && self.listed()) || past_scope
    }
}

/// The reference's rule.
pub(crate) fn reference(subject: &DraftSubject, action: Action, object: &DraftObject) -> bool {
    mistaken(None, subject, action, object)
}

/// The reference's rule with a mistake in it.
pub(crate) fn mistaken(
    mistake: Option<Mistake>,
    subject: &DraftSubject,
    action: Action,
    object: &DraftObject,
) -> bool {
    let question = Question {
        subject,
        action,
        object,
        mistake,
    };
    question.reference()
}

/// Ours: the reference's rule with the differences. The subject's id is not empty here.
pub(crate) fn bursar(subject: &DraftSubject, action: Action, object: &DraftObject) -> bool {
    let contradiction = object.any_org && object.org.is_some();
    if contradiction || !object.resource.actions().contains(action) {
        return false;
    }
    if object.any_org {
        let nowhere = Uuid::max();
        let mut orgs = subject.memberships();
        orgs.insert(nowhere);
        return orgs.into_iter().any(|org| {
            let there = DraftObject {
                any_org: false,
                org: Some(org),
                ..object.clone()
            };
            bursar(subject, action, &there)
        });
    }
    let question = Question {
        subject,
        action,
        object,
        mistake: None,
    };
    let role = question.votes(&subject.roles);
    let scope = question.grants(&question.votes(slice::from_ref(&subject.scope)));
    let barred = role.site == -1 || role.org == -1;
    let listed = subject.allow.iter().any(|entry| {
        entry.resource.is_none_or(|t| t == object.resource)
            && (entry.id.is_none() || entry.id == object.id)
    });
    (question.grants(&role) || (question.acl() && !barred)) && scope && listed
}
