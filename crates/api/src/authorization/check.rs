//! May somebody do this? And why?

use std::collections::HashMap;

use axum::Json;
use bursar_sdk::{
    AuthorizationAnswer, AuthorizationCheck, AuthorizationCheckQuery, AuthorizationExplained,
    AuthorizationObject, AuthorizationRequest, AuthorizationResponse,
};
use dbauthz::{BoundStore, ReadUnit};
use model::{OrganizationId, UserId};
use rbac::{Action, Object, PreparedSubject, ResourceType};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{JsonBody, QueryParams, Session},
    validate::{Checked, parse, wrong},
};

/// How many questions may be asked at once.
const CHECKS_MAX: usize = 1_000;

/// Ask what one may do, many questions at once, and why.
///
/// It is a help for programs that show what can be done: nothing relies on its answers, and doing it is checked
/// again. With `explain` each answer names the role, permission, scope or entry that decided.
///
/// Somebody else's rights are told to who holds `assign_role:read` and may read that person and every
/// organization that the person is in. Every member holds the first by the table of roles, to see which roles
/// there are, so it alone would show everybody everybody's rights. Rows that a question names are looked up with the caller's rights, not the other's.
#[utoipa::path(
    post,
    path = "/authcheck",
    tag = "authorization",
    params(AuthorizationCheckQuery),
    request_body = AuthorizationRequest,
    responses(
        (status = 200, description = "The answers.", body = AuthorizationResponse),
        (status = 404, description = "The person does not exist, or the caller must not know what they may \
            do.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn authorization_check(
    Session(caller): Session,
    QueryParams(query): QueryParams<AuthorizationCheckQuery>,
    JsonBody(body): JsonBody<AuthorizationRequest>,
) -> ApiResult<Json<AuthorizationResponse>> {
    let questions = questions(&body)?;
    let other = match &query.user {
        Some(user) => other(&caller.store, user).await?,
        None => None,
    };
    let subject = other.as_ref().unwrap_or(caller.store.subject());
    let mut unit = caller.store.read().await?;
    let mut rows = Rows::default();
    let mut answers = AuthorizationResponse::default();
    for (name, question) in questions {
        let decided = match question {
            Some(question) => rows.decided(&mut unit, subject, question).await?,
            None => None,
        };
        let answer = answer(subject, decided.as_ref(), query.explain);
        answers.0.insert(name.to_owned(), answer);
    }
    Ok(Json(answers))
}

/// The rights of somebody else; `None` for the caller, whose own are narrowed by the token.
async fn other(store: &BoundStore, user: &str) -> ApiResult<Option<PreparedSubject>> {
    let found = async {
        let user = store.read().await?.users().user_find(user).await?;
        if user.id == store.user_id() {
            return Ok(None);
        }
        auth::subject_get(store, user.id).await.map(Some)
    };
    found.await.map_err(|error| match error {
        // It is a question, though a POST: not a write that was refused, which would be recorded.
        StoreError::Denied { .. } => ApiError::not_found(),
        error => error.into(),
    })
}

/// A question that can be decided.
#[derive(Debug)]
struct Question<'a> {
    action: Action,
    resource: ResourceType,
    object: &'a AuthorizationObject,
    owner: Option<Owner>,
}

/// Whose an object is said to be.
#[derive(Debug, Clone, Copy)]
enum Owner {
    /// The subject's own.
    Me,
    Other(UserId),
}

/// The questions by name; `None` for one about a type or an action that does not exist.
fn questions(body: &AuthorizationRequest) -> Checked<Vec<(&str, Option<Question<'_>>)>> {
    if body.checks.len() > CHECKS_MAX {
        return wrong("checks", format_args!("must not be more than {CHECKS_MAX}"));
    }
    let mut errors = Vec::new();
    let mut questions = Vec::with_capacity(body.checks.len());
    for (name, check) in &body.checks {
        match question(name, check) {
            Ok(question) => questions.push((name.as_str(), question)),
            Err(mut wrong) => errors.append(&mut wrong),
        }
    }
    if errors.is_empty() {
        Ok(questions)
    } else {
        Err(errors)
    }
}

fn question<'a>(name: &str, check: &'a AuthorizationCheck) -> Checked<Option<Question<'a>>> {
    let object = &check.object;
    if object.resource_type.is_empty() {
        let field = format!("checks.{name}.object.resource_type");
        return wrong(&field, "must be given");
    }
    let owner = match object.owner_id.as_deref() {
        None => None,
        Some("me") => Some(Owner::Me),
        Some(id) => {
            let field = format!("checks.{name}.object.owner_id");
            Some(Owner::Other(parse(&field, id)?))
        }
    };
    let action = Action::by_name(&check.action);
    let resource = ResourceType::by_name(&object.resource_type);
    Ok(action.zip(resource).map(|(action, resource)| Question {
        action,
        resource,
        object,
        owner,
    }))
}

/// The rows that questions named, each looked up once.
#[derive(Debug, Default)]
struct Rows(HashMap<(ResourceType, Uuid, Option<Uuid>), Option<Object>>);

impl Rows {
    /// What is decided on; `None` when it names a row that does not exist or that the caller may not read.
    async fn decided(
        &mut self,
        unit: &mut ReadUnit,
        subject: &PreparedSubject,
        question: Question<'_>,
    ) -> StoreResult<Option<(Action, Object)>> {
        let Question {
            action,
            resource,
            object,
            owner,
        } = question;
        let Some(id) = object.resource_id else {
            return Ok(Some((action, described(resource, object, owner, subject))));
        };
        let key = (resource, id, object.organization_id);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone().map(|object| (action, object)));
        }
        let organization = object.organization_id.map(OrganizationId);
        let found = unit.objects().object_get(resource, id, organization).await;
        let found = match found {
            Ok(object) => Some(object),
            Err(StoreError::NotFound | StoreError::Denied { .. }) => None,
            Err(error) => return Err(error),
        };
        self.0.insert(key, found.clone());
        Ok(found.map(|object| (action, object)))
    }
}

/// Whatever has this owner and organization.
fn described(
    resource: ResourceType,
    asked: &AuthorizationObject,
    owner: Option<Owner>,
    subject: &PreparedSubject,
) -> Object {
    let mut object = Object::new(resource);
    if let Some(owner) = owner {
        object = object.owner(match owner {
            Owner::Me => subject.id(),
            Owner::Other(user) => user.0,
        });
    }
    if let Some(organization) = asked.organization_id {
        object = object.in_org(organization);
    }
    if asked.any_org {
        object = object.any_org();
    }
    object
}

fn answer(
    subject: &PreparedSubject,
    decided: Option<&(Action, Object)>,
    explain: bool,
) -> AuthorizationAnswer {
    if !explain {
        let allowed = decided.is_some_and(|(action, object)| subject.allows(*action, object));
        return AuthorizationAnswer::Plain(allowed);
    }
    let explanation = decided.map(|(action, object)| subject.explain(*action, object));
    AuthorizationAnswer::Explained(Box::new(AuthorizationExplained {
        allowed: explanation
            .as_ref()
            .is_some_and(|explanation| explanation.decision.allows()),
        explanation: explanation.as_ref().map(wire::explanation),
    }))
}
