//! Making ID tokens, good ones and others.

use std::{
    io,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    Algorithm, Begun, CLIENT_ID, CLIENT_SECRET, Claims, Forge, Inner, Signature,
    keys::{base64url, hmac_by},
};

/// The present instant in seconds, by this machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a provider has a clock of its own"
)]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or_default()
    })
}

/// The ID token for a sign-in.
pub(super) fn id_token(inner: &Inner, issuer: &str, begun: &Begun) -> io::Result<String> {
    let (play, now) = (&inner.play, now());
    let mut claims: Claims = begun.person.clone();
    let technical = json!({
        "iss": issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": begun.nonce,
    });
    claims.extend(technical.as_object().cloned().unwrap_or_default());
    if begun.max_age {
        // People sign in here each time anew.
        claims.insert("auth_time".to_owned(), now.into());
    }
    let algorithm = match play.algorithm {
        Algorithm::Es256 => "ES256",
        Algorithm::EdDsa => "EdDSA",
    };
    let mut forge = Forge {
        header: json!({"typ": "JWT", "alg": algorithm, "kid": inner.keys.id(play.algorithm)}),
        claims: Value::Object(claims),
        signature: Signature::Good,
    };
    if let Some(forgery) = &play.forgery {
        forgery.spoil(&mut forge);
    }
    finish(inner, forge)
}

fn finish(inner: &Inner, mut forge: Forge) -> io::Result<String> {
    let (algorithm, old) = (inner.play.algorithm, inner.old_keys.as_ref());
    match forge.signature {
        Signature::Missing => set(&mut forge.header, "alg", "none"),
        Signature::HmacByPublicKey | Signature::HmacByClientSecret => {
            set(&mut forge.header, "alg", "HS256");
        }
        Signature::OldKey => {
            let id = old.map(|keys| keys.id(algorithm)).unwrap_or_default();
            set(&mut forge.header, "kid", &id);
        }
        Signature::Good | Signature::Tampered => {}
    }
    let message = signed_part(&forge);
    let bytes = message.as_bytes();
    let signature = match forge.signature {
        Signature::Good | Signature::Tampered => inner.keys.sign(algorithm, bytes)?,
        Signature::OldKey => match old {
            Some(keys) => keys.sign(algorithm, bytes)?,
            None => return Err(io::Error::other("there is no old key")),
        },
        Signature::Missing => Vec::new(),
        Signature::HmacByPublicKey => inner.keys.hmac_by_public_key(bytes),
        Signature::HmacByClientSecret => hmac_by(CLIENT_SECRET.as_bytes(), bytes),
    };
    if forge.signature == Signature::Tampered {
        set(&mut forge.claims, "sub", "somebody-else");
    }
    let message = signed_part(&forge);
    Ok(format!("{message}.{}", base64url(&signature)))
}

fn signed_part(forge: &Forge) -> String {
    let header = base64url(forge.header.to_string().as_bytes());
    format!(
        "{header}.{}",
        base64url(forge.claims.to_string().as_bytes())
    )
}

fn set(object: &mut Value, key: &str, value: &str) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}
