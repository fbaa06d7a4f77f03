//! Two servers on one durable database, and the people of the bench.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use bursar::{Environment, Server, cli, demo};
use bursar_sdk::{
    AiProviderType, ChatInputPart, ChatStatus, Client, CreateAiProviderRequest,
    CreateChatMessageRequest, CreateChatRequest, CreateGroupRequest, CreateOrganizationRequest,
    CreateTokenRequest, CreateUserRequest, LoginType, PatchGroupRequest, Secret,
    UpdateChatAclRequest,
};
use db::local::{Durability, LocalConfig, LocalPostgres};
use futures_util::{StreamExt, stream};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Size, provider::Provider, viewers::Viewers};

const MODEL: &str = "clock/clock";

/// Somebody, by token.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Who.
    pub(crate) id: Uuid,
    /// What they sign in with.
    pub(crate) token: Secret,
}

/// Everything that is measured.
pub(crate) struct World {
    /// The chat's owner, at the first server.
    pub(crate) owner: Client,
    /// The chat.
    pub(crate) chat: Uuid,
    /// A group of nobody.
    pub(crate) circle: Uuid,
    /// Somebody of the organization who is in no group of the bench.
    pub(crate) reader: Person,
    nobody: [Client; 2],
    viewers: Vec<Person>,
    group: Uuid,
    provider: Provider,
    words: u64,
    servers: [Server; 2],
    postgres: LocalPostgres,
    _folder: TempDir,
}

impl World {
    /// Starts everything.
    pub(crate) async fn new(size: Size) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = LocalConfig::new(folder.path());
        config.path_env = std::env::var_os("PATH");
        let postgres = LocalPostgres::start(config).await.unwrap();
        let key = folder.path().join("encryption.key");
        std::fs::write(&key, "00112233445566778899aabbccddeeff".repeat(2)).unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let servers = [server(&postgres, &key).await, server(&postgres, &key).await];
        let nobody = servers.each_ref().map(|server| {
            let url = format!("http://{}", server.address());
            Client::new(&url).unwrap()
        });
        let provider = Provider::start().await;
        let owner = demo::first_owner(&nobody[0]).await.unwrap();
        add_provider(&owner, &provider).await;
        let organization = CreateOrganizationRequest {
            name: "bench".to_owned(),
            ..CreateOrganizationRequest::default()
        };
        let organization = owner.organization_create(&organization).await.unwrap().id;
        let (group, circle) = (
            add_group(&owner, organization, "viewers").await,
            add_group(&owner, organization, "circle").await,
        );
        let people = (0..=size.viewers).map(|number| add_person(&owner, organization, number));
        let people = stream::iter(people).buffer_unordered(8);
        let mut viewers: Vec<Person> = people.collect().await;
        let reader = viewers.pop().unwrap();
        let joining = PatchGroupRequest {
            add_users: viewers.iter().map(|person| person.id).collect(),
            ..PatchGroupRequest::default()
        };
        owner.group_update(group, &joining).await.unwrap();
        let chat = begin(&owner, organization).await;
        provider.say(size.words);
        Self {
            owner,
            chat,
            circle,
            reader,
            nobody,
            viewers,
            group,
            provider,
            words: size.words,
            servers,
            postgres,
            _folder: folder,
        }
    }

    /// Gives the viewers' group this role in the chat.
    pub(crate) async fn share(&self, role: &str) {
        let change = UpdateChatAclRequest {
            group_roles: [(self.group.to_string(), role.to_owned())].into(),
            ..UpdateChatAclRequest::default()
        };
        self.owner
            .chat_acl_update(self.chat, &change)
            .await
            .unwrap();
    }

    /// Lets all viewers look at the chat, at this server.
    pub(crate) async fn look(&self, server: usize) -> Viewers {
        Viewers::open(&self.viewers, self.servers[server].address(), self.chat).await
    }

    /// Somebody at a server.
    pub(crate) fn as_at(&self, person: &Person, server: usize) -> Client {
        self.nobody[server].with_token(person.token.clone())
    }

    /// Says something at the first server, which the model answers.
    pub(crate) async fn say(&self) {
        self.provider.say(self.words);
        let message = CreateChatMessageRequest {
            content: vec![ChatInputPart::text("What time is it?")],
            ..CreateChatMessageRequest::default()
        };
        let said = self.owner.chat_message_create(self.chat, &message).await;
        assert!(!said.unwrap().queued);
    }

    /// Stops everything.
    pub(crate) async fn stop(self) {
        for server in self.servers {
            server.stop().await.unwrap();
        }
        self.postgres.stop().await.unwrap();
    }
}

async fn server(postgres: &LocalPostgres, key: &Path) -> Server {
    let mut options = cli::ServerOptions::with_defaults().unwrap();
    options.http_address = ([127, 0, 0, 1], 0).into();
    options.encryption_key_file = Some(key.to_owned());
    options.source.database_url = Some(postgres.app_url());
    options.source.migrate_database_url = Some(postgres.owner_url());
    options.shutdown_timeout = Duration::from_secs(10);
    let environment = Environment {
        default_data_dir: None,
        path: None,
        durability: Durability::Durable,
        application_name: "bursar-bench".to_owned(),
    };
    Server::start(&options, &environment).await.unwrap()
}

async fn add_provider(owner: &Client, provider: &Provider) {
    let provider = CreateAiProviderRequest {
        name: "clock".to_owned(),
        kind: AiProviderType::OpenAiCompatible,
        base_url: provider.url.clone(),
        api_key: "none".into(),
    };
    owner.provider_create(&provider).await.unwrap();
}

async fn add_group(owner: &Client, organization: Uuid, name: &str) -> Uuid {
    let group = CreateGroupRequest {
        name: name.to_owned(),
        display_name: String::new(),
        avatar_url: String::new(),
    };
    owner.group_create(organization, &group).await.unwrap().id
}

async fn add_person(owner: &Client, organization: Uuid, number: usize) -> Person {
    let person = CreateUserRequest {
        email: format!("user-{number}@example.com"),
        username: format!("user-{number}"),
        name: String::new(),
        password: None,
        login_type: Some(LoginType::None),
        organization_ids: vec![organization],
    };
    let id = owner.user_create(&person).await.unwrap().id;
    let token = CreateTokenRequest::default();
    let token = owner.api_key_create(id, &token).await.unwrap().key;
    Person { id, token }
}

/// A chat whose first turn has ended.
async fn begin(owner: &Client, organization: Uuid) -> Uuid {
    let chat = CreateChatRequest {
        organization_id: Some(organization),
        content: vec![ChatInputPart::text("What time is it?")],
        model: Some(MODEL.to_owned()),
        ..CreateChatRequest::default()
    };
    let chat = owner.chat_create(&chat).await.unwrap().id;
    for _ in 0..1_000 {
        let found = owner.chat_get(chat).await.unwrap();
        assert_ne!(found.status, ChatStatus::Error, "{:?}", found.last_error);
        if found.status == ChatStatus::Waiting {
            return chat;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the first turn does not end")
}
