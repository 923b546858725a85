//! How a delivery shows that it comes from Kurir: the Standard Webhooks specification's signature, and the one
//! that GitHub made common.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{clock::Timestamp, crypto, secret::Secret};

/// What a secret starts with.
pub const SECRET_PREFIX: &str = "whsec_";

/// The text is no secret of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is whsec_ and 24 to 64 bytes in base64")]
pub struct SecretError;

/// A new secret: 32 random bytes.
pub fn new_secret() -> Secret {
    Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(crypto::random_bytes::<32>())))
}

/// `v1,<base64>`: HMAC-SHA256 of `id.timestamp.body` under the bytes that the secret stands for.
///
/// # Errors
/// When the secret is none.
pub fn signature(secret: &Secret, id: &str, at: Timestamp, body: &[u8]) -> Result<String, SecretError> {
    let key = secret.expose().strip_prefix(SECRET_PREFIX).ok_or(SecretError)?;
    let key = STANDARD.decode(key).map_err(|_| SecretError)?;
    let signed = [id.as_bytes(), b".", at.unix_seconds().to_string().as_bytes(), b".", body].concat();
    Ok(format!("v1,{}", STANDARD.encode(hmac(&key, &signed))))
}

/// `sha256=<hex>`: HMAC-SHA256 of the body under the secret's text as it is shown, `whsec_` and all.
pub fn hub_signature(secret: &Secret, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac(secret.expose().as_bytes(), body)))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_specifications_own_example_comes_out() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_unix_millis(1_614_265_330_000);
        let body = br#"{"test": 2432232314}"#;
        let signature = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// The worked example of docs/api.md. Should this fail, the page is wrong.
    #[test]
    fn the_example_in_the_documentation_is_right() {
        let page = include_str!("../../../docs/api.md");
        let line = |label: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(label));
            line.unwrap_or_else(|| panic!("docs/api.md has no line {label:?}")).trim()
        };
        let secret = Secret::new(line("secret:"));
        let at = Timestamp::from_unix_millis(line("webhook-timestamp:").parse::<i64>().unwrap() * 1000);
        let body = line("body:").as_bytes();
        let expected = signature(&secret, line("webhook-id:"), at, body).unwrap();
        assert_eq!(line("webhook-signature:"), expected);
        assert_eq!(line("X-Hub-Signature-256:"), hub_signature(&secret, body));
    }

    #[test]
    fn a_new_secret_signs_and_is_never_the_same() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one.expose(), other.expose());
        let sign = |secret| signature(secret, "a", Timestamp::from_unix_millis(0), b"b").unwrap();
        assert_ne!(sign(&one), sign(&other));
        assert_eq!(STANDARD.decode(&one.expose()[6..]).unwrap().len(), 32);
        assert!(signature(&Secret::new("kur_abc"), "a", Timestamp::from_unix_millis(0), b"").is_err());
    }
}
