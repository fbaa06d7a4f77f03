//! The words and statuses of what keeps somebody from seeing or changing an ACL.

use axum::http::StatusCode;
use bursar_sdk::ValidationError;
use dbauthz::AclError;
use model::acl::{AclProblem, SharingOff};
use rbac::ResourceType;

use super::answer::{Answer, FORBIDDEN, store};
use crate::acl::field;

pub(super) fn acl(error: &AclError) -> Answer {
    match error {
        AclError::Store(error) => store(error),
        AclError::Off { resource, off } => {
            Answer::new(StatusCode::FORBIDDEN, off_text(*resource, *off)).refused(*resource)
        }
        AclError::Inner { resource, root } => Answer::bad(inner_text(*resource))
            .detail(format!("Target the root {resource} (id: {root}) instead."))
            .refused(*resource),
        AclError::NotShareable { resource } => Answer::new(StatusCode::FORBIDDEN, FORBIDDEN)
            .detail(format!("You may use this {resource}, but not share it."))
            .refused(*resource),
        AclError::Own { resource } => {
            Answer::bad(format!("Cannot change your own {resource} sharing role."))
                .refused(*resource)
        }
        AclError::Invalid { resource, problems } => {
            Answer::bad(format!("Invalid request to update {resource} ACL."))
                .validations(problems.iter().map(validation).collect())
        }
    }
}

fn inner_text(resource: ResourceType) -> String {
    let name = capital(resource);
    format!("{name} ACLs can only be set on root {resource}s.")
}

/// The name of a type as a sentence begins with it.
fn capital(resource: ResourceType) -> String {
    let mut name = resource.as_str().to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

fn off_text(resource: ResourceType, off: SharingOff) -> String {
    if off == SharingOff::Owner {
        return format!("Only {resource}s of service accounts can be shared in this organization.");
    }
    let name = capital(resource);
    let place = if off == SharingOff::Deployment {
        "deployment"
    } else {
        "organization"
    };
    format!("{name} sharing is disabled for this {place}.")
}

fn validation(problem: &AclProblem) -> ValidationError {
    ValidationError {
        field: field(problem.field).to_owned(),
        detail: problem.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use model::acl::AclField;

    use super::*;

    #[test]
    fn each_refusal_has_its_status_and_words() {
        let resource = ResourceType::Workspace;
        let check = |error: AclError, status: u16, message: &str, recorded: bool| {
            let answer = acl(&error);
            assert_eq!(answer.status.as_u16(), status, "{error:?}");
            assert_eq!(answer.body.message, message);
            assert_eq!(answer.refused.is_some(), recorded, "{error:?}");
        };
        let off = |off| AclError::Off { resource, off };
        let deployment = "Workspace sharing is disabled for this deployment.";
        check(off(SharingOff::Deployment), 403, deployment, true);
        let organization = "Workspace sharing is disabled for this organization.";
        check(off(SharingOff::Organization), 403, organization, true);
        let owner = "Only workspaces of service accounts can be shared in this organization.";
        check(off(SharingOff::Owner), 403, owner, true);
        let inner = AclError::Inner {
            resource: ResourceType::Chat,
            root: uuid::Uuid::nil(),
        };
        let only = "Chat ACLs can only be set on root chats.";
        check(inner, 400, only, true);
        check(AclError::NotShareable { resource }, 403, FORBIDDEN, true);
        let own = "Cannot change your own workspace sharing role.";
        check(AclError::Own { resource }, 400, own, true);
        let problems = vec![AclProblem {
            field: AclField::Groups,
            detail: "x".to_owned(),
        }];
        let invalid = AclError::Invalid { resource, problems };
        assert_eq!(acl(&invalid).body.validations[0].field, "group_roles");
        let words = "Invalid request to update workspace ACL.";
        check(invalid, 400, words, false);
        let missing = AclError::Store(store::StoreError::NotFound);
        assert_eq!(acl(&missing).status.as_u16(), 404);
    }
}
