//! The whole gateway in one process: every function behind one port, a connector, and what they need.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{extract::DefaultBodyLimit, middleware::from_fn_with_state};
use connector::{Chosen, Connector, Forgotten, forget_sessions, whatsapp::WhatsAppConfig};
use shared::{
    config::Config,
    crypto,
    domain::role::Role,
    secret::Secret,
    services::{
        self, Context,
        accounts::{FirstAdmin, ensure_admin},
        api_keys::{self, NewApiKey},
        check_shards,
        events::{EventLog, Tails, receive},
    },
    store,
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    aws::EmbeddedAws,
    banner::{Banner, Secrets},
    connectors::{Connectors, Environment},
    data_dir::{Credentials, DataDir},
    deliveries::Deliveries,
    foundation::Foundation,
    open_files,
    options::Options,
    server::{Limits, Listener, Server, with_bodies_in_time},
    start_error::StartError,
    threads::Threads,
    visitors::{self, Visitors},
};

/// How long a connection to the API or to the sandbox's WhatsApp may be without a whole head of a request.
const IDLE: Duration = Duration::from_secs(30);

/// Connections to the API at a time, unless an option says otherwise and while there are files for them.
const MOST_CONNECTIONS: u64 = 8_192;

/// WhatsApp Web's own pages, as which clients present themselves.
#[cfg(feature = "sandbox")]
const WHATSAPP_WEB: &str = "https://web.whatsapp.com";

/// A running gateway.
pub struct Gateway {
    banner: String,
    http: Server,
    /// Who watches event logs: they are sent away before the server stops, and come back later.
    tails: Tails,
    event_log: Consumer,
    scheduler: Scheduler,
    deliveries: Deliveries,
    connector: Serving,
    #[cfg(feature = "sandbox")]
    sandbox: (Arc<crate::whatsapp::Sandbox>, Server),
    aws: Option<EmbeddedAws>,
    /// What the embedded services and the sandbox's WhatsApp run on.
    _stand_ins: Threads,
    _data: DataDir,
}

impl Gateway {
    /// Starts everything, in the order in which it is needed.
    ///
    /// # Errors
    /// [`StartError`], which says what to do about it.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let began = Instant::now();
        let files = open_files::raise_limit();
        let data = DataDir::open(&options.data_dir)?;
        let stand_ins = Threads::start("stand-ins").map_err(StartError::Threads)?;
        let api = listening(Listener::bind(options.port).await, options.port, "--port", "KURIR_PORT")?;
        #[cfg(feature = "sandbox")]
        let wa = {
            let bound = stand_ins.run(Listener::bind(options.wa_port)).await;
            listening(bound, options.wa_port, "--wa-port", "KURIR_WA_PORT")?
        };
        if options.reset {
            data.reset()?;
        }
        data.check()?;

        let own_ports = [
            api.address.port(),
            #[cfg(feature = "sandbox")]
            wa.address.port(),
        ];
        let Foundation { endpoint, aws, config, ctx } =
            Foundation::lay(&data, &stand_ins, &own_ports).await?;
        check_shards(&ctx).await?;
        let (credentials, is_new) = credentials(&ctx, &data, options).await?;

        let router = functions::route::bare(ctx.clone(), functions::routes::all());
        #[cfg(feature = "sandbox")]
        let (router, sandbox, wa_server, wa_url) = {
            let folder = data.phones();
            let sandbox = stand_ins.run(async move { crate::whatsapp::Sandbox::open(&folder).await }).await?;
            let url = format!("ws://{}/ws/chat", wa.address);
            let clients = Visitors::new(&[], &[WHATSAPP_WEB.to_owned()]);
            let server =
                sandbox.server_router().layer(from_fn_with_state(Arc::new(clients), visitors::check));
            let limits = Limits { connections: connections(files, None), idle: IDLE };
            let server = stand_ins.run(async move { Server::start(wa, server, limits) }).await;
            (sandbox.control_router().merge(router), sandbox, server, Some(url))
        };
        #[cfg(not(feature = "sandbox"))]
        let wa_url: Option<String> = None;

