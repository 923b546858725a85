//! What has to be done now and then, wherever it runs.

use serde_json::{Value, json};
use shared::services::{Context, Error, messages, retention, tenants};

/// Does a round of everything. Rounds may overlap and may be skipped.
///
/// # Errors
/// When the store is away: the next round takes it up.
pub async fn tick(ctx: &Context) -> Result<Value, Error> {
    // What one of them cannot do keeps the other from nothing.
    let (erasures, woken, kept) =
        tokio::join!(tenants::run_erasures(ctx), messages::sweep_outbox(ctx), retention::run(ctx));
    let (erasures, woken, kept) = (erasures?, woken?, kept?);
    Ok(json!({"erasuresUnderWay": erasures, "devicesWoken": woken, "rowsLookedAt": kept.rows}))
}
