//! Reading the rows back at start.

use prost::Message;

use super::{
    rows::{
        AccountRow, CompanionRow, GroupRow, KeyPoolRow, MessageRow, PhoneKeysRow, QueuedRow, ServerRow,
        WatchersRow, keys,
    },
    store::Rows,
    world::{Account, Companion, World},
};
use crate::whatsapp::{
    address::{Address, parse_address},
    error::SandboxError,
};

/// Rebuilds the world from rows in the order of their keys. Accounts and companions come first in
/// that order, so that the rest finds its place; a row whose place is gone is skipped.
pub fn load(rows: Rows) -> Result<(World, Option<ServerRow>), SandboxError> {
    let mut world = World::default();
    let mut server = None;
    for (key, value) in &rows {
        let parts: Vec<&str> = key.splitn(3, '/').collect();
        match parts.as_slice() {
            [keys::SERVER] => server = Some(read::<ServerRow>(key, value)?),
            ["account", _] => world.add_account(Account::new(read::<AccountRow>(key, value)?)),
            ["companion", number, device] => {
                let row = read::<CompanionRow>(key, value)?;
                if let (Some(account), Ok(device)) = (world.accounts.get_mut(*number), device.parse()) {
                    account.companions.insert(device, Companion::new(row));
                }
            }
            ["group", _] => {
                let group = read::<GroupRow>(key, value)?;
                world.groups.insert(group.id.clone(), group);
            }
            [kind, number, rest @ ..] => load_part(&mut world, key, value, kind, number, rest.first())?,
            _ => tracing::warn!(key, "a row that this version does not know"),
        }
    }
    Ok((world, server))
}

fn load_part(
    world: &mut World,
    key: &str,
    value: &[u8],
    kind: &str,
    number: &str,
    rest: Option<&&str>,
) -> Result<(), SandboxError> {
    let rest = rest.copied().unwrap_or_default();
    let Some(account) = world.accounts.get_mut(number) else { return Ok(()) };
    match kind {
        "phone-keys" => {
            let row = read::<PhoneKeysRow>(key, value)?;
            account.phone.keys = row.keys.into_iter().map(|key| (key.id, key)).collect();
        }
        "watchers" => {
            let row = read::<WatchersRow>(key, value)?;
            account.watchers = row.addresses.iter().filter_map(|text| parse_address(text)).collect();
        }
        "session" => drop(account.phone.sessions.insert(rest.to_owned(), value.to_vec())),
        "sender-key" => drop(account.phone.sender_keys.insert(rest.to_owned(), value.to_vec())),
        "message" => {
            account.phone.push(read::<MessageRow>(key, value)?);
        }
        "keys" => {
            let row = read::<KeyPoolRow>(key, value)?;
            let at = Address::new(number, rest.parse().unwrap_or_default());
            if let Some(companion) = world.companion_mut(&at) {
                let values = row.values.chunks_exact(32).map(<[u8]>::to_vec);
                companion.pool = row.ids.iter().copied().zip(values).collect();
            }
        }
        "queue" => {
            let row = read::<QueuedRow>(key, value)?;
            let Some((device, seq)) = rest.split_once('/') else { return Ok(()) };
            let seq: u64 = seq.parse().unwrap_or_default();
            world.sequence = world.sequence.max(seq);
            let at = Address::new(number, device.parse().unwrap_or_default());
            if let Some(companion) = world.companion_mut(&at) {
                companion.queue.insert(seq, row);
            }
        }
        _ => tracing::warn!(key, "a row that this version does not know"),
    }
    Ok(())
}

fn read<M: Message + Default>(key: &str, value: &[u8]) -> Result<M, SandboxError> {
    M::decode(value).map_err(|source| SandboxError::Row { key: key.to_owned(), source })
}
