//! Features that are switched on and off while the servers run.
//!
//! What is on is no secret: every request meets it. Who set which switch is read, and switches are set, by right: the
//! deployment's on the site, an organization's in the organization.

use model::{
    OrganizationId,
    feature_flags::{Feature, FeatureSwitch},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const READ: &[&str] = &["feature_flag:read"];
const UPDATE: &[&str] = &["feature_flag:update"];
const ANYWHERE: &str = "anywhere, then each switch";

pub(crate) const RULES: &[Rule] = &[
    rule(
        "feature_enabled",
        Shape::Free,
        &[],
        "what is on shows in what works",
    ),
    rule("feature_flag_get", Shape::Visibility, READ, ANYWHERE),
    rule("feature_flag_list", Shape::Visibility, READ, ANYWHERE),
    rule(
        "feature_flag_upsert",
        Shape::Check,
        UPDATE,
        "in the organization, which it locks",
    ),
    rule(
        "feature_flag_delete",
        Shape::Check,
        UPDATE,
        "in the organization",
    ),
];

wrapper! {
    /// Features that are switched on and off while the servers run, each call authorized.
    FeatureFlags
}

/// A switch, as rights see it.
fn object(organization: Option<OrganizationId>) -> Object {
    let switch = Object::new(ResourceType::FeatureFlag);
    match organization {
        None => switch,
        Some(organization) => switch.in_org(organization.0),
    }
}

impl<U: ?Sized> FeatureFlags<'_, U> {
    /// Refuses unless some switch may be read, wherever.
    fn some_readable(&self) -> StoreResult<()> {
        self.gate.check(Action::Read, &object(None).any_org())
    }

    fn readable(&self, mut switches: Vec<FeatureSwitch>) -> Vec<FeatureSwitch> {
        switches.retain(|switch| self.gate.allows(Action::Read, &object(switch.organization)));
        switches
    }
}

impl<U: store::ReadUnit + ?Sized> FeatureFlags<'_, U> {
    /// Whether a feature is on in an organization, or for the whole deployment.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn feature_enabled(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool> {
        self.unit.feature_enabled(feature, organization).await
    }

    /// The switches that were set of a feature, as far as the caller may read them.
    ///
    /// # Errors
    /// `Denied` to who may read none anywhere.
    pub async fn feature_flag_get(&mut self, feature: Feature) -> StoreResult<Vec<FeatureSwitch>> {
        self.some_readable()?;
        let switches = self.unit.feature_flag_get(feature).await?;
        Ok(self.readable(switches))
    }

    /// The switches that were set of all features, as far as the caller may read them.
    ///
    /// # Errors
    /// `Denied` to who may read none anywhere.
    pub async fn feature_flag_list(&mut self) -> StoreResult<Vec<FeatureSwitch>> {
        self.some_readable()?;
        let switches = self.unit.feature_flag_list().await?;
        Ok(self.readable(switches))
    }
}

impl<U: store::WriteUnit + ?Sized> FeatureFlags<'_, U> {
    /// Sets a switch: an organization's, or the whole deployment's.
    ///
    /// # Errors
    /// `Denied`, `Violated` for an organization that does not exist.
    pub async fn feature_flag_upsert(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
        enabled: bool,
    ) -> StoreResult<FeatureSwitch> {
        self.gate.check(Action::Update, &object(organization))?;
        if let Some(id) = organization {
            // Locked, so that it does not end before its switch is there to end with it.
            if self.unit.organization_lock(id).await?.is_none() {
                let constraint = "feature_flags_organization_id_fkey".to_owned();
                return Err(StoreError::Violated(constraint));
            }
        }
        self.unit
            .feature_flag_upsert(feature, organization, enabled)
            .await
    }

    /// Removes a switch: what is beneath it holds again.
    ///
    /// # Errors
    /// `Denied`, `NotFound` when there is none.
    pub async fn feature_flag_delete(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<()> {
        self.gate.check(Action::Update, &object(organization))?;
        if self.unit.feature_flag_delete(feature, organization).await? {
            return Ok(());
        }
        Err(StoreError::NotFound)
    }
}
