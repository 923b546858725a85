//! What a person reads when the gateway is ready.

use std::fmt::Write;

/// What is worth knowing of a gateway that has started.
pub(crate) struct Banner<'a> {
    pub url: &'a str,
    /// The sandbox WhatsApp server, when there is one.
    pub whatsapp: Option<&'a str>,
    pub email: &'a str,
    /// What is shown once, at the start that made it; afterwards the folder has it.
    pub secrets: Option<Secrets<'a>>,
    /// Where the secrets lie.
    pub kept: &'a str,
    /// Where the data lies, as a person would name it.
    pub data: &'a str,
    /// How many connectors run as processes of their own; `None` when one runs inside this one.
    pub connectors: Option<u16>,
    /// The AWS endpoint, when the embedded pair is not used.
    pub aws: Option<&'a str>,
    pub took_ms: u128,
}

/// The first administrator's.
pub(crate) struct Secrets<'a> {
    /// The password, when this gateway made it up.
    pub password: Option<&'a str>,
    pub api_key: &'a str,
}

impl Banner<'_> {
    pub fn text(&self) -> String {
        let Self { url, email, kept, data, took_ms, .. } = self;
        let mut text = format!(
            "\n  Kurir {} is ready ({took_ms} ms)\n\n  API        {url}/v1\n  Docs       {url}/docs\n",
            env!("CARGO_PKG_VERSION")
        );
        match self.whatsapp {
            Some(address) => {
                _ = writeln!(text, "  WhatsApp   sandbox at {address}\n  Phones     {url}/sandbox/phones");
            }
            None => _ = writeln!(text, "  WhatsApp   the real one: scan the QR code with a real phone"),
        }
        _ = writeln!(text, "  Admin      {email}");
        match &self.secrets {
            Some(Secrets { password, api_key }) => {
                let password = password.unwrap_or("(as given in KURIR_ADMIN_PASSWORD)");
                _ = writeln!(
                    text,
                    "  Password   {password}\n  API key    {api_key}\n             (kept in {kept})"
                );
            }
            None => _ = writeln!(text, "  Secrets    password and API key of the first start are in {kept}"),
        }
        _ = writeln!(text, "  Data       {data}");
        match self.connectors {
            None => {}
            Some(0) => text.push_str("  Connectors none: run them yourself\n"),
            Some(count) => _ = writeln!(text, "  Connectors {count} in processes of their own"),
        }
        if let Some(aws) = self.aws {
            _ = writeln!(text, "  AWS        {aws}");
        }
        let key = match &self.secrets {
            Some(secrets) => format!("'{}'", secrets.api_key),
            None => format!("$(sed -n 's/.*\"apiKey\": \"\\(.*\\)\".*/\\1/p' '{kept}')"),
        };
        _ = write!(
            text,
            "\n  Try:\n    KEY={key}\n    curl -s {url}/v1/me -H \"X-API-Key: $KEY\"\n    curl -s {url}/v1/devices \
             -H \"X-API-Key: $KEY\" -d '{{\"name\":\"My phone\"}}'\n\n  Ctrl-C stops it; linked devices stay \
             linked.\n"
        );
        text
    }
}
