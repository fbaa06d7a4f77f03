//! One throw-away PostgreSQL for the whole test process, and a migrated database of its own for each test.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use db::{
    Database, DatabaseOptions, Sealer,
    local::{Durability, LocalConfig, LocalPostgres, LocalRole},
};
use model::{
    GroupId, IdSource, Micros, OrganizationId, UserId, UuidV7Source,
    budgets::GroupBudgetUpsert,
    groups::NewGroup,
    organizations::NewOrganization,
    users::{LoginType, NewUser, PasswordHash},
};
use rbac::ShareableOwners;
use secrecy::{ExposeSecret, SecretString};
use store::{ReadUnit, Store, WriteContext, WriteUnit};
use tokio::sync::{Mutex, OnceCell, oneshot};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub(crate) const APP_ROLE: &str = "bursar_app";
const TEMPLATE: &str = "bursar_template";

/// The server lives on a thread of its own: each test's runtime ends before the next begins.
static SERVER: OnceLock<LocalPostgres> = OnceLock::new();
static READY: OnceCell<()> = OnceCell::const_new();
/// Two clones of one template at once would only wait for each other.
static CLONING: Mutex<()> = Mutex::const_new(());
static NEXT: AtomicU32 = AtomicU32::new(1);

async fn server() -> &'static LocalPostgres {
    READY.get_or_init(prepare).await;
    SERVER.get().expect("the server was started")
}

async fn prepare() {
    let (ready, started) = oneshot::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap().keep();
            remove_at_exit(&folder);
            let mut config = LocalConfig::new(&folder);
            config.durability = Durability::Throwaway;
            config.path_env = std::env::var_os("PATH");
            config.max_connections = 400;
            let server = LocalPostgres::start(config)
                .await
                .expect("PostgreSQL starts");
            server.create_database(TEMPLATE).await.unwrap();
            let owner = server.url(LocalRole::Owner, TEMPLATE);
            db::migrate(&owner, APP_ROLE).await.unwrap();
            SERVER.set(server).expect("one server");
            ready.send(()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    started.await.unwrap();
}

/// Removes the folder when this process has ended and its PostgreSQL after it.
fn remove_at_exit(folder: &Path) {
    let script =
        "read _; while [ -e \"$1/postgres/postmaster.pid\" ]; do sleep 0.1; done; rm -rf \"$1\"";
    let child = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The pipe stays open until the process ends, however it does.
    Box::leak(Box::new(child));
}

/// A database of one test.
pub(crate) struct TestDb {
    pub(crate) name: String,
}

impl TestDb {
    /// Migrated.
    pub(crate) async fn new() -> Self {
        Self::create(&format!("TEMPLATE {TEMPLATE} STRATEGY file_copy")).await
    }

    /// Without any table.
    pub(crate) async fn empty() -> Self {
        Self::create("TEMPLATE template0").await
    }

    async fn create(how: &str) -> Self {
        let server = server().await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let administrator = connect(&server.superuser_url()).await;
        let statement = format!("CREATE DATABASE {name} {how} OWNER bursar_owner");
        let cloning = CLONING.lock().await;
        // Who migrated the template may not be gone yet.
        while let Err(error) = administrator.batch_execute(&statement).await {
            let code = error.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("55006"), "{error:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(cloning);
        let db = Self { name };
        if how.contains("template0") {
            let owner = "ALTER SCHEMA public OWNER TO bursar_owner";
            connect(&db.url(LocalRole::Superuser).await)
                .await
                .batch_execute(owner)
                .await
                .unwrap();
        }
        db
    }

    pub(crate) async fn url(&self, role: LocalRole) -> SecretString {
        server().await.url(role, &self.name)
    }

    /// A client without diesel.
    pub(crate) async fn client(&self, role: LocalRole) -> Client {
        connect(&self.url(role).await).await
    }

    /// The store, as the application's role.
    pub(crate) async fn store(&self) -> Database {
        self.store_with(|_| {}).await
    }

    pub(crate) async fn store_with(&self, change: impl FnOnce(&mut DatabaseOptions)) -> Database {
        let mut options = DatabaseOptions::new(self.url(LocalRole::App).await);
        options.acquire_timeout = Duration::from_secs(30);
        change(&mut options);
        Database::connect(options, Sealer::from_key(&[7; 32]))
            .await
            .unwrap()
    }

    /// Moves the instant that decides periods, for everybody in this database.
    pub(crate) async fn shift_time(&self, interval: &str) {
        let function = format!(
            "CREATE OR REPLACE FUNCTION bursar_now() RETURNS timestamptz LANGUAGE sql STABLE \
             AS $$ SELECT statement_timestamp() + interval '{interval}' $$"
        );
        self.client(LocalRole::Owner)
            .await
            .batch_execute(&function)
            .await
            .unwrap();
    }
}

pub(crate) async fn connect(url: &SecretString) -> Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) fn context() -> WriteContext {
    WriteContext {
        user_id: None,
        actor_name: "test".to_owned(),
        request_id: None,
    }
}

pub(crate) async fn begin(store: &Database) -> Box<dyn WriteUnit> {
    store.begin(&context()).await.unwrap()
}

pub(crate) async fn read(store: &Database) -> Box<dyn ReadUnit> {
    store.read().await.unwrap()
}

pub(crate) fn id() -> Uuid {
    UuidV7Source.next()
}

pub(crate) fn new_user(name: &str, organizations: &[OrganizationId]) -> NewUser {
    NewUser {
        id: UserId(id()),
        email: format!("{name}@example.com").parse().unwrap(),
        username: name.parse().unwrap(),
        name: String::new(),
        login_type: LoginType::Password,
        password_hash: Some(PasswordHash("$argon2id$secret-hash".to_owned())),
        roles: Vec::new(),
        organization_ids: organizations.to_vec(),
    }
}

pub(crate) fn new_organization(name: &str) -> NewOrganization {
    NewOrganization {
        id: OrganizationId(id()),
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        description: String::new(),
        icon: String::new(),
        shareable_workspace_owners: ShareableOwners::default(),
    }
}

pub(crate) fn new_group(name: &str, organization: OrganizationId) -> NewGroup {
    NewGroup {
        id: GroupId(id()),
        organization_id: organization,
        name: name.parse().unwrap(),
        display_name: String::new(),
        avatar_url: String::new(),
    }
}

/// A person in the default organization whose Everyone group has a budget.
pub(crate) struct World {
    pub(crate) organization: OrganizationId,
    pub(crate) user: UserId,
}

impl World {
    pub(crate) async fn new(store: &Database, limit: Option<Micros>) -> Self {
        let organization = new_organization("acme");
        let user = new_user("ada", &[organization.id]);
        let mut unit = begin(store).await;
        unit.organization_create(&organization).await.unwrap();
        unit.user_create(&user).await.unwrap();
        if let Some(limit) = limit {
            unit.group_budget_upsert(organization.id.everyone(), &GroupBudgetUpsert::limit(limit))
                .await
                .unwrap();
        }
        unit.commit().await.unwrap();
        Self {
            organization: organization.id,
            user: user.id,
        }
    }
}
