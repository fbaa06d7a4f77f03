//! Following an identity provider's claims: the settings over HTTP, and what a sign-in does with them.

mod apply;
mod rights;
mod settings;
mod sign_in;

use std::sync::Arc;

use bursar_sdk::Client;
use db::{Database, DatabaseOptions, Sealer};
use dbauthz::{Authorized, SystemActor, SystemStore};
use model::{UserId, idpsync::IdentitySyncReport};
use serde_json::{Value, json};
use store::StoreResult;
use testkit::World;
use uuid::Uuid;

use crate::support::{Answer, ask, get};

const SITE: &str = "/settings/idpsync/organization";
const GROUPS: &str = "/organizations/acme/settings/idpsync/groups";
const ROLES: &str = "/organizations/acme/settings/idpsync/roles";

/// Changes a setting.
async fn set(world: &World, caller: &Client, path: &str, body: &Value) -> Answer {
    ask(world, caller, "PATCH", path, body).await
}

/// A sign-in, as far as this is concerned.
async fn store(world: &World) -> SystemStore {
    let options = DatabaseOptions::new(world.database.app_url());
    let database = Database::connect(options, Sealer::from_key(&[7; 32]));
    Authorized::new(Arc::new(database.await.unwrap())).as_system(SystemActor::IdentitySync)
}

async fn try_sign_in(
    store: &SystemStore,
    user: Uuid,
    claims: &Value,
) -> StoreResult<IdentitySyncReport> {
    let mut unit = store.begin().await?;
    let report = unit
        .identity_sync()
        .identity_sync_apply(UserId(user), claims)
        .await?;
    unit.commit().await?;
    Ok(report)
}

async fn sign_in(store: &SystemStore, user: Uuid, claims: Value) -> IdentitySyncReport {
    try_sign_in(store, user, &claims).await.unwrap()
}

/// What has been written as the synchronization, in order: action, type, target.
async fn written(world: &World) -> Vec<String> {
    let client = world.database.owner().await.unwrap();
    let query = "SELECT action || ' ' || resource_type || ' ' || resource_target FROM audit_logs \
        WHERE actor_name = 'identity-sync' AND user_id IS NULL ORDER BY time, id";
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The names of the groups of acme that somebody is in, or of organizations.
async fn names(world: &World, path: &str) -> Vec<String> {
    let answer = get(world, &world.cast.owner, path).await.json();
    let mut names: Vec<String> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

async fn groups_of(world: &World, who: &str) -> Vec<String> {
    names(
        world,
        &format!("/groups?organization=acme&has_member={who}"),
    )
    .await
}

/// The roles of somebody in acme; `None` for who is no member.
async fn roles_of(world: &World, who: Uuid) -> Option<Vec<String>> {
    let members = get(world, &world.cast.owner, "/organizations/acme/members").await;
    let members = members.json();
    let found = members.as_array().unwrap().iter();
    let mut found = found.filter(|member| member["user_id"] == json!(who));
    let roles = found.next()?["roles"].as_array().unwrap().clone();
    Some(
        roles
            .iter()
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect(),
    )
}
