//! Which handshake a client starts, and how it ends: XX the first time, IK when the client has the
//! server's key cached, XXfallback when that cached key is no longer ours.

use prost::Message;

use super::{
    Channel, Primitives,
    frames::HEADER,
    xx::{Responder, XX, XX_FALLBACK},
};
use crate::whatsapp::{
    error::SandboxError,
    proto::{ClientHello, ClientPayload, HandshakeMessage, ServerHello},
};

/// Room for `snow` to write a message into; Noise messages end at 65,535 bytes.
const SNOW_BUFFER: usize = 65_535;

/// The server's Noise key and the certificates that vouch for it.
pub struct ServerIdentity {
    pub private: [u8; 32],
    pub chain: Vec<u8>,
}

/// How a client came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    Xx,
    Ik,
    XxFallback,
}

/// A client whose key is proven. Who it is, the payload says.
pub struct Accepted {
    pub pattern: Pattern,
    pub client_static: [u8; 32],
    pub payload: ClientPayload,
    pub incoming: Channel,
    pub outgoing: Channel,
}

/// The state after the server's answer.
pub enum Step {
    /// IK is over after one message each way.
    Done(Box<Accepted>),
    /// XX waits for the client's second message.
    Awaiting(Pattern, Box<Responder>),
}

/// Answers the client's first message. The returned bytes go to the client before anything else.
pub fn answer(identity: &ServerIdentity, first: &[u8]) -> Result<(Step, Vec<u8>), SandboxError> {
    let hello = HandshakeMessage::decode(first)?
        .client_hello
        .ok_or(SandboxError::Noise("the first message is not a clientHello"))?;
    let is_ik = hello.r#static.as_ref().is_some_and(|sealed| !sealed.is_empty());
    if is_ik && let Ok(done) = answer_ik(identity, &hello) {
        return Ok(done);
    }
    let pattern = if is_ik { Pattern::XxFallback } else { Pattern::Xx };
    let name = if is_ik { XX_FALLBACK } else { XX };
    let ephemeral: [u8; 32] = hello
        .ephemeral
        .try_into()
        .map_err(|_| SandboxError::Noise("the client's ephemeral key is not 32 bytes"))?;
    let pair = Primitives::pair(&identity.private)?;
    let (responder, reply) = Responder::answer(name, &HEADER, &ephemeral, &*pair, &identity.chain)?;
    let hello = ServerHello {
        ephemeral: reply.ephemeral,
        r#static: Some(reply.sealed_static),
        payload: reply.sealed_payload,
    };
    Ok((Step::Awaiting(pattern, Box::new(responder)), encode(hello)))
}

/// Reads the client's second message of XX.
pub fn finish(pattern: Pattern, responder: Responder, second: &[u8]) -> Result<Accepted, SandboxError> {
    let finish = HandshakeMessage::decode(second)?
        .client_finish
        .ok_or(SandboxError::Noise("the second message is not a clientFinish"))?;
    let done = responder.finish(&finish.r#static, &finish.payload)?;
    Ok(Accepted {
        pattern,
        client_static: done.client_static,
        payload: ClientPayload::decode(done.payload.as_slice())?,
        incoming: Channel::new(&done.incoming)?,
        outgoing: Channel::new(&done.outgoing)?,
    })
}

fn answer_ik(identity: &ServerIdentity, hello: &ClientHello) -> Result<(Step, Vec<u8>), SandboxError> {
    let name = "Noise_IK_25519_AESGCM_SHA256".parse()?;
    let mut state = snow::Builder::new(name)
        .prologue(&HEADER)?
        .local_private_key(&identity.private)?
        .build_responder()?;
    let sealed_static = hello.r#static.as_deref().unwrap_or_default();
    let message =
        [hello.ephemeral.as_slice(), sealed_static, hello.payload.as_deref().unwrap_or_default()].concat();
    let mut buffer = vec![0; SNOW_BUFFER];
    let len = state.read_message(&message, &mut buffer)?;
    let payload = ClientPayload::decode(&buffer[..len])?;
    let client_static = state
        .get_remote_static()
        .and_then(|key| key.try_into().ok())
        .ok_or(SandboxError::Noise("no static key in an IK message"))?;
    let len = state.write_message(&identity.chain, &mut buffer)?;
    let (ephemeral, sealed) = buffer[..len].split_at(32);
    let reply = ServerHello { ephemeral: ephemeral.to_vec(), r#static: None, payload: sealed.to_vec() };
    let (incoming, outgoing) = state.dangerously_get_raw_split();
    let accepted = Accepted {
        pattern: Pattern::Ik,
        client_static,
        payload,
        incoming: Channel::new(&incoming)?,
        outgoing: Channel::new(&outgoing)?,
    };
    Ok((Step::Done(Box::new(accepted)), encode(reply)))
}

fn encode(hello: ServerHello) -> Vec<u8> {
    HandshakeMessage { server_hello: Some(hello), ..Default::default() }.encode_to_vec()
}
