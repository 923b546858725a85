//! Questions to the connection.

use shared::{
    domain::{
        command::{Command, CommandStatus, RequestPairingCode},
        ids::CommandId,
    },
    store::commands,
};

use super::*;

/// Asks for a pairing code; its answer, once it is there.
async fn ask(stage: &Stage, device: &Assignment, session: &Session) -> Command {
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
    let payload = CommandPayload::question(row.id, &stage.row(device).await, &question).unwrap();
    session.order(Order::Command(Box::new(payload))).await;
    loop {
        let answered = commands::get(&ctx.db, device.tenant, row.id).await.unwrap().unwrap();
        if answered.status != CommandStatus::Pending {
            return answered;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_goes_through_the_devices_connection() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let session = Session::start(&stage, &device);
    let connection = stage.whatsapp.connection(1).await;
    assert_eq!(ask(&stage, &device, &session).await.status, CommandStatus::Done);
    assert_eq!(connection.asked(), [NUMBER]);
}

#[tokio::test(start_paused = true)]
async fn a_command_makes_the_connection_that_the_owner_wants_by_now() {
    let stage = Stage::new().await;
    let device = stage.device(|device| device.desired = Desired::Disconnected).await;
    let session = Session::start(&stage, &device);
    let refused = ask(&stage, &device, &session).await;
    assert_eq!(refused.error.unwrap().code, "not_connecting");
    assert_eq!(stage.whatsapp.count(), 0);
    // The wake-up that told of it is still on its way.
    stage.want(&device, Desired::Connected).await;
    assert_eq!(ask(&stage, &device, &session).await.status, CommandStatus::Done);
    assert_eq!(stage.whatsapp.count(), 1);
}
