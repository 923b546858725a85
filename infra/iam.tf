# Each function and the connector has a role of its own, with what functions.json lists and nothing else.
locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  table_arn = "arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${var.prefix}"
  queue_arn = "arn:${local.partition}:sqs:${var.region}:${local.account}:${var.prefix}"

  programs = merge(local.function, { connector = merge(local.connector, { trigger = null, sources = {} }) })

  # `local.tables[…]` and `local.queue_pattern[…]` also refuse names that the JSON files do not have.
  table_statements = {
    for name, program in local.programs : name => [
      for table, actions in program.tables : {
        Effect = "Allow"
        Action = [for action in actions : "dynamodb:${action}"]
        Resource = concat(
          ["${local.table_arn}${table}"],
          contains(actions, "Query") && length(local.tables[table].indexes) > 0 ? ["${local.table_arn}${table}/index/*"] : [],
        )
      }
    ]
  }

  # In AWS, who may do one may do ten; emulators that check permissions want the word.
  queue_actions = merge(
    { for action in ["GetQueueUrl", "GetQueueAttributes", "ReceiveMessage"] : action => ["sqs:${action}"] },
    {
      for action in ["SendMessage", "DeleteMessage", "ChangeMessageVisibility"] :
      action => concat(["sqs:${action}"], local.in_aws ? [] : ["sqs:${action}Batch"])
    },
  )

  queue_statements = {
    for name, program in local.programs : name => concat(
      [
        for family, actions in program.queues : {
          Effect   = "Allow"
          Action   = flatten([for action in actions : local.queue_actions[action]])
          Resource = ["${local.queue_arn}${local.queue_pattern[family]}"]
        }
      ],
      # What Lambda does on behalf of a function that a queue drives.
      [
        for family, _ in program.sources : {
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
          Resource = ["${local.queue_arn}${local.queue_pattern[family]}"]
        }
      ],
    )
  }

  media_statements = {
    for name, program in local.programs : name => [
      for actions in length(program.media) > 0 ? [program.media] : [] : {
        Effect   = "Allow"
        Action   = [for action in actions : "s3:${action}"]
        Resource = ["${aws_s3_bucket.media.arn}/*"]
      }
    ]
  }

  # The key, only through the services that use it.
  key_statements = [
    for arn in aws_kms_key.this[*].arn : {
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"]
      Resource = [arn]
      Condition = {
        StringEquals = {
          "kms:ViaService" = [for service in ["dynamodb", "lambda", "s3", "sqs"] : "${service}.${var.region}.amazonaws.com"]
        }
      }
    }
  ]

  policy = {
    for name, program in local.programs : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        local.table_statements[name],
        local.queue_statements[name],
        local.media_statements[name],
        local.key_statements,
      )
    })
  }
}

resource "aws_iam_role" "function" {
  for_each = local.function

  name = "${var.prefix}${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.function

  name   = "data"
  role   = aws_iam_role.function[each.key].name
  policy = local.policy[each.key]
}

resource "aws_iam_role_policy" "function_logs" {
  for_each = local.function

  name = "logs"
  role = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
    }]
  })
}
