//! E-mail addresses in the audit log. Of who is not known, nothing else says when an entry is to be erased: so the
//! log holds what an address can be searched by, and not the address.

use crate::{domain::account::Email, services::Context};

/// What stands in the log for an address; `None` for what is no address, which may be a password in the wrong field.
pub fn address(ctx: &Context, text: &str) -> Option<String> {
    let email = Email::parse(text)?;
    let hash = ctx.pseudonyms.of("address", email.as_str());
    Some(format!("email:{}", hash.get(..32).unwrap_or(&hash)))
}
