//! Who somebody is: WhatsApp knows people by phone number and by a hidden id (LID).

use std::fmt;

use whatsapp_rust::{Client, Jid};

/// A person's addresses, as JIDs without a device part. At least one is known.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// `<phone number>@s.whatsapp.net`
    pub pn: Option<String>,
    /// `<number>@lid`
    pub lid: Option<String>,
}

impl Identity {
    /// The phone number JID when known, else the LID: what Kurir shows and files a chat under.
    pub fn preferred(&self) -> Option<&str> {
        self.pn.as_deref().or(self.lid.as_deref())
    }

    /// What the addresses say by themselves.
    pub(super) fn of<'a>(addresses: impl IntoIterator<Item = &'a Jid>) -> Self {
        let mut identity = Self::default();
        for address in addresses {
            let known = match address {
                address if address.is_pn() => &mut identity.pn,
                address if address.is_lid() => &mut identity.lid,
                _ => continue,
            };
            known.get_or_insert_with(|| address.to_non_ad_string());
        }
        identity
    }

    /// The same, completed with what the device has learned of who is who.
    pub(super) async fn resolve(client: &Client, address: &Jid, other: Option<&Jid>) -> Self {
        let mut identity = Self::of(std::iter::once(address).chain(other));
        if (identity.pn.is_none() || identity.lid.is_none())
            && let Ok(Some(learned)) = client.get_lid_pn_entry(address).await
        {
            identity.pn.get_or_insert_with(|| Jid::pn(&*learned.phone_number).to_string());
            identity.lid.get_or_insert_with(|| Jid::lid(&*learned.lid).to_string());
        }
        identity
    }
}

/// Whether an address is of the account that a client is linked to, with whatever device.
pub(super) fn is_own(client: &Client, jid: &Jid) -> bool {
    client.pn().iter().chain(&client.lid()).any(|own| own.user == jid.user && own.server == jid.server)
}

/// Phone numbers are personal data, and events are logged: only which addresses are known is shown.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |address: &Option<String>| if address.is_some() { "known" } else { "-" };
        write!(f, "Identity(pn {}, lid {})", known(&self.pn), known(&self.lid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_and_lose_their_device() {
        let (pn, lid): (Jid, Jid) = ("6281:7@s.whatsapp.net".parse().unwrap(), "99:7@lid".parse().unwrap());
        let both = Identity { pn: Some("6281@s.whatsapp.net".into()), lid: Some("99@lid".into()) };
        assert_eq!(Identity::of([&pn, &lid]), both);
        assert_eq!(Identity::of([&lid, &pn]), both);
        assert_eq!(Identity::of([&lid]).preferred(), Some("99@lid"));
        assert_eq!(both.preferred(), Some("6281@s.whatsapp.net"));
        assert_eq!(Identity::of([&"1-2@g.us".parse().unwrap()]), Identity::default());
    }

    #[test]
    fn debug_shows_no_number() {
        let identity = Identity { pn: Some("6281@s.whatsapp.net".into()), lid: None };
        assert_eq!(format!("{identity:?}"), "Identity(pn known, lid -)");
    }
}
