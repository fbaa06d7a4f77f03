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

fn off_text(resource: ResourceType, off: SharingOff) -> String {
    let mut name = resource.as_str().to_owned();
    match off {
        SharingOff::Owner => {
            return format!("Only {name}s of service accounts can be shared in this organization.");
        }
        SharingOff::Deployment | SharingOff::Organization => {
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
        }
    }
    let place = if off == SharingOff::Deployment {
        "deployment"
    } else {
        "organization"
    };
    format!("{name} sharing is disabled for this {place}.")
}

fn validation(problem: &AclProblem) -> ValidationError {
    ValidationError {
        field: field(problem.kind).to_owned(),
        detail: problem.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use model::acl::PrincipalKind;

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
        check(AclError::NotShareable { resource }, 403, FORBIDDEN, true);
        let own = "Cannot change your own workspace sharing role.";
        check(AclError::Own { resource }, 400, own, true);
        let problems = vec![AclProblem {
            kind: PrincipalKind::Group,
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
