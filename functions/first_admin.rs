//! The first administrator of a deployment, as its settings name it.

use shared::{
    secret::Secret,
    services::{
        Context, Error,
        accounts::{FirstAdmin, ensure_admin},
    },
};
use tokio::sync::OnceCell;

/// Makes the administrator of `KURIR_ADMIN_EMAIL` and `KURIR_ADMIN_PASSWORD`, once per process.
#[derive(Debug)]
pub struct FirstAdministrator {
    wanted: Option<(String, Secret)>,
    made: OnceCell<()>,
}

impl FirstAdministrator {
    /// Reads the environment. With neither variable there is nothing to do.
    pub fn from_env() -> Self {
        let given = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
        let (email, password) = (given("KURIR_ADMIN_EMAIL"), given("KURIR_ADMIN_PASSWORD"));
        if email.is_some() != password.is_some() {
            tracing::error!(
                "only one of KURIR_ADMIN_EMAIL and KURIR_ADMIN_PASSWORD is set: no administrator is made"
            );
        }
        Self { wanted: email.zip(password.map(Secret::new)), made: OnceCell::new() }
    }

    /// Sees to it that the account is there, unless that was done. An account that is there stays as it is, whatever
    /// its role and password.
    ///
    /// # Errors
    /// When the address or the password is not usable, or the store is away: the next call tries again.
    pub async fn ensure(&self, ctx: &Context) -> Result<(), Error> {
        let Some((email, password)) = &self.wanted else { return Ok(()) };
        let make = async || {
            match ensure_admin(ctx, email, password.clone()).await? {
                FirstAdmin::Created(_, account) => {
                    tracing::info!(%account, "the first administrator was made");
                }
                FirstAdmin::Existing(..) => {}
            }
            Ok(())
        };
        self.made.get_or_try_init(make).await.map(drop)
    }
}
