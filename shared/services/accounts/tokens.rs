//! Access tokens: JWT (RFC 7519) under keys with ids, so that keys can be rotated.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::Error as JwtError};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    config::{KeyMaterial, SigningKey},
    domain::{
        account::Account,
        ids::{AccountId, TenantId, TokenFamilyId},
        role::Role,
    },
    secret::Secret,
    services::Error,
};

/// How long an access token works.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);

const ISSUER: &str = "kurir";

/// Makes and checks access tokens.
#[derive(Clone)]
pub struct Tokens(Arc<Keys>);

struct Keys {
    header: Header,
    signing: EncodingKey,
    verifying: Vec<Verifying>,
}

struct Verifying {
    id: String,
    key: DecodingKey,
    validation: Validation,
}

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// The account.
    pub sub: AccountId,
    /// Its tenant.
    #[serde(rename = "ten")]
    pub tenant: TenantId,
    /// The role at the time of issue.
    pub role: Role,
    /// The generation of tokens that it is of.
    #[serde(rename = "gen")]
    pub generation: u32,
    /// The family of refresh tokens that it came with: it ends with that.
    #[serde(rename = "fam")]
    pub family: TokenFamilyId,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it does not work, in seconds since 1970.
    pub exp: i64,
}

/// A configured key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key `{id}` cannot be used: {source}")]
pub struct KeyError {
    id: String,
    source: JwtError,
}

impl Tokens {
    /// Tokens that the first key signs and all keys verify.
    ///
    /// # Errors
    /// [`KeyError`] when a key is malformed, or when there is none to sign with.
    pub fn new(keys: &[SigningKey]) -> Result<Self, KeyError> {
        let mut verifying = Vec::with_capacity(keys.len());
        let mut signing = None;
        for SigningKey { id, material } in keys {
            let failed = |source| KeyError { id: id.clone(), source };
            let (algorithm, key, private) = match material {
                KeyMaterial::Hs256(secret) => (
                    Algorithm::HS256,
                    DecodingKey::from_base64_secret(secret.expose()).map_err(failed)?,
                    Some(EncodingKey::from_base64_secret(secret.expose()).map_err(failed)?),
                ),
                KeyMaterial::Ed25519 { private, public } => (
                    Algorithm::EdDSA,
                    DecodingKey::from_ed_pem(public.as_bytes()).map_err(failed)?,
                    match private {
                        Some(pem) => Some(EncodingKey::from_ed_pem(pem.expose().as_bytes()).map_err(failed)?),
                        None => None,
                    },
                ),
            };
            if let (None, Some(private)) = (&signing, private) {
                signing = Some((Header { kid: Some(id.clone()), ..Header::new(algorithm) }, private));
            }
            // Only the key's own algorithm is ever accepted, whatever a token's header says.
            let mut validation = Validation::new(algorithm);
            validation.set_issuer(&[ISSUER]);
            validation.set_required_spec_claims(&["iss", "sub", "exp"]);
            // Checked by Kurir's own clock below.
            validation.validate_exp = false;
            verifying.push(Verifying { id: id.clone(), key, validation });
        }
        let (header, signing) = signing.ok_or_else(|| KeyError {
            id: String::new(),
            source: jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into(),
        })?;
        Ok(Self(Arc::new(Keys { header, signing, verifying })))
    }

    /// A token for an account, from `now` on.
    pub fn issue(
        &self,
        account: &Account,
        generation: u32,
        family: TokenFamilyId,
        now: Timestamp,
    ) -> Result<Secret, Error> {
        let claims = Claims {
            iss: ISSUER.into(),
            sub: account.id,
            tenant: account.tenant_id,
            role: account.role,
            generation,
            family,
            iat: now.unix_seconds(),
            exp: (now + ACCESS_TOKEN_LIFETIME).unix_seconds(),
        };
        jsonwebtoken::encode(&self.0.header, &claims, &self.0.signing)
            .map(Secret::new)
            .map_err(Error::internal)
    }

    /// What a token says, if it is genuine and still works.
    pub fn verify(&self, token: &Secret, now: Timestamp) -> Option<Claims> {
        let id = jsonwebtoken::decode_header(token.expose()).ok()?.kid?;
        let Verifying { key, validation, .. } = self.0.verifying.iter().find(|key| key.id == id)?;
        let data = jsonwebtoken::decode::<Claims>(token.expose(), key, validation).ok()?;
        (data.claims.exp > now.unix_seconds()).then_some(data.claims)
    }
}
