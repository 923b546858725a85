resource "aws_sqs_queue" "this" {
  for_each = local.queue

  name       = "${var.prefix}${each.key}"
  fifo_queue = each.value.fifo
  # A group is a device: its throughput must not depend on the others of its shard.
  deduplication_scope        = each.value.fifo ? "messageGroup" : null
  fifo_throughput_limit      = each.value.fifo ? "perMessageGroupId" : null
  visibility_timeout_seconds = each.value.visibility_timeout
  message_retention_seconds  = each.value.retention
  receive_wait_time_seconds  = 20

  redrive_policy = each.value.max_receive_count == null ? null : jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.value.dead_letter_name].arn
    maxReceiveCount     = each.value.max_receive_count
  })

  kms_master_key_id                 = one(aws_kms_key.this[*].arn)
  kms_data_key_reuse_period_seconds = var.customer_key ? 3600 : null
  sqs_managed_sse_enabled           = var.customer_key ? null : true
}

resource "aws_sqs_queue" "dead_letter" {
  for_each = local.dead_letter_queue

  name       = "${var.prefix}${each.key}"
  fifo_queue = each.value.fifo
  # The longest that SQS keeps anything: somebody has to look first.
  message_retention_seconds = 1209600

  kms_master_key_id                 = one(aws_kms_key.this[*].arn)
  kms_data_key_reuse_period_seconds = var.customer_key ? 3600 : null
  sqs_managed_sse_enabled           = var.customer_key ? null : true
}
