//! A device's actor: one socket and its state machine.

mod admission;
mod on_state;

use std::{sync::Arc, time::Duration};

use shared::{
    domain::{
        device::{Desired, Device, DeviceStatus},
        phone::PhoneNumber,
    },
    queue::payloads::CommandPayload,
    services::{self, Error},
    store::devices,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Order, connection_events::ConnectionEvents, report};
use crate::{
    commands,
    inbound::DeviceInbox,
    outbound::lane::{LaneOrder, OpenConnection, SendPolicy},
    ownership::Assignment,
    retry::{Backoff, patiently},
    session_count::CountedSession,
    session_store::SessionStoreError,
    whatsapp::{Connection, SocketState},
    worker::Worker,
};

/// How long unlinking waits for a socket to tell WhatsApp through.
const UNLINK_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a stop waits for what is under way.
const STOP_GRACE: Duration = Duration::from_secs(2);

struct Actor {
    worker: Worker,
    assignment: Assignment,
    lane: LaneFeed,
    live: Option<Live>,
    /// The number that the device is linked to, or was last, and its generation; as the row has it.
    own: Option<(PhoneNumber, u32)>,
    /// What was last reported of the connection.
    shown: devices::Report,
    /// What was told of it.
    events: ConnectionEvents,
    /// When to open a socket again that ended.
    reopen_at: Option<Instant>,
    backoff: Backoff,
    /// How often in a row WhatsApp has asked the device to connect less often.
    slowdowns: u32,
    connected_at: Option<Instant>,
}

/// What the device's lane hears of.
pub(super) struct LaneFeed {
    /// The socket to send through, while there is one that is connected.
    pub open: watch::Sender<Option<OpenConnection>>,
    /// What the owner has to say of sending.
    pub policy: watch::Sender<SendPolicy>,
    /// By which the lane asks for another look.
    pub look: Arc<Notify>,
    /// The lane's own orders.
    pub orders: mpsc::Sender<LaneOrder>,
}

struct Live {
    connection: Arc<dyn Connection>,
    states: watch::Receiver<SocketState>,
    /// Told when what arrived could not be stored.
    unstored: Arc<Notify>,
    /// The QR code that was reported last.
    qr: Option<String>,
    /// Which of the device's numbers it is logged in with, once that is known.
    generation: watch::Sender<Option<u32>>,
    _counted: CountedSession,
}

/// Runs a device's actor until `stop`, or until there is nothing left of the device. It begins with a look at
/// what the owner wants.
pub(super) async fn run(
    worker: Worker,
    assignment: Assignment,
    row: Option<Box<Device>>,
    mut orders: mpsc::Receiver<Order>,
    lane: LaneFeed,
    stop: CancellationToken,
) {
    let mut actor = Actor {
        worker,
        assignment,
        lane,
        live: None,
        own: None,
        shown: devices::Report::default(),
        events: ConnectionEvents::default(),
        reopen_at: None,
        backoff: Backoff::default(),
        slowdowns: 0,
        connected_at: None,
    };
    let asked = actor.lane.look.clone();
    // A stop cuts short what is under way: at once for who has lost the lease and must close the socket.
    let lease = actor.assignment.lease.clone();
    let stopped = async || {
        stop.cancelled().await;
        if lease.holds() {
            tokio::time::sleep(STOP_GRACE).await;
        }
    };
    let mut existence = tokio::select! {
        existence = actor.look_at(row) => Some(existence),
        () = stopped() => None,
    };
    while existence == Some(Existence::There) {
        let todo = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            order = orders.recv() => match order {
                Some(order) => Todo::Order(order),
                None => break,
            },
            () = asked.notified() => Todo::Order(Order::Look(None)),
            news = next(&mut actor.live) => Todo::News(news),
            () = wait(actor.reopen_at) => {
                actor.reopen_at = None;
                Todo::Order(Order::Look(None))
            }
        };
        existence = tokio::select! {
            existence = actor.does(todo) => Some(existence),
            () = stopped() => None,
        };
    }
    if existence == Some(Existence::Gone) {
        return;
    }
    actor.let_go().await;
}

/// What an actor does next.
enum Todo {
    Order(Order),
    News(News),
}

/// What a live socket brings.
enum News {
    State(SocketState),
    /// What arrived could not be stored.
    Unstored,
}

