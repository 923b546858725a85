//! Learning what a group is called.

use crate::{
    domain::{device::Link, jid::Jid},
    services::{Context, Error},
    store::chats,
};

/// Names a group's chat by the group's subject.
pub async fn record_group_subject(
    ctx: &Context,
    link: Link,
    group: &Jid,
    subject: &str,
) -> Result<(), Error> {
    if subject.is_empty() {
        return Ok(());
    }
    Ok(chats::set_name(&ctx.db, link, group, subject).await?)
}
