//! Misbehaviour on demand: what a test asks the server to do wrong.

use serde::Serialize;

/// One kind of misbehaviour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fault {
    /// Cuts sockets: at once, or around the next message.
    DropSockets { when: DropMoment },
    /// Acknowledges messages only after a while.
    DelayAcks { delay_ms: u64 },
    /// Takes messages, delivers them, and never acknowledges.
    WithholdAcks,
    /// Refuses messages with an error code in the acknowledgement (479, 463, …).
    Nack { code: u16 },
    /// Too many requests: refuses messages with 429, or ends the stream with it at once.
    RateLimit { scope: RateScope },
    /// Ends the stream at once, as when another client logs in as the same device.
    ReplaceStream,
    /// Refuses logins with a reason (401, 429, 503, …).
    RejectLogin { reason: u16 },
    /// Answers requests (`iq`) only after a while.
    DelayAnswers { delay_ms: u64 },
    /// Does not tell clients that a list of devices has changed; each notification that they miss counts.
    WithholdDeviceNotifications,
}

/// When [`Fault::DropSockets`] strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DropMoment {
    Now,
    /// The next message arrives at the server and is lost with the connection.
    BeforeMessage,
    /// The next message is delivered, but the connection breaks before its acknowledgement.
    BeforeAck,
}

/// What [`Fault::RateLimit`] limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RateScope {
    Messages,
    Stream,
}

impl Fault {
    /// Whether it strikes open connections when it is set, rather than waiting for an occasion.
    pub fn is_immediate(&self) -> bool {
        matches!(
            self,
            Self::DropSockets { when: DropMoment::Now }
                | Self::ReplaceStream
                | Self::RateLimit { scope: RateScope::Stream }
        )
    }

    fn strikes_messages(&self) -> bool {
        match self {
            Self::DropSockets { when } => *when != DropMoment::Now,
            Self::RateLimit { scope } => *scope == RateScope::Messages,
            Self::DelayAcks { .. } | Self::WithholdAcks | Self::Nack { .. } => true,
            Self::ReplaceStream
            | Self::RejectLogin { .. }
            | Self::DelayAnswers { .. }
            | Self::WithholdDeviceNotifications => false,
        }
    }
}

/// A fault that waits for its occasion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Armed {
    #[serde(flatten)]
    pub fault: Fault,
    /// Only for clients of this account; for all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// How often it still strikes.
    pub times: u32,
}

/// The faults that are set, oldest first.
#[derive(Debug, Default)]
pub struct Faults(Vec<Armed>);

impl Faults {
    pub fn arm(&mut self, fault: Armed) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn list(&self) -> &[Armed] {
        &self.0
    }

    /// The fault that strikes a message of this account, if any; it is used up by that.
    pub fn for_message(&mut self, number: &str) -> Option<Fault> {
        self.take(number, Fault::strikes_messages)
    }

    /// The reason with which a login is refused, if it is.
    pub fn for_login(&mut self, number: &str) -> Option<u16> {
        match self.take(number, |fault| matches!(fault, Fault::RejectLogin { .. }))? {
            Fault::RejectLogin { reason } => Some(reason),
            _ => None,
        }
    }

    /// By how many milliseconds an answer is late, if it is.
    pub fn for_answer(&mut self, number: &str) -> Option<u64> {
        match self.take(number, |fault| matches!(fault, Fault::DelayAnswers { .. }))? {
            Fault::DelayAnswers { delay_ms } => Some(delay_ms),
            _ => None,
        }
    }

    /// Whether a client of this account is not told of a change of devices.
    pub fn for_device_notification(&mut self, number: &str) -> bool {
        self.take(number, |fault| *fault == Fault::WithholdDeviceNotifications).is_some()
    }

    fn take(&mut self, number: &str, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let at = self.0.iter().position(|armed| {
            armed.number.as_deref().is_none_or(|only| only == number) && wanted(&armed.fault)
        })?;
        let armed = &mut self.0[at];
        armed.times -= 1;
        let fault = armed.fault.clone();
        if armed.times == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_its_account_as_often_as_asked() {
        let mut faults = Faults::default();
        faults.arm(Armed { fault: Fault::Nack { code: 479 }, number: Some("1".to_owned()), times: 2 });
        assert_eq!(faults.for_message("2"), None);
        assert_eq!(faults.for_login("1"), None);
        assert_eq!(faults.for_message("1"), Some(Fault::Nack { code: 479 }));
        assert_eq!(faults.for_message("1"), Some(Fault::Nack { code: 479 }));
        assert_eq!(faults.for_message("1"), None);
    }
}
