//! The whole gateway in one process: every function behind one port, a connector, and what they need.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use connector::{Connector, whatsapp::WhatsAppConfig};
use shared::{
    config::{AwsConfig, Config, ConfigError},
    crypto::{self, MasterKey},
    domain::role::Role,
    queue,
    secret::Secret,
    services::{
        self, Context,
        accounts::{FirstAdmin, ensure_admin},
        api_keys::{self, NewApiKey},
        events::{EventLog, Tails, receive},
    },
    store,
};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    aws::{EmbeddedAws, EmbeddedError},
    banner::Banner,
    connectors::{Connectors, Environment},
    data_dir::{Credentials, DataDir, DataDirError},
    deliveries::Deliveries,
    options::Options,
};

/// The longest that a stop waits for requests under way.
const DRAIN: Duration = Duration::from_secs(22);

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
    _data: DataDir,
}

/// The gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "port {port} on 127.0.0.1 is in use: stop what uses it, or choose another with {flag} or {variable}"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// The flag that chooses another.
        flag: &'static str,
        /// The environment variable that does.
        variable: &'static str,
    },
    /// The port cannot be had for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The data folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// How to use WhatsApp.
    #[error(transparent)]
    WhatsApp(#[from] connector::whatsapp::EnvError),
    /// The keys that sign access tokens.
    #[error(transparent)]
    SigningKey(#[from] services::accounts::KeyError),
    /// The embedded DynamoDB or SQS.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Making the tables.
    #[error("the tables cannot be made at {0}: {1}")]
    Tables(String, #[source] store::StoreError),
    /// Making the queues.
    #[error("the queues cannot be made: {0}")]
    Queues(#[source] queue::QueueError),
    /// Freeing what an earlier start held.
    #[error("the leases of an earlier start cannot be freed: {0}")]
    Leases(#[source] store::StoreError),
    /// Making the administrator.
    #[error("the administrator cannot be made: {0}")]
    Admin(#[from] services::Error),
    /// The connector.
    #[error(transparent)]
    Connector(#[from] connector::StartError),
    /// The connectors in processes of their own.
    #[error("the connectors cannot be started: {0}")]
    Connectors(#[source] io::Error),
    /// The sandbox WhatsApp server.
    #[cfg(feature = "sandbox")]
    #[error("the sandbox WhatsApp server does not start: {0}")]
    Sandbox(#[from] crate::whatsapp::SandboxError),
}

impl Gateway {
    /// Starts everything, in the order in which it is needed.
    ///
    /// # Errors
    /// [`StartError`], which says what to do about it.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let began = Instant::now();
        let data = DataDir::open(&options.data_dir)?;
        let api = listen(options.port, "--port", "KURIR_PORT").await?;
        #[cfg(feature = "sandbox")]
        let wa = listen(options.wa_port, "--wa-port", "KURIR_WA_PORT").await?;
        if options.reset {
            data.reset()?;
        }

        let endpoint = std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty());
        let aws = match &endpoint {
            Some(_) => None,
            None => Some(EmbeddedAws::start(&data.database(), &data.queues()).await?),
        };
        let aws_config = match &aws {
            Some(aws) => {
                let AwsConfig { dynamodb_endpoint, sqs_endpoint, .. } = &aws.config;
                data.tell_endpoints(dynamodb_endpoint.as_deref(), sqs_endpoint.as_deref())?;
                aws.config.clone()
            }
            // An endpoint on this machine seldom wants credentials; the SDK finds real ones if there are.
            None => AwsConfig {
                local_credentials: std::env::var_os("AWS_ACCESS_KEY_ID").is_none()
                    && std::env::var_os("AWS_PROFILE").is_none(),
                ..AwsConfig::default()
            },
        };
        let master_key = match std::env::var("KURIR_MASTER_KEY") {
            Ok(text) => MasterKey::from_base64(&text).map_err(ConfigError::from)?,
            Err(_) => data.master_key()?,
        };
        let config = Config::with(aws_config.clone(), master_key.clone())?;
        // Receivers of webhooks on this machine, for tests and for trying things out.
        #[cfg(feature = "sandbox")]
        let config =
            Config { urls: shared::outbound::UrlPolicy { allow_loopback: true, ..config.urls }, ..config };
        let ctx = Context::new(&config).await?;
        let place = || endpoint.clone().unwrap_or_else(|| "the embedded DynamoDB".into());
        let tables = store::tables::create_missing(&ctx.db).await;
        tables.map_err(|error| StartError::Tables(place(), error))?;
        queue::create_missing(&ctx.queues).await.map_err(StartError::Queues)?;
        let credentials = credentials(&ctx, &data, options).await?;

        let mut router = functions::route::router(ctx.clone(), functions::routes::all());
        #[cfg(feature = "sandbox")]
        let (sandbox, wa_server, wa_url) = {
            let sandbox = crate::whatsapp::Sandbox::open(&data.phones()).await?;
            router = functions::route::around(&ctx, sandbox.control_router()).merge(router);
            let url = format!("ws://{}/ws/chat", wa.address);
            (sandbox.clone(), Server::start(wa, sandbox.server_router()), Some(url))
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
            None => Serving::Inside(Connector::start(ctx, &master_key, whatsapp)?),
            Some(0) => Serving::Elsewhere,
            Some(count) => {
                let told = Environment::new(&aws_config, &master_key, whatsapp.server_url.as_deref());
                let connectors = Connectors::start(count, told, options.restart_connectors)
                    .map_err(StartError::Connectors)?;
                connectors.settled(&ctx.db, ctx.queues.shards()).await;
                Serving::Beside(connectors)
            }
        };

        let banner = Banner {
            url: &format!("http://{}", api.address),
            whatsapp: wa_url.as_deref(),
            email: &credentials.email,
            password: credentials.password.as_ref().map(Secret::expose),
            api_key: credentials.api_key.expose(),
            data: &data.path().display().to_string(),
            connectors: options.connectors,
            aws: endpoint.as_deref(),
            took_ms: began.elapsed().as_millis(),
        }
        .text();
        router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let http = Server::start(api, router);
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
            _data: data,
        })
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
    /// One in this process.
    Inside(Connector),
    /// Several in processes of their own.
    Beside(Connectors),
    /// Somebody else runs them.
    Elsewhere,
}

impl Serving {
    async fn stop(self) {
        match self {
            Self::Inside(connector) => connector.stop().await,
            Self::Beside(connectors) => connectors.stop().await,
            Self::Elsewhere => {}
        }
    }
}

/// Takes all shards from connectors that ran before: nobody else can use a database inside this process, so
/// that none of them runs any more.
async fn forget_connectors(ctx: &Context) -> Result<(), StartError> {
    store::leases::free_all(&ctx.db).await.map_err(StartError::Leases)?;
    store::workers::forget_all(&ctx.db).await.map_err(StartError::Leases)
}

/// The administrator and its API key: made at the first start, remembered by the data folder.
async fn credentials(ctx: &Context, data: &DataDir, options: &Options) -> Result<Credentials, StartError> {
    let kept = data.credentials()?.filter(|kept| kept.email == options.admin_email);
    let known = match &kept {
        Some(kept) => shared::store::api_keys::find(&ctx.db, &crypto::token_hash(kept.api_key.expose()))
            .await
            .map_err(services::Error::from)?
            .is_some(),
        None => false,
    };
    if let Some(kept) = kept.filter(|_| known) {
        return Ok(kept);
    }
    let given = options.admin_password.clone().map(Secret::new);
    let password = given.clone().unwrap_or_else(crypto::random_password);
    let (account, password) = match ensure_admin(ctx, &options.admin_email, password.clone()).await? {
        FirstAdmin::Created(account) => (account, given.is_none().then_some(password)),
        FirstAdmin::Existing(account) => (account, None),
    };
    let key = NewApiKey { name: "first key".into(), role: None, expires_at: None, allowed_ips: Vec::new() };
    let (_, api_key) = api_keys::create(ctx, &account, Role::Admin, None, key).await?;
    let credentials = Credentials { email: options.admin_email.clone(), password, api_key };
    data.keep(&credentials)?;
    Ok(credentials)
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

struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

async fn listen(port: u16, flag: &'static str, variable: &'static str) -> Result<Listener, StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port, flag, variable },
        _ => StartError::Listen { port, source },
    };
    let socket = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok(Listener { socket, address })
}

/// A router being served.
struct Server {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    fn start(listener: Listener, router: Router) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            let router = router.into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener.socket, router).with_graceful_shutdown(stopped);
            if let Err(error) = serving.await {
                tracing::error!(%error, "a server ended");
            }
        });
        Self { stop, task }
    }

    /// Takes no more requests and waits for those under way.
    async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(DRAIN, self.task).await.is_err() {
            tracing::warn!("requests were still under way when the gateway had to stop");
        }
    }
}
