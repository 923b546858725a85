//! `infra/functions.json`, which Terraform deploys by, agrees with the code: what is built is deployed, what is
//! served is routed, and the texts that alarms look for are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use functions::{route::Route, routes};
use serde_json::Value;

/// The functions that serve HTTP, each with the paths that it serves.
fn served() -> BTreeMap<&'static str, BTreeSet<String>> {
    let paths = |routes: Vec<Route>| routes.into_iter().map(|route| route.path).collect();
    routes::by_function().into_iter().map(|(name, routes)| (name, paths(routes))).collect()
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The functions of the file by their names.
fn deployed() -> BTreeMap<String, Value> {
    let all = json("infra/functions.json");
    list(&all["functions"]).map(|function| (text(&function["name"]).to_owned(), function.clone())).collect()
}

/// A path with all its variable parts named alike: API Gateway does not care what they are called.
fn shape(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_program_of_the_functions_is_deployed_and_no_other() {
    let manifest: toml::Value = toml::from_str(&file("functions/Cargo.toml")).expect("a manifest");
    let bins = manifest["bin"].as_array().expect("programs").iter();
    let bins: BTreeSet<String> = bins.map(|bin| bin["name"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(bins, deployed().into_keys().collect());
}

#[test]
fn every_path_that_a_function_serves_is_routed_to_it_and_to_no_other() {
    let mut routed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, function) in deployed() {
        for path in list(&function["paths"]).map(text).filter(|path| *path != "$default") {
            routed.entry(shape(path)).or_default().push(name.clone());
        }
    }
    let mut served_shapes = BTreeSet::new();
    for (name, paths) in served() {
        for path in paths {
            let to = routed.get(&shape(&path)).map(Vec::as_slice);
            assert_eq!(to, Some(&[name.to_owned()][..]), "{path} is to be among the paths of {name}");
            served_shapes.insert(shape(&path));
        }
    }
    assert_eq!(served_shapes, routed.into_keys().collect(), "a path is routed that nobody serves");
}

#[test]
fn one_function_answers_what_no_path_matches() {
    let answering = deployed().into_values().filter(|f| list(&f["paths"]).any(|path| path == "$default"));
    assert_eq!(answering.count(), 1);
}

#[test]
fn what_a_function_is_told_fits_what_wakes_it() {
    let http: BTreeSet<&str> = served().into_keys().collect();
    for (name, function) in deployed() {
        let kind = text(&function["trigger"]);
        let fits = match kind {
            "http" | "stream" => function["paths"].is_array(),
            "schedule" => function["schedule"].is_string(),
            "queue" => function["sources"].is_object(),
            _ => false,
        };
        assert!(fits, "{name} has not what the trigger {kind:?} needs");
        assert_eq!(http.contains(name.as_str()), function["paths"].is_array(), "{name}");
    }
}

#[test]
fn tables_and_queues_of_permissions_are_there() {
    let names = |path: &str, key: &str| -> BTreeSet<String> {
        list(&json(path)[key]).map(|item| text(&item["name"]).to_owned()).collect()
    };
    let (tables, queues) = (names("infra/tables.json", "tables"), names("infra/queues.json", "queues"));
    let all = json("infra/functions.json");
    let programs = list(&all["functions"]).chain([&all["connector"], &all["everyHttpFunction"]]);
    for program in programs {
        for (key, known) in [("tables", &tables), ("queues", &queues)] {
            for name in program[key].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(known.contains(name), "{} names no {key}: {name}", program["name"]);
            }
        }
    }
}

/// Else a message would come a second time while the first call still works on it.
#[test]
fn a_message_stays_hidden_for_as_long_as_its_function_may_take() {
    let queues = json("infra/queues.json");
    for (name, function) in deployed().into_iter().filter(|(_, function)| function["trigger"] == "queue") {
        for source in function["sources"].as_object().expect("sources").keys() {
            let queue = list(&queues["queues"]).find(|queue| queue["name"] == *source);
            let hidden = queue.and_then(|queue| queue["visibilityTimeoutSeconds"].as_u64());
            let takes = function["timeoutSeconds"].as_u64().unwrap_or(29);
            assert!(hidden.is_some_and(|hidden| hidden >= takes), "{name}: {hidden:?} s, it takes {takes} s");
        }
    }
}

/// Else a flood of deliveries takes all the calls that the account may have under way, the API's among them, and slow
/// receivers take those of the quick ones.
#[test]
fn deliveries_have_a_bounded_part_of_the_calls_and_slow_ones_a_small_one() {
    let function = &deployed()["webhook_delivery"];
    let most = |queue: &str| function["sources"][queue]["maximumConcurrency"].as_u64().expect("a bound");
    assert!((2..=500).contains(&most("deliveries")));
    assert!(most("slow-deliveries") >= 2 && most("slow-deliveries") * 4 <= most("deliveries"));
}

/// `infra/cloudwatch.tf` looks for these in the connector's log.
#[test]
fn the_texts_that_alarms_look_for_are_in_the_code() {
    let alarms = file("infra/cloudwatch.tf");
    for (words, source) in [
        ("two holders", "connector/session/actor/on_state.rs"),
        ("lease lost", "connector/ownership/leases.rs"),
        ("set aside:", "shared/services/set_aside/keep.rs"),
    ] {
        assert!(alarms.contains(&format!(r#""\"{words}\"""#)), "no alarm looks for {words:?}");
        let logs = file(source);
        assert!(
            logs.lines().any(|line| line.contains("tracing::error!") && line.contains(words)),
            "{source} does not log {words:?}"
        );
    }
}
