//! Questions in the words of another engine, to compare its verdicts with ours.
//!
//! A decision looks at one type and one action; of every other word it only matters that it is another one.
//! So words that are none of ours are mapped to slots: each word of a question gets some resource type or
//! action of ours for itself, whatever it is called, and if there are more words than slots, those that the
//! question is not about share one. Which slots are taken turns with the number of the question, so that all
//! of them come to be used. Ids are opaque, compared byte by byte, and may be empty.
//!
//! The verdicts are those of [`Mode::Reference`]. The fields are described with the data that they come from.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::Deserialize;
use uuid::Uuid;

use crate::{
    allow_list::{AllowEntry, AllowList},
    explanation::{AclVerdict, AllowListVerdict, Side},
    object::Object,
    permission::Permission,
    registry::{Action, ActionSet, ResourceType},
    role::Role,
    scope::Scope,
    subject::{Assignment, Mode, Subject},
};

/// A question with the other engine's verdict. Fields that are not named here are ignored.
#[derive(Debug, Clone, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the parts of the verdict are as many yes or no"
)]
pub struct Question {
    /// The number of the question.
    pub n: u64,
    subject: WrittenSubject,
    object: WrittenObject,
    action: String,
    role: bool,
    acl: bool,
    scope: bool,
    allow: bool,
}

