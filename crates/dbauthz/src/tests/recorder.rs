//! An authorizer that notes what it is asked and decides as a test tells it.

use std::sync::Mutex;

use rbac::{
    Action, GrantDenied, Object, OrgPermissions, Permission, ResourceType, Role, Visibility,
};
use uuid::Uuid;

use crate::gate::Authorizer;

/// A question that the gate was asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Check {
    Allow(Action, Object),
    Rows(Action, ResourceType),
    Give(String, Option<Uuid>),
    Take(String, Option<Uuid>),
    Grant(Uuid, OrgPermissions),
}

impl Check {
    /// How the tables call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Allow(action, object) => format!("{}:{action}", object.resource()),
            Self::Rows(action, resource) => format!("{resource}:{action}"),
            Self::Give(..) => "give a role".to_owned(),
            Self::Take(..) => "take a role".to_owned(),
            Self::Grant(..) => "grant permissions".to_owned(),
        }
    }
}

/// What to refuse.
#[derive(Debug, Clone)]
pub(super) enum Deny {
    Nothing,
    Everything,
    /// Only the questions of these numbers, from zero.
    At(Vec<usize>),
}

#[derive(Debug)]
pub(super) struct Recorder {
    deny: Deny,
    seen: Mutex<Vec<Check>>,
}

impl Recorder {
    pub(super) fn new(deny: Deny) -> Self {
        Self {
            deny,
            seen: Mutex::default(),
        }
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        self.seen.lock().unwrap().clone()
    }

    fn ask(&self, check: Check) -> bool {
        let mut seen = self.seen.lock().unwrap();
        seen.push(check);
        match &self.deny {
            Deny::Nothing => true,
            Deny::Everything => false,
            Deny::At(numbers) => !numbers.contains(&(seen.len() - 1)),
        }
    }
}

impl Authorizer for Recorder {
    fn permits(&self, action: Action, object: &Object) -> bool {
        self.ask(Check::Allow(action, object.clone()))
    }

    fn explanation(&self, _action: Action, _object: &Object) -> String {
        String::new()
    }

    fn rows(&self, action: Action, resource: ResourceType) -> Visibility {
        let allowed = self.ask(Check::Rows(action, resource));
        if allowed {
            Visibility::All
        } else {
            Visibility::None
        }
    }

    fn may_give(&self, role: &Role, org: Option<Uuid>) -> Result<(), String> {
        let allowed = self.ask(Check::Give(role.name().to_owned(), org));
        if allowed {
            Ok(())
        } else {
            Err("may not be given".to_owned())
        }
    }

    fn may_take(&self, role: &Role, org: Option<Uuid>) -> Result<(), String> {
        let allowed = self.ask(Check::Take(role.name().to_owned(), org));
        if allowed {
            Ok(())
        } else {
            Err("may not be taken".to_owned())
        }
    }

    fn could_take(&self, _role: &Role, _org: Uuid) -> bool {
        true
    }

    fn may_grant(&self, org: Uuid, permissions: &OrgPermissions) -> Result<(), GrantDenied> {
        let allowed = self.ask(Check::Grant(org, permissions.clone()));
        if allowed {
            Ok(())
        } else {
            Err(GrantDenied::NotHeld {
                permission: Permission::ANY,
            })
        }
    }
}
