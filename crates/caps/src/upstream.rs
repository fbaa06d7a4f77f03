//! What a portal tells, as the store keeps it: its entity ids are our people's, and its scopes our subscriptions.

use std::collections::BTreeMap;

use model::{
    UserId,
    caps::{Cap, CapScope, MirroredCaps, MirroredOverride},
};
use portal::{PortalCaps, PortalOverride, PortalScope};
use uuid::Uuid;

/// A subscription as the portal knows it: an organization is the namespace of its id.
pub(crate) fn place(scope: CapScope) -> PortalScope {
    match scope.organization() {
        Some(organization) => PortalScope::Namespace(organization.to_string()),
        None => PortalScope::Instance,
    }
}

/// Somebody's id at the portal.
pub(crate) fn entity(user: UserId) -> String {
    user.0.to_string()
}

/// Whose id it is; `None` when it is written as none of ours is.
pub(crate) fn person(entity: &str) -> Option<UserId> {
    let id: Uuid = entity.parse().ok()?;
    (id.to_string() == entity).then_some(UserId(id))
}

/// What is mirrored of what was read. Overrides of people of other instances may be among them; whether somebody has an
/// account here is found out by the store. Without a record there is nothing, whatever overrides are told of.
pub(crate) fn mirrored(read: &PortalCaps) -> Option<MirroredCaps> {
    let record = read.subscription.as_ref()?;
    let mut own: BTreeMap<UserId, MirroredOverride> = BTreeMap::new();
    for told in &read.overrides {
        let Some(user_id) = told.entity_id.as_deref().and_then(person) else {
            continue;
        };
        let new = MirroredOverride {
            user_id,
            cap: told.cap,
            created_at: told.created_at,
            updated_at: told.updated_at,
        };
        // Somebody who is told of twice was changed while the pages were read, or is of two instances: the last word counts.
        let old = own.get(&user_id);
        if old.is_none_or(|old| old.updated_at <= new.updated_at) {
            own.insert(user_id, new);
        }
    }
    Some(MirroredCaps {
        flat_user: record.flat_user,
        subscription: record.subscription,
        overrides: own.into_values().collect(),
    })
}

/// What is set for somebody, of what the portal says that it keeps; `None` when it does not say.
pub(crate) fn kept(stored: &[PortalOverride], user: UserId) -> Option<Cap> {
    let of = |own: &&PortalOverride| own.entity_id.as_deref().and_then(person) == Some(user);
    stored.iter().rfind(of).map(|own| own.cap)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use model::Micros;
    use portal::PortalSubscriptionCaps;

    use super::*;

    const ANN: UserId = UserId(Uuid::from_u128(0xa));
    const BOB: UserId = UserId(Uuid::from_u128(0xb));

    fn cap(micros: i64) -> Cap {
        Cap {
            amount: Micros(micros),
            enabled: true,
        }
    }

    fn told(entity_id: &str, micros: i64, updated: Option<i64>) -> PortalOverride {
        PortalOverride {
            entity_id: Some(entity_id.to_owned()),
            cap: cap(micros),
            instance_activation_id: None,
            created_at: None,
            updated_at: updated
                .map(|at| DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::seconds(at)),
        }
    }

    #[test]
    fn ids_are_ours_only_as_we_write_them() {
        let id = "0193e2b4-7a3c-7d52-9b1e-5f4a2c6d8e90";
        let check = |text: &str, ours: bool| {
            assert_eq!(
                person(text).map(entity),
                ours.then(|| text.to_owned()),
                "{text}"
            );
        };
        check(id, true);
        check(&id.to_uppercase(), false);
        check(&id.replace('-', ""), false);
        check(&format!("{{{id}}}"), false);
        check(&format!("urn:uuid:{id}"), false);
        check(&format!(" {id}"), false);
        check("42", false);
        check("", false);
        let acme = Uuid::parse_str(id).unwrap();
        assert_eq!(
            place(CapScope::Organization(acme.into())),
            PortalScope::Namespace(id.to_owned())
        );
        assert_eq!(place(CapScope::Instance), PortalScope::Instance);
    }

    #[test]
    fn the_last_word_on_somebody_counts() {
        let (ann, bob) = (entity(ANN), entity(BOB));
        let check = |overrides: Vec<PortalOverride>, expected: &[(UserId, i64)]| {
            let subscription = Some(PortalSubscriptionCaps {
                name: None,
                subscription: None,
                flat_user: Some(cap(7)),
            });
            let mut read = PortalCaps {
                subscription,
                overrides,
            };
            let caps = mirrored(&read).unwrap();
            assert_eq!((caps.flat_user, caps.subscription), (Some(cap(7)), None));
            let own = caps.overrides.iter();
            let own: Vec<_> = own.map(|one| (one.user_id, one.cap.amount.0)).collect();
            assert_eq!(own, expected);
            read.subscription = None;
            assert_eq!(mirrored(&read), None);
        };
        check(vec![], &[]);
        check(vec![told("42", 1, None), told(&bob, 2, None)], &[(BOB, 2)]);
        check(
            vec![
                told(&bob, 1, Some(5)),
                told(&ann, 2, None),
                told(&bob, 3, Some(4)),
            ],
            &[(ANN, 2), (BOB, 1)],
        );
        check(
            vec![told(&bob, 1, Some(5)), told(&bob, 3, Some(5))],
            &[(BOB, 3)],
        );
        check(vec![told(&bob, 1, None), told(&bob, 3, None)], &[(BOB, 3)]);
    }

    #[test]
    fn what_is_kept_of_somebody_is_what_the_portal_said_last() {
        let mut nobody = told("", 9, None);
        nobody.entity_id = None;
        let stored = [
            told(&entity(ANN), 1, None),
            nobody,
            told(&entity(ANN), 2, None),
        ];
        assert_eq!(kept(&stored, ANN), Some(cap(2)));
        assert_eq!(kept(&stored, BOB), None);
    }
}
