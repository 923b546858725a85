//! A client's connection. What it brings is held back while there is no room for it: the library hands on what
//! it has read at once and cannot be asked to wait, but it can be given less to read. TCP then holds the
//! server back.

use std::sync::Arc;

use async_trait::async_trait;
use whatsapp_rust::{
    anyhow, async_channel,
    transport::{Transport, TransportEvent, TransportFactory},
};

use super::arrivals::Arrivals;

/// Connections of the factory that all clients share, with its TLS roots.
pub(super) struct HeldBack {
    pub factory: Arc<dyn TransportFactory>,
    pub arrivals: Arrivals,
}

#[async_trait]
impl TransportFactory for HeldBack {
    async fn create_transport(
        &self,
    ) -> Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>), anyhow::Error> {
        let (transport, incoming) = self.factory.create_transport().await?;
        let (pass, passed) = async_channel::bounded(1);
        tokio::spawn(pass_on(incoming, pass, self.arrivals.clone()));
        Ok((transport, passed))
    }
}

async fn pass_on(
    incoming: async_channel::Receiver<TransportEvent>,
    pass: async_channel::Sender<TransportEvent>,
    arrivals: Arrivals,
) {
    let passing = async {
        while let Ok(event) = incoming.recv().await {
            // The end of a connection brings nothing.
            if matches!(event, TransportEvent::DataReceived(_)) {
                arrivals.room().await;
            }
            if pass.send(event).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = passing => {}
        () = pass.closed() => {}
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{
        super::arrivals::{self, testing::event},
        *,
    };

    #[tokio::test]
    async fn a_connection_is_read_only_while_there_is_room_and_nothing_it_brought_is_lost() {
        let (arrivals, mut waiting) = arrivals::queue();
        let (server, incoming) = async_channel::bounded(4);
        let (pass, passed) = async_channel::bounded(1);
        tokio::spawn(pass_on(incoming, pass, arrivals.clone()));
        let data = |text: &'static str| TransportEvent::DataReceived(Bytes::from_static(text.as_bytes()));
        let read = async |of: &async_channel::Receiver<TransportEvent>| match of.recv().await.unwrap() {
            TransportEvent::DataReceived(data) => data,
            other => panic!("{other:?}"),
        };
        server.send(data("first")).await.unwrap();
        assert_eq!(read(&passed).await, "first");

        arrivals.fill(&event());
        for text in ["second", "third"] {
            server.send(data(text)).await.unwrap();
        }
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(passed.is_empty(), "it is held back");
        waiting.take_one().await;
        assert_eq!(read(&passed).await, "second");
        assert_eq!(read(&passed).await, "third");
    }

    #[tokio::test]
    async fn a_connection_that_nobody_reads_is_let_go() {
        let (arrivals, _waiting) = arrivals::queue();
        let (server, incoming) = async_channel::bounded::<TransportEvent>(4);
        let (pass, passed) = async_channel::bounded(1);
        let passing = tokio::spawn(pass_on(incoming, pass, arrivals));
        drop(passed);
        passing.await.unwrap();
        assert!(server.is_closed());
    }
}
