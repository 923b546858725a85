//! The keys that access tokens are signed with. The first one signs, all of them verify: to rotate, put a new
//! key in front and take the old one away when its last token has expired.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::ConfigError;
use crate::{crypto::MasterKey, secret::Secret};

/// The id of the key that derives from the master key.
pub const DERIVED_ID: &str = "default";

/// A key with its id, which tokens name.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The `kid` in a token's header.
    pub id: String,
    /// The key itself.
    pub material: KeyMaterial,
}

/// What a key is made of.
#[derive(Debug, Clone)]
pub enum KeyMaterial {
    /// HS256: a shared secret, in base64.
    Hs256(Secret),
    /// EdDSA with Ed25519, PEM: the private key may be missing from a key that only verifies.
    Ed25519 {
        /// PKCS #8.
        private: Option<Secret>,
        /// SubjectPublicKeyInfo.
        public: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(tag = "algorithm", deny_unknown_fields)]
enum Entry {
    HS256 {
        id: String,
        secret_file: Option<String>,
        #[serde(default)]
        from_master_key: bool,
    },
    EdDSA {
        id: String,
        private_key_file: Option<String>,
        public_key_file: String,
    },
}

/// The key that derives from the master key: what signs when nothing else is configured.
pub fn derived(master_key: &MasterKey) -> SigningKey {
    let secret = Secret::new(STANDARD.encode(*master_key.derive("jwt-hs256")));
    SigningKey { id: DERIVED_ID.into(), material: KeyMaterial::Hs256(secret) }
}

/// Reads a keys file (TOML; see docs/api.md). Files that it names lie beside it unless their path is absolute.
pub fn read(path: &Path, master_key: &MasterKey) -> Result<Vec<SigningKey>, ConfigError> {
    let bad = |reason: String| ConfigError::SigningKeys { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let file: File = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let beside = |name: &str| {
        let path = path.parent().unwrap_or(Path::new("")).join(name);
        fs::read_to_string(&path).map_err(|error| bad(format!("{}: {error}", path.display())))
    };
    let mut keys = Vec::new();
    for entry in file.keys {
        keys.push(match entry {
            Entry::HS256 { id, from_master_key: true, .. } => SigningKey { id, ..derived(master_key) },
            Entry::HS256 { id, secret_file: Some(name), .. } => {
                let secret = beside(&name)?.trim().to_owned();
                let good = STANDARD.decode(&secret).is_ok_and(|bytes| bytes.len() >= 32);
                if !good {
                    return Err(bad(format!("{name}: a secret is at least 32 bytes in base64")));
                }
                SigningKey { id, material: KeyMaterial::Hs256(Secret::new(secret)) }
            }
            Entry::HS256 { id, .. } => {
                return Err(bad(format!("key `{id}` needs secret_file, or from_master_key = true")));
            }
            Entry::EdDSA { id, private_key_file, public_key_file } => {
                let private = private_key_file.map(|name| beside(&name).map(Secret::new)).transpose()?;
                SigningKey {
                    id,
                    material: KeyMaterial::Ed25519 { private, public: beside(&public_key_file)? },
                }
            }
        });
    }
    match keys.first().map(|key| &key.material) {
        None => Err(bad("it has no keys".into())),
        Some(KeyMaterial::Ed25519 { private: None, .. }) => {
            Err(bad("the first key signs and needs private_key_file".into()))
        }
        Some(_) => Ok(keys),
    }
}
