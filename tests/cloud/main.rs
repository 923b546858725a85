//! The cloud, without one: the stack of `infra/` deployed by Terraform to ministack, the functions as real
//! `bootstrap` programs behind its API Gateway with the rights that they will have, the connector beside them, and
//! the sandbox's WhatsApp server.

mod connector;
mod incomplete;
mod journey;
mod ministack;
mod stack;
mod tools;

use tokio::time::Instant;

use tests::{
    Gateway,
    contract::{self, Place},
};
use tools::Tools;

#[tokio::test(flavor = "multi_thread")]
async fn what_terraform_deploys_takes_the_core_journey_and_leaves_nothing_behind() {
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(why) => return incomplete::incomplete(&why),
    };
    let began = Instant::now();
    let folder = tempfile::tempdir().expect("a temporary folder");
    stack::pack(&tools, folder.path()).await;
    println!("packed: {:.0?}", began.elapsed());
    let (ministack, stack) = stack::deploy(&tools, folder.path()).await;
    let outputs = stack.outputs().await;
    let made = ministack.inventory().await;
    for (what, names) in &made {
        println!("{what}: {}", names.len());
    }
    assert!(made.iter().filter(|(_, names)| names.is_empty()).count() == 0, "{made:?}");

    // Only its WhatsApp server and phones are of interest.
    let sandbox = Gateway::start_with(&[("KURIR_CONNECTORS", "0")]).await;
    let connector = connector::Process::start(&ministack, &stack, &outputs, &sandbox, folder.path()).await;
    let place = Place::at(&ministack.url, &ministack.url, "test").await;
    // What Kurir relies on in DynamoDB and SQS holds here as it does in the embedded pair.
    let (failed, ()) = tokio::join!(contract::run(&place), journey::travel(&ministack, &outputs, &sandbox));
    assert!(failed.is_empty(), "{} checks fail:\n{}", failed.len(), failed.join("\n"));
    println!("the journey ended after {:.0?}", began.elapsed());
    connector.stop().await;

    stack.destroy().await.expect("everything is taken away");
    let left = ministack.inventory().await;
    assert!(left.iter().all(|(_, names)| names.is_empty()), "something is left: {left:?}");
    ministack.stop().await;
    println!("the lane took {:.0?}", began.elapsed());
}
