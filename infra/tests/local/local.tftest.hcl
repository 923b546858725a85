# What local.tfvars makes: terraform test -test-directory=tests/local -var-file=local.tfvars

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  master_key = "bm90IGEga2V5LCBub3QgYSBrZXksIG5vdCBhIGtleSE="
  package    = "./functions.json"
}

run "what_an_emulator_does_not_have_is_off" {
  assert {
    condition = (
      length(aws_ecs_cluster.this) + length(aws_ecs_service.connector) + length(aws_ecr_repository.connector) == 0
      && length(aws_vpc.this) + length(aws_security_group.connector) == 0
      && length(aws_kms_key.this) == 0
      && length(aws_cloudwatch_dashboard.this) + length(aws_cloudwatch_metric_alarm.server_errors) + length(aws_cloudwatch_metric_alarm.dead_letters) == 0
    )
    error_message = "local.tfvars leaves something on."
  }

  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.this) : queue.sqs_managed_sse_enabled]) && alltrue([for table in aws_dynamodb_table.this : length(compact(table.server_side_encryption[*].kms_key_arn)) == 0])
    error_message = "Without a key of one's own, AWS's are used."
  }
}

run "the_api_is_the_same" {
  assert {
    condition = (
      toset(keys(aws_lambda_function.this)) == toset(jsondecode(file("./functions.json")).functions[*].name)
      && length(aws_dynamodb_table.this) == length(jsondecode(file("./tables.json")).tables)
      && length(aws_apigatewayv2_route.this) > 20
      && alltrue([for function in aws_lambda_function.this : function.environment[0].variables.AWS_ENDPOINT_URL == var.endpoint_url])
    )
    error_message = "The functions are the same as in AWS, and talk to the emulator."
  }
}

# A test that fails, or a developer, must be able to begin again.
run "nothing_is_in_the_way_of_destroy" {
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : !table.deletion_protection_enabled]) && aws_s3_bucket.media.force_destroy && aws_secretsmanager_secret.master_key.recovery_window_in_days == 0
    error_message = "terraform destroy would leave something."
  }
}
