//! The embedded server as a whole: from a data folder to addresses that answer, and back.

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::account::{self, Account};
use super::folder::{self, DataFolder};
use super::postmaster::Postmaster;
use super::roles::{self, DATABASE, LocalRole, MAINTENANCE_DATABASE};
use super::secrets::{self, Passwords};
use super::socket::SocketFolder;
use super::{LocalConfig, LocalError, Programs, cluster, leftover, programs};

/// The only way in: with a password, over the socket. No address is listened on.
const HBA: &str = "# Written by Bursar at every start.\nlocal all all scram-sha-256\n";

/// How often to try to connect while the server starts.
const POLL: Duration = Duration::from_millis(20);
/// How long one attempt to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often to start a server that finds remains of an earlier one.
const LAUNCHES: u32 = 5;
/// How much longer than `start_timeout` a server may take that says that it recovers from a crash.
const RECOVERY_FACTOR: u32 = 10;

/// A running embedded PostgreSQL; stop it with [`LocalPostgres::stop`].
///
/// Dropped without that, the server is told to stop and not waited for; a next start on the same data
/// folder waits instead. If Bursar's process ends in any other way, the server is stopped as well.
#[derive(Debug)]
pub struct LocalPostgres {
    // Fields are dropped in this order: the lock of the data folder goes last.
    postmaster: Postmaster,
    socket: SocketFolder,
    passwords: Passwords,
    programs: Programs,
    stop_timeout: Duration,
    stopped_orphan: bool,
    folder: DataFolder,
}

/// What is known before anything runs.
struct Prepared {
    folder: DataFolder,
    account: Option<Account>,
    programs: Programs,
    passwords: Passwords,
    cluster_exists: bool,
}

impl LocalPostgres {
    /// Starts PostgreSQL in the data folder, setting everything up on the first time, and waits until the
    /// database answers.
    ///
    /// An existing cluster is run by programs of its own major version, else by the newest found. A live
    /// server that a killed Bursar left is stopped first. Cancel safe: a dropped future stops what it started.
    ///
    /// # Errors
    /// See [`LocalError`]; nothing keeps running, and an existing cluster is never damaged or replaced.
    pub async fn start(config: LocalConfig) -> Result<LocalPostgres, LocalError> {
        let (prepared, config) =
            tokio::task::spawn_blocking(move || prepare(&config).map(|ready| (ready, config)))
                .await
                .unwrap_or(Err(LocalError::Cancelled))?;
        let Prepared {
            folder,
            account,
            programs,
            passwords,
            cluster_exists,
        } = prepared;
        let account = account.as_ref();

        let stopped_orphan =
            leftover::stop(&folder.cluster(), &passwords, config.stop_timeout).await?;
        if !cluster_exists {
            tracing::info!(cluster = %folder.cluster().display(), version = programs.version, "making the database cluster");
            cluster::make(&folder, &programs, account, &passwords, config.durability).await?;
        }
        folder::write_whole(&folder.hba_file(), 0o644, HBA)?;
        let socket = SocketFolder::make(&folder, &config.temp_dir, account)?;

        let stop_timeout = config.stop_timeout;
        let launch = Launch {
            folder: &folder,
            programs: &programs,
            account,
            config: &config,
        };
        let postmaster = match launch.until_ready(&socket, &passwords).await {
            Ok(postmaster) => postmaster,
            Err(error) => {
                socket.remove(&folder)?;
                return Err(error);
            }
        };
        tracing::info!(version = programs.version, socket = %socket.path().display(), "PostgreSQL is ready");
        Ok(LocalPostgres {
            postmaster,
            socket,
            passwords,
            programs,
            stop_timeout,
            stopped_orphan,
            folder,
        })
    }

    /// The address of Bursar's database for migrations: its owner.
    pub fn owner_url(&self) -> SecretString {
        self.url(LocalRole::Owner, DATABASE)
    }

    /// The address of Bursar's database for the running server: no DDL.
    pub fn app_url(&self) -> SecretString {
        self.url(LocalRole::App, DATABASE)
    }

    /// The superuser's address of the maintenance database, for provisioning and tests: it may create,
    /// clone and drop databases. Never give it to a running server.
    pub fn superuser_url(&self) -> SecretString {
        self.url(LocalRole::Superuser, MAINTENANCE_DATABASE)
    }

    /// The address of any database of this server:
    /// `postgresql://role:password@/database?host=<percent-encoded folder of the socket>`.
    pub fn url(&self, role: LocalRole, database: &str) -> SecretString {
        self.socket.url(role, &self.passwords, database)
    }

    /// Makes a database like Bursar's own (owner, grants); if it exists, only the grants are set again.
    ///
    /// A clone of a template database does not inherit the grants on the database: call this for it too.
    ///
    /// # Errors
    /// [`LocalError::Sql`] when the server refuses.
    pub async fn create_database(&self, name: &str) -> Result<(), LocalError> {
        let socket = self.socket.path();
        let client = superuser(socket, &self.passwords, MAINTENANCE_DATABASE).await?;
        roles::make_database(&client, name).await?;
        roles::grant(&superuser(socket, &self.passwords, name).await?, name).await
    }

