# Everything of tables.json, queues.json and functions.json is there, as they say it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage      = "dev"
  region     = "eu-west-1"
  prefix     = "test-"
  master_key = "bm90IGEga2V5LCBub3QgYSBrZXksIG5vdCBhIGtleSE="
  package    = "./functions.json" # any file: a mocked provider does not look into it
}

run "everything" {
  assert {
    condition = (
      length(aws_dynamodb_table.this) == length(jsondecode(file("./tables.json")).tables)
      && alltrue([for table in jsondecode(file("./tables.json")).tables : aws_dynamodb_table.this[table.name].name == "test-${table.name}"])
    )
    error_message = "Each table of tables.json is made once, under the prefix."
  }

  assert {
    condition = alltrue([
      for table in jsondecode(file("./tables.json")).tables :
      aws_dynamodb_table.this[table.name].hash_key == table.partitionKey
      && aws_dynamodb_table.this[table.name].range_key == try(table.sortKey, null)
      && sort(aws_dynamodb_table.this[table.name].global_secondary_index[*].name) == sort(try(table.indexes, [])[*].name)
      && compact(aws_dynamodb_table.this[table.name].ttl[*].attribute_name) == compact([try(table.ttl, null)])
    ])
    error_message = "Keys, indexes and TTL are those of tables.json."
  }

  assert {
    condition = alltrue([
      for table in aws_dynamodb_table.this :
      toset(table.attribute[*].name) == toset(compact(concat(
        [table.hash_key, table.range_key],
        table.global_secondary_index[*].hash_key,
        table.global_secondary_index[*].range_key,
      )))
    ])
    error_message = "A table declares the attributes of its keys and no others: DynamoDB refuses both."
  }

  assert {
    condition = alltrue([
      for table in aws_dynamodb_table.this :
      table.billing_mode == "PAY_PER_REQUEST"
      && table.point_in_time_recovery[0].enabled
      && table.deletion_protection_enabled
      && table.server_side_encryption[0].kms_key_arn == aws_kms_key.this[0].arn
    ])
    error_message = "Tables are on demand, restorable, protected, and encrypted with the deployment's key."
  }

  assert {
    condition = length(aws_sqs_queue.this) == sum([
      for queue in jsondecode(file("./queues.json")).queues : queue.perShard ? jsondecode(file("./queues.json")).shards : 1
    ])
    error_message = "There is a queue for each shard, and one of each family that has no shards."
  }

  assert {
    condition = length(aws_sqs_queue.dead_letter) == sum([
      for queue in jsondecode(file("./queues.json")).queues :
      !can(queue.deadLetter) ? 0 : queue.perShard ? jsondecode(file("./queues.json")).shards : 1
    ])
    error_message = "Each queue with a dead-letter rule has a dead-letter queue of its own."
  }

  # The names that shared/queue makes.
  assert {
    condition = (
      aws_sqs_queue.this["sends-0.fifo"].name == "test-sends-0.fifo"
      && aws_sqs_queue.dead_letter["sends-0-dead.fifo"].name == "test-sends-0-dead.fifo"
      && aws_sqs_queue.this["commands-0"].name == "test-commands-0"
    )
    error_message = "Queues do not have the names that the code asks for."
  }

  assert {
    condition = alltrue([
      for queue in concat(values(aws_sqs_queue.this), values(aws_sqs_queue.dead_letter)) :
      queue.fifo_queue == endswith(queue.name, ".fifo") && queue.kms_master_key_id == aws_kms_key.this[0].arn
    ])
    error_message = "FIFO queues are those whose name says so; all are encrypted with the deployment's key."
  }

  assert {
    condition = alltrue([
      for name, queue in local.queue :
      queue.max_receive_count == null
      ? !can(jsondecode(aws_sqs_queue.this[name].redrive_policy))
      : (
        jsondecode(aws_sqs_queue.this[name].redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letter[queue.dead_letter_name].arn
        && jsondecode(aws_sqs_queue.this[name].redrive_policy).maxReceiveCount == queue.max_receive_count
      )
    ])
    error_message = "A queue hands what fails to its own dead-letter queue."
  }

  assert {
    condition     = toset(keys(aws_lambda_function.this)) == toset(jsondecode(file("./functions.json")).functions[*].name)
    error_message = "Each function of functions.json is made."
  }

  assert {
    condition = alltrue([
      for function in aws_lambda_function.this :
      function.runtime == "provided.al2023"
      && function.architectures == tolist(["arm64"])
      && function.kms_key_arn == aws_kms_key.this[0].arn
      && function.environment[0].variables.KURIR_PREFIX == "test-"
      && !contains(keys(function.environment[0].variables), "AWS_ENDPOINT_URL")
      && function.timeout <= 900
    ])
    error_message = "A function is not set up as it should be."
  }

  assert {
    condition = alltrue([
      for function in jsondecode(file("./functions.json")).functions : alltrue([
        for path in try(function.paths, []) :
        aws_apigatewayv2_route.this[path].route_key == (path == "$default" ? path : "ANY ${path}")
        && aws_apigatewayv2_route.this[path].target == "integrations/${aws_apigatewayv2_integration.this[function.name].id}"
      ]) if function.trigger == "http"
    ]) && length(aws_apigatewayv2_route.this) == length(flatten([for function in jsondecode(file("./functions.json")).functions : function.paths if function.trigger == "http"]))
    error_message = "A path does not lead to its function."
  }

  assert {
    condition = alltrue([
      for name, permission in aws_lambda_permission.api :
      permission.principal == "apigateway.amazonaws.com" && aws_lambda_function.this[name].timeout < 30
    ])
    error_message = "A function behind the API answers within its 30 s, and the API may call it."
  }

  assert {
    condition     = toset(keys(aws_lambda_permission.api)) == toset([for function in jsondecode(file("./functions.json")).functions : function.name if function.trigger == "http"])
    error_message = "The API may call the functions behind it, and no others."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.this["scheduler"].schedule_expression == "rate(1 minute)"
      && aws_cloudwatch_event_target.this["scheduler"].arn == aws_lambda_function.this["scheduler"].arn
      && aws_lambda_permission.schedule["scheduler"].source_arn == aws_cloudwatch_event_rule.this["scheduler"].arn
    )
    error_message = "The scheduler is called each minute."
  }

  assert {
    condition     = length(aws_lambda_function_url.this) == 0 || alltrue([for url in aws_lambda_function_url.this : url.invoke_mode == "RESPONSE_STREAM"])
    error_message = "Function URLs are for streams."
  }
}

