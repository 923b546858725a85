//! Whether every device lies in a shard that somebody serves.

use std::{fmt, time::Duration};

use super::Context;
use crate::store::{StoreError, devices, leases};

/// Devices lie in shards that this deployment no longer has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LostShards {
    /// Those shards.
    pub lost: Vec<u16>,
    /// How many shards there are now.
    pub shards: u16,
}

impl fmt::Display for LostShards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lost: Vec<String> = self.lost.iter().map(u16::to_string).collect();
        let least = self.lost.iter().max().map_or(self.shards, |last| last + 1);
        write!(
            f,
            "KURIR_SHARDS is {}, but devices lie in shards that it had before and that nobody would serve ({}): \
             set it to {least} or more",
            self.shards,
            lost.join(", "),
        )
    }
}

/// Looks whether devices lie in shards beyond the present ones. Every shard that was ever served has a lease.
/// Waits for as long as DynamoDB is away.
///
/// # Errors
/// [`LostShards`] names them.
pub async fn check_shards(ctx: &Context) -> Result<(), LostShards> {
    const PAUSE: Duration = Duration::from_secs(2);
    let shards = ctx.queues.shards();
    loop {
        match find_lost(ctx, shards).await {
            Ok(lost) if lost.is_empty() => return Ok(()),
            Ok(lost) => return Err(LostShards { lost, shards }),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "it cannot be seen yet whether all devices are served");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn find_lost(ctx: &Context, shards: u16) -> Result<Vec<u16>, StoreError> {
    let mut lost = Vec::new();
    for lease in leases::list(&ctx.db).await?.into_iter().filter(|lease| lease.shard >= shards) {
        if devices::any_in_shard(&ctx.db, lease.shard).await? {
            lost.push(lease.shard);
        }
    }
    lost.sort_unstable();
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_which_shards_and_how_many_are_needed() {
        let text = LostShards { lost: vec![2, 5], shards: 2 }.to_string();
        assert!(
            text.contains("KURIR_SHARDS is 2") && text.contains("(2, 5)") && text.contains("6 or more"),
            "{text}"
        );
    }
}
