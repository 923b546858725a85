//! Every route and every role, against the table of permissions.

use axum::http::Method;
use functions::route::Access;
use serde_json::json;
use shared::domain::role::Role;
use tests::{Api, Gateway, filled};

/// An id that exists nowhere, or a number: what a permitted caller gets is then anything but 401 and 403.
fn nowhere(prefix: &str) -> String {
    match prefix {
        "" => "6281234567890".into(),
        prefix => format!("{prefix}01M7XV57GBZ89BFE1MY4WYHDM6"),
    }
}

/// A member of one tenant with each role that there is in it, and a platform's administrator.
async fn by_role(gateway: &Gateway) -> Vec<(Role, Api)> {
    let (owner, session) = gateway.api.register("owner@example.com").await;
    // No quota stands in the way.
    gateway.admin.plan(&session["account"], "enterprise").await;
    let mut callers = vec![(Role::Owner, owner.clone()), (Role::Admin, gateway.admin.clone())];
    for role in [Role::Readonly, Role::User, Role::Operator] {
        let name = json!(role);
        let name = name.as_str().unwrap();
        callers.push((role, owner.member(&gateway.api, &format!("{name}@example.com"), name).await.0));
    }
    callers
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nothing_else() {
    let gateway = Gateway::start().await;
    let callers = by_role(&gateway).await;
    let mut seen = 0;
    let mut routes = functions::routes::all();
    // What ends the callers' logins comes last.
    routes.sort_by_key(|route| route.path == "/v1/auth/logout-all");
    for route in routes {
        let Access::Needs(permission) = route.rule.access else { continue };
        let path = filled(&route, nowhere);
        let nobody = gateway.api.send(gateway.api.request(route.method.clone(), &path)).await;
        let nobody = nobody.expect_problem(401, "unauthenticated");
        assert_eq!(nobody.header("www-authenticate"), "Bearer");
        for (role, caller) in &callers {
            let request = caller.request(route.method.clone(), &path);
            let request = if route.method == Method::GET { request } else { request.json(&json!({})) };
            // Only the status: what streams does not end.
            let answer =
                request.send().await.unwrap_or_else(|error| panic!("{path} does not answer: {error}"));
            let status = answer.status().as_u16();
            let allowed = ![401, 403].contains(&status);
            assert_eq!(allowed, role.allows(permission), "{role:?} at {} {path}: {status}", route.method);
            assert!(status < 500, "{} {path}: {status}", route.method);
            seen += 1;
        }
    }
    assert!(seen >= 5 * 60, "only {seen} pairs were tried");
}

#[test]
fn every_route_declares_who_may_use_it_and_only_the_door_is_public() {
    let routes = functions::routes::all();
    let public: Vec<_> =
        routes.iter().filter(|route| route.rule.access == Access::Public).map(|route| &*route.path).collect();
    let door = [
        "/v1/auth/register",
        "/v1/auth/login",
        "/v1/auth/refresh",
        "/v1/auth/logout",
        "/v1/auth/accept-invitation",
        "/v1/health",
        "/v1/openapi.json",
        "/docs",
        "/",
    ];
    for path in &public {
        assert!(door.contains(path), "{path} is public");
    }
    let mut pairs: Vec<_> = routes.iter().map(|route| (&route.path, route.method.to_string())).collect();
    pairs.sort();
    let all = pairs.len();
    pairs.dedup();
    assert_eq!(pairs.len(), all, "a route is declared twice");
}

#[test]
fn whatever_changes_something_is_in_the_audit_log() {
    for route in functions::routes::all() {
        // A message is its own record, and a token is exchanged every quarter of an hour.
        let exempt = ["/v1/devices/{id}/messages", "/v1/auth/refresh"].contains(&&*route.path);
        let changes = route.method != Method::GET && !exempt;
        assert_eq!(route.rule.action.is_some(), changes, "{} {}", route.method, route.path);
    }
}
