//! The people of the story: an owner, an organization, a group with a budget, a member, two providers. The
//! tests act with the same cast.

use anyhow::Context;
use bursar_sdk::{
    AiProviderType, Client, CreateAiProviderRequest, CreateFirstUserRequest, CreateGroupRequest,
    CreateOrganizationRequest, CreateTokenRequest, CreateUserRequest, LoginWithPasswordRequest,
    PatchGroupRequest, Secret, UpsertGroupAiBudgetRequest,
};
use fakeprovider::FakeProvider;
use model::Micros;
use uuid::Uuid;

/// The owner's name.
pub const OWNER: &str = "owner";
/// The member's name.
pub const MEMBER: &str = "ada";
/// The password of both.
pub const PASSWORD: &str = "correct-horse-battery";
/// The organization's name.
pub const ORGANIZATION: &str = "acme";
/// The group's name.
pub const GROUP: &str = "builders";

/// The people of the story, signed in.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The site owner, who has no budget and so no limit.
    pub owner: Client,
    /// A member of the group, by API token.
    pub member: Client,
    /// The member's API token.
    pub member_token: Secret,
    /// The member's id.
    pub member_id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
    /// The group that carries the budget.
    pub group_id: Uuid,
}

impl Cast {
    /// Makes everyone on a fresh deployment, with a budget for each member of the group and both kinds of
    /// provider leading to the fake one.
    ///
    /// # Errors
    /// The first call that fails.
    pub async fn assemble(
        nobody: &Client,
        fake: &FakeProvider,
        budget: Micros,
    ) -> anyhow::Result<Self> {
        let owner = first_owner(nobody).await?;
        add_providers(&owner, fake).await?;
        let organization = owner
            .organization_create(&CreateOrganizationRequest {
                name: ORGANIZATION.to_owned(),
                display_name: "Acme".to_owned(),
                ..CreateOrganizationRequest::default()
            })
            .await
            .context("no organization")?;
        let member = member_of(&owner, MEMBER, organization.id).await?;
        let group = owner
            .group_create(
                organization.id,
                &CreateGroupRequest {
                    name: GROUP.to_owned(),
                    display_name: "Builders".to_owned(),
                    avatar_url: String::new(),
                },
            )
            .await
            .context("no group")?;
        let joining = PatchGroupRequest {
            add_users: vec![member.id],
            ..Default::default()
        };
        owner
            .group_update(group.id, &joining)
            .await
            .context("the member cannot join")?;
        let limit = UpsertGroupAiBudgetRequest {
            spend_limit_micros: budget.0,
            ..Default::default()
        };
        owner
            .group_budget_upsert(group.id, &limit)
            .await
            .context("no budget")?;
        Ok(Self {
            owner,
            member: nobody.with_token(member.token.clone()),
            member_token: member.token,
            member_id: member.id,
            organization_id: organization.id,
            group_id: group.id,
        })
    }
}

/// A person with an API token.
#[derive(Debug, Clone)]
pub struct Person {
    /// The person's id.
    pub id: Uuid,
    /// The person's API token.
    pub token: Secret,
}

/// Makes the first account and signs it in.
///
/// # Errors
/// When there is a first account already.
pub async fn first_owner(nobody: &Client) -> anyhow::Result<Client> {
    let email = format!("{OWNER}@example.com");
    nobody
        .first_user_create(&CreateFirstUserRequest {
            email: email.clone(),
            username: OWNER.to_owned(),
            name: String::new(),
            password: PASSWORD.into(),
        })
        .await
        .context("no first account")?;
    let login = LoginWithPasswordRequest {
        email,
        password: PASSWORD.into(),
    };
    let session = nobody
        .login(&login)
        .await
        .context("the owner cannot sign in")?;
    Ok(nobody.with_token(session.session_token))
}

/// Makes a person in an organization, who signs in by password and makes an API token.
///
/// # Errors
/// When the name is taken.
pub async fn member_of(owner: &Client, name: &str, organization: Uuid) -> anyhow::Result<Person> {
    let email = format!("{name}@example.com");
    let user = owner
        .user_create(&CreateUserRequest {
            email: email.clone(),
            username: name.to_owned(),
            name: String::new(),
            password: Some(PASSWORD.into()),
            login_type: None,
            organization_ids: vec![organization],
        })
        .await
        .with_context(|| format!("no account for `{name}`"))?;
    let login = LoginWithPasswordRequest {
        email,
        password: PASSWORD.into(),
    };
    let session = owner.without_token().login(&login).await?;
    let token = owner
        .with_token(session.session_token)
        .api_key_create(
            "me",
            &CreateTokenRequest {
                token_name: "laptop".to_owned(),
                ..Default::default()
            },
        )
        .await
        .with_context(|| format!("no token for `{name}`"))?;
    Ok(Person {
        id: user.id,
        token: token.key,
    })
}

async fn add_providers(owner: &Client, fake: &FakeProvider) -> anyhow::Result<()> {
    for (kind, name, base_url) in [
        (AiProviderType::OpenAi, "openai", fake.openai_base_url()),
        (
            AiProviderType::Anthropic,
            "anthropic",
            fake.anthropic_base_url(),
        ),
    ] {
        let provider = CreateAiProviderRequest {
            name: name.to_owned(),
            kind,
            base_url,
            api_key: fake.api_key().into(),
        };
        owner
            .provider_create(&provider)
            .await
            .with_context(|| format!("no provider `{name}`"))?;
    }
    Ok(())
}
