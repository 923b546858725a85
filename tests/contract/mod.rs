//! What Kurir relies on in DynamoDB and SQS. The same checks run against the embedded pair, ministack, LocalStack or
//! AWS, so that a difference shows.

mod place;
mod queue;
mod store;

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, StreamExt, future::LocalBoxFuture, stream};

pub use place::Place;

type Check = fn(Place) -> LocalBoxFuture<'static, ()>;

/// How long one check may take.
const LONGEST: Duration = Duration::from_secs(90);

/// How many run at a time; they do not touch each other's rows and queues.
const AT_A_TIME: usize = 4;

macro_rules! checks {
    ($($module:ident::$name:ident,)*) => {
        const CHECKS: &[(&str, Check)] =
            &[$((stringify!($name), |place| Box::pin($module::$name(place)))),*];
    };
}

checks! {
    store::a_row_is_made_once,
    store::a_status_moves_forward_and_never_back,
    store::the_outbox_is_an_index_that_rows_leave,
    store::a_lease_is_taken_renewed_and_refused,
    store::of_many_takers_one_gets_the_lease,
    store::a_limit_lets_in_so_many_and_no_more,
    store::a_list_comes_in_pages_that_join_up,
    store::a_foreign_name_is_one_devices_and_goes_with_it,
    store::tables_drop_rows_by_their_ttl_attribute,
    queue::a_group_comes_in_its_order,
    queue::a_group_in_hand_waits_and_others_do_not,
    queue::the_same_deduplication_id_is_one_message,
    queue::what_is_given_back_comes_again_and_its_newest_handle_deletes_it,
    queue::what_is_extended_stays_hidden,
    queue::many_are_deleted_in_few_requests,
    queue::what_comes_too_often_goes_to_the_dead_letters,
    queue::a_delay_holds_back_one_message_and_not_the_others,
}

/// Runs every check; the names of those that fail, with why.
pub async fn run(place: &Place) -> Vec<String> {
    let running = CHECKS.iter().map(|(name, check)| {
        let checking = AssertUnwindSafe(check(place.clone())).catch_unwind();
        async move {
            let failure = match tokio::time::timeout(LONGEST, checking).await {
                Ok(Ok(())) => None,
                Ok(Err(panic)) => Some(text_of(panic.as_ref())),
                Err(_) => Some(format!("it takes longer than {LONGEST:?}")),
            };
            println!("contract: {name} … {}", if failure.is_none() { "ok" } else { "FAILED" });
            failure.map(|why| format!("{name}: {why}"))
        }
    });
    // Started one after another, as there is room.
    let results: Vec<_> = stream::iter(running).buffered(AT_A_TIME).collect().await;
    results.into_iter().flatten().collect()
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
