resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${var.prefix}${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.partition_key
  range_key                   = each.value.sort_key
  deletion_protection_enabled = var.deletion_protection

  # All keys are strings.
  dynamic "attribute" {
    for_each = toset(compact(concat(
      [each.value.partition_key, each.value.sort_key],
      flatten([for index in each.value.indexes : [index.partition_key, index.sort_key]]),
    )))
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = { for index in each.value.indexes : index.name => index }
    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.partition_key
      range_key       = global_secondary_index.value.sort_key
      projection_type = global_secondary_index.value.projection
    }
  }

  dynamic "ttl" {
    for_each = each.value.ttl[*]
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  # Without a key of one's own, DynamoDB encrypts with its own.
  dynamic "server_side_encryption" {
    for_each = aws_kms_key.this[*].arn
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
}