/// A verdict with its three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the parts of the verdict are as many yes or no"
)]
pub struct Verdict {
    /// The roles grant, scope and ACL left aside.
    pub role: bool,
    /// An ACL entry grants, roles and scope left aside.
    pub acl: bool,
    /// The token lets it through: its permissions and its allow-list.
    pub scope: bool,
    /// The answer: (`role` or `acl`) and `scope`.
    pub allow: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenSubject {
    id: String,
    roles: Vec<WrittenRole>,
    groups: Vec<String>,
    scope: WrittenScope,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenRole {
    site: Vec<WrittenPermission>,
    user: Vec<WrittenPermission>,
    by_org_id: BTreeMap<String, WrittenOrg>,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenScope {
    #[serde(flatten)]
    role: WrittenRole,
    allow_list: Vec<WrittenEntry>,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenOrg {
    org: Vec<WrittenPermission>,
    member: Vec<WrittenPermission>,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenPermission {
    negate: bool,
    resource_type: String,
    action: String,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenEntry {
    #[serde(rename = "type")]
    resource_type: String,
    id: String,
}

#[derive(Debug, Clone, Deserialize)]
struct WrittenObject {
    id: String,
    owner: String,
    org_owner: String,
    any_org: bool,
    #[serde(rename = "type")]
    resource_type: String,
    acl_user_list: BTreeMap<String, Vec<String>>,
    acl_group_list: BTreeMap<String, Vec<String>>,
}

impl Question {
    /// The other engine's verdict.
    #[must_use]
    pub const fn expected(&self) -> Verdict {
        Verdict {
            role: self.role,
            acl: self.acl,
            scope: self.scope,
            allow: self.allow,
        }
    }

    /// Whether our engine allows.
    #[must_use]
    pub fn allows(&self) -> bool {
        let (subject, action, object) = self.translated();
        subject.prepare().allows(action, &object)
    }

    /// Our engine's verdict with its parts, which the explanation tells.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let (subject, action, object) = self.translated();
        let subject = subject.prepare();
        let explanation = subject.explain(action, &object);
        let listed = matches!(explanation.allow_list, AllowListVerdict::Admitted(_));
        Verdict {
            role: matches!(explanation.roles, Side::Granted(_)),
            acl: matches!(explanation.acl, AclVerdict::Granted(_)),
            scope: matches!(explanation.scope, Side::Granted(_)) && listed,
            allow: subject.allows(action, &object),
        }
    }

    /// The question in our words.
    fn translated(&self) -> (Subject, Action, Object) {
        let mut words = Words::new(self.n);
        // What the question is about comes first, so that it never shares a slot.
        let action = words.action(&self.action);
        let object = words.object(&self.object);
        (words.subject(&self.subject), action, object)
    }
}

/// The words of a question, each with its slot.
struct Words<'a> {
    turn: u64,
    types: Vec<&'a str>,
    actions: Vec<&'a str>,
    ids: HashMap<&'a str, u128>,
}

/// What of `all` a word stands for. The last one is shared by all words that are too many.
fn slot<'a, T: Copy>(
    known: &mut Vec<&'a str>,
    word: &'a str,
    turn: u64,
    all: &[T],
    otherwise: T,
) -> T {
    let index = known
        .iter()
        .position(|other| *other == word)
        .unwrap_or_else(|| {
            known.push(word);
            known.len() - 1
        });
    let index = index.min(all.len().saturating_sub(1));
    let turn = usize::try_from(turn).unwrap_or_default();
    let turned = all.iter().cycle().skip(turn % all.len().max(1)).nth(index);
    turned.copied().unwrap_or(otherwise)
}

impl<'a> Words<'a> {
    fn new(turn: u64) -> Self {
        Self {
            turn,
            types: Vec::new(),
            actions: Vec::new(),
            ids: HashMap::new(),
        }
    }

    fn resource(&mut self, word: &'a str) -> ResourceType {
        let all = ResourceType::ALL;
        slot(&mut self.types, word, self.turn, all, ResourceType::User)
    }

    fn action(&mut self, word: &'a str) -> Action {
        slot(
            &mut self.actions,
            word,
            self.turn,
            Action::ALL,
            Action::Create,
        )
    }

    /// The id; nil if it is empty.
    fn id(&mut self, word: &'a str) -> Uuid {
        if word.is_empty() {
            return Uuid::nil();
        }
        let next = (1..).nth(self.ids.len()).unwrap_or_default();
        Uuid::from_u128(*self.ids.entry(word).or_insert(next))
    }

    fn permission(&mut self, written: &'a WrittenPermission) -> Permission {
        let resource = &*written.resource_type;
        let action = &*written.action;
        Permission {
            negate: written.negate,
            resource: (resource != "*").then(|| self.resource(resource)),
            action: (action != "*").then(|| self.action(action)),
        }
    }

    fn permissions(&mut self, list: &'a [WrittenPermission]) -> Vec<Permission> {
        list.iter()
            .map(|written| self.permission(written))
            .collect()
    }

    /// A role is held in the deployment, and once more in each of its organizations with what it is there.
    fn role(&mut self, written: &'a WrittenRole) -> Vec<Assignment> {
        let role = Role::new("role", "")
            .with_site(self.permissions(&written.site))
            .with_user(self.permissions(&written.user));
        let mut held = vec![Assignment {
            org: None,
            role: Arc::new(role),
        }];
        for (org, part) in &written.by_org_id {
            let role = Role::new("role", "")
                .with_org(self.permissions(&part.org))
                .with_member(self.permissions(&part.member));
            held.push(Assignment {
                org: Some(self.id(org)),
                role: Arc::new(role),
            });
        }
        held
    }

    fn subject(&mut self, written: &'a WrittenSubject) -> Subject {
        let entries = written.scope.allow_list.iter();
        let entries: Vec<_> = entries.map(|entry| self.allow_entry(entry)).collect();
        let grants = self.role(&written.scope.role);
        let groups: Vec<_> = written.groups.iter().map(|group| self.id(group)).collect();
        let mut subject = Subject::new(self.id(&written.id))
            .groups(groups)
            .scope(Scope::from_grants(grants, AllowList::new(entries)))
            .mode(Mode::Reference);
        for Assignment { org, role } in written.roles.iter().flat_map(|role| self.role(role)) {
            subject = match org {
                Some(org) => subject.org_role(org, role),
                None => subject.site_role(role),
            };
        }
        subject
    }

    fn allow_entry(&mut self, written: &'a WrittenEntry) -> AllowEntry {
        let resource = &*written.resource_type;
        AllowEntry {
            resource: (resource != "*").then(|| self.resource(resource)),
            id: (written.id != "*").then(|| self.id(&written.id)),
        }
    }

    fn actions(&mut self, list: &'a [String]) -> ActionSet {
        list.iter().fold(ActionSet::EMPTY, |set, word| {
            if word == "*" {
                ActionSet::ALL
            } else {
                set.with(self.action(word))
            }
        })
    }

    fn object(&mut self, written: &'a WrittenObject) -> Object {
        let mut object = Object::new(self.resource(&written.resource_type));
        if !written.id.is_empty() {
            object = object.id(self.id(&written.id));
        }
        if !written.owner.is_empty() {
            object = object.owner(self.id(&written.owner));
        }
        if !written.org_owner.is_empty() {
            object = object.in_org(self.id(&written.org_owner));
        }
        if written.any_org {
            object = object.any_org();
        }
        for (user, actions) in &written.acl_user_list {
            object = object.with_user_acl(self.id(user), self.actions(actions));
        }
        for (group, actions) in &written.acl_group_list {
            object = object.with_group_acl(self.id(group), self.actions(actions));
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_a_slot_and_the_first_never_shares_it() {
        let names: Vec<_> = (0..100).map(|n| format!("word{n}")).collect();
        for turn in [0, 1, 20, u64::MAX] {
            let mut words = Words::new(turn);
            let slots: Vec<_> = names.iter().map(|name| words.resource(name)).collect();
            let mut own = slots[..ResourceType::COUNT].to_vec();
            own.sort_unstable();
            own.dedup();
            assert_eq!(own, ResourceType::ALL);
            assert!(!slots[1..].contains(&slots[0]));
            assert_eq!(words.resource("word7"), slots[7]);
        }
    }

    #[test]
    fn ids_are_opaque_and_an_empty_one_is_nil() {
        let mut words = Words::new(0);
        let [small, large, empty] = ["ab", "AB", ""].map(|id| words.id(id));
        assert!(small != large && !small.is_nil() && empty.is_nil());
        assert_eq!(words.id("ab"), small);
    }
}
