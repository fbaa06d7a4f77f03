//! Explanations: the same decision from the roles as they were written, naming what decided.
//!
//! This is a second, slow evaluation, level by level, that uses no folded cell; a property test holds the two
//! equal.

use uuid::Uuid;

use crate::{
    decision::{AclMatch, Decision},
    explanation::{AclCause, AclVerdict, AllowListVerdict, Cause, Explanation, Fault, Level, Side},
    object::Object,
    permission::{Permission, Vote},
    registry::{Action, ResourceType},
    role::{PermissionList, Role},
    subject::{Assignment, Mode, PreparedSubject},
};

/// Where the question is asked.
#[derive(Clone, Copy)]
enum Place {
    /// In no organization; own objects count on the user level.
    Outside,
    /// Without asking any organization, and without own objects: the site level alone.
    SiteOnly,
    /// In this one.
    Inside(Uuid),
    /// The reference's "any": the highest vote of each level over all memberships.
    Highest,
}

/// The vote of one level, with the permission that made it.
type Tally<'a> = (Vote, Option<(&'a Assignment, Permission)>);

impl PreparedSubject {
    /// Decides, and says what decided.
    #[must_use]
    pub fn explain(&self, action: Action, object: &Object) -> Explanation {
        if !object.in_any_org() {
            let place = object.get_org().map_or(Place::Outside, Place::Inside);
            return self.explain_at(place, action, object);
        }
        if self.mode == Mode::Reference {
            return self.explain_at(Place::Highest, action, object);
        }
        let nowhere = self.explain_at(Place::SiteOnly, action, object);
        if nowhere.decision.allows() {
            return nowhere;
        }
        let mut somewhere = self
            .orgs
            .iter()
            .map(|org| self.explain_at(Place::Inside(*org), action, object));
        somewhere.find(|at| at.decision.allows()).unwrap_or(nowhere)
    }

    fn explain_at(&self, place: Place, action: Action, object: &Object) -> Explanation {
        let resource_type = object.resource();
        let fault = self.fault(action, object);
        let roles = self.side(&self.roles, place, action, object);
        let scope = self.side(&self.scope, place, action, object);
        let acl = self.acl_verdict(place, action, object);
        let listed = self
            .allow_list
            .entry_for(resource_type, self.listed_id(object));
        let granted = matches!(roles, Side::Granted(_)) || matches!(acl, AclVerdict::Granted(_));
        let let_through = matches!(scope, Side::Granted(_)) && listed.is_some();
        Explanation {
            decision: Decision::of(fault.is_none() && granted && let_through),
            action,
            resource_type,
            organization_id: match place {
                Place::Inside(org) => Some(org),
                Place::Outside | Place::SiteOnly | Place::Highest => None,
            },
            fault,
            roles,
            acl,
            scope,
            allow_list: listed.map_or(AllowListVerdict::NotListed, AllowListVerdict::Admitted),
        }
    }

    fn fault(&self, action: Action, object: &Object) -> Option<Fault> {
        if self.mode == Mode::Bursar && !object.resource().actions().contains(action) {
            Some(Fault::UndeclaredAction)
        } else if self.contradicts_itself(object) {
            Some(Fault::Contradiction)
        } else {
            None
        }
    }

    fn side(&self, held: &[Assignment], place: Place, action: Action, object: &Object) -> Side {
        let tally = |level| self.tally(held, level, place, action, object);
        let (site, org) = (tally(Level::Site), tally(Level::Organization));
        let own = match place {
            Place::Outside => Level::User,
            Place::SiteOnly | Place::Inside(_) | Place::Highest => Level::Member,
        };
        let own = (own, tally(own));
        // From the highest level down, the first that votes decides.
        for (level, (vote, found)) in [(Level::Site, site), (Level::Organization, org), own] {
            let Some((assignment, permission)) = found else {
                continue;
            };
            let cause = cause(level, assignment, permission);
            match vote {
                Vote::For => return Side::Granted(cause),
                Vote::Against => return Side::Refused(cause),
                Vote::Silent => {}
            }
        }
        Side::Silent
    }

    fn tally<'a>(
        &self,
        held: &'a [Assignment],
        level: Level,
        place: Place,
        action: Action,
        object: &Object,
    ) -> Tally<'a> {
        let resource = object.resource();
        let own = match level {
            Level::Site | Level::Organization => true,
            Level::User => self.owns(object) || self.both_are_nobody(object),
            Level::Member => self.owns(object),
        };
        let in_org = |org: Uuid| {
            let here = held
                .iter()
                .filter(move |assignment| assignment.org == Some(org));
            vote(here, level, resource, action)
        };
        match (own, level, place) {
            (true, Level::Site | Level::User, _) => vote(held.iter(), level, resource, action),
            (true, _, Place::Inside(org)) if self.is_member(org) => in_org(org),
            (true, _, Place::Highest) => {
                let votes = self.orgs.iter().map(|org| in_org(*org));
                votes
                    .max_by_key(|(vote, _)| *vote)
                    .unwrap_or((Vote::Silent, None))
            }
            _ => (Vote::Silent, None),
        }
    }

    fn acl_verdict(&self, place: Place, action: Action, object: &Object) -> AclVerdict {
        let org = match place {
            Place::Inside(org) if self.is_member(org) => Some(org),
            Place::Highest if !self.orgs.is_empty() => object.get_org(),
            Place::Outside | Place::SiteOnly | Place::Inside(_) | Place::Highest => {
                return AclVerdict::Silent;
            }
        };
        let entry = match (self.acl_match(action, object, org), org) {
            (Some(AclMatch::User), _) => AclCause::User(self.id),
            (Some(AclMatch::Group(group)), _) => AclCause::Group(group),
            (Some(AclMatch::Everyone), Some(org)) => AclCause::Everyone(org),
            (Some(AclMatch::Everyone) | None, _) => return AclVerdict::Silent,
        };
        if self.mode == Mode::Reference {
            return AclVerdict::Granted(entry);
        }
        for level in [Level::Site, Level::Organization] {
            let tally = self.tally(&self.roles, level, place, action, object);
            if let (Vote::Against, Some((assignment, permission))) = tally {
                return AclVerdict::Barred {
                    entry,
                    by: cause(level, assignment, permission),
                };
            }
        }
        AclVerdict::Granted(entry)
    }
}

fn vote<'a>(
    held: impl Iterator<Item = &'a Assignment>,
    level: Level,
    resource: ResourceType,
    action: Action,
) -> Tally<'a> {
    let mut tally: Tally<'a> = (Vote::Silent, None);
    for assignment in held {
        let list = list_of(&assignment.role, level).listed();
        for permission in list
            .iter()
            .filter(|permission| permission.concerns(resource, action))
        {
            if permission.negate {
                return (Vote::Against, Some((assignment, *permission)));
            }
            if tally.1.is_none() {
                tally = (Vote::For, Some((assignment, *permission)));
            }
        }
    }
    tally
}

const fn list_of(role: &Role, level: Level) -> &PermissionList {
    match level {
        Level::Site => role.site(),
        Level::User => role.user(),
        Level::Organization => role.org(),
        Level::Member => role.member(),
    }
}

fn cause(level: Level, assignment: &Assignment, permission: Permission) -> Cause {
    Cause {
        level,
        organization_id: assignment.org,
        role: assignment.role.name().to_owned(),
        permission,
    }
}
