//! The embedded DynamoDB says truthfully what a write consumes: cases worked out by hand from AWS's rules. The
//! figures in docs/benchmarks.md rest on that.

use aws_request::dynamodb;
use serde_json::{Value, json};
use tests::Aws;

mod aws_request {
    //! Requests to the proxy, which takes them from anybody.

    use reqwest::Method;
    use serde_json::Value;
    use tests::{Api, Aws};

    pub async fn dynamodb(aws: &Aws, operation: &str, body: Value) -> Value {
        let api = Api::new(&aws.proxy.url);
        let request = api
            .request(Method::POST, "/")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        api.send(request).await.json
    }
}

/// A table with an index that holds the keys only, and one that holds all.
async fn table(aws: &Aws) {
    let key = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
    let index = |name: &str, of: &str, kind: &str| json!({"IndexName": name, "KeySchema": key(of), "Projection": {"ProjectionType": kind}});
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let wish = json!({
        "TableName": "cases",
        "KeySchema": key("pk"),
        "AttributeDefinitions": [attribute("pk"), attribute("a"), attribute("b")],
        "GlobalSecondaryIndexes": [index("by-a", "a", "KEYS_ONLY"), index("by-b", "b", "ALL")],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let made = dynamodb(aws, "CreateTable", wish).await;
    assert_eq!(made["TableDescription"]["TableName"], "cases", "{made}");
}

/// What a request consumes of the table, and of its two indexes.
async fn consumes(aws: &Aws, operation: &str, body: Value) -> (f64, f64, f64) {
    aws.proxy.reset();
    dynamodb(aws, operation, body).await;
    let units = aws.proxy.counts().units;
    let of = |index: &str| {
        let key = ("cases".to_owned(), index.to_owned());
        units.get(&key).map_or(0.0, |units| units.write)
    };
    (of(""), of("by-a"), of("by-b"))
}

fn item(pk: &str, size: usize, indexed: &[(&str, &str)]) -> Value {
    let mut item = json!({"pk": {"S": pk}, "fill": {"S": "x".repeat(size)}});
    for (name, value) in indexed {
        item[*name] = json!({"S": value});
    }
    item
}

#[tokio::test]
async fn write_units_are_those_of_the_rules() {
    let aws = Aws::start(1).await;
    table(&aws).await;
    aws.proxy.count_units(true);
    let put = |item: Value| json!({"TableName": "cases", "Item": item});
    let update = |expression: &str, value: &str| {
        json!({
            "TableName": "cases", "Key": {"pk": {"S": "1"}}, "UpdateExpression": expression,
            "ExpressionAttributeValues": {":v": {"S": value}},
        })
    };

    // One unit for each KB begun of the whole item.
    assert_eq!(consumes(&aws, "PutItem", put(item("0", 10, &[]))).await, (1.0, 0.0, 0.0));
    assert_eq!(consumes(&aws, "PutItem", put(item("0", 1500, &[]))).await, (2.0, 0.0, 0.0));
    // An index counts when the item is in it; one of keys only has a small item whatever the item's size.
    let indexed = [("a", "first"), ("b", "first")];
    assert_eq!(consumes(&aws, "PutItem", put(item("1", 1500, &indexed))).await, (2.0, 1.0, 2.0));
    // An update costs the larger of before and after, also when it touches little; the index of keys does not
    // notice, the index of all does.
    let touch = update("SET note = :v", "x");
    assert_eq!(consumes(&aws, "UpdateItem", touch).await, (2.0, 0.0, 2.0));
    // Another key in an index: out there, in here.
    assert_eq!(consumes(&aws, "UpdateItem", update("SET a = :v", "second")).await, (2.0, 2.0, 2.0));
    // Out of an index.
    let remove = json!({"TableName": "cases", "Key": {"pk": {"S": "1"}}, "UpdateExpression": "REMOVE a"});
    assert_eq!(consumes(&aws, "UpdateItem", remove).await, (2.0, 1.0, 2.0));
    // A condition that does not hold.
    let refused = json!({
        "TableName": "cases", "Item": item("0", 10, &[]), "ConditionExpression": "attribute_not_exists(pk)",
    });
    assert_eq!(consumes(&aws, "PutItem", refused).await, (1.0, 0.0, 0.0));
    // Each item of a batch for itself; a transaction counts twice in the table.
    let batch = json!({"RequestItems": {"cases": [
        {"PutRequest": {"Item": item("2", 10, &[])}}, {"PutRequest": {"Item": item("3", 1500, &[])}},
    ]}});
    assert_eq!(consumes(&aws, "BatchWriteItem", batch).await, (3.0, 0.0, 0.0));
    let transaction = json!({"TransactItems": [{"Put": put(item("4", 10, &[("a", "x")]))}]});
    assert_eq!(consumes(&aws, "TransactWriteItems", transaction).await, (2.0, 1.0, 0.0));
    assert_eq!(
        consumes(&aws, "DeleteItem", json!({"TableName": "cases", "Key": {"pk": {"S": "3"}}})).await,
        (2.0, 0.0, 0.0)
    );
}
