//! The certificate chain of the sandbox's own: root → intermediate → leaf, as WhatsApp's, with real
//! XEdDSA signatures.

use prost::Message;
use wacore_libsignal::protocol::KeyPair;

use crate::whatsapp::{
    crypto,
    error::SandboxError,
    proto::{CertChain, CertDetails, NoiseCertificate},
};

/// 2023-11-14; certificates must be valid at whatever time a test's clock shows.
const NOT_BEFORE: u64 = 1_700_000_000;
/// 2100-01-01.
const NOT_AFTER: u64 = 4_102_444_800;
const INTERMEDIATE_SERIAL: u32 = 1;
const LEAF_SERIAL: u32 = 2;

/// The encoded chain that vouches for `server_static` (32 bytes). Clients pin the root and want the
/// intermediate's issuer serial to be 0.
pub fn chain(root: &KeyPair, intermediate: &KeyPair, server_static: &[u8]) -> Result<Vec<u8>, SandboxError> {
    let chain = CertChain {
        leaf: Some(certificate(LEAF_SERIAL, INTERMEDIATE_SERIAL, server_static, intermediate)?),
        intermediate: Some(certificate(
            INTERMEDIATE_SERIAL,
            0,
            intermediate.public_key.public_key_bytes(),
            root,
        )?),
    };
    Ok(chain.encode_to_vec())
}

fn certificate(
    serial: u32,
    issuer_serial: u32,
    key: &[u8],
    issuer: &KeyPair,
) -> Result<NoiseCertificate, SandboxError> {
    let details = CertDetails {
        serial: Some(serial),
        issuer_serial: Some(issuer_serial),
        key: key.to_vec(),
        not_before: Some(NOT_BEFORE),
        not_after: Some(NOT_AFTER),
    }
    .encode_to_vec();
    let signature = crypto::sign(&issuer.private_key, &[&details])?;
    Ok(NoiseCertificate { details, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_leads_from_the_root_to_the_servers_key() {
        let (root, middle, server) =
            (crypto::generate_pair(), crypto::generate_pair(), crypto::generate_pair());
        let bytes = chain(&root, &middle, server.public_key.public_key_bytes()).unwrap();
        let chain = CertChain::decode(bytes.as_slice()).unwrap();
        let (leaf, intermediate) = (chain.leaf.unwrap(), chain.intermediate.unwrap());
        assert!(crypto::verifies(&root.public_key, &[&intermediate.details], &intermediate.signature));
        assert!(crypto::verifies(&middle.public_key, &[&leaf.details], &leaf.signature));
        let details = CertDetails::decode(leaf.details.as_slice()).unwrap();
        assert_eq!(details.key, server.public_key.public_key_bytes());
    }
}
