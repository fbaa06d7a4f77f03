//! What becomes of everything that belongs to somebody who leaves, table by table. A table that nobody has placed
//! here fails.

mod rows;

use std::collections::BTreeSet;

use bursar_sdk::{CreateOrganizationRequest, client::Error};
use testkit::World;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::{person, world};
use rows::{
    Fate::{self, Gone, Kept, Now},
    ROWS, Row,
};

/// Tables with a column of a person, an organization or a group, or a foreign key to one; without partitions.
const CATALOG: &str = "
    SELECT table_name::text FROM information_schema.columns JOIN information_schema.tables
        USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        AND NOT (SELECT relispartition FROM pg_class WHERE oid = table_name::text::regclass) AND column_name ~
            '(^|_)(user|organization|group|owner|principal|limit|member|actor)_id$|^(granted|created|initiated)_by$'
    UNION SELECT conrelid::regclass::text FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('users'::regclass, 'organizations'::regclass, 'groups'::regclass)";

/// Ada in `beta`, with a row in every table.
struct Scene {
    world: World,
    client: Client,
    names: Vec<(&'static str, Uuid)>,
    before: Vec<i64>,
}

impl Scene {
    async fn new() -> Self {
        let world = world().await;
        let cast = &world.cast;
        let beta = CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..CreateOrganizationRequest::default()
        };
        let beta = cast.owner.organization_create(&beta).await.unwrap().id;
        let bob = person(&world, "bob", &[beta]).await.id;
        let fresh =
            |number: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number);
        let names = vec![
            ("$ada", cast.member_id),
            ("$acme", cast.organization_id),
            ("$beta", beta),
            ("$bobs", fresh(1)),
            ("$bob", bob),
            ("$team", fresh(2)),
            ("$hers", fresh(3)),
            ("$home", fresh(4)),
            ("$other", fresh(5)),
            ("$chat", fresh(6)),
            ("$talk", fresh(7)),
            ("$theirs", fresh(8)),
        ];
        let client = world.database.owner().await.unwrap();
        let mut scene = Self {
            world,
            client,
            names,
            before: Vec::new(),
        };
        // A lease that nobody sweeps.
        let lease = "SET bursar.actor_name = 'test'; \
            INSERT INTO server_leases (id, expires_at) VALUES ($other, now() + interval '1 day')";
        scene.client.batch_execute(&scene.sql(lease)).await.unwrap();
        for row in ROWS.iter().filter(|row| !row.insert.is_empty()) {
            let insert = scene.sql(&format!("INSERT INTO {} {}", row.table, row.insert));
            let inserted = scene.client.batch_execute(&insert).await;
            inserted.unwrap_or_else(|error| panic!("{insert}: {error:?}"));
        }
        for row in ROWS {
            let found = scene.count(row, "true").await;
            assert!(found > 0, "{} where {}", row.table, row.which);
            scene.before.push(found);
        }
        scene
    }

    fn sql(&self, text: &str) -> String {
        let quoted =
            |text: String, (name, id): &(&str, Uuid)| text.replace(name, &format!("'{id}'"));
        self.names.iter().fold(text.to_owned(), quoted)
    }

    fn id(&self, wanted: &str) -> Uuid {
        let found = self.names.iter().find(|(name, _)| *name == wanted);
        found.unwrap().1
    }

    async fn count(&self, row: &Row, condition: &str) -> i64 {
        let count = format!(
            "SELECT count(*) FROM {} WHERE {} AND ({condition})",
            row.table, row.which
        );
        let counted = self.client.query_one(&self.sql(&count), &[]).await;
        counted
            .unwrap_or_else(|error| panic!("{count}: {error:?}"))
            .get(0)
    }

    /// Lets somebody leave and looks at every row.
    async fn check<T>(
        self,
        what: &str,
        departure: impl AsyncFnOnce(&Self) -> Result<T, Error>,
        fate: fn(&Row) -> Fate,
    ) {
        departure(&self).await.unwrap();
        for (row, before) in ROWS.iter().zip(&self.before) {
            let (all, fate) = (self.count(row, "true").await, fate(row));
            let as_told = match fate {
                Gone => all == 0,
                Kept if row.table == "audit_logs" => all > *before,
                Kept => all == *before,
                Now(condition) => self.count(row, condition).await == *before,
            };
            assert!(
                as_told,
                "{what}: {} where {}: {all} {fate:?}",
                row.table, row.which
            );
        }
    }
}

#[tokio::test]
async fn every_table_of_somebodys_is_placed() {
    let scene = Scene::new().await;
    let rows = scene.client.query(CATALOG, &[]).await.unwrap();
    let found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let placed: BTreeSet<String> = ROWS.iter().map(|row| row.table.to_owned()).collect();
    let missing: Vec<_> = found.difference(&placed).collect();
    assert!(
        missing.is_empty(),
        "say in `db/src/departures.rs` and here what becomes of {missing:?}"
    );
    assert!(found.contains("workspace_acl") && found.contains("spend_counters"));
}

#[tokio::test]
async fn leaving_an_organization_ends_what_came_with_it() {
    let leave = async |scene: &Scene| {
        let (beta, ada) = (scene.id("$beta"), scene.id("$ada"));
        let owner = &scene.world.cast.owner;
        owner.organization_member_delete(beta, ada).await
    };
    let scene = Scene::new().await;
    scene.check("leaving", leave, |row| row.leaving).await;
}

#[tokio::test]
async fn the_end_of_an_account_is_leaving_everything() {
    let delete = async |scene: &Scene| {
        let ada = scene.id("$ada");
        scene.world.cast.owner.user_delete(ada).await
    };
    let scene = Scene::new().await;
    scene
        .check("an account's end", delete, |row| row.account)
        .await;
}

#[tokio::test]
async fn the_end_of_an_organization_is_everybodys_leaving() {
    let delete = async |scene: &Scene| {
        let beta = scene.id("$beta");
        scene.world.cast.owner.organization_delete(beta).await
    };
    let scene = Scene::new().await;
    scene
        .check("an organization's end", delete, |row| row.organization)
        .await;
}

#[tokio::test]
async fn a_suspension_is_no_departure() {
    let suspend = async |scene: &Scene| {
        let ada = scene.id("$ada");
        scene.world.cast.owner.user_suspend(ada).await
    };
    let scene = Scene::new().await;
    let stays = |row: &Row| match row.table {
        "users" => Now("status = 'suspended' AND NOT deleted"),
        // A line about the account, which is in no organization.
        "audit_logs" => Now("true"),
        _ => Kept,
    };
    scene.check("a suspension", suspend, stays).await;
}
