use shared::{domain::message::Message, queue::Depth};

use super::*;
use crate::{ownership::Assignment, testing::Stage};

/// A queue with so many entries of as many devices, all of them received.
async fn received(stage: &Stage, count: usize) -> (Entries, Settling, Vec<Entry>) {
    for _ in 0..count {
        let device: Assignment = stage.device(|_| {}).await;
        let message: Message = stage.message(&device, "x", |_| {}).await;
        stage.queue(&device, &message).await;
    }
    let (entries, settling) = Entries::start(stage.worker.ctx.queues.clone(), 0);
    let mut held = Vec::new();
    while held.len() < count {
        held.extend(stage.receive_sends().await.into_iter().map(|(_, handle)| entries.hold(handle)));
    }
    stage.cloud.requests();
    (entries, settling, held)
}

async fn depth(stage: &Stage) -> Depth {
    stage.worker.ctx.queues.depth(QueueKind::Sends, 0).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_in_hand_stays_hidden_however_long_that_takes() {
    let stage = Stage::new().await;
    let (entries, _settling, _held) = received(&stage, 3).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!((entries.count(), depth(&stage).await), (3, Depth { waiting: 0, in_hand: 3 }));
}

#[tokio::test(start_paused = true)]
async fn entries_that_are_done_together_are_deleted_in_one_request() {
    let stage = Stage::new().await;
    let (entries, _settling, held) = received(&stage, 10).await;
    held.into_iter().for_each(Entry::delete);
    assert_eq!(entries.count(), 0);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stage.cloud.requests(), 1);
    assert_eq!(depth(&stage).await, Depth { waiting: 0, in_hand: 0 });
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_there_again_at_once_and_what_is_dropped_in_a_minute() {
    let stage = Stage::new().await;
    let (_entries, _settling, mut held) = received(&stage, 2).await;
    held.pop().unwrap().give_back();
    drop(held);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(depth(&stage).await, Depth { waiting: 1, in_hand: 1 });
    tokio::time::sleep(Duration::from_secs(62)).await;
    assert_eq!(depth(&stage).await.waiting, 2);
}

#[tokio::test(start_paused = true)]
async fn entries_are_deleted_when_the_queue_is_there_again() {
    let stage = Stage::new().await;
    let (_entries, _settling, held) = received(&stage, 1).await;
    stage.cloud.set_away(true);
    held.into_iter().for_each(Entry::delete);
    tokio::time::sleep(Duration::from_secs(20)).await;
    stage.cloud.set_away(false);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(depth(&stage).await, Depth { waiting: 0, in_hand: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_ends_waits_until_the_queue_knows_of_all() {
    let stage = Stage::new().await;
    let (entries, settling, held) = received(&stage, 12).await;
    held.into_iter().for_each(Entry::give_back);
    drop(entries);
    settling.finish().await;
    assert_eq!(depth(&stage).await.waiting, 12);
}
