# The connector: long-running tasks that hold the sockets and share the shards among themselves.
locals {
  connector_image = coalesce(
    var.connector_image,
    "${local.account}.dkr.ecr.${var.region}.amazonaws.com/${var.prefix}connector:${var.connector_release}",
  )
}

resource "aws_ecs_cluster" "this" {
  count = var.connector ? 1 : 0

  name = trimsuffix(var.prefix, "-")

  setting {
    name  = "containerInsights"
    value = var.container_insights ? "enabled" : "disabled"
  }
}

resource "aws_ecs_task_definition" "connector" {
  count = var.connector ? 1 : 0

  family                   = "${var.prefix}connector"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.connector_cpu
  memory                   = var.connector_memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.connector[0].arn

  # The only place where the connector writes: the note by which --healthcheck knows that it is well. The image
  # says who may write there.
  volume {
    name = "tmp"
  }

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture == "arm64" ? "ARM64" : "X86_64"
  }

  container_definitions = jsonencode([{
    name                   = "connector"
    image                  = local.connector_image
    essential              = true
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    # SIGTERM, then so many seconds to finish sends, close sockets and hand the shards over.
    stopTimeout = var.connector_stop_seconds
    environment = [
      for name, value in merge(local.environment, { AWS_REGION = var.region }, var.connector_environment) :
      { name = name, value = value }
    ]
    secrets = [{ name = "KURIR_MASTER_KEY", valueFrom = aws_secretsmanager_secret.master_key.arn }]
    healthCheck = length(var.connector_health_command) == 0 ? null : {
      # Exec form: the image has no shell.
      command     = concat(["CMD"], var.connector_health_command)
      interval    = 15
      timeout     = 5
      retries     = 4
      startPeriod = 30
    }
    ulimits = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.connector[0].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "connector"
        # A log service that is slow must not stop sends.
        mode            = "non-blocking"
        max-buffer-size = "4m"
      }
    }
  }])
}

resource "aws_ecs_service" "connector" {
  count = var.connector ? 1 : 0

  name            = "${var.prefix}connector"
  cluster         = aws_ecs_cluster.this[0].id
  task_definition = aws_ecs_task_definition.connector[0].arn
  launch_type     = "FARGATE"
  desired_count   = var.connector_min
  propagate_tags  = "SERVICE"

  # New tasks start and take shards over before old ones stop.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = local.subnet_ids
    security_groups  = [aws_security_group.connector[0].id]
    assign_public_ip = local.make_network || var.assign_public_ip
  }

  lifecycle {
    # Autoscaling's.
    ignore_changes = [desired_count]
  }

  depends_on = [
    aws_iam_role_policy.connector,
    aws_iam_role_policy.execution,
    aws_route_table_association.this,
  ]
}

# Autoscaling. A connector more than there are shards would have nothing to do.

resource "aws_appautoscaling_target" "connector" {
  count = var.connector ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this[0].name}/${aws_ecs_service.connector[0].name}"
  min_capacity       = var.connector_min
  max_capacity       = min(var.connector_max, local.queues.shards)

  lifecycle {
    precondition {
      condition     = var.connector_min <= min(var.connector_max, local.queues.shards)
      error_message = "connector_min must not be over connector_max, nor over the number of shards (${local.queues.shards})."
    }
  }
}

# Each connector logs how many sessions it holds; the average of those lines is the load of one.
resource "aws_cloudwatch_log_metric_filter" "sessions" {
  count = var.connector ? 1 : 0

  name           = "${var.prefix}sessions"
  log_group_name = aws_cloudwatch_log_group.connector[0].name
  pattern        = "{ $.fields.sessions = * }"

  metric_transformation {
    namespace = local.metric_namespace
    name      = "Sessions"
    value     = "$.fields.sessions"
    unit      = "Count"
  }
}

resource "aws_appautoscaling_policy" "sessions" {
  count = var.connector ? 1 : 0

  name               = "sessions"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.connector[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.connector[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.connector[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.connector_sessions
    scale_in_cooldown  = 900
    scale_out_cooldown = 120

    customized_metric_specification {
      namespace   = local.metric_namespace
      metric_name = "Sessions"
      statistic   = "Average"
      unit        = "Count"
    }
  }
}

resource "aws_appautoscaling_policy" "cpu" {
  count = var.connector ? 1 : 0

  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.connector[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.connector[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.connector[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_in_cooldown  = 900
    scale_out_cooldown = 120

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# Roles: what the program may do, and what ECS may do to start it.

resource "aws_iam_role" "connector" {
  count = var.connector ? 1 : 0

  name               = "${var.prefix}connector"
  assume_role_policy = local.assumed_by_tasks
}

resource "aws_iam_role_policy" "connector" {
  count = var.connector ? 1 : 0

  name   = "data"
  role   = aws_iam_role.connector[0].name
  policy = local.policy["connector"]
}

resource "aws_iam_role" "execution" {
  count = var.connector ? 1 : 0

  name               = "${var.prefix}connector-start"
  assume_role_policy = local.assumed_by_tasks
}

resource "aws_iam_role_policy" "execution" {
  count = var.connector ? 1 : 0

  name = "start"
  role = aws_iam_role.execution[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        # The only action of these that knows no resource.
        { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
        {
          Effect   = "Allow"
          Action   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
          Resource = [aws_ecr_repository.connector[0].arn]
        },
        {
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${aws_cloudwatch_log_group.connector[0].arn}:*"]
        },
        {
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue"]
          Resource = [aws_secretsmanager_secret.master_key.arn]
        },
      ],
      [
        for arn in aws_kms_key.this[*].arn : {
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = [arn]
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        }
      ],
    )
  })
}

locals {
  assumed_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}
