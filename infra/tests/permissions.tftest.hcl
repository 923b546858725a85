# Who may do what.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage      = "dev"
  region     = "eu-west-1"
  prefix     = "test-"
  master_key = "bm90IGEga2V5LCBub3QgYSBrZXksIG5vdCBhIGtleSE="
  package    = "./functions.json"
}

run "roles" {
  # Otherwise all mocked roles have one ARN.
  override_resource {
    target = aws_iam_role.function["auth"]
    values = { arn = "arn:aws:iam::123456789012:role/test-auth" }
  }

  override_resource {
    target = aws_iam_role.function["devices"]
    values = { arn = "arn:aws:iam::123456789012:role/test-devices" }
  }

  assert {
    condition = (
      toset([for role in aws_iam_role.function : role.name]) == toset([for name, function in aws_lambda_function.this : "test-${name}"])
      && alltrue([for name, policy in aws_iam_role_policy.function : policy.role == "test-${name}"])
      && endswith(aws_lambda_function.this["auth"].role, "role/test-auth")
      && endswith(aws_lambda_function.this["devices"].role, "role/test-devices")
    )
    error_message = "Each function has a role of its own."
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(
        values(aws_iam_role_policy.function)[*].policy,
        values(aws_iam_role_policy.function_logs)[*].policy,
        aws_iam_role_policy.connector[*].policy,
      ) :
      [
        for statement in jsondecode(policy).Statement : [
          for resource in statement.Resource : resource != "*" && !startswith(resource, "arn:aws:dynamodb:*")
        ]
      ]
    ]))
    error_message = "No function, and no connector, may do something to everything."
  }

  # What ECS may do to start a task: one action knows no resource.
  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.execution[0].policy).Statement :
      !contains(statement.Resource, "*") || statement.Action == ["ecr:GetAuthorizationToken"]
    ]))
    error_message = "Only ecr:GetAuthorizationToken is for everything."
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.function)[*].policy, aws_iam_role_policy.connector[*].policy) : [
        for statement in jsondecode(policy).Statement : [
          for action in statement.Action : !endswith(action, ":*") && action != "*" && !contains(["dynamodb:Scan", "dynamodb:DeleteTable", "sqs:PurgeQueue", "sqs:DeleteQueue"], action)
        ]
      ]
    ]))
    error_message = "No action that empties or destroys, and none by a pattern for a whole service."
  }

  # The shape of the system: functions put into queues, the connector takes out of them.
  assert {
    condition = alltrue([
      for name, policy in aws_iam_role_policy.function :
      (local.function[name].trigger == "queue" || !strcontains(policy.policy, "sqs:ReceiveMessage"))
      && !strcontains(policy.policy, "table/test-session-keys\"")
    ])
    error_message = "No function reads session keys, and none that no queue drives reads queues."
  }

  assert {
    condition = (
      strcontains(aws_iam_role_policy.connector[0].policy, "table/test-session-keys\"")
      && !strcontains(aws_iam_role_policy.connector[0].policy, "table/test-refresh-tokens")
      && !strcontains(aws_iam_role_policy.connector[0].policy, "table/test-api-keys")
      && !strcontains(aws_iam_role_policy.connector[0].policy, "table/test-accounts")
    )
    error_message = "The connector has the session keys, and nothing of accounts."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role_policy.function["messages"].policy).Statement :
      contains(statement.Action, "sqs:SendMessage")
      && statement.Resource == ["arn:aws:sqs:eu-west-1:123456789012:test-sends-*.fifo"]
    ])
    error_message = "Messages go into the send queues of every shard."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_iam_role_policy.function["queries"].policy).Statement :
      statement.Action == ["dynamodb:BatchGetItem", "dynamodb:Query"] && statement.Resource == [
        "arn:aws:dynamodb:eu-west-1:123456789012:table/test-messages",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/test-messages/index/*",
      ]
    ])
    error_message = "Who may query a table may query its indexes."
  }

  # An inline policy may have 10,240 characters.
  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_role_policy.function)[*].policy, aws_iam_role_policy.connector[*].policy) : length(policy) < 9000])
    error_message = "A policy comes near the size that IAM takes."
  }
}

run "secrets" {
  assert {
    condition     = aws_secretsmanager_secret_version.master_key.secret_string == null && aws_secretsmanager_secret.master_key.recovery_window_in_days == 30
    error_message = "The generated master key is written, not kept."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].secrets == [
        { name = "KURIR_MASTER_KEY", valueFrom = aws_secretsmanager_secret.master_key.arn }
      ]
      && !contains(jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].environment[*].name, "KURIR_MASTER_KEY")
    )
    error_message = "The connector gets the master key from the secret, not from its task definition."
  }
}

run "a_bad_master_key" {
  command = plan

  variables {
    master_key = "short"
  }

  expect_failures = [var.master_key]
}

run "media_is_private" {
  assert {
    condition = (
      aws_s3_bucket_public_access_block.media.block_public_acls
      && aws_s3_bucket_public_access_block.media.block_public_policy
      && aws_s3_bucket_public_access_block.media.ignore_public_acls
      && aws_s3_bucket_public_access_block.media.restrict_public_buckets
      && one(aws_s3_bucket_server_side_encryption_configuration.media.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    )
    error_message = "Media is private and encrypted."
  }
}

run "the_first_administrator" {
  variables {
    admin_email    = "boss@example.com"
    admin_password = "a long password"
  }

  assert {
    condition = alltrue([
      for name, function in aws_lambda_function.this :
      (name == "scheduler") == can(function.environment[0].variables["KURIR_ADMIN_PASSWORD"])
    ])
    error_message = "The scheduler knows the first administrator's password, and nobody else does."
  }
}

run "an_administrator_without_a_password" {
  command = plan

  variables {
    admin_email = "boss@example.com"
  }

  expect_failures = [var.admin_email]
}
