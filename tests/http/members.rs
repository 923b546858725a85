//! `/v1/members`, and accepting an invitation.

use serde_json::{Value, json};
use tests::{Api, Gateway};

fn path(member: &Value) -> String {
    format!("/v1/members/{}", member["id"].as_str().unwrap())
}

async fn accept(gateway: &Gateway, token: &Value) -> tests::Answer {
    let body = json!({"inviteToken": token, "name": "Budi", "password": "correct horse"});
    gateway.api.post("/v1/auth/accept-invitation", body).await
}

async fn emails(owner: &Api) -> Vec<String> {
    let page = owner.get("/v1/members").await.expect(200).json;
    page["items"].as_array().unwrap().iter().map(|m| m["email"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_member_is_added_with_a_password_and_shares_the_tenants_things() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let body = json!({"email": "Budi@example.com", "name": "Budi", "password": "correct horse"});
    let made = ani.post("/v1/members", body).await.expect(201);
    assert_eq!((&made.json["email"], &made.json["role"]), (&json!("budi@example.com"), &json!("user")));
    assert_eq!(made.json["tenantId"], session["account"]["tenantId"]);
    assert!(made.json.get("inviteToken").is_none());
    assert_eq!(made.header("location"), path(&made.json));
    assert_eq!(emails(&ani).await, ["ani@example.com", "budi@example.com"]);

    let device = ani.device("shop").await;
    let (budi, _) = gateway.api.log_in("budi@example.com").await;
    let seen = budi.get("/v1/devices").await.expect(200).json;
    assert_eq!(seen["items"][0]["id"], device.as_str());
    budi.send_text(&device, "+6281234567890", "Halo").await;
    budi.post("/v1/devices", json!({"name": "x"})).await.expect_problem(403, "forbidden");
    budi.get("/v1/members").await.expect_problem(403, "forbidden");
    // Of the audit log each member sees its own part, and the owner all.
    let seen = budi.get("/v1/audit-log").await.expect(200).json;
    let actors: Vec<_> = seen["items"].as_array().unwrap().iter().map(|entry| &entry["actorId"]).collect();
    assert!(!actors.is_empty() && actors.iter().all(|actor| **actor == made.json["id"]), "{actors:?}");
    let all = ani.get("/v1/audit-log?action=device.create").await.expect(200).json;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_is_invited_accepts_once_with_a_password_of_ones_own() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let body = json!({"email": "budi@example.com", "name": "B", "role": "operator"});
    let invited = ani.post("/v1/members", body).await.expect(201).json;
    let token = invited["inviteToken"].clone();
    assert!(invited["inviteLink"].as_str().unwrap().ends_with(token.as_str().unwrap()));
    assert!(invited["inviteExpiresAt"].is_string());
    let listed = ani.get("/v1/members").await.expect(200);
    assert_eq!(listed.json["items"][1]["inviteExpiresAt"], invited["inviteExpiresAt"]);
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(token.as_str().unwrap()));
    for table in ["accounts", "audit"] {
        let rows = gateway.dump(table).await.to_string();
        assert!(!rows.contains(token.as_str().unwrap()), "{table} has the token");
    }

    let short = json!({"inviteToken": token, "name": "", "password": "short"});
    let answer = gateway.api.post("/v1/auth/accept-invitation", short).await;
    answer
        .expect_problem(422, "validation_failed")
        .naming("name", "too_short")
        .naming("password", "too_short");
    let login = json!({"email": "budi@example.com", "password": "correct horse"});
    gateway.api.post("/v1/auth/login", login.clone()).await.expect_problem(401, "unauthenticated");
    for wrong in
        ["nonsense", "kri_acc_01M7XV57GBZ89BFE1MY4WYHDM6.x", &format!("{}x", token.as_str().unwrap())]
    {
        accept(&gateway, &json!(wrong)).await.expect_problem(401, "unauthenticated");
    }
    let accepted = accept(&gateway, &token).await.expect(200).json;
    assert_eq!(accepted["account"]["id"], invited["id"]);
    assert_eq!(
        (&accepted["account"]["name"], &accepted["account"]["role"]),
        (&json!("Budi"), &json!("operator"))
    );
    assert_eq!(accepted["account"]["inviteExpiresAt"], json!(null));
    let budi = gateway.api.with_token(accepted["accessToken"].as_str().unwrap());
    assert_eq!(budi.get("/v1/tenant").await.expect(200).json["id"], session["account"]["tenantId"]);
    gateway.api.post("/v1/auth/login", login).await.expect(200);
    accept(&gateway, &token).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_invitation_takes_nobodys_address_and_does_not_tell_who_has_one() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let invite = async |email: &str| {
        ani.post("/v1/members", json!({"email": email, "name": "B"})).await.expect(201).json
    };
    let (free, taken) = (invite("budi@example.com").await, invite("cici@example.com").await);
    let body = json!({"email": "budi@example.com", "name": "B"});
    ani.post("/v1/members", body).await.expect_problem(409, "already_member");
    // Somebody registers the address meanwhile.
    gateway.api.register("cici@example.com").await;
    accept(&gateway, &taken["inviteToken"]).await.expect_problem(409, "email_taken");
    // What is taken back is not accepted any more.
    ani.delete(&path(&free)).await.expect(204);
    accept(&gateway, &free["inviteToken"]).await.expect_problem(401, "unauthenticated");
    ani.delete(&path(&taken)).await.expect(204);
    assert_eq!(emails(&ani).await, ["ani@example.com"]);
    gateway.api.register("budi@example.com").await;
}

#[tokio::test]
async fn looking_for_addresses_with_an_account_counts_as_registering() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    gateway.api.register("budi@example.com").await;
    let body = json!({"email": "budi@example.com", "name": "B", "password": "correct horse"});
    for _ in 0..18 {
        ani.post("/v1/members", body.clone()).await.expect_problem(409, "email_taken");
    }
    ani.post("/v1/members", body).await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_lower_role_holds_at_once_and_ends_the_members_sessions() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, session) = ani.member(&gateway.api, "budi@example.com", "operator").await;
    let key = budi.post("/v1/api-keys", json!({"name": "k"})).await.expect(201).json;
    let key = gateway.api.with_key(key["key"].as_str().unwrap());
    key.post("/v1/devices", json!({"name": "x"})).await.expect(201);
    let member = path(&session["account"]);
    let changed = ani.patch(&member, json!({"role": "readonly", "name": "Budi"})).await.expect(200).json;
    assert_eq!((&changed["role"], &changed["name"]), (&json!("readonly"), &json!("Budi")));
    key.post("/v1/devices", json!({"name": "x"})).await.expect_problem(403, "forbidden");
    budi.get("/v1/devices").await.expect_problem(401, "unauthenticated");
    let refresh = json!({"refreshToken": session["refreshToken"]});
    gateway.api.post("/v1/auth/refresh", refresh).await.expect_problem(401, "unauthenticated");

    ani.patch(&member, json!({"active": false})).await.expect(200);
    key.get("/v1/devices").await.expect_problem(401, "unauthenticated");
    let login = json!({"email": "budi@example.com", "password": "correct horse"});
    gateway.api.post("/v1/auth/login", login).await.expect_problem(401, "unauthenticated");
    ani.patch(&member, json!({"active": true})).await.expect(200);
    key.get("/v1/devices").await.expect(200);
    gateway.api.log_in("budi@example.com").await;
    budi.get("/v1/devices").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_removed_member_is_out_at_once_and_the_address_is_free() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, session) = ani.member(&gateway.api, "budi@example.com", "user").await;
    let key = budi.post("/v1/api-keys", json!({"name": "k"})).await.expect(201).json;
    let program = gateway.api.with_key(key["key"].as_str().unwrap());
    let listed = ani.get("/v1/api-keys").await.expect(200).json;
    assert_eq!(listed["items"][0]["id"], key["id"], "owners see the keys of all members");
    ani.delete(&path(&session["account"])).await.expect(204);
    budi.get("/v1/devices").await.expect_problem(401, "unauthenticated");
    program.get("/v1/devices").await.expect_problem(401, "unauthenticated");
    ani.delete(&path(&session["account"])).await.expect_problem(404, "not_found");
    assert_eq!(emails(&ani).await, ["ani@example.com"]);
    assert_eq!(ani.get("/v1/api-keys").await.expect(200).json["items"], json!([]));
    for table in ["accounts", "refresh-tokens", "api-keys"] {
        let rows = gateway.dump(table).await.to_string();
        assert!(!rows.contains(session["account"]["id"].as_str().unwrap()), "{table} still has {rows}");
    }
    gateway.api.register("budi@example.com").await;
}

