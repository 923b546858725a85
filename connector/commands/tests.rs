use shared::{
    domain::{
        command::{Command, CommandStatus},
        ids::CommandId,
    },
    queue::payloads::CommandPayload,
    store::commands,
};

use super::*;
use crate::{
    ownership::Assignment,
    testing::{FakeConnection, NUMBER, Stage},
};

/// A pairing code that is asked for, and its row.
async fn asked(stage: &Stage, device: &Assignment) -> CommandPayload {
    let ctx = &stage.worker.ctx;
    let row = Command {
        id: CommandId::generate(ctx.now()),
        account_id: device.tenant,
        device_id: device.device,
        status: CommandStatus::Pending,
        result: None,
        error: None,
        created_at: ctx.now(),
    };
    commands::create(&ctx.db, &row).await.unwrap();
    let question = RequestPairingCode { phone_number: NUMBER.into() };
    CommandPayload::question(row.id, &stage.row(device).await, &question).unwrap()
}

/// The row of a command.
async fn row(stage: &Stage, command: &CommandPayload) -> Command {
    let id = command.command_id.unwrap();
    commands::get(&stage.worker.ctx.db, command.account_id, id).await.unwrap().unwrap()
}

/// Runs a command; its row.
async fn answered(
    stage: &Stage,
    command: CommandPayload,
    connection: Option<Arc<FakeConnection>>,
) -> Command {
    let connection = connection.map(|connection| connection as Arc<dyn Connection>);
    answer(stage.worker.ctx.clone(), command.clone(), connection).await;
    row(stage, &command).await
}

/// Why a command failed.
fn code(command: &Command) -> &str {
    assert_eq!(command.status, CommandStatus::Failed);
    command.error.as_ref().unwrap().code.as_str()
}

#[tokio::test(start_paused = true)]
async fn a_pairing_code_is_asked_for_and_lies_in_the_commands_row() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let connection = FakeConnection::detached();
    let command = asked(&stage, &device).await;
    let before = stage.worker.ctx.now();
    let row = answered(&stage, command, Some(connection.clone())).await;
    assert_eq!(connection.asked(), [NUMBER]);
    let result = row.result.unwrap();
    assert_eq!(result["code"], "ABCD1234");
    let until: shared::clock::Timestamp = result["expiresAt"].as_str().unwrap().parse().unwrap();
    assert!(until.since(before) >= Duration::from_secs(180));
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_the_connection_to_be_made_and_gives_up_after_eight_seconds() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let connection = FakeConnection::detached();
    connection.next_commands(std::iter::repeat_n(CommandError::NotConnected, 20));
    let command = asked(&stage, &device).await;
    let row = answered(&stage, command, Some(connection.clone())).await;
    assert_eq!((row.status, connection.asked().len()), (CommandStatus::Done, 21));

    connection.next_commands(std::iter::repeat_n(CommandError::NotConnected, 1_000));
    let (command, began) = (asked(&stage, &device).await, Instant::now());
    let row = answered(&stage, command, Some(connection)).await;
    assert_eq!((code(&row), began.elapsed().as_secs()), ("refused", 8));
}

#[tokio::test(start_paused = true)]
async fn why_a_command_could_not_be_done_is_said_by_a_code() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let connection = FakeConnection::detached();
    for (failure, said) in [
        (CommandError::AlreadyLinked, "already_connected"),
        (CommandError::RateLimited, "refused"),
        (CommandError::Timeout, "refused"),
    ] {
        connection.next_commands([failure]);
        let command = asked(&stage, &device).await;
        assert_eq!(code(&answered(&stage, command, Some(connection.clone())).await), said);
    }
    let command = asked(&stage, &device).await;
    assert_eq!(code(&answered(&stage, command, None).await), "not_connecting");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_newer_than_the_connector_is_answered_clearly() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let connection = FakeConnection::detached();
    let command = CommandPayload { kind: "set_name.v7".into(), ..asked(&stage, &device).await };
    let row = answered(&stage, command, Some(connection.clone())).await;
    assert_eq!(code(&row), "unsupported");
    assert!(row.error.unwrap().message.contains("try again later"));
    assert!(connection.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_of_a_command_that_comes_twice_stays() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let connection = FakeConnection::detached();
    let command = asked(&stage, &device).await;
    let first = answered(&stage, command.clone(), Some(connection)).await;
    assert_eq!(answered(&stage, command, None).await, first);
}

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_when_the_tables_are_there_again() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let connection = FakeConnection::detached();
    let command = asked(&stage, &device).await;
    stage.cloud.set_away(true);
    let cloud = stage.cloud.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        cloud.set_away(false);
    });
    let row = answered(&stage, command, Some(connection)).await;
    assert_eq!(row.status, CommandStatus::Done);
}
