# The HTTP API. It knows which function serves which path; methods, authentication and CORS are the functions'.
resource "aws_apigatewayv2_api" "this" {
  name          = "${var.prefix}api"
  protocol_type = "HTTP"
  description   = "Kurir's REST API"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.api_rate_limit
    throttling_burst_limit = var.api_burst_limit
    # Needed for metrics by route, which cost extra.
    detailed_metrics_enabled = false
  }

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.api[*].arn
    content {
      destination_arn = access_log_settings.value
      # The path without its query, which may hold a key.
      format = jsonencode({
        requestId     = "$context.requestId"
        time          = "$context.requestTime"
        ip            = "$context.identity.sourceIp"
        method        = "$context.httpMethod"
        path          = "$context.path"
        status        = "$context.status"
        latencyMs     = "$context.responseLatency"
        functionError = "$context.integrationErrorMessage"
      })
    }
  }
}

locals {
  http_functions = { for name, function in local.function : name => function if function.trigger == "http" }

  # Path → function. A path that two functions claim is an error: the same key twice.
  routes = {
    for route in flatten([
      for name, function in local.http_functions : [for path in function.paths : { path = path, function = name }]
    ]) : route.path => route.function
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = local.http_functions

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this[each.key].invoke_arn
  payload_format_version = "2.0"
}

# `ANY`, so that the function answers 405 and CORS preflights itself. `$default` goes to a function as well:
# what no path matches is then a 404 with a problem body.
resource "aws_apigatewayv2_route" "this" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.this.id
  route_key = each.key == "$default" ? "$default" : "ANY ${each.key}"
  target    = "integrations/${aws_apigatewayv2_integration.this[each.value].id}"
}

resource "aws_lambda_permission" "api" {
  for_each = local.http_functions

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*"
}
