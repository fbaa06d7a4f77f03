//! Which subscription is meant, and whether its caps may be set: the one order in which things are looked at, so that
//! nobody learns anything before it is certain that they may.

use ::caps::CapWriting;
use dbauthz::{Organizations, WriteUnit};
use model::{Name, caps::CapScope, feature_flags::Feature};
use store::StoreError;

use super::super::{
    failure::{Code, Failure},
    limits::Counted,
    viewer::Viewer,
};

/// What is said of what is inside an organization, to whoever may know of the organization.
const NOT_ROOT: &str = "Subscription usage can only be queried on a root namespace";

/// The feature that all of this belongs to.
pub(super) const FEATURE: Feature = Feature::BudgetCapsGraphqlApi;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A subscription.
    Subscription(CapScope),
    /// Something inside an organization that the caller may know of.
    Inside,
}

async fn place<U: store::ReadUnit + ?Sized>(
    mut organizations: Organizations<'_, U>,
    path: Option<&str>,
) -> Result<Place, Failure> {
    let Some(path) = path else {
        return Ok(Place::Subscription(CapScope::Instance));
    };
    let (root, inside) = match path.split_once('/') {
        Some((root, _)) => (root, true),
        None => (path, false),
    };
    let name: Name = root.parse().ok().ok_or(StoreError::NotFound)?;
    let organization = organizations.organization_get_by_name(&name).await?;
    Ok(if inside {
        Place::Inside
    } else {
        Place::Subscription(CapScope::Organization(organization.id))
    })
}

/// The subscription that is asked about. Whether it may be read is decided by whatever is read of it.
///
/// # Errors
/// The one refusal, or that the path leads into an organization.
pub(super) async fn asked<U: store::ReadUnit + ?Sized>(
    organizations: Organizations<'_, U>,
    path: Option<&str>,
) -> Result<CapScope, Failure> {
    match place(organizations, path).await? {
        Place::Subscription(scope) => Ok(scope),
        Place::Inside => Err(Failure::told(Code::InvalidArgument, NOT_ROOT)),
    }
}

/// A subscription whose caps may be set now, in a unit of work that has written nothing yet. `operation` is recorded
/// when the caller has no right to it.
///
/// # Errors
/// The one refusal, that the feature is off, or that there were too many calls; in this order.
pub(super) async fn settable<'a>(
    viewer: &'a Viewer,
    operation: &'static str,
    path: Option<&str>,
) -> Result<CapWriting<'a>, Failure> {
    let store = viewer.store()?;
    let mut unit = store.begin().await?;
    let scope = match checked(&mut unit, path).await {
        Ok(scope) => scope,
        Err(failure) => {
            viewer.refused(&failure, operation, path);
            return Err(failure);
        }
    };
    let mut features = unit.feature_flags();
    if !features
        .feature_enabled(FEATURE, scope.organization())
        .await?
    {
        let message = format!("{} feature flag is disabled", FEATURE.name());
        return Err(Failure::told(Code::FeatureDisabled, message));
    }
    viewer.count(Counted::Update)?;
    Ok(CapWriting { store, unit, scope })
}

async fn checked(unit: &mut WriteUnit, path: Option<&str>) -> Result<CapScope, Failure> {
    let Place::Subscription(scope) = place(unit.organizations(), path).await? else {
        return Err(Failure::hidden());
    };
    unit.caps().cap_update_check(scope).await?;
    Ok(scope)
}
