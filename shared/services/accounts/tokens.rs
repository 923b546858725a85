//! Access tokens: JWT (RFC 7519), HS256 under a key derived from the master key.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    crypto::MasterKey,
    domain::{account::Account, ids::AccountId, role::Role},
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
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// The account.
    pub sub: AccountId,
    /// The role at the time of issue.
    pub role: Role,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it does not work, in seconds since 1970.
    pub exp: i64,
}

impl Tokens {
    /// Tokens under a key derived for them.
    pub fn new(master_key: &MasterKey) -> Self {
        let key = master_key.derive("jwt-hs256");
        // Only this algorithm is ever accepted, whatever a token's header says.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "sub", "exp"]);
        // Checked by Kurir's own clock below.
        validation.validate_exp = false;
        Self(Arc::new(Keys {
            encoding: EncodingKey::from_secret(&*key),
            decoding: DecodingKey::from_secret(&*key),
            validation,
        }))
    }

    /// A token for an account, from `now` on.
    pub fn issue(&self, account: &Account, now: Timestamp) -> Result<Secret, Error> {
        let claims = Claims {
            iss: ISSUER.into(),
            sub: account.id,
            role: account.role,
            iat: now.unix_seconds(),
            exp: (now + ACCESS_TOKEN_LIFETIME).unix_seconds(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0.encoding)
            .map(Secret::new)
            .map_err(Error::internal)
    }

    /// What a token says, if it is genuine and still works.
    pub fn verify(&self, token: &Secret, now: Timestamp) -> Option<Claims> {
        let data =
            jsonwebtoken::decode::<Claims>(token.expose(), &self.0.decoding, &self.0.validation).ok()?;
        (data.claims.exp > now.unix_seconds()).then_some(data.claims)
    }
}