        let mut whatsapp = WhatsAppConfig::from_env()?;
        whatsapp.server_url = wa_url.clone().or(whatsapp.server_url);
        if aws.is_some() && options.connectors != Some(0) {
            forget_connectors(&ctx).await?;
        }
        let scheduler = Scheduler::start(ctx.clone());
        let event_log = Consumer::start(receive(Arc::new(EventLog::new(ctx.clone()))));
        let tails = ctx.tails.clone();
        let deliveries = Deliveries::start(ctx.clone());
        let connector = match options.connectors {
            None => Serving::inside(config.clone(), whatsapp).await?,
            Some(0) => Serving::Elsewhere,
            Some(count) => {
                let told = Environment::new(&config.aws, &config.master_key, whatsapp.server_url.as_deref());
                let connectors = Connectors::start(count, told, options.restart_connectors)
                    .map_err(StartError::Connectors)?;
                connectors.settled(&ctx.db, ctx.queues.shards()).await;
                Serving::Beside(connectors)
            }
        };

        let kept = whole(&data.credentials_file()).display().to_string();
        let banner = Banner {
            url: &format!("http://{}", api.address),
            whatsapp: wa_url.as_deref(),
            email: &credentials.email,
            secrets: is_new.then(|| Secrets {
                password: credentials.password.as_ref().map(Secret::expose),
                api_key: credentials.api_key.expose(),
            }),
            kept: &kept,
            data: &whole(data.path()).display().to_string(),
            connectors: options.connectors,
            aws: endpoint.as_deref(),
            took_ms: began.elapsed().as_millis(),
        }
        .text();
        let callers = Arc::new(Visitors::new(&options.allowed_hosts, &config.http.cors_origins));
        let router = with_bodies_in_time(router).layer(from_fn_with_state(callers, visitors::check));
        let router = functions::route::around(&ctx, router).layer(DefaultBodyLimit::disable());
        let limits = Limits { connections: connections(files, options.max_connections), idle: IDLE };
        let http = Server::start(api, router, limits);
        Ok(Self {
            banner,
            http,
            tails,
            event_log,
            scheduler,
            deliveries,
            connector,
            #[cfg(feature = "sandbox")]
            sandbox: (sandbox, wa_server),
            aws,
            _stand_ins: stand_ins,
            _data: data,
        })
    }

    /// Drops Signal sessions and sender keys, while no gateway runs.
    ///
    /// # Errors
    /// [`StartError`], which says what to do about it.
    pub async fn forget_sessions(options: &Options, chosen: Chosen) -> Result<Forgotten, StartError> {
        let data = DataDir::open(&options.data_dir)?;
        data.check()?;
        let stand_ins = Threads::start("stand-ins").map_err(StartError::Threads)?;
        let Foundation { aws, config, ctx, .. } = Foundation::lay(&data, &stand_ins, &[]).await?;
        if aws.is_some() {
            // Whoever ran with this folder does not any more.
            store::workers::forget_all(&ctx.db).await.map_err(StartError::Leases)?;
        }
        let forgotten = forget_sessions(&ctx, &config.master_key, chosen).await;
        if let Some(aws) = aws {
            aws.stop().await;
        }
        Ok(forgotten?)
    }

    /// What a person should read now.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// Stops everything, in the order in which it can: requests under way are answered, sends under way
    /// finished, keys written.
    pub async fn stop(self) {
        self.tails.close();
        self.http.stop().await;
        self.scheduler.stop().await;
        tokio::join!(self.deliveries.stop(), self.connector.stop());
        // What the connector told last waits in its queue for the next start, if need be.
        self.event_log.stop();
        #[cfg(feature = "sandbox")]
        {
            let (sandbox, server) = self.sandbox;
            sandbox.close().await;
            server.stop().await;
        }
        if let Some(aws) = self.aws {
            aws.stop().await;
        }
    }
}

/// Where connectors run.
enum Serving {
    /// One in this process, on threads of its own: no request can keep it from renewing its leases.
    Inside(Connector, Threads),
    /// Several in processes of their own.
    Beside(Connectors),
    /// Somebody else runs them.
    Elsewhere,
}