#[tokio::test]
async fn a_tenant_keeps_one_owner_however_they_try() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let me = path(&session["account"]);
    for change in [json!({"role": "operator"}), json!({"active": false})] {
        ani.patch(&me, change).await.expect_problem(409, "last_owner");
    }
    ani.delete(&me).await.expect_problem(409, "last_owner");
    // Who is invited is no owner yet.
    let body = json!({"email": "cici@example.com", "name": "C", "role": "owner"});
    ani.post("/v1/members", body).await.expect(201);
    ani.delete(&me).await.expect_problem(409, "last_owner");

    let (budi, other) = ani.member(&gateway.api, "budi@example.com", "owner").await;
    let its = path(&other["account"]);
    let (one, two) =
        tokio::join!(ani.patch(&me, json!({"role": "user"})), budi.patch(&its, json!({"role": "user"})));
    let done = [&one, &two].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{} {}", one.json, two.json);
}

#[tokio::test]
async fn nobody_gives_more_trust_than_they_have() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let admin = json!({"email": "b@example.com", "name": "B", "role": "admin", "password": "correct horse"});
    let refused = ani.post("/v1/members", admin).await;
    refused.expect_problem(422, "validation_failed").naming("role", "role_too_high");
    let (_, session) = ani.member(&gateway.api, "b@example.com", "user").await;
    let refused = ani.patch(&path(&session["account"]), json!({"role": "admin"})).await;
    refused.expect_problem(422, "validation_failed").naming("role", "role_too_high");
    for (body, field, code) in [
        (json!({"email": "x", "name": "X", "password": "short"}), "email", "email_invalid"),
        (json!({"email": "x@example.com", "name": "X", "password": "short"}), "password", "too_short"),
        (json!({"email": "x@example.com", "name": ""}), "name", "too_short"),
        (json!({"email": "x@example.com", "name": "X", "role": "god"}), "role", "wrong_type"),
    ] {
        ani.post("/v1/members", body).await.expect_problem(422, "validation_failed").naming(field, code);
    }
}

#[tokio::test]
async fn the_last_administrator_cannot_remove_itself_however_it_tries() {
    let gateway = Gateway::start().await;
    let me = gateway.admin.get("/v1/me").await.expect(200).json;
    // An owner beside it, so that only the platform's rule is in the way.
    gateway.admin.member(&gateway.api, "owner@example.com", "owner").await;
    for change in [json!({"role": "user"}), json!({"active": false})] {
        gateway.admin.patch(&path(&me), change).await.expect_problem(409, "last_admin");
    }
    gateway.admin.delete(&path(&me)).await.expect_problem(409, "last_admin");
    let (other, session) = gateway.admin.member(&gateway.api, "b@example.com", "admin").await;
    let (mine, its) = (path(&me), path(&session["account"]));
    let (one, two) = tokio::join!(
        gateway.admin.patch(&mine, json!({"role": "user"})),
        other.patch(&its, json!({"role": "user"})),
    );
    let done = [&one, &two].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{} {}", one.json, two.json);
}
