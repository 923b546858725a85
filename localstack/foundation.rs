//! What a gateway stands on.

use shared::{
    config::{AwsConfig, Config, ConfigError},
    crypto::MasterKey,
    queue,
    secret::Secret,
    services::{
        Context,
        deployment::{self, KeyCheckError},
    },
    store,
};

use crate::{aws::EmbeddedAws, data_dir::DataDir, start_error::StartError, threads::Threads};

/// What everything else stands on: the data, the keys, the tables and queues.
pub(crate) struct Foundation {
    /// Where DynamoDB and SQS are, when they are not embedded.
    pub endpoint: Option<String>,
    /// The embedded pair.
    pub aws: Option<EmbeddedAws>,
    /// With the master key, which is the one that the data were sealed with.
    pub config: Config,
    pub ctx: Context,
}

impl Foundation {
    /// Opens or makes all of it; what is embedded runs on `stand_ins`. `own_ports`: where the gateway listens itself.
    pub async fn lay(data: &DataDir, stand_ins: &Threads, own_ports: &[u16]) -> Result<Self, StartError> {
        let endpoint = std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty());
        let (master_key, key_place) = match std::env::var("KURIR_MASTER_KEY") {
            Ok(text) => {
                (MasterKey::from_base64(&text).map_err(ConfigError::from)?, "KURIR_MASTER_KEY".to_owned())
            }
            Err(_) => (data.master_key()?, data.master_key_file().display().to_string()),
        };
        let aws = match &endpoint {
            Some(_) => None,
            None => Some(stand_ins.run(EmbeddedAws::start(data.database(), data.queues())).await?),
        };
        let aws_config = match &aws {
            Some(aws) => {
                data.tell_endpoints(&aws.config)?;
                aws.config.clone()
            }
            // An endpoint on this machine seldom wants credentials; the SDK finds real ones if there are.
            None => AwsConfig {
                local_key: (std::env::var_os("AWS_ACCESS_KEY_ID").is_none()
                    && std::env::var_os("AWS_PROFILE").is_none())
                .then(|| Secret::new("local")),
                ..AwsConfig::default()
            },
        };
        let mut config = Config::with(aws_config, master_key)?;
        config.urls.own_ports.extend(own_ports);
        config.urls.own_ports.extend(aws.iter().flat_map(|aws| aws.ports));
        // Receivers of webhooks on this machine, for tests and for trying things out.
        #[cfg(feature = "sandbox")]
        {
            config.urls.allow_loopback = true;
        }
        let ctx = Context::new(&config).await?;
        let place = || endpoint.clone().unwrap_or_else(|| "the embedded DynamoDB".into());
        let tables = store::tables::create_missing(&ctx.db).await;
        tables.map_err(|error| StartError::Tables(place(), error))?;
        deployment::check_master_key(&ctx.db, &config.master_key).await.map_err(|error| match error {
            why @ KeyCheckError::OtherKey => {
                let other_way = match &endpoint {
                    Some(endpoint) => {
                        format!("delete the tables at {endpoint}, or use others with KURIR_PREFIX")
                    }
                    None => "erase the data and start afresh with --reset".into(),
                };
                StartError::OtherKey { why, place: key_place, other_way }
            }
            error => StartError::KeyCheck(error),
        })?;
        queue::create_missing(&ctx.queues).await.map_err(StartError::Queues)?;
        Ok(Self { endpoint, aws, config, ctx })
    }
}
