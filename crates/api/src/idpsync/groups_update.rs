//! A change of which groups of an organization its people are in.

use axum::Json;
use bursar_sdk::{GroupSyncSettings, PatchGroupSyncSettingsRequest};
use model::idpsync::GroupSyncUpdate;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both},
};

/// Change which groups of an organization its people are in by the claims of their identity provider; what is absent
/// stays as it is.
///
/// It takes the right to change the organization's groups, and to make them when missing ones are made.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/settings/idpsync/groups",
    tag = "idpsync",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = PatchGroupSyncSettingsRequest,
    responses((status = 200, description = "The settings.", body = GroupSyncSettings)),
)]
pub(crate) async fn idpsync_groups_update(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<PatchGroupSyncSettingsRequest>,
) -> ApiResult<Json<GroupSyncSettings>> {
    let update = update(&body)?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let settings = unit
        .idpsync()
        .idpsync_groups_update(found.id, update)
        .await?;
    unit.commit().await?;
    Ok(Json(wire::groups(&settings)))
}

fn update(body: &PatchGroupSyncSettingsRequest) -> Checked<GroupSyncUpdate> {
    let named = both(
        wire::field(body.field.as_deref()),
        wire::ids(body.mapping.as_ref()),
    );
    let filter = wire::filter(body.regex_filter.as_deref());
    let ((field, mapping), regex_filter) = both(named, filter)?;
    Ok(GroupSyncUpdate {
        field,
        mapping,
        regex_filter,
        create_missing: body.auto_create_missing_groups,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_is_emptied_and_what_is_absent_stays() {
        let check = |json: &str, expected: Result<(bool, bool, bool), &[&str]>| {
            let body: PatchGroupSyncSettingsRequest = serde_json::from_str(json).unwrap();
            let told = update(&body).map(|update| {
                let (field, filter) = (update.field, update.regex_filter);
                (field.is_some(), update.mapping.is_some(), filter.is_some())
            });
            let fields = |errors: Vec<bursar_sdk::ValidationError>| {
                let names = errors.into_iter().map(|error| error.field);
                names.collect::<Vec<_>>()
            };
            let expected =
                expected.map_err(|fields| fields.iter().map(ToString::to_string).collect());
            assert_eq!(told.map_err(fields), expected, "{json}");
        };
        check("{}", Ok((false, false, false)));
        check(
            r#"{"field": null, "mapping": null, "regex_filter": null}"#,
            Ok((true, true, true)),
        );
        check(
            r#"{"field": "", "mapping": {"a": null}, "regex_filter": ""}"#,
            Ok((true, true, true)),
        );
        check(
            r#"{"field": "\u0000", "mapping": {"": []}, "regex_filter": "("}"#,
            Err(&["field", "mapping", "regex_filter"]),
        );
    }
}
