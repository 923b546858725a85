//! What has to be done now and then, wherever it runs.

use serde_json::{Value, json};
use shared::services::{Context, Error, users};

/// Does a round of everything. Rounds may overlap and may be skipped.
///
/// # Errors
/// When the store is away: the next round takes it up.
pub async fn tick(ctx: &Context) -> Result<Value, Error> {
    let erasures = users::run_erasures(ctx).await?;
    Ok(json!({"erasuresUnderWay": erasures}))
}
