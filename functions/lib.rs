//! The HTTP functions: one router per function, built from route tables; each is a Lambda of its own, and
//! all together are the local gateway.

pub mod error;
pub mod event_log;
pub mod extract;
pub mod first_admin;
pub mod lambda;
mod middleware;
pub mod openapi;
pub mod route;
pub mod routes;
pub mod scheduler;
pub mod surface;
pub mod webhook_delivery;
