//! Tokens that must not be believed, and keys that change.

use serde_json::{Value, json};
use testkit::issuer::{Algorithm, Forge, Forgery, Signature};

use super::Scene;

/// What is done to the token, the status and the reason.
type Row = (&'static str, fn(&mut Forge), u16, &'static str);

const BAD: u16 = 401;
const KIND: &str = "token_invalid";
/// What lacks a claim that every ID token has is none.
const NONE: &str = "provider_failed";

const FORGERIES: &[Row] = &[
    ("nothing", |_| {}, 303, ""),
    (
        "another client's",
        |f| f.claims["aud"] = json!("another"),
        BAD,
        KIND,
    ),
    ("nobody's", |f| f.claims["aud"] = json!([]), BAD, KIND),
    (
        "without an audience",
        |f| remove(&mut f.claims, "aud"),
        BAD,
        KIND,
    ),
    (
        "ours alone, in a list",
        |f| f.claims["aud"] = json!(["bursar"]),
        303,
        "",
    ),
    (
        "for several",
        |f| f.claims["aud"] = json!(["bursar", "another"]),
        BAD,
        KIND,
    ),
    (
        "for several, made for us",
        |f| {
            f.claims["aud"] = json!(["bursar", "another"]);
            f.claims["azp"] = json!("bursar");
        },
        303,
        "",
    ),
    (
        "for several, made for another",
        |f| {
            f.claims["aud"] = json!(["bursar", "another"]);
            f.claims["azp"] = json!("another");
        },
        BAD,
        KIND,
    ),
    (
        "made for another",
        |f| f.claims["azp"] = json!("another"),
        BAD,
        KIND,
    ),
    (
        "another issuer's",
        |f| f.claims["iss"] = json!("http://127.0.0.1:1"),
        BAD,
        KIND,
    ),
    (
        "our issuer's, with a slash",
        |f| slash(&mut f.claims),
        BAD,
        KIND,
    ),
    (
        "without an issuer",
        |f| remove(&mut f.claims, "iss"),
        502,
        NONE,
    ),
    ("expired", |f| shift(&mut f.claims, "exp", -400), BAD, KIND),
    (
        "expired a moment ago",
        |f| shift(&mut f.claims, "exp", -330),
        303,
        "",
    ),
    (
        "without an end",
        |f| remove(&mut f.claims, "exp"),
        502,
        NONE,
    ),
    (
        "of the future",
        |f| shift(&mut f.claims, "iat", 300),
        BAD,
        KIND,
    ),
    (
        "of a clock that is a little fast",
        |f| shift(&mut f.claims, "iat", 30),
        303,
        "",
    ),
    (
        "of yesterday",
        |f| shift(&mut f.claims, "iat", -86_400),
        BAD,
        KIND,
    ),
    (
        "without a beginning",
        |f| remove(&mut f.claims, "iat"),
        502,
        NONE,
    ),
    (
        "of another sign-in",
        |f| f.claims["nonce"] = json!("another"),
        BAD,
        KIND,
    ),
    (
        "of no sign-in",
        |f| remove(&mut f.claims, "nonce"),
        BAD,
        KIND,
    ),
    (
        "about nobody",
        |f| remove(&mut f.claims, "sub"),
        502,
        "provider_failed",
    ),
    (
        "about an empty name",
        |f| f.claims["sub"] = json!(""),
        BAD,
        KIND,
    ),
    (
        "not signed",
        |f| f.signature = Signature::Missing,
        BAD,
        KIND,
    ),
    (
        "by the public key",
        |f| f.signature = Signature::HmacByPublicKey,
        BAD,
        KIND,
    ),
    (
        "by the client's secret",
        |f| f.signature = Signature::HmacByClientSecret,
        BAD,
        KIND,
    ),
    (
        "signed, then changed",
        |f| f.signature = Signature::Tampered,
        BAD,
        KIND,
    ),
    (
        "by a key that nobody knows",
        |f| f.header["kid"] = json!("unknown"),
        BAD,
        KIND,
    ),
    (
        "by a key of another kind",
        |f| f.header["kid"] = json!("first-ed"),
        BAD,
        KIND,
    ),
    (
        "of another type",
        |f| f.header["typ"] = json!("at+jwt"),
        BAD,
        KIND,
    ),
    (
        "with an order that we do not know",
        |f| f.header["crit"] = json!(["x"]),
        BAD,
        KIND,
    ),
    (
        "no token at all",
        |f| f.claims = json!("ada"),
        502,
        "provider_failed",
    ),
];

