//! Calls and checks of identities.

use model::{
    UserId,
    identities::{Identity, NewOidcLogin},
};
use rbac::{
    Action::{ReadPersonal, UpdatePersonal},
    Object,
    ResourceType::User,
};

use super::{Case, allow, case};
use crate::tests::world::{ANN, BOB, identity};

fn of(id: UserId) -> Object {
    Object::user(id.0)
}

fn anybody() -> Object {
    Object::new(User)
}

fn login() -> NewOidcLogin {
    NewOidcLogin {
        state_hash: [1; 32],
        browser_hash: [2; 32],
        nonce: "nonce".to_owned(),
        pkce_verifier: "verifier".to_owned(),
        redirect: "/".to_owned(),
        admin_mode_key: None,
    }
}

fn bobs() -> Identity {
    identity("bob")
}

pub(super) fn identities() -> Vec<Case> {
    vec![
        case!(system "oidc_login_create", u => u.identities().oidc_login_create(&login()), [
            allow(UpdatePersonal, anybody()),
        ]),
        case!(
            system "oidc_login_take",
            u => u.identities().oidc_login_take(&[1; 32], &[2; 32]),
            [allow(UpdatePersonal, anybody())]
        ),
        case!(system "user_link_get", u => u.identities().user_link_get(&bobs()), [
            allow(ReadPersonal, of(BOB)),
        ]),
        case!(system "user_link_list", u => u.identities().user_link_list(BOB), [
            allow(ReadPersonal, of(BOB)),
        ]),
        case!(system "user_link_lock", u => u.identities().user_link_lock(&bobs()), [
            allow(ReadPersonal, of(BOB)),
        ]),
        case!(
            system "user_link_create",
            u => u.identities().user_link_create(&identity("ann"), ANN),
            [allow(UpdatePersonal, of(ANN))]
        ),
        case!(system "user_link_seen", u => u.identities().user_link_seen(&bobs()), [
            allow(UpdatePersonal, of(BOB)),
        ]),
    ]
}
