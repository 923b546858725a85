//! The responder of WhatsApp's XX handshake, which is also that of XXfallback.
//!
//! WhatsApp does not mix the empty payload of the first message into the hash, so `snow`'s own XX
//! cannot answer it. Everything after that is Noise as published.

use snow::types::Dh;

use super::symmetric::{Primitives, Symmetric};
use crate::whatsapp::error::SandboxError;

/// The name of the plain XX handshake; it is padded to 32 bytes.
pub const XX: &str = "Noise_XX_25519_AESGCM_SHA256";
/// The name of the handshake that follows an IK first message which the server cannot read.
pub const XX_FALLBACK: &str = "Noise_XXfallback_25519_AESGCM_SHA256";

/// What the server answers to the first message.
pub struct Reply {
    pub ephemeral: Vec<u8>,
    pub sealed_static: Vec<u8>,
    pub sealed_payload: Vec<u8>,
}

/// Waits for the client's second message.
pub struct Responder {
    state: Symmetric,
    ephemeral: Box<dyn Dh>,
}

/// The end of the handshake.
#[derive(Debug)]
pub struct Finished {
    pub client_static: [u8; 32],
    pub payload: Vec<u8>,
    /// Opens what the client sends.
    pub incoming: [u8; 32],
    /// Seals what the server sends.
    pub outgoing: [u8; 32],
}

impl Responder {
    /// Reads the client's ephemeral key and answers with our static key and `payload`.
    pub fn answer(
        name: &str,
        prologue: &[u8],
        client_ephemeral: &[u8; 32],
        static_pair: &dyn Dh,
        payload: &[u8],
    ) -> Result<(Self, Reply), SandboxError> {
        let mut state = Symmetric::new(name, prologue)?;
        state.mix_hash(client_ephemeral);
        let ephemeral = Primitives::generate()?;
        state.mix_hash(ephemeral.pubkey());
        state.mix_key(&*ephemeral, client_ephemeral)?;
        let sealed_static = state.seal(static_pair.pubkey())?;
        state.mix_key(static_pair, client_ephemeral)?;
        let sealed_payload = state.seal(payload)?;
        let reply = Reply { ephemeral: ephemeral.pubkey().to_vec(), sealed_static, sealed_payload };
        Ok((Self { state, ephemeral }, reply))
    }

    /// Reads the client's static key and payload.
    pub fn finish(mut self, sealed_static: &[u8], sealed_payload: &[u8]) -> Result<Finished, SandboxError> {
        let client_static = self.state.open(sealed_static)?;
        let client_static: [u8; 32] = client_static
            .try_into()
            .map_err(|_| SandboxError::Noise("the client's static key is not 32 bytes"))?;
        self.state.mix_key(&*self.ephemeral, &client_static)?;
        let payload = self.state.open(sealed_payload)?;
        let (incoming, outgoing) = self.state.split();
        Ok(Finished { client_static, payload, incoming, outgoing })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The initiator, written from the same description, to check the responder against.
    fn initiate(
        name: &str,
        server: &dyn Dh,
        payload: &[u8],
        tamper: Option<usize>,
    ) -> Result<Finished, SandboxError> {
        let prologue = b"WA\x06\x03";
        let (ours, identity) = (Primitives::generate()?, Primitives::generate()?);
        let ephemeral: [u8; 32] = ours.pubkey().try_into().unwrap();
        let (responder, reply) = Responder::answer(name, prologue, &ephemeral, server, b"certificate")?;

        let mut state = Symmetric::new(name, prologue)?;
        state.mix_hash(&ephemeral);
        state.mix_hash(&reply.ephemeral);
        let theirs: [u8; 32] = reply.ephemeral.try_into().unwrap();
        state.mix_key(&*ours, &theirs)?;
        let server_static: [u8; 32] = state.open(&reply.sealed_static)?.try_into().unwrap();
        assert_eq!(server_static.as_slice(), server.pubkey());
        state.mix_key(&*ours, &server_static)?;
        assert_eq!(state.open(&reply.sealed_payload)?, b"certificate");
        let mut sealed_static = state.seal(identity.pubkey())?;
        state.mix_key(&*identity, &theirs)?;
        let sealed_payload = state.seal(payload)?;
        if let Some(at) = tamper {
            let at = at % sealed_static.len();
            sealed_static[at] ^= 1;
        }
        let finished = responder.finish(&sealed_static, &sealed_payload)?;
        assert_eq!(finished.client_static.as_slice(), identity.pubkey());
        assert_eq!(state.split(), (finished.incoming, finished.outgoing));
        Ok(finished)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn both_sides_agree(payload in proptest::collection::vec(any::<u8>(), 0..600)) {
            let server = Primitives::generate().unwrap();
            for name in [XX, XX_FALLBACK] {
                prop_assert_eq!(&initiate(name, &*server, &payload, None).unwrap().payload, &payload);
            }
        }

        #[test]
        fn a_changed_byte_is_refused(at in 0usize..48) {
            let server = Primitives::generate().unwrap();
            prop_assert!(initiate(XX, &*server, b"login", Some(at)).is_err());
        }
    }

    #[test]
    fn a_key_of_low_order_is_refused() {
        let server = Primitives::generate().unwrap();
        assert!(Responder::answer(XX, b"", &[0; 32], &*server, b"").is_err());
    }
}