impl Serving {
    async fn inside(config: Config, whatsapp: WhatsAppConfig) -> Result<Self, StartError> {
        let threads = Threads::start("connector").map_err(StartError::Threads)?;
        let starting = async move {
            // Its own clients of the store and the queues: their connections live on its threads.
            let ctx = Context::new(&config).await?;
            Ok::<_, StartError>(Connector::start(ctx, &config.master_key, whatsapp)?)
        };
        let connector = threads.run(starting).await?;
        Ok(Self::Inside(connector, threads))
    }

    async fn stop(self) {
        match self {
            Self::Inside(connector, threads) => threads.run(connector.stop()).await,
            Self::Beside(connectors) => connectors.stop().await,
            Self::Elsewhere => {}
        }
    }
}

/// A path from the root, so that it means the same from everywhere.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// How many connections are taken, of so many files.
fn connections(files: u64, wanted: Option<u16>) -> usize {
    wanted.map_or((files / 2).clamp(1, MOST_CONNECTIONS) as usize, usize::from)
}

/// Takes all shards from connectors that ran before: nobody else can use a database inside this process, so
/// that none of them runs any more.
async fn forget_connectors(ctx: &Context) -> Result<(), StartError> {
    store::leases::free_all(&ctx.db).await.map_err(StartError::Leases)?;
    store::workers::forget_all(&ctx.db).await.map_err(StartError::Leases)
}

/// The administrator and its API key, and whether they are new: made at the first start, remembered by the data
/// folder.
async fn credentials(
    ctx: &Context,
    data: &DataDir,
    options: &Options,
) -> Result<(Credentials, bool), StartError> {
    let kept = data.credentials()?.filter(|kept| kept.email == options.admin_email);
    let known = match &kept {
        Some(kept) => shared::store::api_keys::find(&ctx.db, &crypto::token_hash(kept.api_key.expose()))
            .await
            .map_err(services::Error::from)?
            .is_some(),
        None => false,
    };
    if let Some(kept) = kept.filter(|_| known) {
        return Ok((kept, false));
    }
    let given = options.admin_password.clone().map(Secret::new);
    let password = given.clone().unwrap_or_else(crypto::random_password);
    let (owner, password) = match ensure_admin(ctx, &options.admin_email, password.clone()).await? {
        FirstAdmin::Created(tenant, account) => ((tenant, account), given.is_none().then_some(password)),
        FirstAdmin::Existing(tenant, account) => ((tenant, account), None),
    };
    let key = NewApiKey {
        name: "first key".into(),
        role: None,
        expires_at: None,
        device_ids: Vec::new(),
        allowed_ips: Vec::new(),
    };
    let (_, api_key) = api_keys::create_for(ctx, owner, Role::Admin, key).await?;
    let credentials = Credentials { email: options.admin_email.clone(), password, api_key };
    data.keep(&credentials)?;
    Ok((credentials, true))
}

/// EventBridge's place: calls the `scheduler` function, more often than the cloud does.
struct Scheduler {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scheduler {
    const EVERY: Duration = Duration::from_secs(2);

    fn start(ctx: Context) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    () = tokio::time::sleep(Self::EVERY) => {}
                }
                if let Err(error) = functions::scheduler::tick(&ctx).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a round of the scheduler failed; the next takes it up");
                }
            }
        });
        Self { stop, task }
    }

    /// Finishes the round under way.
    async fn stop(self) {
        self.stop.cancel();
        let _ended = self.task.await;
    }
}

/// SQS's event source in the cloud: hands what lies in a queue to the function that is for it.
struct Consumer(JoinHandle<()>);

impl Consumer {
    fn start(receiving: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(receiving))
    }

    /// Takes nothing more. What is in hand comes again at the next start.
    fn stop(self) {
        self.0.abort();
    }
}

fn listening(
    bound: io::Result<Listener>,
    port: u16,
    flag: &'static str,
    variable: &'static str,
) -> Result<Listener, StartError> {
    bound.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port, flag, variable },
        _ => StartError::Listen { port, source },
    })
}
