//! Webhooks: where a tenant wants its events sent to, and the sending.

mod change;
mod check;
mod create;
mod delete;
mod deliver;
mod deliveries;
mod disable;
mod fan_out;
mod get;
mod list;
mod meter;
mod outcome;
mod queue;
mod redeliver;
mod replay;
mod rotate_secret;
mod test;

pub use change::{WebhookChange, change};
pub use create::{NewWebhook, create};
pub use delete::{delete, erase_of_tenant};
pub use deliver::{Handled, deliver};
pub use deliveries::deliveries;
pub use fan_out::fan_out;
pub use get::get;
pub use list::list;
pub use queue::{send_on, wait_for};
pub use redeliver::redeliver;
pub use replay::{ReplayRange, Replayed, replay};
pub use rotate_secret::rotate_secret;
pub use test::test;

use super::{Error, ErrorCode};
pub use crate::store::webhooks::Unsealed as OwnWebhook;

fn not_found() -> Error {
    Error::not_found("webhook")
}

/// What is queued for a webhook that is off would be dropped.
fn require_active(webhook: &OwnWebhook) -> Result<(), Error> {
    match webhook.webhook.active {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::WebhookInactive, "the webhook is off; switch it on first")),
    }
}
