//! Who guesses passwords, and keeps others out by it.

use futures::future::join_all;
use serde_json::json;
use tests::{Answer, Gateway};

use crate::password_floods::{gateway, post_from};

const HOME: &str = "198.51.100.7";

async fn login(gateway: &Gateway, ip: &str, email: &str, password: &str) -> Answer {
    post_from(&gateway.api, ip, "/v1/auth/login", json!({"email": email, "password": password})).await
}

async fn register(gateway: &Gateway, email: &str) {
    let body = json!({"email": email, "password": "correct horse", "name": "Ani"});
    gateway.api.post("/v1/auth/register", body).await.expect(202);
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn strangers_who_guess_keep_the_owner_out_neither_of_login_nor_of_its_password() {
    let gateway = gateway().await;
    register(&gateway, "ani@example.com").await;
    let session = login(&gateway, HOME, "ani@example.com", "correct horse").await.expect(200).json;
    for n in 0..5 {
        let ip = format!("203.0.113.{n}");
        login(&gateway, &ip, "ani@example.com", "a guess").await.expect_problem(401, "unauthenticated");
    }
    // From where nobody logged in before, nobody does for now.
    let locked = login(&gateway, "203.0.113.99", "ANI@example.com ", "correct horse").await;
    let pause: u64 = locked.expect_problem(429, "rate_limited").header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&pause), "{pause}");
    login(&gateway, HOME, "ani@example.com", "correct horse").await.expect(200);
    let ani = gateway.api.with_token(session["accessToken"].as_str().unwrap());
    let change = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    ani.post("/v1/me/password", change).await.expect(204);
    login(&gateway, HOME, "ani@example.com", "battery staple").await.expect(200);
    // The counters hold over a restart, and so does the memory of who belongs where.
    let gateway = gateway.kill_and_restart().await;
    login(&gateway, "203.0.113.99", "ani@example.com", "battery staple").await.expect(429);
    login(&gateway, HOME, "ani@example.com", "battery staple").await.expect(200);
}

#[tokio::test]
async fn who_logged_in_before_has_five_wrong_tries_too() {
    let gateway = gateway().await;
    register(&gateway, "ani@example.com").await;
    login(&gateway, HOME, "ani@example.com", "correct horse").await.expect(200);
    for _ in 0..5 {
        login(&gateway, HOME, "ani@example.com", "a guess").await.expect_problem(401, "unauthenticated");
    }
    login(&gateway, HOME, "ani@example.com", "correct horse").await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn right_logins_at_once_are_all_let_in_and_of_wrong_ones_five_are_looked_at() {
    let gateway = gateway().await;
    register(&gateway, "ani@example.com").await;
    let at_once = async |count: usize, password: &str| {
        let all = (0..count).map(|_| login(&gateway, HOME, "ani@example.com", password));
        join_all(all).await
    };
    let right = at_once(20, "correct horse").await;
    assert_eq!(count(&right, 200), 20, "{:?}", right.iter().map(|a| a.status).collect::<Vec<_>>());
    let wrong = at_once(20, "wrong horse").await;
    assert_eq!((count(&wrong, 401), count(&wrong, 429)), (5, 15));
}

#[tokio::test]
async fn who_owns_a_network_of_ipv6_has_five_tries_in_all_of_it() {
    let gateway = gateway().await;
    for n in 0..5 {
        let (ip, email) = (format!("2001:db8:7:{n}::1"), format!("a{n}@example.com"));
        login(&gateway, &ip, &email, "a guess").await.expect_problem(401, "unauthenticated");
    }
    let ip = "2001:db8:7:ffff::1";
    login(&gateway, ip, "another@example.com", "a guess").await.expect_problem(429, "rate_limited");
    let elsewhere = "2001:db8:8::1";
    login(&gateway, elsewhere, "another@example.com", "a guess").await.expect_problem(401, "unauthenticated");
}
