# Alarms and a dashboard. What each alarm means is in docs/operations.md.
locals {
  metric_namespace = "Kurir/${trimsuffix(var.prefix, "-")}"

  # Texts in the connector's log that somebody has to know of → metric.
  log_alarms = var.alarms && var.connector ? {
    # Two connectors hold the same device: WhatsApp closed one of their sockets.
    two-holders = "\"two holders\""
    # A connector could not renew its lease of a shard and let it go.
    failed-leases = "\"lease lost\""
    # Something could never be stored, sent or told, and was passed over.
    set-aside = "\"set aside:\""
  } : {}

  send_queues = { for name, queue in local.queue : name => queue if queue.family == "sends" }
}

resource "aws_sns_topic" "alarms" {
  count = var.alarms ? 1 : 0

  name              = "${var.prefix}alarms"
  kms_master_key_id = one(aws_kms_key.this[*].arn)
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = var.alarms ? toset(var.alarm_emails) : toset([])

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = each.key
}

# Something failed for good and waits for a person.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = var.alarms ? local.dead_letter_queue : {}

  alarm_name          = "${var.prefix}dead-letters-${each.key}"
  alarm_description   = "There are messages in ${var.prefix}${each.key}: nobody could process them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letter[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn
}

# A message that is older than messages may become. Messages of a device that is offline stay in the queue
# until they expire, so anything below that age is normal.
resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  for_each = var.alarms ? local.send_queues : {}

  alarm_name          = "${var.prefix}oldest-message-${each.key}"
  alarm_description   = "The oldest message in ${var.prefix}${each.key} should have been sent or have expired."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.this[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  threshold           = var.oldest_message_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn
}

# Nobody asks a shard's queue for messages. The connector that holds the shard asks all the time, so this
# tells within minutes what the age of messages would tell after a day.
resource "aws_cloudwatch_metric_alarm" "unread" {
  for_each = var.alarms && var.connector ? local.send_queues : {}

  alarm_name          = "${var.prefix}unread-${each.key}"
  alarm_description   = "No connector reads ${var.prefix}${each.key}: its shard has no holder."
  evaluation_periods  = 2
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn

  metric_query {
    id          = "receives"
    expression  = "FILL(received, 0) + FILL(empty, 0)"
    label       = "Receives"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { received = "NumberOfMessagesReceived", empty = "NumberOfEmptyReceives" }
    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = aws_sqs_queue.this[each.key].name }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "server_errors" {
  count = var.alarms ? 1 : 0

  alarm_name          = "${var.prefix}api-5xx"
  alarm_description   = "The API answers with 5xx."
  namespace           = "AWS/ApiGateway"
  metric_name         = "5xx"
  dimensions          = { ApiId = aws_apigatewayv2_api.this.id }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.server_errors
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn
}

# Of those that no API stands in front of: the scheduler, deliveries.
resource "aws_cloudwatch_metric_alarm" "function_errors" {
  for_each = { for name, function in local.function : name => function if var.alarms && function.trigger != "http" }

  alarm_name          = "${var.prefix}errors-${each.key}"
  alarm_description   = "${var.prefix}${each.key} fails again and again."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this[each.key].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  threshold           = 2
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn
}

resource "aws_cloudwatch_log_metric_filter" "alarm" {
  for_each = local.log_alarms

  name           = "${var.prefix}${each.key}"
  log_group_name = aws_cloudwatch_log_group.connector[0].name
  pattern        = each.value

  metric_transformation {
    namespace     = local.metric_namespace
    name          = each.key
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "log" {
  for_each = local.log_alarms

  alarm_name          = "${var.prefix}${each.key}"
  alarm_description   = "The connector's log has ${each.value}."
  namespace           = local.metric_namespace
  metric_name         = aws_cloudwatch_log_metric_filter.alarm[each.key].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = aws_sns_topic.alarms[*].arn
  ok_actions          = aws_sns_topic.alarms[*].arn
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.alarms ? 1 : 0

  dashboard_name = trimsuffix(var.prefix, "-")
  dashboard_body = jsonencode({
    widgets = [
      for place, graph in local.graphs : {
        type   = "metric"
        x      = (place % 3) * 8
        y      = floor(place / 3) * 6
        width  = 8
        height = 6
        properties = {
          title   = graph.title
          region  = var.region
          stat    = graph.stat
          period  = 60
          metrics = graph.metrics
        }
      } if length(graph.metrics) > 0
    ]
  })
}

locals {
  api_id = aws_apigatewayv2_api.this.id

  graphs = [
    {
      title   = "API: requests and errors"
      stat    = "Sum"
      metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", local.api_id]]
    },
    {
      title   = "API: latency, 99th percentile"
      stat    = "p99"
      metrics = [for metric in ["Latency", "IntegrationLatency"] : ["AWS/ApiGateway", metric, "ApiId", local.api_id]]
    },
    {
      title = "Functions: errors and throttles"
      stat  = "Sum"
      metrics = flatten([
        for name, _ in local.function : [
          for metric in ["Errors", "Throttles"] : { row = ["AWS/Lambda", metric, "FunctionName", "${var.prefix}${name}"] }
        ]
      ])[*].row
    },
    {
      title   = "Sends: messages waiting"
      stat    = "Maximum"
      metrics = [for name, _ in local.send_queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.prefix}${name}"]]
    },
    {
      title   = "Sends: messages in hand"
      stat    = "Maximum"
      metrics = [for name, _ in local.send_queues : ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "${var.prefix}${name}"]]
    },
    {
      title   = "Dead letters"
      stat    = "Maximum"
      metrics = [for name, _ in local.dead_letter_queue : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.prefix}${name}"]]
    },
    {
      title = "Connector: CPU and memory"
      stat  = "Average"
      metrics = [
        for metric in var.connector ? ["CPUUtilization", "MemoryUtilization"] : [] :
        ["AWS/ECS", metric, "ClusterName", trimsuffix(var.prefix, "-"), "ServiceName", "${var.prefix}connector"]
      ]
    },
    {
      title   = "Connector: sessions"
      stat    = "Average"
      metrics = [for metric in var.connector ? ["Sessions"] : [] : [local.metric_namespace, metric]]
    },
    {
      title   = "Connector: two holders, failed leases, set aside"
      stat    = "Sum"
      metrics = [for metric, _ in local.log_alarms : [local.metric_namespace, metric]]
    },
    {
      title   = "Tables: written units"
      stat    = "Sum"
      metrics = [for name, _ in local.tables : ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", "${var.prefix}${name}"]]
    },
    {
      title   = "Tables: throttled requests"
      stat    = "Sum"
      metrics = [for name, _ in local.tables : ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", "${var.prefix}${name}"]]
    },
  ]
}
