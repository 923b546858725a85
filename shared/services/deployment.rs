//! Whether a deployment has what a program needs: asked once, before the program begins, by one that can wait.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use serde::Deserialize;

use super::Context;
use crate::{
    crypto::MasterKey,
    faults::Fault,
    queue::QueueKind,
    store::{self, Db, StoreError, Table},
};

/// What each program may do, which is what it needs: Terraform grants it from this file.
const PROGRAMS: &str = include_str!("../../infra/functions.json");

/// How many requests are under way at a time.
const AT_A_TIME: usize = 16;

#[derive(Deserialize)]
struct Programs {
    connector: Needs,
}

#[derive(Deserialize)]
struct Needs {
    tables: BTreeMap<String, Vec<String>>,
    queues: BTreeMap<String, Vec<String>>,
}

/// Tries each table and each queue that the connector needs: what is wrong with the deployment, and told in the
/// log. Nothing, when all is well or AWS is merely away.
pub async fn check_connector(ctx: &Context) -> Vec<Fault> {
    let needs = connector();
    let tables = Table::ALL.into_iter().filter_map(|table| Some((table, needs.tables.get(table.name())?)));
    let tables = stream::iter(tables).for_each_concurrent(AT_A_TIME, async |(table, actions)| {
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        // What fails is seen by `faults`.
        let _seen = store::probe(&ctx.db, table, &actions).await;
    });
    let queues = QueueKind::ALL.into_iter().filter(|kind| needs.queues.contains_key(kind.name()));
    let queues = queues.flat_map(|kind| ctx.queues.shards_of(kind).map(move |shard| (kind, shard)));
    let queues = stream::iter(queues).for_each_concurrent(AT_A_TIME, async |(kind, shard)| {
        let _seen = ctx.queues.find(kind, shard).await;
    });
    tokio::join!(tables, queues);
    let mut faults = [ctx.db.faults().seen(), ctx.queues.faults().seen()].concat();
    faults.retain(Fault::lasts);
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// Nothing that is stored could be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyCheckError {
    /// The data were sealed by another key.
    #[error(
        "the master key is not the one that the stored data were sealed with: session keys, webhook secrets and \
         cursors would not open, and every device would have to be linked again"
    )]
    OtherKey,
    /// It could not be found out.
    #[error("it cannot be found out whether the master key is the right one")]
    Store(#[from] StoreError),
}

/// Whether this master key is the one that the deployment was first started with; the first start writes down which
/// that is.
///
/// # Errors
/// [`KeyCheckError::OtherKey`] when it is another one.
pub async fn check_master_key(db: &Db, key: &MasterKey) -> Result<(), KeyCheckError> {
    let value = key.check_value();
    if store::key_check::first(db, &value).await? == value { Ok(()) } else { Err(KeyCheckError::OtherKey) }
}

fn connector() -> Needs {
    let programs: Programs =
        serde_json::from_str(PROGRAMS).expect("infra/functions.json is checked by a test");
    programs.connector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_connector_needs_is_known_and_can_be_tried() {
        let needs = connector();
        for (name, actions) in needs.tables {
            assert!(Table::ALL.iter().any(|table| table.name() == name), "{name}");
            let tried = ["GetItem", "Query", "UpdateItem"];
            assert!(actions.iter().any(|action| tried.contains(&action.as_str())), "{name}");
        }
        for (name, actions) in needs.queues {
            assert!(QueueKind::ALL.iter().any(|kind| kind.name() == name), "{name}");
            assert!(actions.contains(&"GetQueueUrl".to_owned()), "{name}");
        }
    }
}
