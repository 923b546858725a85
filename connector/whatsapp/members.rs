//! Who is in a group.

use std::time::Duration;

use whatsapp_rust::{Client, Jid, wacore::store::traits::ProtocolStore};

use crate::session_store::SessionStore;

/// How long the server may take to say who is in a group.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether somebody is in a group, by any of their addresses and with any of their devices. Only of groups that this
/// device has written to the library keeps who is in them; it asks the server when it has not done so for an hour, and
/// follows who comes and goes. Nobody is in any other group.
pub(super) async fn includes(client: &Client, keys: &SessionStore, group: &Jid, who: &Jid) -> bool {
    if !matches!(keys.get_group_metadata(&group.to_string()).await, Ok(Some(_))) {
        return false;
    }
    let groups = client.groups();
    let info = match tokio::time::timeout(ANSWER_TIMEOUT, groups.query_info(group)).await {
        Ok(Ok(info)) => info,
        Ok(Err(error)) => {
            tracing::warn!(%error, "it cannot be found out who is in a group");
            return false;
        }
        Err(_) => {
            tracing::warn!("the server does not say in time who is in a group");
            return false;
        }
    };
    let is = |member: &Jid, other: &Jid| member.user == other.user && member.server == other.server;
    info.participants.iter().any(|member| {
        let number = info.phone_jid_for_lid_user(&member.user);
        is(member, who) || number.is_some_and(|number| is(number, who))
    })
}
