//! Lists in pages, the same way everywhere.

use super::{Context, Error, ErrorCode, Invalid};
use crate::{cursor::LastKey, domain::ids::TenantId, store::Page};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// How many, 1 to 100; 50 when not given.
    pub limit: Option<u16>,
    /// Where to go on, as the page before said.
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next part begins; `None` at the end.
    pub next_cursor: Option<String>,
}

impl PageRequest {
    /// Checks limit and cursor for one tenant's query; `query` names the list with its filters.
    pub(super) fn read(
        &self,
        ctx: &Context,
        tenant: TenantId,
        query: &str,
    ) -> Result<(u16, Option<LastKey>), Error> {
        let limit = self.limit.unwrap_or(50);
        let mut invalid = Invalid::default();
        invalid.unless((1..=100).contains(&limit), "limit", "out_of_range", "must be between 1 and 100");
        invalid.check()?;
        let cursor = match self.cursor.as_deref() {
            None | Some("") => None,
            Some(text) => Some(ctx.cursors.decode(tenant, query, text).map_err(|error| {
                let mut invalid = Invalid::default();
                invalid.take::<(), _>(Err(error), "cursor", "cursor_invalid");
                invalid
                    .check()
                    .err()
                    .unwrap_or_else(|| Error::new(ErrorCode::ValidationFailed, "the cursor is not valid"))
            })?),
        };
        Ok((limit, cursor))
    }
}

impl<T> Listing<T> {
    pub(super) fn of(ctx: &Context, tenant: TenantId, query: &str, page: Page<T>) -> Self {
        let next_cursor = page.next.map(|key| ctx.cursors.encode(tenant, query, &key));
        Self { items: page.items, next_cursor }
    }
}
