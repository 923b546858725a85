//! A chat's messages.

use super::identity::canonical;
use crate::{
    domain::{
        ids::DeviceId,
        jid::{Jid, Server},
        message::Message,
    },
    services::{Context, Error, Invalid, Listing, PageRequest, Scope, devices},
    store::{Page, contacts, messages},
};

/// The messages of one chat under the number that the device is linked to, or was last, newest first. `chat` is a number or a JID; phone number and LID of one contact
/// lead to the same chat.
pub async fn history(
    ctx: &Context,
    scope: &Scope,
    device: DeviceId,
    chat: &str,
    page: PageRequest,
) -> Result<Listing<Message>, Error> {
    let mut invalid = Invalid::default();
    let jid = invalid.take(Jid::parse_recipient(chat), "jid", "jid_invalid");
    let jid = invalid.finish(jid)?;
    let link = devices::get(ctx, scope, device).await?.link();
    let chat = canonical(ctx, link, jid).await?;
    let query = format!("history/{device}/{}/{chat}", link.generation);
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    // Before the number was known, messages were stored under the LID.
    let mut names = match chat.server() {
        Server::Phone => contacts::lids_of(&ctx.db, link, &chat).await?,
        Server::Lid | Server::Group => Vec::new(),
    };
    names.push(chat.clone());
    let Page { items, next } = messages::list_by_chat(&ctx.db, link, &names, limit, from).await?;
    let items = items.into_iter().map(|message| Message { chat: chat.clone(), ..message }).collect();
    let page = Page { items, next };
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}
