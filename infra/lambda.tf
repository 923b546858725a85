# The functions of functions.json. To add one, add it there:
#   trigger "http"      with `paths`: behind the HTTP API
#   trigger "stream"    with `paths`: a function URL that streams, which HTTP APIs cannot
#   trigger "schedule"  with `schedule`: a rate or cron expression of EventBridge
#   trigger "queue"     with `sources`: families of queues.json, with partial batch failures; `maximumConcurrency` of
#                       one is how many calls it may have under way, so that it leaves the account's others theirs
# and what it may do: `tables`, `queues`, `media` (S3 actions); `memoryMb` and `timeoutSeconds` if need be.
resource "aws_lambda_function" "this" {
  for_each = local.function

  function_name    = "${var.prefix}${each.key}"
  role             = aws_iam_role.function[each.key].arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = local.package[each.key]
  source_code_hash = fileexists(local.package[each.key]) ? filebase64sha256(local.package[each.key]) : null
  memory_size      = each.value.memory
  timeout          = each.value.timeout
  kms_key_arn      = one(aws_kms_key.this[*].arn)
  layers           = var.function_layers

  environment {
    variables = merge(
      local.environment,
      {
        KURIR_MASTER_KEY   = data.aws_secretsmanager_secret_version.master_key.secret_string
        KURIR_REGISTRATION = var.registration
        KURIR_CORS_ORIGINS = join(",", var.cors_origins)
        KURIR_IP_ALLOW     = join(",", var.ip_allow)
        KURIR_IP_DENY      = join(",", var.ip_deny)
      },
      # Whoever is called by the clock makes the first administrator.
      each.value.trigger == "schedule" && var.admin_email != null && var.admin_password != null ? {
        KURIR_ADMIN_EMAIL    = var.admin_email
        KURIR_ADMIN_PASSWORD = var.admin_password
      } : {},
      length(each.value.media) > 0 ? { KURIR_MEDIA_BUCKET = aws_s3_bucket.media.bucket } : {},
      var.function_environment,
    )
  }

  # Before the first call, so that Lambda does not make a group that keeps logs for ever.
  depends_on = [
    aws_cloudwatch_log_group.function,
    aws_iam_role_policy.function,
    aws_iam_role_policy.function_logs,
  ]

  lifecycle {
    precondition {
      condition     = fileexists(local.package[each.key])
      error_message = "There is no ${local.package[each.key]}: build the functions first (cargo lambda build), or say where they are with `package`."
    }
  }
}

locals {
  package = { for name, _ in local.function : name => replace(var.package, "{function}", name) }

  # What functions and connector are told alike; shared/config reads it.
  environment = merge(
    {
      KURIR_PREFIX     = var.prefix
      KURIR_LOG_FORMAT = "json"
    },
    local.in_aws ? {} : { AWS_ENDPOINT_URL = var.endpoint_url },
  )
}

# Queues

resource "aws_lambda_event_source_mapping" "this" {
  for_each = merge([
    for name, function in local.function : {
      for queue, of in local.queue : "${name}:${queue}" => {
        function    = name
        queue       = queue
        concurrency = try(function.sources[of.family].maximumConcurrency, null)
      }
      if contains(keys(function.sources), local.queue[queue].family)
    } if function.trigger == "queue"
  ]...)

  event_source_arn        = aws_sqs_queue.this[each.value.queue].arn
  function_name           = aws_lambda_function.this[each.value.function].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  dynamic "scaling_config" {
    for_each = each.value.concurrency[*]
    content {
      maximum_concurrency = scaling_config.value
    }
  }

  lifecycle {
    precondition {
      condition     = local.queue[each.value.queue].visibility_timeout >= local.function[each.value.function].timeout
      error_message = "The visibility timeout of ${each.value.queue} must not be under the timeout of ${each.value.function}."
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

# Streams. The functions behind these URLs authenticate their callers themselves, like those behind the API.

resource "aws_lambda_function_url" "this" {
  for_each = { for name, function in local.function : name => function if function.trigger == "stream" }

  function_name      = aws_lambda_function.this[each.key].function_name
  authorization_type = "NONE"
  invoke_mode        = "RESPONSE_STREAM"
}

resource "aws_lambda_permission" "url" {
  for_each = aws_lambda_function_url.this

  statement_id           = "public-url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = each.value.function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}

# URLs made since October 2025 also need lambda:InvokeFunction for calls through the URL. Version 5 of the
# provider cannot express that condition (`invoked_via_function_url` came with version 6); CloudFormation can.
resource "aws_cloudformation_stack" "url_permission" {
  for_each = local.in_aws ? aws_lambda_function_url.this : {}

  name = "${var.prefix}${replace(each.key, "_", "-")}-url"
  template_body = jsonencode({
    Resources = {
      Permission = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          Action                = "lambda:InvokeFunction"
          FunctionName          = aws_lambda_function.this[each.key].arn
          InvokedViaFunctionUrl = true
          Principal             = "*"
        }
      }
    }
  })
}