run "a_function_that_is_off" {
  variables {
    functions_off = ["scheduler"]
  }

  assert {
    condition = (
      !contains(keys(aws_lambda_function.this), "scheduler")
      && length(aws_cloudwatch_event_rule.this) == 0
      && !contains(keys(aws_iam_role.function), "scheduler")
    )
    error_message = "Nothing is left of a function that is off."
  }
}

# Forms that the files may take: queues without shards or dead letters, functions that stream or that a queue
# drives, tables without indexes or TTL.
run "other_forms" {
  variables {
    definitions   = "./tests/other"
    connector_min = 1
    connector_max = 9
  }

  assert {
    condition     = toset(keys(aws_sqs_queue.this)) == toset(["events", "sends-0.fifo", "sends-1.fifo"]) && keys(aws_sqs_queue.dead_letter) == ["events-dead"]
    error_message = "Queues without shards, or without dead letters, are not as described."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this["webhook_delivery:events"].event_source_arn == aws_sqs_queue.this["events"].arn
      && aws_lambda_event_source_mapping.this["webhook_delivery:events"].function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.this["webhook_delivery:events"].scaling_config[0].maximum_concurrency == 7
    )
    error_message = "A queue drives its function, which may fail in part, and no more calls at a time than it may."
  }

  assert {
    condition = (
      aws_lambda_function_url.this["events"].invoke_mode == "RESPONSE_STREAM"
      && aws_lambda_permission.url["events"].action == "lambda:InvokeFunctionUrl"
      && strcontains(aws_cloudformation_stack.url_permission["events"].template_body, "InvokedViaFunctionUrl")
      && length(aws_apigatewayv2_route.this) == 0
    )
    error_message = "A stream has a public URL with both permissions, and no route of the API, which cannot stream."
  }

  assert {
    condition = (
      aws_lambda_function.this["webhook_delivery"].environment[0].variables.KURIR_MEDIA_BUCKET == aws_s3_bucket.media.bucket
      && !contains(keys(aws_lambda_function.this["events"].environment[0].variables), "KURIR_MEDIA_BUCKET")
      && strcontains(aws_iam_role_policy.function["webhook_delivery"].policy, "s3:GetObject")
      && !strcontains(aws_iam_role_policy.function["events"].policy, "s3:")
    )
    error_message = "Media is for those who ask for it."
  }

  assert {
    condition     = aws_appautoscaling_target.connector[0].max_capacity == 2
    error_message = "There are never more connectors than shards."
  }
}

run "more_connectors_than_shards" {
  command = plan

  variables {
    connector_min = 100
    connector_max = 200
  }

  expect_failures = [aws_appautoscaling_target.connector]
}

run "no_package" {
  command = plan

  variables {
    package = "./nowhere/{function}.zip"
  }

  expect_failures = [aws_lambda_function.this]
}

run "bad_prefix" {
  command = plan

  variables {
    prefix = "Kurir"
  }

  expect_failures = [var.prefix]
}

run "a_tag_that_moves" {
  command = plan

  variables {
    connector_release = "latest"
  }

  expect_failures = [var.connector_release]
}