async fn next(live: &mut Option<Live>) -> News {
    let Some(live) = live else { return std::future::pending().await };
    tokio::select! {
        biased;
        () = live.unstored.notified() => News::Unstored,
        // The socket keeps the other end, and is kept here.
        _ = live.states.changed() => News::State(live.states.borrow_and_update().clone()),
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Whether a device still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existence {
    There,
    Gone,
}

impl Actor {
    async fn does(&mut self, todo: Todo) -> Existence {
        match todo {
            Todo::Order(Order::Look(row)) => return self.look_at(row).await,
            Todo::Order(Order::Command(command)) => self.answer(*command).await,
            Todo::Order(Order::Send(_) | Order::CatchUp(_)) => {}
            Todo::News(News::State(state)) => self.on_state(state).await,
            Todo::News(News::Unstored) => self.on_unstored().await,
        }
        Existence::There
    }

    /// Answers a command beside the event loop, through a connection that is made if the owner wants one.
    async fn answer(&mut self, command: CommandPayload) {
        if self.live.is_none() {
            self.look().await;
        }
        let connection = self.live.as_ref().map(|live| live.connection.clone());
        tokio::spawn(commands::answer(self.worker.ctx.clone(), command, connection));
    }

    /// Looks at what the owner wants and does it.
    async fn look(&mut self) -> Existence {
        self.look_at(None).await
    }

    /// The same, with the row when it has just been read.
    async fn look_at(&mut self, row: Option<Box<Device>>) -> Existence {
        let Assignment { tenant, device, .. } = self.assignment;
        let db = self.worker.ctx.db.clone();
        let read = || async { Ok::<_, Error>(devices::get(&db, tenant, device).await?.map(Box::new)) };
        let row = match row {
            Some(row) => Ok(Some(row)),
            None => patiently(read).await,
        };
        let row = match row {
            Ok(Some(row)) => row,
            Ok(None) => {
                self.close().await;
                self.lane.policy.send_replace(SendPolicy::Gone);
                return Existence::Gone;
            }
            Err(error) => {
                self.log("the device cannot be read", &error);
                self.retry_later(None);
                return Existence::There;
            }
        };
        self.events.observe(&self.worker.ctx, &row).await;
        self.publish_policy(&row);
        self.own = row.phone_number.clone().map(|number| (number, row.generation));
        match row.desired {
            Desired::Connected => self.connect(&row).await,
            Desired::Disconnected => {
                self.close().await;
                if row.status != DeviceStatus::LoggedOut {
                    self.report(report::disconnected(None, None)).await;
                }
            }
            Desired::LoggedOut => {
                if self.unlink().await {
                    self.report(report::logged_out(None)).await;
                }
            }
            Desired::Deleted => {
                if self.unlink().await {
                    let gone = Device { status: DeviceStatus::LoggedOut, last_error: None, ..*row };
                    self.events.emit_closed(&self.worker.ctx, &gone).await;
                    // The lane must not write down anything any more.
                    self.lane.policy.send_replace(SendPolicy::Gone);
                    match services::devices::erase(&self.worker.ctx, &gone).await {
                        Ok(()) => return Existence::Gone,
                        Err(error) => {
                            self.log("the device cannot be erased yet", &error);
                            self.retry_later(None);
                        }
                    }
                }
            }
        }
        Existence::There
    }

    async fn connect(&mut self, row: &Device) {
        if self.live.is_some() {
            // Whoever asked for a connection wrote `connecting`, or a report was lost.
            if self.shown.status.is_some_and(|shown| shown != row.status) {
                self.report(self.shown.clone()).await;
            }
            return;
        }
        if row.status != DeviceStatus::Connecting {
            self.report(report::connecting(None)).await;
        }
        if let Err(reason) = self.open_connection().await {
            tracing::warn!(device = %self.assignment.device, reason, "a socket cannot be opened");
            self.report(report::failed(reason)).await;
            self.retry_later(None);
        }
    }

    async fn open_connection(&mut self) -> Result<(), String> {
        let Assignment { tenant, device, .. } = self.assignment;
        let keys = self
            .worker
            .keys
            .open(tenant, device, self.assignment.lease.clone())
            .await
            .map_err(|error| error.to_string())?;
        let unstored = Arc::new(Notify::new());
        let (generation, known) = watch::channel(None);
        let (worker, assignment) = (self.worker.clone(), self.assignment.clone());
        let inbox = Arc::new(DeviceInbox::new(worker, assignment, unstored.clone(), known));
        let connection =
            self.worker.connections.open(keys, inbox).await.map_err(|error| error.to_string())?;
        let states = connection.states();
        let _counted = self.worker.sessions.enter();
        if let (Some(number), Some((own, of_own))) = (connection.number(), &self.own)
            && number == own.digits()
        {
            generation.send_replace(Some(*of_own));
        }
        self.live = Some(Live { connection, states, unstored, qr: None, generation, _counted });
        Ok(())
    }

    /// Ends the link at WhatsApp, as far as it can be reached, and wipes the keys. Says whether the keys
    /// are gone; if not, it is tried again.
    async fn unlink(&mut self) -> bool {
        let Assignment { tenant, device, .. } = self.assignment;
        let linked = match self.worker.keys.has_link(tenant, device).await {
            Ok(linked) => linked,
            Err(error @ SessionStoreError::Damaged(_)) => {
                self.log("the device's keys are damaged; WhatsApp cannot be told of the logout", &error);
                false
            }
            Err(error) => {
                self.log("the device's keys cannot be read yet", &error);
                self.retry_later(None);
                return false;
            }
        };
        if linked && (self.live.is_some() || self.open_connection().await.is_ok()) {
            self.wait_until_connected().await;
            if let Some(live) = &self.live
                && let Err(error) = live.connection.logout().await
            {
                self.log("WhatsApp was not told of the logout; the phone still lists the device", &error);
            }
        }
        self.close().await;
        match self.worker.keys.wipe(tenant, device, self.assignment.lease.clone()).await {
            Ok(()) => true,
            Err(error) => {
                self.log("the device's keys cannot be wiped yet", &error);
                self.retry_later(None);
                false
            }
        }
    }

    async fn wait_until_connected(&mut self) {
        let Some(live) = &mut self.live else { return };
        let settled = |state: &SocketState| matches!(state, SocketState::Connected(_) | SocketState::Over(_));
        let _in_time = tokio::time::timeout(UNLINK_TIMEOUT, live.states.wait_for(settled)).await;
    }

    fn publish_policy(&self, row: &Device) {
        let policy = SendPolicy::of(row);
        self.lane.policy.send_if_modified(|now| {
            let changed = *now != policy;
            *now = policy;
            changed
        });
    }

    /// What arrived could not be stored: WhatsApp delivers it again when the socket comes back.
    async fn on_unstored(&mut self) {
        let pause = self.backoff.next();
        self.again_after(pause, "messages could not be stored; connecting again".into()).await;
    }

    /// Closes the socket, and opens another one after a while.
    async fn again_after(&mut self, pause: Duration, reason: String) {
        self.close().await;
        self.report(report::connecting(Some(reason))).await;
        self.retry_later(Some(pause));
    }

    async fn fail(&mut self, reason: String, pause: Duration) {
        self.close().await;
        self.report(report::failed(reason)).await;
        self.retry_later(Some(pause));
    }

    fn retry_later(&mut self, pause: Option<Duration>) {
        let pause = pause.unwrap_or_else(|| self.backoff.next());
        self.reopen_at = Some(Instant::now() + pause);
    }

    async fn close(&mut self) {
        self.lane.open.send_replace(None);
        self.reopen_at = None;
        if let Some(live) = self.live.take() {
            live.connection.close().await;
        }
    }

    /// Leaves the device to whoever serves it next: connected as before, once that one has it.
    async fn let_go(&mut self) {
        let was_open = self.live.is_some();
        self.close().await;
        if was_open {
            self.report(report::connecting(None)).await;
        }
    }

    async fn report(&mut self, report: devices::Report) {
        if report.status.is_some() {
            self.shown = devices::Report { desired: None, ..report.clone() };
        }
        let qr = report.qr.clone().flatten();
        if let Some(device) = report::store(&self.worker, &self.assignment, report).await {
            self.events.emit_changes(&self.worker.ctx, &device, qr.as_ref()).await;
        }
    }

    fn log(&self, what: &'static str, error: &(dyn std::error::Error + 'static)) {
        tracing::warn!(device = %self.assignment.device, error, "{what}");
    }
}

#[cfg(test)]
mod tests;
