//! argon2id, in memory that is used again for the next password.

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

use crate::{crypto, secret::Secret};

/// What argon2 works in: as large as the largest password hash needed so far.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// Hashes with argon2id, parameters as OWASP advises (19 MiB, 2 passes).
    pub fn hash(&mut self, password: &Secret) -> Option<String> {
        let params = Params::DEFAULT;
        let salt = Salt::new(&crypto::random_bytes::<16>()).ok()?;
        let version = Version::default();
        let output = self.output(
            Argon2::new(Algorithm::Argon2id, version, params.clone()),
            password,
            &salt,
            Params::DEFAULT_OUTPUT_LEN,
        )?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(version.into()),
            params: ParamsString::try_from(&params).ok()?,
            salt: Some(salt),
            hash: Some(output),
        };
        Some(hash.to_string())
    }

    /// Whether a password matches a hash, with the parameters that the hash says.
    pub fn verify(&mut self, password: &Secret, hash: &str) -> bool {
        let mut matches = || {
            let hash = PasswordHash::new(hash).ok()?;
            let (salt, expected) = (hash.salt?, hash.hash?);
            let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
            let version = hash.version.map(Version::try_from).transpose().ok()?.unwrap_or_default();
            let argon2 = Argon2::new(algorithm, version, Params::try_from(&hash).ok()?);
            let computed = self.output(argon2, password, &salt, expected.len())?;
            // Compared in constant time.
            Some(computed == expected)
        };
        matches().unwrap_or(false)
    }

    fn output(&mut self, argon2: Argon2<'_>, password: &Secret, salt: &[u8], len: usize) -> Option<Output> {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        let mut buffer = [0; Output::MAX_LENGTH];
        let out = buffer.get_mut(..len)?;
        argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, &mut self.0).ok()?;
        Output::new(out).ok()
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    #[test]
    fn its_hashes_are_those_of_the_library_also_in_used_memory() {
        let mut memory = Memory::default();
        for password in ["correct horse", "battery staple"].map(Secret::new) {
            let hash = memory.hash(&password).unwrap();
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            let parsed = PasswordHash::new(&hash).unwrap();
            assert!(Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok());
            assert!(memory.verify(&password, &hash));
            assert!(!memory.verify(&Secret::new("wrong"), &hash));
        }
    }
}
