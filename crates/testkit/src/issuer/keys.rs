//! The provider's keys, and what it publishes of them.

use std::{fmt, io};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::Algorithm;

/// A key for each way to sign.
pub(super) struct Keys {
    id: String,
    ecdsa: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    random: SystemRandom,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn failed(error: impl fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Keys {
    pub(super) fn new(id: &str) -> io::Result<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let ecdsa = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(failed)?;
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).map_err(failed)?;
        Ok(Self {
            id: id.to_owned(),
            ecdsa: EcdsaKeyPair::from_pkcs8(algorithm, ecdsa.as_ref(), &random).map_err(failed)?,
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).map_err(failed)?,
            random,
        })
    }

    /// The name of the key of this kind.
    pub(super) fn id(&self, algorithm: Algorithm) -> String {
        match algorithm {
            Algorithm::Es256 => format!("{}-ec", self.id),
            Algorithm::EdDsa => format!("{}-ed", self.id),
        }
    }

    /// The public keys, and one of a kind that nobody knows.
    pub(super) fn published(&self) -> Value {
        // An uncompressed point: a byte, then both coordinates.
        let point = self.ecdsa.public_key().as_ref();
        let (x, y) = point
            .get(1..)
            .unwrap_or_default()
            .split_at_checked(32)
            .unwrap_or_default();
        let ed25519 = self.ed25519.public_key().as_ref();
        json!({"keys": [
            {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id(Algorithm::Es256),
             "x": base64url(x), "y": base64url(y)},
            {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id(Algorithm::EdDsa),
             "x": base64url(ed25519)},
            {"kty": "LWE", "crv": "of tomorrow", "use": "sig", "kid": "tomorrow"},
        ]})
    }

    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> io::Result<Vec<u8>> {
        Ok(match algorithm {
            Algorithm::Es256 => {
                let signature = self.ecdsa.sign(&self.random, message).map_err(failed)?;
                signature.as_ref().to_vec()
            }
            Algorithm::EdDsa => self.ed25519.sign(message).as_ref().to_vec(),
        })
    }

    /// What somebody makes who has only what is published.
    pub(super) fn hmac_by_public_key(&self, message: &[u8]) -> Vec<u8> {
        hmac_by(self.ecdsa.public_key().as_ref(), message)
    }
}

pub(super) fn hmac_by(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, message).as_ref().to_vec()
}
