//! The whole way: a browser, a provider and its token, and where the person is then.

use bursar_sdk::{
    CreateGroupRequest, PatchGroupSyncSettingsRequest, PatchOrganizationSyncSettingsRequest,
    PatchRoleSyncSettingsRequest,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::oidc::Scene;

/// The claims of Ada with these beside.
fn ada(more: &Value) -> Value {
    let mut claims = json!({
        "sub": "ada", "preferred_username": "ada", "email": "ada@example.com", "email_verified": true,
    });
    let more = more.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(more);
    claims
}

/// Where Ada is after a sign-in with these claims: her groups and roles in the default organization, or nowhere.
async fn after(scene: &Scene, claims: &Value) -> Option<(Vec<String>, Vec<String>)> {
    scene.issuer.person(ada(claims));
    let (_, user) = scene.signed_in().await;
    let members = scene
        .owner
        .organization_member_list("default")
        .await
        .unwrap();
    let me = members.iter().find(|member| member.user_id == user.id)?;
    let roles = me.roles.iter().map(|role| role.name.clone()).collect();
    let query = bursar_sdk::GroupListQuery {
        organization: None,
        has_member: Some("ada".to_owned()),
    };
    let groups = scene.owner.group_list(&query).await.unwrap();
    let mut groups: Vec<_> = groups.into_iter().map(|group| group.name).collect();
    groups.sort();
    Some((groups, roles))
}

async fn synchronized(scene: &Scene) {
    let owner = &scene.owner;
    let main: Uuid = owner.organization_get("default").await.unwrap().id;
    let group = CreateGroupRequest {
        name: "makers".to_owned(),
        ..Default::default()
    };
    let group = owner.group_create("default", &group).await.unwrap().id;
    let organizations = PatchOrganizationSyncSettingsRequest {
        field: Some("orgs".to_owned()),
        mapping: Some([("main".to_owned(), vec![main])].into()),
        organization_assign_default: Some(false),
    };
    let groups = PatchGroupSyncSettingsRequest {
        field: Some("groups".to_owned()),
        mapping: Some([("idp-makers".to_owned(), vec![group])].into()),
        regex_filter: None,
        auto_create_missing_groups: Some(true),
    };
    let roles = PatchRoleSyncSettingsRequest {
        field: Some("realm_access.roles".to_owned()),
        mapping: Some([("audit".to_owned(), vec!["organization-auditor".to_owned()])].into()),
    };
    owner
        .idpsync_organization_update(&organizations)
        .await
        .unwrap();
    owner
        .idpsync_groups_update("default", &groups)
        .await
        .unwrap();
    owner.idpsync_roles_update("default", &roles).await.unwrap();
}

#[tokio::test]
async fn a_sign_in_follows_the_claims_of_the_token() {
    let scene = Scene::new().await;
    synchronized(&scene).await;
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let everything = json!({
        "orgs": "main", "groups": ["idp-makers", "new"], "realm_access": {"roles": ["audit", "owner"]},
    });
    let overage = json!({
        "orgs": "main", "_claim_names": {"groups": "s"}, "_claim_sources": {"s": {"endpoint": "x"}},
        "realm_access": {"roles": []},
    });
    let all = texts(&["Everyone", "makers", "new"]);
    let auditor = texts(&["organization-auditor"]);
    for (claims, expected) in [
        // An account is made in no organization but those that the claims name.
        (json!({"orgs": []}), None),
        (everything.clone(), Some((all.clone(), auditor.clone()))),
        // Groups that the provider only points at stay; roles that it takes go.
        (overage, Some((all.clone(), texts(&[])))),
        (everything.clone(), Some((all, auditor))),
        (
            json!({"orgs": "main"}),
            Some((texts(&["Everyone"]), texts(&[]))),
        ),
        (json!({}), None),
    ] {
        assert_eq!(after(&scene, &claims).await, expected, "{claims}");
    }
    // Only what differs is written, as what it is.
    after(&scene, &everything).await;
    let count = || scene.count("audit_logs WHERE actor_name = 'identity-sync'");
    let before = count().await;
    assert!(before > 10, "{before}");
    after(&scene, &everything).await;
    assert_eq!(count().await, before);
}
