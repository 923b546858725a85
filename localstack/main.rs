//! `cargo sandbox` and `cargo live`.

use std::{error::Error, process::ExitCode};

use connector::{Chosen, whatsapp::NORMAL_LINES};
use localstack::{Gateway, Mode, Options, child};
use shared::{failure::with_causes, telemetry};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let options = Options::read();
    // The protocol library tells pairing codes and phone numbers at `info`; the embedded DynamoDB warns of every
    // failed condition, which for Kurir are answers like any other.
    let filter = "warn,connector=info,shared=info,functions=info,localstack=info,dynoxide=error";
    if let Err(error) = telemetry::init(filter, &NORMAL_LINES) {
        return failed(&error);
    }
    let name = match options.mode {
        Some(Mode::Connector) => "connector",
        Some(Mode::ForgetSessions { .. }) | None => "gateway",
    };
    let runtime = match localstack::runtime(name) {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match options.mode {
        Some(Mode::Connector) => runtime.block_on(child::run()),
        Some(Mode::ForgetSessions { tenant, device }) => {
            runtime.block_on(forget(&options, Chosen { tenant, device }))
        }
        None => runtime.block_on(run(&options)),
    }
}

async fn forget(options: &Options, chosen: Chosen) -> ExitCode {
    match Gateway::forget_sessions(options, chosen).await {
        Ok(forgotten) => {
            println!("{forgotten}");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

async fn run(options: &Options) -> ExitCode {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        eprintln!("error: this process cannot listen for signals");
        return ExitCode::FAILURE;
    };
    let gateway = match Gateway::start(options).await {
        Ok(gateway) => gateway,
        Err(error) => return failed(&error),
    };
    println!("{}", gateway.banner());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    println!("Stopping: finishing what is under way. Ctrl-C again stops at once.");
    tokio::select! {
        () = gateway.stop() => ExitCode::SUCCESS,
        _ = interrupt.recv() => ExitCode::FAILURE,
    }
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("error: {}", with_causes(error));
    ExitCode::FAILURE
}
