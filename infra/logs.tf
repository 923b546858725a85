resource "aws_cloudwatch_log_group" "function" {
  for_each = local.function

  name              = "/aws/lambda/${var.prefix}${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = one(aws_kms_key.this[*].arn)
}

resource "aws_cloudwatch_log_group" "connector" {
  count = var.connector ? 1 : 0

  name              = "/kurir/${var.prefix}connector"
  retention_in_days = var.log_days
  kms_key_id        = one(aws_kms_key.this[*].arn)
}

resource "aws_cloudwatch_log_group" "api" {
  count = var.api_access_log ? 1 : 0

  name              = "/kurir/${var.prefix}api"
  retention_in_days = var.log_days
  kms_key_id        = one(aws_kms_key.this[*].arn)
}
