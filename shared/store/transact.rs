//! Several writes that happen together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::{operation::transact_write_items::TransactWriteItemsError, types::TransactWriteItem};

use super::{Db, StoreError};

/// How often a transaction that met another one is tried.
const TRIES: u32 = 8;

/// What came of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transacted {
    /// All is written.
    Done,
    /// Nothing is written: the conditions of the writes with these numbers do not hold.
    Refused(Vec<usize>),
}

/// Writes all or nothing. One that meets another transaction on the same row is tried again.
pub(super) async fn transact(db: &Db, writes: Vec<TransactWriteItem>) -> Result<Transacted, StoreError> {
    for attempt in 1.. {
        let request = db.client().transact_write_items().set_transact_items(Some(writes.clone()));
        let error = match request.send().await {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(error.into());
        };
        let with = |code: &str| -> Vec<usize> {
            let reasons = cancelled.cancellation_reasons().iter().enumerate();
            reasons.filter(|(_, reason)| reason.code() == Some(code)).map(|(n, _)| n).collect()
        };
        let refused = with("ConditionalCheckFailed");
        if !refused.is_empty() {
            return Ok(Transacted::Refused(refused));
        }
        if with("TransactionConflict").is_empty() || attempt >= TRIES {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(20 << attempt).mul_f64(rand::random_range(0.5..1.0))).await;
    }
    unreachable!("the last attempt returns")
}