fn remove(claims: &mut Value, claim: &str) {
    claims.as_object_mut().unwrap().remove(claim).unwrap();
}

fn shift(claims: &mut Value, claim: &str, seconds: i64) {
    claims[claim] = json!(claims[claim].as_i64().unwrap() + seconds);
}

fn slash(claims: &mut Value) {
    claims["iss"] = json!(format!("{}/", claims["iss"].as_str().unwrap()));
}

#[tokio::test]
async fn a_token_that_is_not_right_signs_nobody_in() {
    let scene = Scene::new().await;
    for (name, forge, status, kind) in FORGERIES {
        scene
            .issuer
            .play(|play| play.forgery = Some(Forgery::new(forge)));
        let page = scene.sign_in().await;
        let found = if page.status == 303 {
            String::new()
        } else {
            page.kind()
        };
        assert_eq!(
            (page.status, found.as_str()),
            (*status, *kind),
            "{name}: {page:?}"
        );
    }
    // Ada alone was ever signed in.
    assert_eq!(scene.count("user_links").await, 1);
    assert_eq!(scene.count("users").await, 2);
}

#[tokio::test]
async fn a_provider_may_sign_by_another_kind_of_key() {
    let scene = Scene::new().await;
    scene.issuer.play(|play| play.algorithm = Algorithm::EdDsa);
    scene.signed_in().await;
    // But only as it announced: a token by another is not its own.
    let only = json!({"id_token_signing_alg_values_supported": ["ES256"]});
    scene
        .issuer
        .play(|play| play.metadata = only.as_object().cloned().unwrap());
    scene.issuer.rotate("second").unwrap();
    assert_eq!(scene.sign_in().await.kind(), KIND);
}

#[tokio::test]
async fn a_provider_may_change_its_keys_at_any_time() {
    let scene = Scene::new().await;
    let (_, before) = scene.signed_in().await;
    let fetched = scene.issuer.requests("jwks");
    assert_eq!(fetched, 1);
    for key in ["second", "third"] {
        scene.issuer.rotate(key).unwrap();
        let (_, after) = scene.signed_in().await;
        assert_eq!(before.id, after.id);
        // The key that it has left behind is none any more.
        let old = |forge: &mut Forge| forge.signature = Signature::OldKey;
        scene
            .issuer
            .play(|play| play.forgery = Some(Forgery::new(old)));
        assert_eq!(scene.sign_in().await.kind(), KIND);
        scene.issuer.play(|play| play.forgery = None);
    }
    // A key of the same name is found to be another one.
    scene.issuer.rotate("third").unwrap();
    scene.signed_in().await;
}

#[tokio::test]
async fn bad_tokens_do_not_make_us_ask_for_keys_each_time() {
    let scene = Scene::new().await;
    scene.signed_in().await;
    let unknown = |forge: &mut Forge| forge.header["kid"] = json!("unknown");
    scene
        .issuer
        .play(|play| play.forgery = Some(Forgery::new(unknown)));
    for _ in 0..12 {
        assert_eq!(scene.sign_in().await.kind(), KIND);
    }
    let fetched = scene.issuer.requests("jwks");
    // Five times in a row, and one more for each ten seconds that this took.
    assert!((6..12).contains(&fetched), "{fetched}");
}