    /// The folder of the Unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.socket.path()
    }

    /// The data folder, absolute and without symbolic links.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// What the server says.
    pub fn log_file(&self) -> &Path {
        self.postmaster.log_file()
    }

    /// The programs that the server runs from.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Whether a live server of a killed Bursar was found and stopped at the start.
    pub fn stopped_orphan(&self) -> bool {
        self.stopped_orphan
    }

    /// Waits until the server ends without having been told to, and says why. Cancel safe.
    pub async fn exited(&mut self) -> LocalError {
        self.postmaster.exited().await
    }

    /// Stops the server: clients are cut off, everything committed is kept. Then releases the data folder.
    ///
    /// # Errors
    /// [`LocalError::DoesNotStop`] when it is still there after `stop_timeout` and 10 s more, or
    /// [`LocalError::Io`] when the socket's folder cannot be removed.
    pub async fn stop(mut self) -> Result<(), LocalError> {
        self.postmaster.stop(self.stop_timeout).await?;
        self.socket.remove(&self.folder)
    }
}

/// Takes the lock, finds the programs and checks everything that can be checked without running the server.
fn prepare(config: &LocalConfig) -> Result<Prepared, LocalError> {
    let data_dir = std::path::absolute(&config.data_dir)
        .map_err(LocalError::io("make absolute the path", &config.data_dir))?;
    let found = programs::find_all(
        config.postgres_bin_dir.as_deref(),
        config.path_env.as_deref(),
    )?;
    let folder = DataFolder::open(&data_dir)?;
    let path = folder.cluster();
    let existing = cluster::inspect(&path)?;
    let programs = programs::choose(found, &path, existing.map(|cluster| cluster.major))?;
    let account = account::server_account(&path, existing.map(|cluster| cluster.owner))?;
    if let Some(account) = &account {
        account::check_traversable(folder.path(), account)?;
        account::check_traversable(&programs.bin_dir, account)?;
    }
    cluster::remove_unfinished(&folder)?;
    let passwords = Passwords::open(&folder, existing.is_some())?;
    Ok(Prepared {
        folder,
        account,
        programs,
        passwords,
        cluster_exists: existing.is_some(),
    })
}

/// What it takes to launch the server.
struct Launch<'a> {
    folder: &'a DataFolder,
    programs: &'a Programs,
    account: Option<&'a Account>,
    config: &'a LocalConfig,
}

impl Launch<'_> {
    /// Launches the server and waits until Bursar's database is there; what was launched is stopped on failure.
    async fn until_ready(
        &self,
        socket: &SocketFolder,
        passwords: &Passwords,
    ) -> Result<Postmaster, LocalError> {
        let mut launches = 1;
        loop {
            let mut postmaster = Postmaster::launch(
                self.folder,
                self.programs,
                self.account,
                socket.path(),
                self.config,
            )?;
            match self.set_up(&mut postmaster, socket.path(), passwords).await {
                Ok(()) => return Ok(postmaster),
                Err(error) if launches < LAUNCHES && remains_of_another(&error) => {
                    tracing::warn!(%error, "trying again");
                    let cluster = self.folder.cluster();
                    leftover::stop(&cluster, passwords, self.config.stop_timeout).await?;
                    sleep(POLL * 10 * launches).await;
                    launches += 1;
                }
                Err(error) => {
                    if let Err(second) = postmaster.stop(self.config.stop_timeout).await {
                        tracing::error!(%second, "and PostgreSQL did not stop after that");
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn set_up(
        &self,
        postmaster: &mut Postmaster,
        socket: &Path,
        passwords: &Passwords,
    ) -> Result<(), LocalError> {
        let client = self.first_connection(postmaster, socket, passwords).await?;
        roles::make_roles(&client, passwords).await?;
        roles::make_database(&client, DATABASE).await?;
        roles::grant(&superuser(socket, passwords, DATABASE).await?, DATABASE).await
    }

    /// Tries to connect until it works, the server ends, or the time is over.
    async fn first_connection(
        &self,
        postmaster: &mut Postmaster,
        socket: &Path,
        passwords: &Passwords,
    ) -> Result<Client, LocalError> {
        let started = Instant::now();
        loop {
            if let Some(error) = postmaster.ended()? {
                return Err(error);
            }
            let attempt = roles::connect(
                socket,
                LocalRole::Superuser,
                passwords,
                MAINTENANCE_DATABASE,
            );
            let refusal = match timeout(ATTEMPT_TIMEOUT, attempt).await {
                Ok(Ok(client)) => return Ok(client),
                Ok(Err(source)) if source.code() == Some(&SqlState::INVALID_PASSWORD) => {
                    let file = secrets::file(self.folder, LocalRole::Superuser);
                    return Err(LocalError::PasswordRefused { file, source });
                }
                Ok(Err(refusal)) => Some(refusal),
                Err(_) => None,
            };
            let code = refusal.as_ref().and_then(tokio_postgres::Error::code);
            let recovering = code == Some(&SqlState::CANNOT_CONNECT_NOW);
            let patience = self.config.start_timeout * if recovering { RECOVERY_FACTOR } else { 1 };
            if started.elapsed() > patience {
                return Err(LocalError::NotReady {
                    seconds: started.elapsed().as_secs(),
                    log_file: postmaster.log_file().to_path_buf(),
                    log_tail: postmaster.log_tail(),
                    source: refusal,
                });
            }
            sleep(POLL).await;
        }
    }
}

async fn superuser(
    socket: &Path,
    passwords: &Passwords,
    database: &str,
) -> Result<Client, LocalError> {
    roles::connect(socket, LocalRole::Superuser, passwords, database)
        .await
        .map_err(LocalError::sql("connect to a database"))
}

/// Whether the server ended because another one on the same cluster, or its memory, is not gone yet.
fn remains_of_another(error: &LocalError) -> bool {
    let LocalError::Exited { log_tail, .. } = error else {
        return false;
    };
    log_tail.contains("\"postmaster.pid\" already exists")
        || log_tail.contains("pre-existing shared memory block")
}
