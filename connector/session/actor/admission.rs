//! Which numbers may have the device.

use shared::{
    domain::{device::Admission, jid::Jid, phone::PhoneNumber},
    services::Error,
    store::devices,
};
use tokio::sync::watch;

use super::Actor;
use crate::{
    outbound::lane::{CatchUpRequest, LaneOrder},
    ownership::Assignment,
    retry::patiently,
    session::report,
    whatsapp::Identity,
};

impl Actor {
    /// Sees to it that a number may have the device: the generation of the link. `None` when it may not, and then
    /// nothing is left of the link, or when that cannot be found out, and then it is tried again.
    pub(super) async fn admit(&mut self, identity: &Identity) -> Option<u32> {
        let number = identity.pn.as_deref().and_then(|pn| pn.parse::<Jid>().ok());
        let number = number.and_then(|jid| PhoneNumber::parse(jid.user()).ok());
        let generation = match (&self.own, &number) {
            (Some((own, generation)), Some(number)) if own == number => Some(*generation),
            _ => self.take_or_refuse(number).await,
        }?;
        if let Some(live) = &self.live {
            live.generation.send_replace(Some(generation));
        }
        Some(generation)
    }

    async fn take_or_refuse(&mut self, number: Option<PhoneNumber>) -> Option<u32> {
        let Some(number) = number else {
            self.refuse("WhatsApp does not say which number the phone has".into()).await;
            return None;
        };
        let Assignment { tenant, device, .. } = self.assignment;
        let ctx = self.worker.ctx.clone();
        let read = || async { Ok::<_, Error>(devices::get(&ctx.db, tenant, device).await?) };
        let taken = match patiently(read).await {
            // It is being deleted: the next look sees to it.
            Ok(None) => Ok(None),
            Ok(Some(row)) => match row.admits(&number) {
                Admission::Refused(reason) => {
                    self.refuse(reason).await;
                    return None;
                }
                Admission::Taken(generation, numbers) => {
                    let relink = || async {
                        let former = row.link();
                        Ok(devices::relink(&ctx.db, former, generation, &numbers, ctx.now()).await?)
                    };
                    patiently(relink).await.map(|now| now.map(|now| (row.generation != generation, now)))
                }
            },
            Err(error) => Err(error),
        };
        match taken {
            Ok(Some((is_other, row))) => {
                self.own = Some((number, row.generation));
                self.publish_policy(&row);
                if is_other {
                    tracing::info!(%device, generation = row.generation, "the device is linked to another number");
                    // Whoever has no room for it has something to do, and looks then.
                    let _busy = self.lane.orders.try_send(LaneOrder::CatchUp(CatchUpRequest::default()));
                }
                Some(row.generation)
            }
            other => {
                if let Err(error) = other {
                    self.log("it cannot be found out whether a number may have the device", &error);
                }
                self.close().await;
                self.retry_later(None);
                None
            }
        }
    }

    /// Ends a link that the device must not have, and says why.
    async fn refuse(&mut self, reason: String) {
        tracing::warn!(device = %self.assignment.device, "a phone linked the device that it must not have; it is logged out");
        if let Some(live) = &mut self.live {
            // What has arrived waits for nothing any more, and is not stored.
            live.generation = watch::channel(None).0;
        }
        if self.unlink().await {
            self.report(report::logged_out(Some(reason))).await;
        }
    }
}
