//! A code that is typed on the phone in place of scanning.

use async_trait::async_trait;
use shared::{
    domain::command::{PairingCode, RequestPairingCode},
    secret::Secret,
    services::Context,
};

use super::Run;
use crate::whatsapp::{CommandError, Connection};

#[async_trait]
impl Run for RequestPairingCode {
    async fn run(&self, connection: &dyn Connection, ctx: &Context) -> Result<PairingCode, CommandError> {
        let code = connection.request_pairing_code(&self.phone_number).await?;
        Ok(PairingCode { code: Secret::new(code.code), expires_at: ctx.now() + code.expires_in })
    }
}
