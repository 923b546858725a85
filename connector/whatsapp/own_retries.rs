//! Requests of the owner's other devices to send a message again, answered in the library's stead.
//!
//! whatsapp-rust 0.7.0 (`retry.rs`) takes such a request of the owner's phone for one of the contact's: it starts a
//! session with the owner's keys in place of the contact's, and drops the contact's own request because one is
//! in progress. So its task for such a request is not started ([`super::tasks`]), and the copy goes to the
//! device that asked, in that device's session.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use whatsapp_rust::{
    Client, EncType, Jid, NodeBuilder, OwnedNodeRef, anyhow,
    anyhow::{Context, bail},
    prelude::{MessageField, wa},
    wacore::{
        adv::{AdvValidation, validate_adv_with_identity_key},
        iq::prekeys::{OneTimePreKeyNode, SignedPreKeyNode},
        libsignal::protocol::{PreKeyBundle, PublicKey},
        messages::MessageUtils,
        protocol::{
            ProtocolNode,
            retry::{MAX_RETRY_COUNT, extract_registration_id_from_node_ref},
        },
    },
    wacore_binary::NodeRef,
    waproto::codec,
};

use super::{
    is_own,
    tasks::{Choice, Next},
};
use crate::session_store::SessionStore;

/// As many as there are messages kept for sending again.
const MAX_REMEMBERED: usize = 2048;

/// How often an answer is tried, and how long it waits for a connection each time.
const MAX_TRIES: u32 = 5;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The requests of one client.
pub(super) struct OwnRetries {
    choice: Choice,
    requests: mpsc::Sender<(Request, TaskTrackerToken)>,
    unanswered: TaskTracker,
}

/// More requests wait than there are messages to ask for.
#[derive(Debug)]
pub(super) struct Full;

/// A device of the owner's asks for a message.
struct Request {
    stanza: Arc<OwnedNodeRef>,
    /// The device.
    from: Jid,
    /// In whose chat the message is.
    chat: Jid,
    id: String,
    /// The how manieth request for it.
    count: u8,
}

impl OwnRetries {
    /// Starts answering, for as long as the client lives. What is not answered yet, be it by the library, is
    /// in `unanswered`.
    pub fn start(
        client: Weak<Client>,
        keys: Arc<SessionStore>,
        choice: Choice,
        unanswered: TaskTracker,
    ) -> Self {
        let (requests, waiting) = mpsc::channel(MAX_REMEMBERED);
        tokio::spawn(answer_all(client, keys, waiting));
        Self { choice, requests, unanswered }
    }

    /// To be shown each stanza before the library handles it. Takes it from the library when it is a request
    /// of the owner's devices.
    pub fn catch(&self, client: &Client, stanza: &Arc<OwnedNodeRef>) -> Result<(), Full> {
        if !is_retry(stanza) {
            self.choice.next_is(Next::Started);
            return Ok(());
        }
        let Some(request) = Request::read(stanza, |from| is_own(client, from)) else {
            self.choice.next_is(Next::Tracked);
            return Ok(());
        };
        self.choice.next_is(Next::Dropped);
        match self.requests.try_send((request, self.unanswered.token())) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(Full),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }
}

/// Whether the library starts a task to answer the stanza.
fn is_retry(stanza: &OwnedNodeRef) -> bool {
    let mut attrs = stanza.attrs();
    stanza.tag() == "receipt"
        && attrs.optional_string("type").as_deref() == Some("retry")
        && attrs.optional_string("id").is_some()
        && stanza.get_optional_child("participants").is_none()
}

impl Request {
    /// `None` when it comes from somebody else, or from a group, where the library goes by the participant.
    fn read(stanza: &Arc<OwnedNodeRef>, is_own: impl Fn(&Jid) -> bool) -> Option<Self> {
        let mut attrs = stanza.attrs();
        let from =
            attrs.optional_jid("from").filter(|from| (from.is_pn() || from.is_lid()) && is_own(from))?;
        let recipient = attrs.optional_jid("recipient");
        let retry = stanza.get_optional_child("retry")?;
        let mut attrs = retry.attrs();
        Some(Self {
            stanza: stanza.clone(),
            // A message to oneself has no other recipient.
            chat: recipient.unwrap_or_else(|| from.clone()).to_non_ad(),
            from,
            id: attrs.optional_string("id")?.into_owned(),
            count: attrs.optional_string("count").and_then(|count| count.parse().ok()).unwrap_or(1),
        })
    }
}

