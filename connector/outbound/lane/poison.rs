//! A message whose row can never be read or marked: it is set aside, and those behind it go on.

use shared::{
    domain::{message::SendFailure, set_aside::SetAsideKind},
    services::{Error, set_aside::PassedOver},
    store::outbox,
};

use super::{Lane, Over, patiently_until};
use crate::ownership::Assignment;

impl Lane {
    /// Sets the first message aside for good.
    pub(super) async fn give_up_first(&mut self, why: &Error) -> Result<(), Over> {
        let Some(id) = self.backlog.first().map(|first| first.id) else { return Ok(()) };
        let (ctx, Assignment { tenant, device, .. }) = (&self.worker.ctx, &self.assignment);
        let subject = id.to_string();
        let set_aside = || async {
            let item = PassedOver {
                what: SetAsideKind::QueuedMessage,
                tenant: *tenant,
                device: Some(*device),
                subject: &subject,
                distinct: "",
                // Its row is all that there is of it, and stays.
                content: None,
            };
            Ok(ctx.set_aside.keep(item, why).await?)
        };
        patiently_until(&self.stop, "a message cannot be set aside yet", set_aside).await?;
        let failure = SendFailure::new("internal", "its row cannot be read; an operator has to look at it");
        let give_up = || async {
            let derived = id.wa_message_id();
            Ok(outbox::give_up(&ctx.db, *tenant, *device, &derived, &failure).await?)
        };
        patiently_until(&self.stop, "a message cannot be given up yet", give_up).await?;
        if let Some(job) = self.backlog.take_first() {
            self.ledger.failed();
            let pacing = self.pacing();
            self.ledger.done(job.entry, &pacing);
        }
        Ok(())
    }
}
