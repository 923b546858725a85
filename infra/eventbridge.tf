# What has to be done now and then.
locals {
  scheduled = { for name, function in local.function : name => function if function.trigger == "schedule" }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.scheduled

  name                = "${var.prefix}${each.key}"
  description         = "Calls ${var.prefix}${each.key}"
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.scheduled

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = aws_lambda_function.this[each.key].arn
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.scheduled

  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[each.key].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}

# A round that failed is not repeated: the next one takes its work up.
resource "aws_lambda_function_event_invoke_config" "schedule" {
  for_each = local.scheduled

  function_name                = aws_lambda_function.this[each.key].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