async fn answer_all(
    client: Weak<Client>,
    keys: Arc<SessionStore>,
    mut requests: mpsc::Receiver<(Request, TaskTrackerToken)>,
) {
    while let Some((request, _until_answered)) = requests.recv().await {
        // The library asks so many times at most.
        if !(1..=MAX_RETRY_COUNT).contains(&request.count) {
            continue;
        }
        let Some(message) = keys.sent_message(&request.id) else {
            tracing::debug!("a device of the owner's asks for a message that is not kept any more");
            continue;
        };
        for attempt in 1..=MAX_TRIES {
            let Some(client) = client.upgrade() else { return };
            // Boxed, so that a device of whom nobody asks anything costs little.
            let Err(error) = Box::pin(answer(&client, &request, &message)).await else { break };
            let last = attempt == MAX_TRIES;
            tracing::warn!(device = request.from.device, attempt, last, error = %format!("{error:#}"), "a message cannot be sent again to a device of the owner's");
            // The next try finds a connection, or fails again.
            let _connected = client.wait_for_connected(ANSWER_TIMEOUT).await;
            drop(client);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn answer(client: &Client, request: &Request, message: &[u8]) -> anyhow::Result<()> {
    let to = &request.from;
    renew_session(client, request).await?;
    client.signal().assert_sessions(std::slice::from_ref(to)).await?;
    let copy = device_sent(&request.chat, codec::message_decode(message)?);
    let (kind, sealed) = client.signal().encrypt_message(to, &MessageUtils::encode_and_pad(&copy)).await?;
    let sealed = NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", kind.as_wire_str())
        .attr("count", request.count)
        .bytes(sealed)
        .build();
    let mut children = vec![sealed];
    if kind == EncType::PreKeyMessage {
        let account = client.persistence_manager().get_device_snapshot().account.clone();
        let account = account.context("the device has no certificate")?;
        let certificate = codec::adv_signed_device_identity_to_vec(&account);
        children.push(NodeBuilder::new("device-identity").bytes(certificate).build());
    }
    let stanza = NodeBuilder::new("message")
        .attr("to", to.clone())
        .attr("recipient", request.chat.clone())
        .attr("id", request.id.clone())
        .attr("type", "text")
        .attr("device_fanout", "false")
        .children(children)
        .build();
    Ok(client.send_node(stanza).await?)
}

/// The form in which the sender's own devices get a message.
fn device_sent(chat: &Jid, message: wa::Message) -> wa::Message {
    let copy = wa::message::DeviceSentMessage {
        destination_jid: Some(chat.to_string()),
        message: MessageField::some(message),
        ..Default::default()
    };
    wa::Message { device_sent_message: MessageField::some(copy), ..Default::default() }
}

/// Starts a new session from the keys in a request. Without any, the one that there is did not help when it
/// is not the first request.
async fn renew_session(client: &Client, request: &Request) -> anyhow::Result<()> {
    let stanza = request.stanza.get();
    if let Some(keys) = stanza.get_optional_child("keys") {
        let bundle = bundle(client, &request.from, stanza, keys)?;
        client.signal().install_prekey_bundle(&request.from, &bundle).await?;
    } else if request.count > 1 {
        client.signal().delete_sessions(std::slice::from_ref(&request.from)).await?;
    }
    Ok(())
}

fn bundle(
    client: &Client,
    of: &Jid,
    stanza: &NodeRef<'_>,
    keys: &NodeRef<'_>,
) -> anyhow::Result<PreKeyBundle> {
    let identity: [u8; 32] = keys
        .get_optional_child("identity")
        .and_then(NodeRef::content_bytes)
        .and_then(|bytes| bytes.try_into().ok())
        .context("no identity key")?;
    check_identity(client, of, keys, &identity)?;
    let registration = extract_registration_id_from_node_ref(stanza).context("no registration id")?;
    let one_time = match keys.get_optional_child("key") {
        Some(key) => {
            let key = OneTimePreKeyNode::try_from_node_ref(key)?;
            Some((key.id.into(), PublicKey::from_djb_public_key_bytes(&key.public_bytes)?))
        }
        None => None,
    };
    let signed =
        SignedPreKeyNode::try_from_node_ref(keys.get_optional_child("skey").context("no signed key")?)?;
    Ok(PreKeyBundle::new(
        registration,
        u32::from(of.device).into(),
        one_time,
        signed.id.into(),
        PublicKey::from_djb_public_key_bytes(&signed.public_bytes)?,
        signed.signature,
        PublicKey::from_djb_public_key_bytes(&identity)?.into(),
    )?)
}

/// Whether the key is one of the account that this device is linked to: its phone's, or one that the phone
/// has signed. Nobody in between may put a key of his own there.
fn check_identity(client: &Client, of: &Jid, keys: &NodeRef<'_>, identity: &[u8; 32]) -> anyhow::Result<()> {
    let device = client.persistence_manager().get_device_snapshot();
    let phone = device.account.as_ref().and_then(|account| account.account_signature_key.as_deref());
    let phone: Option<&[u8; 32]> = phone.and_then(|key| key.try_into().ok());
    if of.device == 0 {
        if phone.is_some_and(|known| known != identity) {
            bail!("the identity key is not the phone's");
        }
        return Ok(());
    }
    let certificate = keys.get_optional_child("device-identity").and_then(NodeRef::content_bytes);
    match certificate.map(|bytes| validate_adv_with_identity_key(bytes, identity, phone)) {
        Some(AdvValidation::Invalid) => bail!("the identity key is not signed by the phone"),
        // As the library does: not every client sends it.
        Some(AdvValidation::Valid | AdvValidation::NoAccountKey) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::wacore_binary::marshal::marshal;

    use super::*;

    fn stanza(build: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Arc<OwnedNodeRef> {
        let retry = NodeBuilder::new("retry").attr("id", "3EB0A1").attr("count", "2").build();
        let base = NodeBuilder::new("receipt").attr("id", "3EB0A1").children([retry]);
        let bytes = marshal(&build(base).build()).unwrap();
        // The first byte says how the rest is packed.
        Arc::new(OwnedNodeRef::new(bytes[1..].to_vec()).unwrap())
    }

    fn read(stanza: &Arc<OwnedNodeRef>) -> Option<Request> {
        is_retry(stanza).then(|| Request::read(stanza, |from| from.user == "6281"))?
    }

    #[test]
    fn requests_of_the_owners_devices_are_told_from_all_others() {
        let phone: Jid = "6281@s.whatsapp.net".parse().unwrap();
        let contact: Jid = "6282@s.whatsapp.net".parse().unwrap();
        let asked = read(&stanza(|base| {
            base.attr("type", "retry").attr("from", phone.clone()).attr("recipient", contact.clone())
        }))
        .unwrap();
        assert_eq!((asked.from, asked.chat, asked.count), (phone.clone(), contact.clone(), 2));
        assert_eq!(asked.id, "3EB0A1");

        let of_itself = read(&stanza(|base| base.attr("type", "retry").attr("from", phone.clone()))).unwrap();
        assert_eq!(of_itself.chat, phone);
        let group: Jid = "1-2@g.us".parse().unwrap();
        let others = [
            stanza(|base| base.attr("type", "retry").attr("from", contact.clone())),
            stanza(|base| base.attr("type", "read").attr("from", phone.clone())),
            stanza(|base| base.attr("from", phone.clone())),
            stanza(|base| base.attr("type", "retry").attr("from", group).attr("participant", phone.clone())),
        ];
        assert!(others.iter().all(|other| read(other).is_none()));
    }
}
