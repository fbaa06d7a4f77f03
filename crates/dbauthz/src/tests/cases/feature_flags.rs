//! Calls and checks of feature flags.

use model::feature_flags::Feature;
use rbac::{
    Action::{Read, Update},
    Object,
    ResourceType::FeatureFlag,
};

use super::{Case, allow, case};
use crate::tests::{recorder::Check, world::ORG};

const FEATURE: Feature = Feature::BudgetCapsGraphqlApi;

/// What reading asks: anywhere, then of each switch of the world.
fn reading() -> [Check; 3] {
    let switch = || Object::new(FeatureFlag);
    [
        allow(Read, switch().any_org()),
        allow(Read, switch()),
        allow(Read, switch().in_org(ORG.0)),
    ]
}

pub(super) fn feature_flags() -> Vec<Case> {
    let switch = || Object::new(FeatureFlag);
    let (of_site, of_acme) = (
        allow(Update, switch()),
        allow(Update, switch().in_org(ORG.0)),
    );
    vec![
        case!("feature_enabled", u => u.feature_flags().feature_enabled(FEATURE, Some(ORG)), []),
        case!("feature_flag_get", u => u.feature_flags().feature_flag_get(FEATURE), reading())
            .ways(&[&[0]]),
        case!("feature_flag_list", u => u.feature_flags().feature_flag_list(), reading())
            .ways(&[&[0]]),
        case!("feature_flag_upsert", u => u.feature_flags().feature_flag_upsert(FEATURE, None, true), [
            of_site.clone(),
        ]),
        case!(
            "feature_flag_upsert",
            u => u.feature_flags().feature_flag_upsert(FEATURE, Some(ORG), true),
            [of_acme.clone()]
        ),
        case!("feature_flag_delete", u => u.feature_flags().feature_flag_delete(FEATURE, None), [
            of_site,
        ]),
        case!(
            "feature_flag_delete",
            u => u.feature_flags().feature_flag_delete(FEATURE, Some(ORG)),
            [of_acme]
        ),
    ]
}
