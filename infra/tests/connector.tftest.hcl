# The connector, and who watches over it.

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

run "service" {
  # Otherwise all mocked roles have one ARN.
  override_resource {
    target = aws_iam_role.connector[0]
    values = { arn = "arn:aws:iam::123456789012:role/test-connector" }
  }

  assert {
    condition = (
      aws_ecs_service.connector[0].deployment_minimum_healthy_percent == 100
      && aws_ecs_service.connector[0].deployment_maximum_percent == 200
      && aws_ecs_service.connector[0].deployment_circuit_breaker[0].rollback
    )
    error_message = "New connectors start before old ones stop, and a bad release goes back."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].stopTimeout == 60
      && jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].readonlyRootFilesystem
      && jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].image == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/test-connector:0.1.0"
      && aws_ecs_task_definition.connector[0].runtime_platform[0].cpu_architecture == "ARM64"
    )
    error_message = "The connector's task is not set up as it should be."
  }

  assert {
    condition = (
      aws_ecs_task_definition.connector[0].task_role_arn == aws_iam_role.connector[0].arn
      && aws_ecs_task_definition.connector[0].execution_role_arn == aws_iam_role.execution[0].arn
      && aws_iam_role.connector[0].arn != aws_iam_role.execution[0].arn
      && aws_iam_role_policy.execution[0].role == aws_iam_role.execution[0].name
    )
    error_message = "What starts the connector has rights that the connector does not have."
  }

  assert {
    condition = (
      aws_appautoscaling_policy.sessions[0].target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metric_name == aws_cloudwatch_log_metric_filter.sessions[0].metric_transformation[0].name
      && aws_appautoscaling_policy.sessions[0].target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].namespace == aws_cloudwatch_log_metric_filter.sessions[0].metric_transformation[0].namespace
    )
    error_message = "Autoscaling looks at the metric that the log makes."
  }

  assert {
    condition = (
      length(aws_subnet.this) == 2 && aws_subnet.this[0].cidr_block != aws_subnet.this[1].cidr_block
      && aws_ecs_service.connector[0].network_configuration[0].assign_public_ip
      && aws_vpc_security_group_egress_rule.connector[0].to_port == 443
    )
    error_message = "The network is not set up as it should be."
  }
}

run "alarms" {
  assert {
    condition = (
      toset(keys(aws_cloudwatch_metric_alarm.dead_letters)) == toset(keys(aws_sqs_queue.dead_letter))
      && alltrue([for alarm in aws_cloudwatch_metric_alarm.dead_letters : alarm.threshold == 0 && alarm.comparison_operator == "GreaterThanThreshold"])
    )
    error_message = "Each dead-letter queue has an alarm at the first message."
  }

  assert {
    condition = (
      length(aws_cloudwatch_metric_alarm.oldest_message) == local.queues.shards
      && length(aws_cloudwatch_metric_alarm.unread) == local.queues.shards
    )
    error_message = "Each send queue is watched."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.log)) == toset(["two-holders", "failed-leases", "set-aside"]) && aws_cloudwatch_log_metric_filter.alarm["two-holders"].pattern == "\"two holders\""
    error_message = "The texts of the log that somebody has to know of are watched."
  }

  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.dead_letters),
        values(aws_cloudwatch_metric_alarm.oldest_message),
        values(aws_cloudwatch_metric_alarm.unread),
        values(aws_cloudwatch_metric_alarm.log),
        values(aws_cloudwatch_metric_alarm.function_errors),
        aws_cloudwatch_metric_alarm.server_errors,
      ) : one(alarm.alarm_actions) == aws_sns_topic.alarms[0].arn
    ])
    error_message = "Every alarm tells somebody."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets) == 11
    error_message = "A graph of the dashboard has nothing to show."
  }

  assert {
    condition     = alltrue([for group in concat(values(aws_cloudwatch_log_group.function), aws_cloudwatch_log_group.connector, aws_cloudwatch_log_group.api) : group.retention_in_days == 30])
    error_message = "Logs are not kept for ever."
  }
}

run "a_health_command" {
  assert {
    condition     = jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].healthCheck.command == ["CMD", "/usr/local/bin/connector", "--healthcheck"]
    error_message = "The command is run without a shell, which the image does not have."
  }

  assert {
    condition = (
      one(aws_ecs_task_definition.connector[0].volume).name == "tmp"
      && jsondecode(aws_ecs_task_definition.connector[0].container_definitions)[0].mountPoints == [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    )
    error_message = "The connector can write the note that the command reads, and nothing else."
  }
}

run "a_network_that_is_given" {
  variables {
    subnet_ids = ["subnet-1", "subnet-2"]
  }

  assert {
    condition = (
      length(aws_vpc.this) == 0 && length(aws_subnet.this) == 0
      && aws_ecs_service.connector[0].network_configuration[0].subnets == toset(["subnet-1", "subnet-2"])
      && !aws_ecs_service.connector[0].network_configuration[0].assign_public_ip
    )
    error_message = "The connector runs in the subnets that are given."
  }
}
