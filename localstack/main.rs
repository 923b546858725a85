//! `cargo sandbox` and `cargo live`.

use std::process::ExitCode;

use localstack::{Gateway, Mode, Options, child};
use shared::telemetry;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let options = Options::read();
    // The protocol library tells pairing codes and phone numbers at `info`; the embedded DynamoDB warns of every failed condition, which for Kurir are answers like any other.
    telemetry::init("warn,connector=info,shared=info,functions=info,localstack=info,dynoxide=error");
    let (name, is_child) = match options.mode {
        Some(Mode::Connector) => ("connector", true),
        None => ("gateway", false),
    };
    match localstack::runtime(name) {
        Ok(runtime) if is_child => runtime.block_on(child::run()),
        Ok(runtime) => runtime.block_on(run(&options)),
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            ExitCode::FAILURE
        }
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
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            return ExitCode::FAILURE;
        }
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
